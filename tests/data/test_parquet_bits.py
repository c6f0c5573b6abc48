"""Bool columns read as bits are what pyarrow reads, whoever wrote them and however they are cut."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data import open_source
from credenza.data.parquet_bits import bit_columns
from credenza.data.parquet_pages import PageError, body_size, read_header, read_page
from credenza.errors import InputError

N = 30_011


def bools() -> pa.Table:
    rng = np.random.default_rng(7)
    flags, gaps = rng.random((4, N)) < 0.3, rng.random(N) < 0.1
    long = np.arange(N) // 3_000 % 2 == 0
    return pa.table(
        {
            "plain": flags[0],
            "gaps": pa.array(flags[1], mask=gaps),
            "half empty": pa.array(flags[2], mask=long),
            "empty": pa.nulls(N, pa.bool_()),
            "runs": long,
            "number": np.arange(N),
            "text": pa.array(np.where(flags[3], "x", "y")),
            "a.b": flags[3],
        }
    )


TABLE = bools()
WRITERS: list[dict[str, Any]] = [
    {},
    {"compression": "none"},
    {"compression": "zstd", "row_group_size": 4_001},
    {"compression": "gzip", "data_page_version": "2.0"},
    {"compression": "brotli", "data_page_size": 100},
    {"compression": "lz4"},
    {"data_page_version": "2.0", "row_group_size": 777},
    {"data_page_version": "2.0", "compression": "none", "data_page_size": 64},
    {"column_encoding": dict.fromkeys(TABLE.column_names[:5], "RLE"), "use_dictionary": False},
    {"write_statistics": False, "write_page_checksum": True},
]


def written(tmp_path: Path, table: pa.Table, **how: Any) -> Path:
    pq.write_table(table, tmp_path / "t.parquet", **how)
    return tmp_path / "t.parquet"


def as_bits(path: Path, names: list[str]) -> set[str]:
    with path.open("rb") as file:
        return set(bit_columns(file, pq.read_metadata(path), names))


@pytest.mark.parametrize("how", WRITERS, ids=str)
@pytest.mark.parametrize("size", [1_000, 65_536])
def test_what_pyarrow_writes(tmp_path: Path, how: dict[str, Any], size: int) -> None:
    path = written(tmp_path, TABLE, **how)
    names = [name for name in TABLE.column_names if pa.types.is_boolean(TABLE.schema.field(name).type)]
    assert as_bits(path, TABLE.column_names) == (set() if how.get("compression") == "lz4" else set(names))
    for columns in (names, TABLE.column_names[::-1], ["gaps"], ["number"]):
        batches = list(open_source(path).batches(columns, size=size))
        assert max(batch.num_rows for batch in batches) <= size
        assert pa.Table.from_batches(batches).equals(TABLE.select(columns))


def test_what_others_write(tmp_path: Path) -> None:
    names = ["plain", "gaps", "half empty", "empty", "runs"]
    table = TABLE.select(names)
    pl.from_arrow(table).write_parquet(tmp_path / "polars.parquet", row_group_size=9_999)
    duckdb.connect().from_arrow(table).write_parquet(str(tmp_path / "duckdb.parquet"))
    for writer in ("polars", "duckdb"):
        path = tmp_path / f"{writer}.parquet"
        assert open_source(path).table().cast(table.schema).equals(table)


def test_columns_that_must_be_there(tmp_path: Path) -> None:
    schema = pa.schema([pa.field("a", pa.bool_(), nullable=False), pa.field("b", pa.bool_(), nullable=False)])
    table = TABLE.select(["plain", "runs"]).rename_columns(["a", "b"]).cast(schema)
    for version in ("1.0", "2.0"):
        path = written(tmp_path, table, data_page_version=version)
        assert as_bits(path, ["a", "b"]) == {"a", "b"}
        assert open_source(path).table().equals(table)


def test_nested_bools_are_left_to_pyarrow(tmp_path: Path) -> None:
    table = pa.table({"l": [[True], [False, None]], "s": [{"x": True}, {"x": False}], "b": [True, False]})
    path = written(tmp_path, table)
    assert as_bits(path, ["l", "s", "b", "s.x", "z"]) == {"b"}
    assert open_source(path).table().equals(table)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.none() | st.booleans(), min_size=1, max_size=300),
    st.integers(1, 100),
    st.integers(1, 64),
    st.sampled_from(["1.0", "2.0"]),
    st.integers(1, 80),
)
def test_any_values_and_cuts(
    tmp_path_factory: pytest.TempPathFactory,
    values: list[bool | None],
    group: int,
    page: int,
    version: str,
    size: int,
) -> None:
    table = pa.table({"a": pa.array(values, pa.bool_()), "b": pa.array(values[::-1], pa.bool_())})
    folder = tmp_path_factory.mktemp("bits")
    path = written(folder, table, row_group_size=group, data_page_size=page, data_page_version=version)
    batches = list(open_source(path).batches(size=size))
    assert [batch.num_rows for batch in batches[:-1]] == [size] * (len(batches) - 1)
    assert pa.Table.from_batches(batches).equals(table)


def varint(number: int) -> bytes:
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def runs_of(bits: list[bool], packed: bool) -> bytes:
    """Encode bits as runs of one value, or as one run of bits."""
    if packed:
        body = np.packbits(np.array(bits, bool), bitorder="little").tobytes()
        return varint(len(body) << 1 | 1) + body
    return b"".join(varint(len(list(run)) << 1) + bytes([bit]) for bit, run in groupby(bits))


def page_of(values: bytes, levels: bytes, count: int, **changes: int) -> tuple[dict[int, Any], memoryview]:
    body = len(levels).to_bytes(4, "little") + levels + values
    facts = {1: count, 2: changes.get("encoding", 0), 3: changes.get("level_encoding", 3), 4: 3}
    header = {1: changes.get("kind", 0), 2: len(body), 3: len(body), 5: facts}
    return header, memoryview(body)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.none() | st.booleans(), min_size=1, max_size=200), st.booleans(), st.booleans())
def test_pages_against_an_encoder(values: list[bool | None], packed: bool, packed_values: bool) -> None:
    there = [value is not None for value in values]
    held = [bool(value) for value in values if value is not None]
    inner = runs_of(held, packed_values) if held else b""
    body = len(inner).to_bytes(4, "little") + inner
    found = read_page(*page_of(body, runs_of(there, packed), len(values), encoding=3), None, True, 10_000)
    assert found.to_pylist() == values


def refused(header: dict[int, Any], body: memoryview) -> str:
    with pytest.raises(PageError) as caught:
        read_page(header, body, None, True, 10_000)
    return str(caught.value)


def test_messages_about_pages() -> None:
    full = runs_of([True] * 20, False)
    assert refused(*page_of(b"\x01", full, 20)) == "a page has 8 bits for 20 values"
    assert refused(*page_of(b"\x01" * 3, full, 20, encoding=2)) == "values in encoding 2"
    assert refused(*page_of(b"\x01" * 3, full, 20, level_encoding=4)) == "levels in encoding 4"
    assert refused(*page_of(b"\x01" * 3, full, 20, kind=2)) == "page type 2"
    assert refused(*page_of(b"\x01" * 3, full, -1)) == "a page header lacks its counts"
    assert refused(*page_of(b"\x01" * 3, b"", 20)) == "runs are cut short"
    assert refused(*page_of(b"\x01" * 3, full[:1], 20)) == "runs are cut short"
    assert refused(*page_of(b"\x01" * 3, runs_of([True, False] * 8, True), 20)) == "runs are cut short"
    assert refused(*page_of(b"\x01" * 3, varint(5 << 1 | 1) + b"\x01", 20)) == "a run of bits is cut short"
    assert refused(*page_of(b"\x01" * 3, b"\x00", 20)) == "a run has no length"
    assert refused(*page_of(b"\x01" * 3, b"\xff" * 12, 20)) == "a number is too long"
    beyond = "a page claims 2,000,000,000 values in 30 bytes, where 10,000 values are left"
    assert refused({1: 0, 2: 30, 3: 30, 5: {1: 2_000_000_000, 2: 0, 3: 3}}, memoryview(b"")) == beyond
    bomb = "a page claims 20 values in 1,000,000,000 bytes, where 10,000 values are left"
    assert refused({1: 0, 2: 10**9, 3: 30, 5: {1: 20, 2: 0, 3: 3}}, memoryview(b"")) == bomb
    assert read_page({1: 1, 2: 0}, memoryview(b""), None, True, 0).to_pylist() == []


def test_headers() -> None:
    filled = bytes([0x15, 8, 0x15, 6, 0x15, 9, 0x11, 0x13, 7, 0x17]) + bytes(8) + bytes([0x18, 2, 1, 2, 0])
    assert read_header(memoryview(filled + b"rest")) == ({1: 4, 2: 3, 3: -5, 4: True}, len(filled))
    far = bytes([0x05, 0x50, 4, 0])  # field 40 by its number
    assert read_header(memoryview(far)) == ({40: 2}, 4)
    long = bytes([0x18]) + varint(200) + bytes(200) + bytes([0x15, 2, 0])
    assert read_header(memoryview(long))[0] == {2: 1}
    for data, message in (
        (b"\x15", "a page header is cut short"),
        (b"\x1b\x00", "a page header holds a field of type 11"),
        (b"\x1c" * 20, "a page header is nested too deep"),
    ):
        with pytest.raises(PageError) as caught:
            read_header(memoryview(data))
        assert str(caught.value) == message
    for header in ({}, {3: -1}):
        with pytest.raises(PageError, match="a page has no size"):
            body_size(header)


def meta_of(path: Path) -> tuple[bytearray, pq.FileMetaData]:
    return bytearray(path.read_bytes()), pq.read_metadata(path)


@pytest.mark.parametrize("damage", ["zero", "ones", "cut"])
def test_damage_is_reported_by_pyarrow(tmp_path: Path, damage: str) -> None:
    path = written(tmp_path, TABLE.select(["plain", "gaps"]), row_group_size=10_000)
    raw, meta = meta_of(path)
    start = meta.row_group(1).column(1).data_page_offset
    source = open_source(path, role="suspect")
    if damage == "cut":
        path.write_bytes(raw[: start + 10])
    else:
        raw[start : start + 200] = (b"\x00" if damage == "zero" else b"\xff") * 200
        path.write_bytes(raw)
    with pytest.raises(InputError) as caught:
        list(source.batches(size=5_000))
    assert str(caught.value).startswith(f"suspect ({path}) is not a readable Parquet file (")
    assert "\n" not in str(caught.value)


def test_a_column_whose_pages_disagree_with_its_rows(tmp_path: Path) -> None:
    path = written(tmp_path, TABLE.select(["plain"]), compression="none")
    with path.open("rb") as file:
        column = bit_columns(file, pq.read_metadata(path), ["plain"])["plain"]
        assert column.take(N).to_pylist() == TABLE["plain"].to_pylist()
        with pytest.raises(PageError, match="the pages end too early"):
            column.take(1)
