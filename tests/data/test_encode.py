"""Codes, against an obvious twin that looks at one value at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data import Feature, Kind, Schema, encode, encode_source, fit_schema, open_source, sketch
from credenza.errors import InputError

COLUMNS = {
    "i": st.none() | st.integers(-20, 20),
    "few": st.none() | st.integers(0, 3),
    "f": st.none() | st.floats(width=32),
    "s": st.none() | st.sampled_from(["a", "b", "c", "d", ""]),
    "b": st.none() | st.booleans(),
}
TYPES = {"i": pa.int32(), "few": pa.int64(), "f": pa.float64(), "s": pa.string(), "b": pa.bool_()}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    n = draw(st.integers(1, 60))
    columns = {name: draw(st.lists(values, min_size=n, max_size=n)) for name, values in COLUMNS.items()}
    return pa.table({name: pa.array(values, TYPES[name]) for name, values in columns.items()})


def code_of(value: Any, feature: Feature) -> int | None:
    if value is None or value != value:
        return feature.missing
    if feature.kind in (Kind.BINARY, Kind.CATEGORICAL):
        return feature.values.index(value) if value in feature.values else feature.other
    return sum(value > edge for edge in feature.edges)


def twin(table: pa.Table, schema: Schema) -> np.ndarray:
    columns = [[code_of(v, f) for v in table[f.name].to_pylist()] for f in schema.features]
    return np.array(columns, dtype=np.uint8).reshape(len(columns), table.num_rows).T


@settings(max_examples=40, deadline=None)
@given(tables(), st.integers(2, 9))
def test_against_the_twin(table: pa.Table, bins: int) -> None:
    schema = fit_schema(sketch(table), bins=bins, min_share=0.05)
    codes = encode(table, schema)
    np.testing.assert_array_equal(codes, twin(table, schema))
    assert codes.flags.f_contiguous
    assert codes.dtype == np.uint8
    assert (codes < np.maximum(schema.sizes, 1)).all()


@settings(max_examples=40, deadline=None)
@given(tables(), st.integers(1, 70))
def test_batches_do_not_matter(table: pa.Table, size: int) -> None:
    schema = fit_schema(sketch(table))
    pieces = list(encode_source(open_source(table), schema, size=size)) if schema.features else []
    if pieces:
        np.testing.assert_array_equal(np.concatenate(pieces), encode(table, schema))
        assert max(map(len, pieces)) <= size


@settings(max_examples=40, deadline=None)
@given(tables())
def test_every_bin_of_a_fitted_column_holds_rows(table: pa.Table) -> None:
    schema = fit_schema(sketch(table), bins=4)
    codes = encode(table, schema)
    for position, feature in enumerate(schema.features):
        found = np.bincount(codes[:, position], minlength=feature.size)
        assert (found[: feature.ordered] > 0).all()


def test_encodings_of_strings_agree() -> None:
    plain = pa.array(["a", None, "b", "zz", "a"] * 3)
    schema = Schema(
        (Feature("s", Kind.CATEGORICAL, ("a", "b", "(other)", "(missing)"), 0, (), ("a", "b"), 2, 3),)
    )
    expected = [0, 3, 1, 2, 0] * 3
    kinds = [pa.large_string(), pa.string_view(), pa.string()]
    arrays = [plain.cast(kind) for kind in kinds] + [plain.dictionary_encode()]
    arrays.append(pa.DictionaryArray.from_arrays([0, 1, 2, 3, 0] * 3, ["a", None, "b", "zz"]))
    arrays.append(plain.dictionary_encode().slice(0))
    for array in arrays:
        assert encode(pa.table({"s": array}), schema)[:, 0].tolist() == expected
    chunked = pa.chunked_array([plain.dictionary_encode(), pa.array(["b"]).dictionary_encode()])
    assert encode(pa.table({"s": chunked}), schema)[:, 0].tolist() == [*expected, 1]


def test_infinities_and_edges() -> None:
    schema = fit_schema(sketch(pa.table({"x": np.arange(100.0)})), bins=4)
    edges = schema.features[0].edges
    values = [-math.inf, edges[0], np.nextafter(edges[0], 1e9), edges[-1], math.inf]
    assert encode(pa.table({"x": values}), schema)[:, 0].tolist() == [0, 0, 1, 2, 3]


def test_no_rows_and_no_features() -> None:
    table = pa.table({"a": [0, 1], "b": ["x", "y"]})
    schema = fit_schema(sketch(table))
    assert encode(table.slice(0, 0), schema).shape == (0, 2)
    assert encode(table, Schema(())).shape == (2, 0)


def test_messages() -> None:
    schema = fit_schema(sketch(pa.table({"a": ["x", "y"] * 2, "n": [0.5, 1.5, 2.5, 3.5]})))
    for table, text in (
        ({"n": [1.0]}, "column 'a' is absent; give data with the columns of the schema"),
        (
            {"a": ["z"], "n": [1.0]},
            "column 'a' has new values and no level for them; extend the schema with this data",
        ),
        (
            {"a": ["x"], "n": [float("nan")]},
            "column 'n' has missing values and no level for them; extend the schema with this data",
        ),
        (
            {"a": ["x"], "n": ["one"]},
            "column 'n' is string, the schema says continuous of number; give the same kind on both sides",
        ),
        (
            {"a": [1], "n": [1.0]},
            "column 'a' is int64, the schema says binary of string; give the same kind on both sides",
        ),
    ):
        with pytest.raises(InputError) as caught:
            encode(pa.table(table), schema)
        assert str(caught.value) == text


@settings(max_examples=60, deadline=None)
@given(tables(), st.integers(0, 20), st.integers(0, 40))
def test_record_batches_with_offsets(table: pa.Table, start: int, rows: int) -> None:
    schema = fit_schema(sketch(table), min_share=0.05)
    piece = table.combine_chunks().to_batches()[0].slice(start, rows)
    expected = twin(pa.Table.from_batches([piece]), schema)
    np.testing.assert_array_equal(encode(piece, schema), expected)


def test_values_on_and_around_many_edges() -> None:
    edges = np.arange(-30.0, 31.0)
    feature = Feature("x", Kind.CONTINUOUS, tuple(map(str, range(63))), 62, tuple(edges), missing=62)
    numbers = np.concatenate([edges, np.nextafter(edges, np.inf), [np.inf, -np.inf, np.nan, -0.0]])
    codes = encode(pa.record_batch({"x": numbers}), Schema((feature,)))[:, 0]
    expected = np.where(np.isnan(numbers), 62, np.searchsorted(edges, numbers, side="left"))
    np.testing.assert_array_equal(codes, expected)
