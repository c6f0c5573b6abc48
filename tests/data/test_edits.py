"""Edited sources against tables edited by hand, for every cut of the rows and every kind of column."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data import open_source, write_table
from credenza.data.edits import Edits, appended, edited, gather

COLUMNS = {
    "int": pa.array([1, None, 3, 2**60 + 1] * 5),
    "bool": pa.array([True, False, None, True] * 5),
    "text": pa.array(["a", None, "ccc", "dd"] * 5),
    "view": pa.array(["a", None, "ccc", "a text longer than twelve bytes"] * 5, pa.string_view()),
    "level": pa.array(["x", "y", None, "x"] * 5).dictionary_encode(),
    "day": pa.array([date(2024, 1, 1), None, date(2024, 1, 3), date(2024, 1, 4)] * 5),
    "bytes": pa.array([b"1", b"", None, b"\0\1"] * 5),
    "list": pa.array([[1], [], None, [2, 3]] * 5),
}
TABLE = pa.table(COLUMNS)


def picked(values: pa.Table | pa.ChunkedArray, rows: list[int]) -> pa.Table | pa.Array:
    """Slow twin of taking rows, which Arrow does not do for views of text."""
    listed = values.to_pylist()
    chosen = [listed[row] for row in rows]
    if isinstance(values, pa.Table):
        return pa.Table.from_pylist(chosen, values.schema)
    return pa.array(chosen, values.type)


def by_hand(table: pa.Table, rows: list[int], donors: pa.Table) -> list[dict]:
    """Slow twin: a list of rows in which some are exchanged."""
    out = table.to_pylist()
    for row, donor in zip(rows, donors.to_pylist(), strict=True):
        out[row] = donor
    return out


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.integers(0, 19), unique=True, max_size=20).map(sorted),
    size=st.integers(1, 25),
    seed=st.integers(0, 99),
)
def test_whole_rows(rows: list[int], size: int, seed: int) -> None:
    donors = picked(TABLE, np.random.default_rng(seed).integers(0, 20, len(rows)).tolist())
    source = edited(open_source(TABLE), Edits.donated(np.array(rows, np.int64), donors))
    out = pa.Table.from_batches(list(source.batches(size=size)), TABLE.schema)
    assert out.to_pylist() == by_hand(TABLE, rows, donors)
    assert out.schema == TABLE.schema
    assert source.rows == 20


@pytest.mark.parametrize("name", COLUMNS)
def test_values_of_one_column_leave_the_others_alone(name: str) -> None:
    rows, new = np.array([0, 7, 19]), picked(TABLE[name], [3, 0, 2])
    source = edited(open_source(TABLE), Edits.values(rows, {name: new}))
    expected = TABLE.to_pylist()
    for row, value in zip(rows.tolist(), new.to_pylist(), strict=True):
        expected[row][name] = value
    assert source.table().to_pylist() == expected
    assert source.table([name])[name].to_pylist() == [row[name] for row in expected]
    others = [other for other in COLUMNS if other != name]
    assert source.table(others).equals(TABLE.select(others))


def test_a_level_that_the_dictionary_lacks_is_added() -> None:
    source = edited(open_source(TABLE), Edits.values(np.array([1]), {"level": pa.array(["new"])}))
    assert source.table()["level"].to_pylist()[:4] == ["x", "new", None, "x"]
    assert source.schema == TABLE.schema


def test_known_levels_keep_the_dictionary() -> None:
    source = edited(open_source(TABLE), Edits.values(np.array([1]), {"level": pa.array(["x"])}))
    (batch,) = source.batches(["level"])
    assert batch.column(0).dictionary.equals(TABLE["level"].chunk(0).dictionary)


def test_rewriting_sees_the_originals_and_what_it_needs() -> None:
    def rewrite(at: np.ndarray, originals: pa.RecordBatch) -> dict[str, pa.Array]:
        assert originals.schema.names == ["int", "text"]
        shown = zip(at.tolist(), originals["text"].to_pylist(), strict=True)
        return {"int": pa.array([100 * place + len(text or "") for place, text in shown])}

    edits = Edits(np.array([2, 3, 5]), rewrite, ("int",), ("text",))
    source = edited(open_source(TABLE), edits)
    for size in (1, 3, 20):
        batches = list(source.batches(["int"], size=size))
        assert [batch.schema.names for batch in batches] == [["int"]] * len(batches)
        values = pa.Table.from_batches(batches)["int"].to_pylist()
        assert values[:6] == [1, None, 3, 102, 1, 200]


def test_edits_of_edits() -> None:
    once = edited(open_source(TABLE), Edits.values(np.array([0]), {"int": pa.array([7])}))
    twice = edited(once, Edits.values(np.array([0, 1]), {"text": pa.array(["p", "q"])}))
    assert twice.table(["int", "text"]).slice(0, 2).to_pylist() == [
        {"int": 7, "text": "p"},
        {"int": None, "text": "q"},
    ]


@pytest.mark.parametrize("rows", [0, 1, 7, 20])
def test_appended_rows_come_in_the_schema_of_the_first(rows: int) -> None:
    more = TABLE.set_column(4, "level", TABLE["level"].cast(pa.string()))
    whole = appended(open_source(TABLE), open_source(more), rows)
    assert whole.rows == 20 + rows
    assert whole.table().to_pylist() == [*TABLE.to_pylist(), *TABLE.to_pylist()[:rows]]
    assert whole.table().schema == TABLE.schema
    assert [batch.num_rows for batch in whole.batches(["int"], size=8)][:3] == [8, 8, 4]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 19), max_size=30))
def test_gathered_rows_are_those_asked_for(rows: list[int]) -> None:
    index = np.array(rows, np.int64)
    assert gather(open_source(TABLE), index).to_pylist() == picked(TABLE, rows).to_pylist()
    assert gather(open_source(TABLE), index, ["day"]).column_names == ["day"]


def test_shards_are_the_files_of_a_folder(tmp_path: Path) -> None:
    for number, rows in enumerate((3, 5)):
        write_table(pa.table({"a": list(range(rows))}), tmp_path / f"part-{number}.parquet")
    source = open_source(tmp_path)
    assert source.shards == (("part-0.parquet", 3), ("part-1.parquet", 5))
    changed = edited(source, Edits.values(np.array([4]), {"a": pa.array([9])}))
    assert changed.shards == source.shards
    assert changed.files == ()
    assert changed.table()["a"].to_pylist() == [0, 1, 2, 0, 9, 2, 3, 4]
    assert appended(source, source, 2).shards == (*source.shards, ("appended.parquet", 2))
    assert open_source(tmp_path / "part-0.parquet").shards == ()
