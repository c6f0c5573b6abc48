"""Ledgers carried out and undone, against lists of rows changed by hand; and ledgers of other data, refused."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data import open_source, write_table
from credenza.errors import InputError
from credenza.repair.identity import Digest, facts_of
from credenza.repair.ledger import (
    drop_batch,
    edit_batch,
    ledger_schema,
    repeat_batch,
    replace_batch,
    weight_batch,
)
from credenza.repair.ledger_file import Ledger, LedgerMeta, read_ledger, write_ledger
from credenza.repair.merging import merged
from credenza.repair.replay import apply_ledger, replayed, undo_ledger, write_replayed

COLUMNS = {
    "int": pa.array([1, None, 3, 2**60 + 1]),
    "bool": pa.array([True, False, None, True]),
    "text": pa.array(["a", None, "", "dd"]),
    "view": pa.array(["a", None, "ccc", "a text longer than twelve bytes"], pa.string_view()),
    "level": pa.array(["x", "y", None, "x"]).dictionary_encode(),
    "code": pa.array([7, 8, None, 7]).dictionary_encode(),
    "day": pa.array([date(2024, 1, 1), None, date(2024, 1, 3), date(2024, 1, 4)]),
    "day64": pa.array([date(2024, 1, 1), None, date(2024, 1, 3), date(2024, 1, 4)], pa.date64()),
    "time": pa.array([datetime(2024, 1, 1, 5), None, datetime(1950, 1, 3), datetime(2024, 1, 4)], pa.timestamp("s")),
    "bytes": pa.array([b"1", b"", None, b"\0\1"]),
    "list": pa.array([[1], [], None, [2, 3]]),
    "struct": pa.array([{"p": 1, "q": "w"}, None, {"p": None, "q": ""}, {"p": 3, "q": None}]),
    "a.b": pa.array([0.5, None, -1.25, 1e300]),
    "nothing": pa.nulls(4),
}  # fmt: skip
ROWS = 16
TOLD = {"reason": "a x b", "method": "test"}
TABLE = pa.table({name: pa.chunked_array([array] * (ROWS // 4)) for name, array in COLUMNS.items()})
Entry = tuple[Any, ...]  # row, action, column, before, after


def drawn(
    seed: int, names: list[str], rows: int
) -> tuple[list[Entry], list[dict[str, Any]], list[dict[str, Any]]]:
    """Entries at random, the suspect's rows, and the repaired rows made by changing lists by hand."""
    rng = np.random.default_rng(seed)
    suspect = TABLE.select(names).slice(0, rows).to_pylist()
    entries: list[Entry] = []
    repaired = []
    weighted = rng.random() < 0.4
    for row, values in enumerate(suspect):
        now, copies = copy.deepcopy(values), 1
        for action in rng.choice(["edit", "replace", "none"], rng.integers(0, 4), p=[0.4, 0.2, 0.4]):
            other = suspect[rng.integers(rows)]
            name = names[rng.integers(len(names))]
            if action == "edit":
                entries.append((row, "edit", name, {name: now[name]}, {name: other[name]}))
                now = {**now, name: other[name]}
            elif action == "replace":
                entries.append((row, "replace", None, now, other))
                now = dict(other)
        ending = rng.choice(["none", "drop", "repeat"], p=[0.5, 0.3, 0.2])
        if ending == "drop":
            entries.append((row, "drop", None, now, None))
            copies = 0
        elif ending == "repeat":
            copies = int(rng.integers(1, 5))
            entries.append((row, "repeat", None, copies, None))
        weight = 1.0
        if weighted and rng.random() < 0.8:
            weight = float(rng.random() * 2)
            entries.append((row, "weight", "w", weight, None))
        repaired += [{**now, "w": weight} if weighted else now] * copies
    return entries, suspect, repaired


def table_of(rows: list[dict[str, Any]], names: list[str]) -> pa.Table:
    """Rows in the types of the table, with a column of weights where they have one."""
    schema = TABLE.select(names).schema
    if rows and "w" in rows[0]:
        schema = schema.append(pa.field("w", pa.float64()))
    return pa.Table.from_arrays(
        [pa.array([row[field.name] for row in rows], field.type) for field in schema], schema=schema
    )


def batches_of(
    entries: list[Entry], form: pa.Schema, names: list[str], size: int
) -> Iterator[pa.RecordBatch]:
    """The entries as the functions of the ledger make them, ``size`` at a time."""
    made = []
    for row, action, column, before, after in entries:
        at = np.array([row])
        if action == "edit":
            kind = TABLE.schema.field(column).type
            sides = [pa.array([side[column]], kind) for side in (before, after)]
            made.append(edit_batch(form, at, column, *sides, **TOLD))
        elif action == "replace":
            made.append(replace_batch(form, at, table_of([before], names), table_of([after], names), **TOLD))
        elif action == "drop":
            made.append(drop_batch(form, at, table_of([before], names), **TOLD))
        elif action == "repeat":
            made.append(repeat_batch(form, at, np.array([before]), **TOLD))
        else:
            made.append(weight_batch(form, at, np.array([before]), column="w", **TOLD))
    for start in range(0, len(made), size):
        yield pa.concat_batches(made[start : start + size])


def ledger_of(
    path: Path,
    suspect: pa.Table,
    repaired: pa.Table,
    batches: Iterator[pa.RecordBatch] | list[pa.RecordBatch],
) -> Ledger:
    meta = LedgerMeta("test", facts_of(open_source(suspect)), facts_of(open_source(repaired)))
    write_ledger(batches, path, meta)
    return read_ledger(path)


def same(found: pa.Table, wanted: pa.Table) -> bool:
    return bool(found.schema == wanted.schema and found.to_pylist() == wanted.to_pylist())


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    names=st.lists(st.sampled_from(list(COLUMNS)), min_size=1, max_size=4, unique=True),
    rows=st.integers(1, ROWS),
    size=st.integers(1, 20),
    cut=st.integers(1, 20),
)
def test_undoing_is_the_inverse_of_applying(
    tmp_path_factory: pytest.TempPathFactory, seed: int, names: list[str], rows: int, size: int, cut: int
) -> None:
    entries, before, after = drawn(seed, names, rows)
    if not after:
        return
    suspect, repaired = table_of(before, names), table_of(after, names)
    path = tmp_path_factory.getbasetemp() / "random.parquet"
    form = ledger_schema(suspect.schema)
    ledger = ledger_of(path, suspect, repaired, batches_of(entries, form, names, cut))
    assert same(apply_ledger(suspect, ledger), repaired)
    assert same(undo_ledger(repaired, path), suspect)
    for table, undo, wanted in ((suspect, False, repaired), (repaired, True, suspect)):
        other = replayed(open_source(table), ledger, undo=undo)
        assert other.rows == wanted.num_rows
        parts = list(other.batches(size=size))
        assert all(0 < part.num_rows <= size for part in parts)
        assert same(pa.Table.from_batches(parts, wanted.schema), wanted)
        for name in wanted.column_names:
            assert same(other.table([name]), wanted.select([name]))


def test_all_rows_may_go(tmp_path: Path) -> None:
    suspect = TABLE.select(["int", "level"])
    facts = facts_of(open_source(suspect))
    meta = LedgerMeta("drop", facts, replace(facts, rows=0, content=Digest(suspect.column_names).hexdigest()))
    dropped = drop_batch(ledger_schema(suspect.schema), np.arange(ROWS), suspect, **TOLD)
    write_ledger([dropped], tmp_path / "all.parquet", meta)
    nothing = apply_ledger(suspect, tmp_path / "all.parquet")
    assert nothing.schema == suspect.schema
    assert nothing.num_rows == 0
    ledger = read_ledger(tmp_path / "all.parquet")
    empty = open_source(suspect).over(replayed(open_source(suspect), ledger, undo=False).reader)
    assert same(replayed(empty, ledger, undo=True).table(), suspect)


PEOPLE = pa.table(
    {
        "id": pa.array([f"{row:02}" for row in range(12)]),
        "plan": pa.array(["free", "full", "none"] * 4),
        "age": pa.array([31, 45, 52, 28] * 3),
        "score": pa.array([0.25, 1e-7, 3.0] * 4),
    }
)


def people_repaired(folder: Path, suspect: Any = PEOPLE) -> tuple[Ledger, pa.Table]:
    """A ledger with one entry of each kind over PEOPLE, and what it makes of it."""
    source = open_source(suspect)
    form = ledger_schema(source.schema)
    rows = PEOPLE.to_pylist()
    rows[1]["plan"] = "none"
    rows[7] = dict(rows[3])
    weights = np.linspace(0.5, 1.5, 12)
    kept = [{**row, "w": weight} for row, weight in zip(rows, weights.tolist(), strict=True)]
    after = [*kept[:4], *kept[5:9], *[kept[9]] * 3, *kept[10:]]
    repaired = pa.Table.from_pylist(after, PEOPLE.schema.append(pa.field("w", pa.float64())))
    entries = [
        [weight_batch(form, np.arange(12), weights, column="w", **TOLD)],
        [edit_batch(form, np.array([1]), "plan", pa.array(["full"]), pa.array(["none"]), **TOLD)],
        [drop_batch(form, np.array([4]), PEOPLE.slice(4, 1), **TOLD)],
        [replace_batch(form, np.array([7]), PEOPLE.slice(7, 1), PEOPLE.slice(3, 1), **TOLD)],
        [repeat_batch(form, np.array([9]), np.array([3]), **TOLD)],
    ]
    made = open_source(repaired)
    facts = replace(facts_of(made), shards=tuple((name, rows) for name, rows in source.shards))
    meta = LedgerMeta("test", facts_of(source), facts)
    write_ledger(merged(entries), folder / "ledger.parquet", meta)
    return read_ledger(folder / "ledger.parquet"), repaired


@pytest.mark.parametrize("suffix", ["parquet", "csv", "tsv.gz", "jsonl", "arrow"])
def test_files_come_back_byte_for_byte_equal_in_content(suffix: str, tmp_path: Path) -> None:
    suspect = tmp_path / f"suspect.{suffix}"
    suspect = suspect if suffix != "tsv.gz" else tmp_path / "suspect.csv.gz"
    write_table(PEOPLE, suspect)
    ledger, repaired = people_repaired(tmp_path, suspect)
    fixed, back = (tmp_path / suspect.name.replace("suspect", name) for name in ("fixed", "back"))
    write_replayed(suspect, ledger, fixed, undo=False)
    assert open_source(fixed).rows == repaired.num_rows
    write_replayed(fixed, ledger, back, undo=True)
    if suffix != "tsv.gz":  # gzip holds the time
        assert back.read_bytes() == suspect.read_bytes()
    assert open_source(back).table().to_pylist() == open_source(suspect).table().to_pylist()


def test_text_that_looks_like_numbers_stays_text(tmp_path: Path) -> None:
    suspect = pa.table({"id": ["x", "2.0", "1.50"], "a": [1, 2, 3]})
    write_table(suspect, tmp_path / "suspect.csv")
    source = open_source(tmp_path / "suspect.csv")
    gone = drop_batch(ledger_schema(source.schema), np.array([0]), suspect.slice(0, 1), **TOLD)
    (tmp_path / "fixed.csv").write_text("id,a\n2.0,2\n1.50,3\n")
    assert not pa.types.is_string(open_source(tmp_path / "fixed.csv").schema.field("id").type)
    facts = facts_of(open_source(suspect.slice(1)), sha256=open_source(tmp_path / "fixed.csv").fingerprint())
    write_ledger([gone], tmp_path / "l.parquet", LedgerMeta("drop", facts_of(source), facts))
    assert undo_ledger(tmp_path / "fixed.csv", tmp_path / "l.parquet").to_pylist() == suspect.to_pylist()
    (tmp_path / "shards").mkdir()
    for number in (1, 2):
        id_, a = (suspect[name][number] for name in ("id", "a"))
        (tmp_path / "shards" / f"{number}.csv").write_text(f"id,a\n{id_},{a}\n")
    assert undo_ledger(tmp_path / "shards", tmp_path / "l.parquet").to_pylist() == suspect.to_pylist()


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "duckdb"])
def test_frames_of_equal_values_are_the_same_data(kind: str, tmp_path: Path) -> None:
    ledger, repaired = people_repaired(tmp_path)
    duckdb = pytest.importorskip("duckdb")
    polars = pytest.importorskip("polars")
    makers = {
        "pandas": lambda table: table.to_pandas(),
        "polars": polars.from_arrow,
        "pyarrow": lambda table: table,
        "duckdb": duckdb.from_arrow,
    }
    make = makers[kind]
    there = apply_ledger(make(PEOPLE), ledger)
    assert type(there) is type(make(PEOPLE))
    assert open_source(there).table().to_pylist() == repaired.to_pylist()
    back = undo_ledger(there, ledger)
    assert open_source(back).table().to_pylist() == PEOPLE.to_pylist()


def test_folders_keep_their_files(tmp_path: Path) -> None:
    shards = tmp_path / "suspect"
    shards.mkdir()
    for number, (start, rows) in enumerate(((0, 5), (5, 5), (10, 2))):
        write_table(PEOPLE.slice(start, rows), shards / f"part-{number}.parquet")
    source = open_source(shards)
    keep = np.array([0, 1, 2, 3, 5, 6, 7, 8, 10, 11])
    gone = np.array([4, 9])
    taken = PEOPLE.take(pa.array(gone))
    repaired = PEOPLE.take(pa.array(keep))
    facts = replace(
        facts_of(open_source(repaired)),
        shards=(("part-0.parquet", 4), ("part-1.parquet", 4), ("part-2.parquet", 2)),
    )
    form = ledger_schema(source.schema)
    meta = LedgerMeta("drop", facts_of(source), facts)
    write_ledger([drop_batch(form, gone, taken, **TOLD)], tmp_path / "l.parquet", meta)
    write_replayed(shards, tmp_path / "l.parquet", tmp_path / "fixed", undo=False)
    assert open_source(tmp_path / "fixed").shards == facts.shards
    write_replayed(tmp_path / "fixed", tmp_path / "l.parquet", tmp_path / "back", undo=True)
    for file in sorted(shards.iterdir()):
        assert (tmp_path / "back" / file.name).read_bytes() == file.read_bytes()


def test_a_row_that_stands_very_often_is_not_held_as_often(tmp_path: Path) -> None:
    suspect = pa.table({"a": [1, 2, 3]})
    batch = repeat_batch(ledger_schema(suspect.schema, ()), np.array([1]), np.array([500_000]), **TOLD)
    repaired = pa.table({"a": np.concatenate([[1], np.full(500_000, 2), [3]])})
    ledger = ledger_of(tmp_path / "l.parquet", suspect, repaired, [batch])
    parts = [part.num_rows for part in replayed(open_source(suspect), ledger, undo=False).batches(size=4096)]
    assert (max(parts), sum(parts)) == (4096, 500_002)
    assert undo_ledger(repaired, ledger).equals(suspect)
    assert apply_ledger(suspect, ledger)["a"].to_numpy().sum() == 1_000_004


def test_an_empty_ledger_changes_nothing(tmp_path: Path) -> None:
    ledger = ledger_of(tmp_path / "l.parquet", PEOPLE, PEOPLE, [])
    assert ledger.entries == 0
    assert apply_ledger(PEOPLE, ledger).equals(PEOPLE)
    assert undo_ledger(PEOPLE, ledger).equals(PEOPLE)


def test_runs_of_equal_values(tmp_path: Path) -> None:
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 5, 6], pa.int32()), pa.array(["x", None, "y"]))
    suspect = pa.table({"a": runs})
    form = ledger_schema(suspect.schema)
    batch = edit_batch(form, np.array([3]), "a", pa.array([None], pa.string()), pa.array(["z"]), **TOLD)
    values = ["x", "x", None, "z", None, "y"]
    repaired = pa.table({"a": pa.array(values).cast(pa.string())})
    facts = replace(facts_of(open_source(repaired)), schema=suspect.schema)
    write_ledger([batch], tmp_path / "l.parquet", LedgerMeta("t", facts_of(open_source(suspect)), facts))
    there = apply_ledger(suspect, tmp_path / "l.parquet")
    assert there["a"].to_pylist() == values
    assert there.schema == suspect.schema


def refused(data: Any, ledger: Any, *, undo: bool = False) -> str:
    with pytest.raises(InputError) as error:
        (undo_ledger if undo else apply_ledger)(data, ledger)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_other_data_is_refused(tmp_path: Path) -> None:
    ledger, repaired = people_repaired(tmp_path)
    assert refused(PEOPLE.slice(1), ledger) == (
        "Arrow table is not the data that ledger.parquet was written for: that has 12 rows and content "
        f"{ledger.meta.suspect.content[:12]}; this has 11 rows"
    )
    other = PEOPLE.set_column(2, "age", pa.array([31, 45, 52, 29] * 3))
    assert refused(other, ledger).startswith(
        "Arrow table is not the data that ledger.parquet was written for: "
    )
    assert (
        refused(other, ledger).split("; this has 12 rows and content ")[1] != ledger.meta.suspect.content[:12]
    )
    assert refused(PEOPLE.drop_columns(["age"]), ledger).endswith("; this has 12 rows and no column 'age'")
    extra = PEOPLE.append_column("zip", PEOPLE["id"])
    assert refused(extra, ledger).endswith("; this has 12 rows and a column 'zip'")
    text = PEOPLE.set_column(2, "age", pa.array(["old"] * 12))
    assert refused(text, ledger).endswith("; this has 12 rows")
    assert "is not the data that ledger.parquet repaired: that has 13 rows" in refused(
        repaired.slice(1), ledger, undo=True
    )


def test_the_wrong_direction_is_named(tmp_path: Path) -> None:
    ledger, repaired = people_repaired(tmp_path)
    assert refused(repaired, ledger) == (
        "Arrow table is repaired already: undo takes that back; give the data that ledger.parquet was written for"
    )
    assert refused(PEOPLE, ledger, undo=True) == (
        "Arrow table is the suspect: there is nothing to undo; give the data that ledger.parquet was written for"
    )


def test_columns_may_come_in_another_order(tmp_path: Path) -> None:
    ledger, repaired = people_repaired(tmp_path)
    turned = PEOPLE.select(["score", "age", "id", "plan"])
    assert apply_ledger(turned, ledger).equals(apply_ledger(PEOPLE, ledger))
    assert apply_ledger(turned, ledger).column_names == repaired.column_names


def test_what_does_not_come_back_is_not_written(tmp_path: Path) -> None:
    facts = facts_of(open_source(PEOPLE))
    lie = LedgerMeta("t", facts, replace(facts, content="0" * 64))
    write_ledger([], tmp_path / "lie.parquet", lie)
    with pytest.raises(InputError) as error:
        write_replayed(PEOPLE, tmp_path / "lie.parquet", tmp_path / "out.parquet", undo=False)
    assert str(error.value) == (
        "applying lie.parquet on Arrow table does not give the repaired data back: one of them is damaged, or a text "
        "format did not hold all values; give the files as they were written"
    )
    shards = tmp_path / "shards"
    shards.mkdir()
    write_table(PEOPLE.slice(0, 6), shards / "0.parquet")
    write_table(PEOPLE.slice(6), shards / "1.parquet")
    source = open_source(shards)
    lie = replace(lie, suspect=replace(facts_of(source), content="0" * 64), repaired=facts)
    write_ledger([], tmp_path / "lie.parquet", lie)
    with pytest.raises(InputError, match=r"^undoing lie\.parquet on .* does not give the suspect back"):
        write_replayed(shards, tmp_path / "lie.parquet", tmp_path / "out", undo=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lie.parquet", "shards"]


def test_a_dropped_row_must_be_on_the_ledger(tmp_path: Path) -> None:
    suspect, repaired = PEOPLE, PEOPLE.slice(1)
    form = ledger_schema(PEOPLE.schema, ["id", "plan"])
    batch = drop_batch(form, np.array([0]), PEOPLE.slice(0, 1), **TOLD)
    ledger = ledger_of(tmp_path / "l.parquet", suspect, repaired, [batch])
    assert apply_ledger(suspect, ledger).equals(repaired)
    assert "l.parquet is a damaged ledger (it does not hold 'age' of row 0, which was dropped); " in refused(
        repaired, ledger, undo=True
    )


def test_values_that_do_not_fit(tmp_path: Path) -> None:
    number, text = pa.table({"a": [1, 2]}), pa.table({"a": ["1", "2"]})
    form = ledger_schema(text.schema)
    batch = edit_batch(form, np.array([0]), "a", pa.array(["1"]), pa.array(["x"]), **TOLD)
    ledger = ledger_of(tmp_path / "l.parquet", number, number, [batch])
    assert "is a damaged ledger (Failed to parse string: 'x' as a scalar of type int64); " in refused(
        number, ledger
    )
