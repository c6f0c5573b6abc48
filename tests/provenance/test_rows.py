from __future__ import annotations

import datetime
import decimal
import hashlib
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data import open_source, write_table
from credenza.provenance.canonical import canonical
from credenza.provenance.merkle import root_of
from credenza.provenance.rows import changed_rows, leaves_of, table_of


def bits(flags: list[bool]) -> bytes:
    """Flags as bytes, the first one in the highest bit."""
    padded = flags + [False] * (-len(flags) % 8)
    return bytes(
        sum(flag << (7 - place) for place, flag in enumerate(padded[at : at + 8]))
        for at in range(0, len(padded), 8)
    )


def leaves_by_values(table: pa.Table, size: int) -> list[bytes]:
    """The hashes of chunks, value by value, of int64, float64, bool and string columns."""
    leaves = []
    for start in range(0, table.num_rows, size):
        part = table.slice(start, size)
        data = b"\x00" + canonical([part.num_rows, [[f.name, str(f.type)] for f in table.schema]])
        for column in part.columns:
            values = column.to_pylist()
            data += bits([value is not None for value in values])
            there: list[Any] = [value for value in values if value is not None]
            if pa.types.is_boolean(column.type):
                data += bits(there)
            elif pa.types.is_string(column.type):
                data += b"".join(struct.pack("<q", len(value.encode())) for value in there)
                data += "".join(there).encode()
            else:
                code = "<q" if pa.types.is_integer(column.type) else "<d"
                data += b"".join(struct.pack(code, value) for value in there)
        leaves.append(hashlib.sha256(data).digest())
    return leaves


COLUMNS = {
    "flag": (pa.bool_(), st.booleans()),
    "count": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "size": (pa.float64(), st.floats(allow_nan=False)),
    "text": (pa.string(), st.text(max_size=4)),
}


@given(st.integers(1, 60), st.data())
@settings(max_examples=20, deadline=None)
def test_chunks_hash_as_their_values_do(rows: int, data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, unique=True))
    columns = {}
    for name in names:
        kind, values = COLUMNS[name]
        columns[name] = pa.array(data.draw(st.lists(st.none() | values, min_size=rows, max_size=rows)), kind)
    table = pa.table(columns)
    wanted = leaves_by_values(table, 16)
    assert leaves_of(open_source(table), 16) == wanted
    cut = data.draw(st.integers(0, rows))
    pieces = pa.concat_tables([table.slice(0, cut), table.slice(cut)])
    assert leaves_of(open_source(pieces), 16) == wanted


def test_chunks_are_the_same_whatever_the_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    table = pa.table({"a": rng.integers(0, 5, 10_000), "b": rng.choice(["x", "yy"], 10_000)})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=777)
    write_table(table, tmp_path / "a.arrow")
    encoded = table.set_column(1, "b", table["b"].dictionary_encode())
    write_table(encoded, tmp_path / "b.arrow")
    leaves = leaves_of(open_source(table))
    assert len(leaves) == 3
    for name in ("a.parquet", "a.arrow", "b.arrow"):
        assert leaves_of(open_source(tmp_path / name)) == leaves, name


ODD: dict[str, list[Any]] = {
    "day": [datetime.date(2026, 1, 2), None, datetime.date(1969, 1, 1)],
    "time": [datetime.datetime(2026, 1, 2, 3), None, datetime.datetime(1900, 1, 1)],
    "money": [decimal.Decimal("1.25"), None, decimal.Decimal("-3.50")],
    "bytes": [b"\x00\xff", None, b""],
    "list": [[1, 2], None, []],
    "deep": [[["a"], None], None, [["b", None]]],
    "record": [{"x": 1, "y": "a"}, None, {"x": None, "y": "b"}],
    "none": [None, None, None],
}


@pytest.mark.parametrize("name", ODD)
def test_every_value_of_odd_types_counts(name: str) -> None:
    base = pa.table({"n": [1, 2, 3], name: ODD[name]})
    (leaf,) = leaves_of(open_source(base))
    assert leaves_of(open_source(pa.concat_tables([base.slice(0, 1), base.slice(1)]))) == [leaf]
    other = pa.table({"n": [1, 2, 3], name: pa.array([ODD[name][2], *ODD[name][1:]], base[name].type)})
    assert (leaves_of(open_source(other)) == [leaf]) == (name == "none")


def test_types_without_a_layout_count_by_their_text() -> None:
    kind = pa.map_(pa.string(), pa.int64())
    tables = [pa.table({"n": [1], "m": pa.array([[("a", value)]], kind)}) for value in (1, 2)]
    fixed = [pa.table({"m": pa.array([[value, 2.0]], pa.list_(pa.float64(), 2))}) for value in (1.0, 1.5)]
    for one, two in (tables, fixed):
        assert leaves_of(open_source(one)) != leaves_of(open_source(two))
        assert leaves_of(open_source(one)) == leaves_of(open_source(one))


def test_a_file_that_is_no_table_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "b.csv").write_text("")
    assert table_of(tmp_path / "a.txt") == "no format of tables"
    reason = table_of(tmp_path / "b.csv")
    assert isinstance(reason, str)
    assert "empty (0 bytes)" in reason


def table(rows: int) -> pa.Table:
    return pa.table({"a": range(rows), "b": [True] * rows})


def edited(rows: int, *places: int) -> pa.Table:
    values = np.arange(rows)
    values[list(places)] = -1
    return pa.table({"a": values, "b": [True] * rows})


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (edited(20_000, 5_000), "rows 4,096 to 8,191 changed, the other 15,904 did not"),
        (
            edited(20_000, 0, 5_000, 19_999),
            "rows 0 to 8,191, 16,384 to 19,999 changed, the other 8,192 did not",
        ),
        (
            table(20_001),
            "20,000 rows became 20,001; from row 16,384 on rows were put in, left out or changed",
        ),
        (table(100), "20,000 rows became 100; from row 0 on rows were put in, left out or changed"),
        (table(20_000), "no value of its rows changed: it was written again"),
        (table(20_000).select(["b", "a"]), "columns changed: their order"),
        (table(20_000).rename_columns(["a", "c"]), "columns changed: 'b' (bool) is gone, 'c' (bool) is new"),
    ],
)
def test_changed_rows_are_named(after: pa.Table, words: str, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(table(20_000), path)
    found = table_of(path)
    assert not isinstance(found, str)
    known, leaves = found
    assert (known.rows, known.chunks, known.root) == (20_000, 5, root_of(leaves).hex())
    pq.write_table(after, path)
    assert changed_rows(path, known, leaves) == words


def test_many_runs_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(table(60_000), path)
    found = table_of(path)
    assert not isinstance(found, str)
    pq.write_table(edited(60_000, *range(0, 60_000, 8_192)), path)
    assert " and 3 more runs changed, the other " in changed_rows(path, *found)
    path.write_bytes(b"PAR1 no more")
    assert changed_rows(path, *found).startswith("cannot be read as a table any more: data (")
