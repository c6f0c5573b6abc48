"""The same table through every door."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data import Duplicates, Source, encode_source, fit_schema, open_source, sketch, write_table
from credenza.errors import InputError, UsageError

N = 500
FRAMES = ("pandas", "pandas nullable", "pandas arrow", "polars", "polars lazy", "pyarrow", "batch", "duckdb")
FILES = (".parquet", ".csv", ".jsonl", ".arrow")


def mixed_table() -> pa.Table:
    rng = np.random.default_rng(5)
    text = rng.choice(["red", "green", "blue", "it's"], N).astype(object)
    text[rng.random(N) < 0.1] = None
    number = rng.normal(size=N).round(3)
    day = [dt.date(2020, 1, 1) + dt.timedelta(days=int(d)) for d in rng.integers(0, 300, N)]
    return pa.table(
        {
            "flag": rng.random(N) < 0.3,
            "count": rng.integers(0, 40, N),
            "few": rng.integers(0, 4, N),
            "number": pa.array(number, mask=rng.random(N) < 0.05),
            "text": pa.array(text, pa.string()),
            "day": pa.array(day),
        }
    )


TABLE = mixed_table()


def as_kind(table: pa.Table, kind: str) -> Any:
    if kind == "pandas":
        return table.to_pandas()
    if kind == "pandas nullable":
        return table.to_pandas().convert_dtypes()
    if kind == "pandas arrow":
        return table.to_pandas(types_mapper=pd.ArrowDtype)
    if kind.startswith("polars"):
        frame = pl.from_arrow(table)
        return frame.lazy() if kind == "polars lazy" else frame
    if kind == "duckdb":
        return duckdb.connect().from_arrow(table)
    return table.combine_chunks().to_batches()[0] if kind == "batch" else table


def codes_of(source: Source, size: int = 128) -> np.ndarray:
    return np.concatenate(list(encode_source(source, fit_schema(sketch(TABLE)), size=size)))


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_give_identical_codes_and_fingerprints(kind: str) -> None:
    source = open_source(as_kind(TABLE, kind))
    assert (source.rows, source.columns) == (N, tuple(TABLE.column_names))
    expected = open_source(TABLE)
    np.testing.assert_array_equal(codes_of(source), codes_of(expected, size=N))
    assert source.fingerprint() == expected.fingerprint()
    assert fit_schema(sketch(source)) == fit_schema(sketch(TABLE))


@pytest.mark.parametrize("suffix", FILES)
def test_files_give_identical_codes(tmp_path: Path, suffix: str) -> None:
    write_table(TABLE, tmp_path / f"t{suffix}")
    source = open_source(tmp_path / f"t{suffix}")
    np.testing.assert_array_equal(codes_of(source), codes_of(open_source(TABLE)))
    assert fit_schema(sketch(source)) == fit_schema(sketch(TABLE))


@pytest.mark.parametrize(
    ("kind", "made", "shown"),
    [
        ("pandas", pd.DataFrame, "pandas"),
        ("polars", pl.DataFrame, "polars"),
        ("polars lazy", pl.LazyFrame, "polars"),
        ("pyarrow", pa.Table, "pyarrow"),
        ("batch", pa.Table, "pyarrow"),
        ("duckdb", duckdb.DuckDBPyRelation, "duckdb"),
    ],
)
def test_what_is_made_goes_out_in_the_same_kind(kind: str, made: type, shown: str) -> None:
    source = open_source(as_kind(TABLE, kind))
    assert source.kind == shown
    back = source.like(source.table().slice(10, 20))
    assert isinstance(back, made)
    assert open_source(back).fingerprint() == open_source(TABLE.slice(10, 20)).fingerprint()


def test_nullable_pandas_types_survive_the_round_trip() -> None:
    frame = pd.DataFrame(
        {"n": pd.array([1, None], dtype="Int64"), "b": pd.array([True, None], dtype="boolean")}
    )
    source = open_source(frame)
    pd.testing.assert_frame_equal(source.like(source.table()), frame)


def test_a_path_gives_arrow_tables(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "t.parquet")
    source = open_source(tmp_path / "t.parquet")
    assert source.like(TABLE) is TABLE
    assert open_source(source) is source
    assert repr(source) == f"Source('{tmp_path}/t.parquet', kind='parquet', rows=500, columns=6)"


def test_fingerprints_tell_tables_apart() -> None:
    tables = [
        pa.table({"a": ["x", "yz"]}),
        pa.table({"a": ["xy", "z"]}),
        pa.table({"b": ["x", "yz"]}),
        pa.table({"a": ["x", None]}),
        pa.table({"a": ["x", ""]}),
        pa.table({"a": [1, 2]}),
        pa.table({"a": [2, 1]}),
        pa.table({"a": [True, False]}),
        pa.table({"a": [[1], [2]]}),
        pa.table({"a": [b"1", b"2"]}),
    ]
    assert len({open_source(table).fingerprint() for table in tables}) == len(tables)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["x", None])), min_size=1, max_size=30))
def test_duplicates_against_counting_by_hand(rows: list[tuple[int, str | None]]) -> None:
    table = pa.table({"a": [a for a, _ in rows], "b": pa.array([b for _, b in rows], pa.string())})
    found = open_source(table).duplicates()
    pairs = sum(left == right for left, right in combinations(rows, 2))
    triples = sum(a == b == c for a, b, c in combinations(rows, 3))
    counts = Counter(rows)
    assert found == Duplicates(len(rows), len(counts), pairs, max(counts.values()), triples)
    assert open_source(table).duplicates(["b"]).distinct == len({b for _, b in rows})


def test_duplicates_of_many_equal_rows_are_exact() -> None:
    n = 5_000_000
    found = open_source(duckdb.connect().sql(f"select 1 as a from range({n})")).duplicates()
    assert found == Duplicates(n, 1, n * (n - 1) // 2, n, n * (n - 1) * (n - 2) // 6)


def test_duplicates_of_odd_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "half": pa.array(np.array([1.5, 1.5, 2.0], np.float16)),
            "wide": pa.array([Decimal("1.5"), Decimal("1.5"), None], pa.decimal256(40, 2)),
            "view": pa.array(["x", "x", "y"], pa.string_view()),
            "coded": pa.array(["x", "x", "y"]).dictionary_encode(),
            "deep": [[1], [1], []],
            "Deep": [b"1", b"1", b""],
        }
    )
    found = open_source(table).duplicates()
    assert (found.distinct, found.pairs, found.most) == (2, 1, 2)
    write_table(pa.table({"a": [1, 1, 2]}), tmp_path / "t.csv")
    assert open_source(tmp_path / "t.csv").duplicates().pairs == 1


def test_relations_can_be_read_twice_and_interleaved() -> None:
    connection = duckdb.connect()
    source = open_source(connection.sql('select range as "a b", range % 3 as c from range(1000)'))
    assert source.table(["c"]).num_rows == source.table(["a b"]).num_rows == 1000
    assert sum(batch.num_rows for batch in source.batches(["a b"], size=10)) == 1000


def test_anything_that_exports_an_arrow_stream() -> None:
    class Exporter:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return TABLE.__arrow_c_stream__(requested_schema)

    source = open_source(Exporter())
    assert (source.name, source.kind, source.rows) == ("Exporter", "pyarrow", N)
    assert source.like(TABLE) is TABLE


def test_mixed_object_column_of_pandas_becomes_text() -> None:
    source = open_source(pd.DataFrame({"a": pd.Series([1, "x", None], dtype=object), "b": [1, 2, 3]}))
    assert source.table().to_pydict() == {"a": ["1", "x", None], "b": [1, 2, 3]}


def test_pandas_column_names_that_are_not_text() -> None:
    assert open_source(pd.DataFrame({0: [1], 1: [2]})).columns == ("0", "1")


def said(data: Any, role: str = "reference") -> str:
    with pytest.raises(InputError) as caught:
        open_source(data, role=role)
    return str(caught.value)


def test_messages_about_frames() -> None:
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert said(twice) == "reference: column name 'a' comes 2 times; rename the others"
    arrow = pa.Table.from_arrays([pa.array([1])] * 2, names=["a", "a"])
    assert said(arrow) == "reference (Arrow table): column name 'a' comes 2 times; rename the others"
    assert "column name 'a' comes 2 times" in said(duckdb.connect().sql("select 1 a, 2 a"))
    assert said([1, 2], "data") == (
        "data: cannot read a builtins.list; give a path, or a pandas, Polars, Arrow or DuckDB table"
    )
    assert said(pd.DataFrame({"a": []})) == (
        "reference (pandas DataFrame) has no rows; give a table with at least one"
    )
    assert said(pl.DataFrame()).endswith("has no columns; give a table with at least one")
    reader = pa.RecordBatchReader.from_batches(TABLE.schema, TABLE.to_batches())
    assert said(reader).startswith("reference: cannot read a pyarrow.lib.RecordBatchReader; give")
    strange = pd.DataFrame({"a": pd.Series([1 + 2j])})
    assert said(strange).startswith("reference: column 'a' has no Arrow type (")


def test_messages_about_columns_and_sizes() -> None:
    source = open_source(pa.table({"age": [1], "sex": ["f"]}))
    with pytest.raises(UsageError) as caught:
        source.batches(["agee"])
    assert str(caught.value) == "Arrow table has no column 'agee'; did you mean 'age'?"
    with pytest.raises(UsageError) as caught:
        source.table(["zzz"])
    assert str(caught.value) == "Arrow table has no column 'zzz'; it has 'age', 'sex'"
    with pytest.raises(UsageError, match="no columns were chosen; name at least one"):
        source.duplicates([])
    with pytest.raises(UsageError, match="batch size is 0; give 1 or more"):
        source.batches(size=0)
