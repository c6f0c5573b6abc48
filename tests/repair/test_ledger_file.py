"""Ledger files: what is written is read; what is no ledger, of another version or damaged is refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import credenza.repair.ledger_file as ledger_file
from credenza.data import open_source
from credenza.errors import CredenzaError, InputError, UsageError
from credenza.repair.identity import facts_of
from credenza.repair.ledger import drop_batch, edit_batch, ledger_schema, repeat_batch, weight_batch
from credenza.repair.ledger_file import KEY, LedgerMeta, read_ledger, write_ledger

SUSPECT = pa.table({"a": pa.array(range(6)), "b": pa.array(list("xyxyxy")).dictionary_encode()})
FORM = ledger_schema(SUSPECT.schema)
FACTS = facts_of(open_source(SUSPECT))
META = LedgerMeta("mixed", FACTS, FACTS, {"cap": 3.5, "target": "reference"})
TOLD = {"reason": "a x b", "method": "mixed"}


def edits(rows: list[int], reason: str = "a x b") -> pa.RecordBatch:
    values = pa.array(["x"] * len(rows)), pa.array(["y"] * len(rows))
    return edit_batch(FORM, np.array(rows), "b", *values, reason=reason, method="mixed")


def drop(row: int) -> pa.RecordBatch:
    return drop_batch(FORM, np.array([row]), SUSPECT.slice(row, 1), **TOLD)


def repeat(row: int, count: int) -> pa.RecordBatch:
    return repeat_batch(FORM, np.array([row]), np.array([count]), **TOLD)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    parts = [edits([0, 2], "first"), drop(2), repeat(3, 2), edits([5])]
    write_ledger(parts, tmp_path / "l.parquet", META)
    ledger = read_ledger(str(tmp_path / "l.parquet"))
    assert ledger.entries == 5
    assert repr(ledger).endswith("l.parquet', method='mixed', entries=5)")
    assert (ledger.meta, ledger.meta.settings["cap"]) == (META, 3.5)
    assert ledger.meta.suspect.schema.equals(SUSPECT.schema)
    table = pa.Table.from_batches(ledger.batches())
    assert table.to_pylist() == pa.Table.from_batches(parts).to_pylist()
    assert table.column_names == FORM.names
    (some,) = ledger.batches(["after.b"])
    assert set(some.schema.names) == {"row", "action", "column", "count", "after"}
    assert ledger.summary() == {
        "entries": 5,
        "rows": 4,
        "actions": {"edit": 3, "drop": 1, "repeat": 1},
        "columns": {"b": 3},
        "reasons": {"a x b": 3, "first": 2},
    }


def test_anyone_can_read_it(tmp_path: Path) -> None:
    write_ledger([edits([1])], tmp_path / "l.parquet", META)
    (row,) = pq.read_table(tmp_path / "l.parquet").to_pylist()
    assert row == {
        "row": 1,
        "action": "edit",
        "column": "b",
        "count": None,
        "before": {"a": None, "b": "x"},
        "after": {"a": None, "b": "y"},
        "weight": None,
        "reason": "a x b",
        "method": "mixed",
    }


def test_an_empty_ledger(tmp_path: Path) -> None:
    write_ledger(iter([]), tmp_path / "l.parquet", META)
    ledger = read_ledger(tmp_path / "l.parquet")
    assert list(ledger.batches()) == []
    assert ledger.summary() == {"entries": 0, "rows": 0, "actions": {}, "columns": {}, "reasons": {}}


def test_many_batches_make_few_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = replace(FACTS, rows=10_000)
    form = ledger_schema(SUSPECT.schema, ())
    parts = (
        weight_batch(form, np.arange(row, row + 10), np.ones(10), column="w", **TOLD)
        for row in range(0, 10_000, 10)
    )
    monkeypatch.setattr(ledger_file, "GROUP_ROWS", 4_000)
    repaired = replace(facts, schema=facts.schema.append(pa.field("w", pa.float64())))
    write_ledger(parts, tmp_path / "l.parquet", LedgerMeta("m", facts, repaired))
    assert pq.ParquetFile(tmp_path / "l.parquet").num_row_groups == 3
    monkeypatch.setattr(ledger_file, "READ_ROWS", 512)
    sizes = [batch.num_rows for batch in read_ledger(tmp_path / "l.parquet").batches(["weight"])]
    assert (max(sizes), sum(sizes)) == (512, 10_000)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([edits([3]), edits([2])], "rows are not in order after row 3"),
        ([edits([3, 2])], "rows are not in order after row -1"),
        ([edits([-1])], "rows are not in order after row -1"),
        ([edits([6])], "it speaks of row 6 of 6, counted from 0"),
        ([drop(1)], "it makes 5 rows, the repaired data has 6"),
        ([drop(1), drop(1)], "row 1 is dropped or repeated twice"),
        ([drop(1), repeat(1, 2)], "row 1 is dropped or repeated twice"),
        (
            [weight_batch(FORM, np.array([0]), np.ones(1), column="w", **TOLD)],
            "it has weight entries for column 'w', which it does not hold",
        ),
    ],
)
def test_entries_that_contradict_are_not_written(
    parts: list[pa.RecordBatch], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as error:
        write_ledger(parts, tmp_path / "l.parquet", META)
    assert str(error.value) == f"cannot write the ledger {tmp_path / 'l.parquet'}: {message}"
    assert list(tmp_path.iterdir()) == []


def test_batches_of_one_ledger_are_of_one_schema(tmp_path: Path) -> None:
    other = repeat_batch(ledger_schema(SUSPECT.schema, ()), np.array([2]), np.array([1]), **TOLD)
    with pytest.raises(
        UsageError, match=r"entries of another schema than the first; make all with the same form$"
    ):
        write_ledger([edits([1]), other], tmp_path / "l.parquet", META)
    with pytest.raises(
        UsageError, match=r"cannot write the ledger .*: its columns are not those of a ledger: found a"
    ):
        write_ledger(SUSPECT.select(["a"]).to_batches(), tmp_path / "l.parquet", META)
    strange = edit_batch(
        ledger_schema(pa.schema([("z", pa.int64())])),
        np.array([0]),
        "z",
        pa.array([1]),
        pa.array([2]),
        **TOLD,
    )
    with pytest.raises(UsageError, match="it holds values of 'z', which the data does not have"):
        write_ledger([strange], tmp_path / "l.parquet", META)


def test_a_ledger_is_a_parquet_file(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"^a ledger is a Parquet file: found 'l.csv'; give a name such as ledger"
    ):
        write_ledger([], tmp_path / "l.csv", META)


def test_types_that_parquet_lacks(tmp_path: Path) -> None:
    kind = pa.month_day_nano_interval()
    suspect = pa.table({"a": pa.array([(1, 2, 3)], kind)})
    batch = drop_batch(ledger_schema(suspect.schema), np.array([0]), suspect, **TOLD)
    facts = replace(FACTS, rows=1, schema=suspect.schema)
    with pytest.raises(InputError, match=r"^cannot write the ledger .*Unhandled type.*; drop that column$"):
        write_ledger([batch], tmp_path / "l.parquet", LedgerMeta("m", facts, replace(facts, rows=0)))
    assert list(tmp_path.iterdir()) == []


def rewritten(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    pq.write_table(change(pq.read_table(path)), path)


def told(table: pa.Table, old: bytes, new: bytes) -> pa.Table:
    """The table with something else in what it says of itself."""
    metadata = table.schema.metadata[KEY]
    assert old in metadata
    return table.replace_schema_metadata({KEY: metadata.replace(old, new, 1)})


def put(name: str, values: list[Any]) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        place = table.column_names.index(name)
        return table.set_column(
            place, table.schema.field(name), pa.array(values, table.schema.field(name).type)
        )

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t.replace_schema_metadata(None),
            "is a table and not a ledger; give the file that credenza repair",
        ),
        (
            lambda t: told(t, b"credenza.ledger/1", b"credenza.ledger/2"),
            "is a ledger of version 'credenza.ledger/2', this credenza reads 'credenza.ledger/1'; use the one that",
        ),
        (lambda t: told(t, b'"method"', b'"meth'), "is a damaged ledger (Expecting ':' delimiter"),
        (
            lambda t: told(t, b'"method"', b'"meths"'),
            "is a damaged ledger (LedgerMeta.__init__() got an unexpected",
        ),
        (lambda t: t.replace_schema_metadata({KEY: b"[1]"}), "is a damaged ledger (list indices must be"),
        (lambda t: told(t, b'"schema": "/////', b'"schema": "####'), "is a damaged ledger (schema: "),
        (lambda t: told(t, b'"schema": "/////', b'"schema": "//8A/'), "is a damaged ledger (schema: "),
        (lambda t: told(t, b'"shards"', b'"shard"'), "is a damaged ledger ('shards'); take it from where"),
        (
            lambda t: t.drop_columns(["count"]),
            "is a damaged ledger (its columns are not those of a ledger: found row, ",
        ),
        (
            put("row", [4, 2]),
            "is a damaged ledger (rows are not in order after row -1); take it from where it was",
        ),
        (put("row", [4, 7]), "is a damaged ledger (it speaks of row 7 of 6, counted from 0); "),
        (put("action", ["edit", "burn"]), "is a damaged ledger (it has an action 'burn'); "),
        (
            put("column", ["b", None]),
            "is a damaged ledger (it has edit entries for column None, which it does not ",
        ),
        (
            put("action", ["edit", "repeat"]),
            "is a damaged ledger (a repeated row has no count of 1 or more); ",
        ),
        (put("action", ["edit", "drop"]), "is a damaged ledger (it makes 5 rows, the repaired data has 6); "),
    ],
)
def test_files_that_are_no_sound_ledger(
    change: Callable[[pa.Table], pa.Table], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "l.parquet"
    write_ledger([edits([0, 2])], path, META)
    rewritten(path, change)
    with pytest.raises(CredenzaError) as error:
        read_ledger(path).summary()
    assert str(error.value).startswith(f"{path} {message}")
    assert "\n" not in str(error.value)


def test_a_file_that_is_cut_or_altered(tmp_path: Path) -> None:
    path = tmp_path / "l.parquet"
    write_ledger([edits([0, 2])], path, META)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(
        InputError, match=r"l\.parquet is not a ledger, or damaged \(.*\); give the file that --ledger"
    ):
        read_ledger(path)
    noticed = 0
    for place in range(8, 300, 7):  # within the pages of the first columns
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            same = pa.Table.from_batches(read_ledger(path).batches()).to_pylist()
        except InputError as error:
            assert "is a damaged ledger (" in str(error)  # noqa: PT017
            noticed += 1
        else:
            assert same == pa.Table.from_batches([edits([0, 2])]).to_pylist()
    assert noticed > 20
    with pytest.raises(
        InputError, match=r"^no ledger at none\.parquet: give the file that credenza repair --ledger wrote"
    ):
        read_ledger("none.parquet")
    path.write_bytes(b"nonsense")
    with pytest.raises(InputError, match="is not a ledger, or damaged"):
        read_ledger(path)
