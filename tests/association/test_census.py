from __future__ import annotations

import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.association.census import Census, Survey
from credenza.association.counts import PairCounts
from credenza.association.planes import DENSE_PLANES, PlaneStore
from credenza.data import encode, fit_schema, sketch
from credenza.errors import UsageError


def booleans(rows: int, columns: int, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table({f"f{j}": rng.random(rows) < 0.2 + 0.05 * (j % 10) for j in range(columns)})


def mixed(rows: int, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    return pa.table(
        {
            "flag": rng.random(rows) < 0.4,
            "x": x,
            "y": x + rng.normal(size=rows),
            "place": rng.choice(["east", "north", "south"], rows),
        }
    )


def surveyed(data: pa.Table, size: int = 1_000) -> Survey:
    survey = Survey.empty(data.schema)
    for batch in data.to_batches(max_chunksize=size):
        survey = survey.update(batch)
    return survey


def counted(data: pa.Table, size: int, **options: int) -> Census:
    census = Census.empty(fit_schema(sketch(data)), **options)
    for batch in data.to_batches(max_chunksize=size):
        census = census.update(batch)
    return census


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 300), st.integers(2, 9), st.integers(1, 300))
def test_one_pass_over_booleans_counts_what_two_would(rows: int, columns: int, size: int) -> None:
    data = booleans(rows, columns, seed=rows)
    survey = surveyed(data, size)
    schema = fit_schema(survey.sketch)
    census = survey.census(schema)
    assert census is not None
    if len(schema.features) < 2:
        return
    expected = counted(data, size)
    np.testing.assert_array_equal(census.dense.joint, expected.dense.joint)
    assert census.repeats.read() == expected.repeats.read()


@pytest.mark.parametrize(
    "column",
    [pa.array([True, None] * 50), pa.array([1, 0] * 50), pa.array(["yes", "no"] * 50)],
    ids=["missing", "number", "text"],
)
def test_other_columns_take_the_second_pass(column: pa.Array) -> None:
    survey = surveyed(booleans(100, 3).append_column("z", column), 30)
    assert survey.census(fit_schema(survey.sketch)) is None


def test_a_column_left_out_needs_the_second_pass_unless_it_is_constant() -> None:
    data = booleans(200, 3).append_column("still", pa.array([True] * 200))
    survey = surveyed(data)
    whole = fit_schema(survey.sketch)
    assert whole.names == ("f0", "f1", "f2")
    assert survey.census(whole) is not None
    assert survey.census(fit_schema(survey.sketch, columns=["f0", "f1"])) is None


def test_a_survey_is_the_sum_of_its_parts() -> None:
    data = booleans(500, 4)
    first = surveyed(data.slice(0, 200))
    second = Survey.empty(data.schema).starting_at(200)
    for batch in data.slice(200).to_batches(max_chunksize=70):
        second = second.update(batch)
    both, whole = pickle.loads(pickle.dumps(first)).merge(second), surveyed(data)
    schema = fit_schema(whole.sketch)
    one, other = both.census(schema), whole.census(schema)
    assert one is not None
    assert other is not None
    np.testing.assert_array_equal(one.dense.joint, other.dense.joint)
    assert one.repeats.read() == other.repeats.read()


@pytest.mark.parametrize("size", [1, 7, 64, 1_000])
def test_a_census_does_not_depend_on_the_batches(size: int) -> None:
    data = mixed(400)
    census, whole = counted(data, size), counted(data, 400)
    np.testing.assert_array_equal(census.dense.joint, whole.dense.joint)
    assert census.repeats.read() == whole.repeats.read()
    np.testing.assert_allclose(census.moments.correlation(), whole.moments.correlation(), rtol=1e-12)
    expected = np.corrcoef(data["x"].to_numpy(), data["y"].to_numpy())[0, 1]
    assert census.moments.correlation()[0, 1] == pytest.approx(expected)


def test_codes_are_kept_while_they_are_few() -> None:
    data = mixed(400)
    codes = encode(data, fit_schema(sketch(data)))
    kept = counted(data, 90, keep=1_600).kept([2, 0])
    assert kept is not None
    np.testing.assert_array_equal(kept, codes[:, [2, 0]])
    assert counted(data, 90, keep=1_599).kept([0]) is None


def test_merged_parts_count_and_keep_as_the_whole() -> None:
    data = mixed(400)
    schema = fit_schema(sketch(data))
    parts = [Census.empty(schema, keep=4_000).update(b) for b in data.to_batches(max_chunksize=150)]
    both = pickle.loads(pickle.dumps(parts[0])).merge(parts[1]).merge(parts[2])
    np.testing.assert_array_equal(both.dense.joint, counted(data, 400).dense.joint)
    kept = both.kept(range(4))
    assert kept is not None
    np.testing.assert_array_equal(kept, encode(data, schema))


def test_a_kernel_can_be_given() -> None:
    data, calls = mixed(200), []

    def kernel(codes: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
        calls.append(len(codes))
        return PairCounts.empty(sizes).update(codes).inner

    schema = fit_schema(sketch(data))
    census = Census.empty(schema, kernel=kernel).update(data.to_batches()[0])
    np.testing.assert_array_equal(census.dense.joint, counted(data, 200).dense.joint)
    assert calls == [200]


def test_a_wide_table_is_kept_as_bit_planes() -> None:
    columns = DENSE_PLANES // 2 + 1
    data = booleans(90, columns)
    survey = surveyed(data)
    assert survey.counts is None
    census = Census.empty(fit_schema(survey.sketch), rows=90)
    census = census.update(data.combine_chunks().to_batches()[0])
    assert isinstance(census.counts, PlaneStore)
    a, b = (data[f"f{j}"].to_numpy(zero_copy_only=False) for j in (1, 7))
    assert census.counts.table(1, 7)[1, 1] == np.count_nonzero(a & b)
    message = r"^pair counts of 4,098 levels: one matrix holds up to 4,096; choose fewer columns$"
    with pytest.raises(UsageError, match=message):
        _ = census.dense


@pytest.mark.parametrize("columns", [5, DENSE_PLANES // 2 + 1], ids=["matrix", "planes"])
def test_booleans_enter_as_they_are_once_codes_are_not_kept(columns: int) -> None:
    data = booleans(150, columns)
    schema = fit_schema(sketch(data))
    ways = []
    for keep in (0, 150 * columns):
        census = Census.empty(schema, rows=150, keep=keep)
        for batch in data.combine_chunks().to_batches(max_chunksize=70):
            census = census.update(batch)
        ways.append(census)
    bits, codes = ways
    assert bits.codes is None
    assert codes.codes is not None
    assert bits.repeats.read() == codes.repeats.read()
    np.testing.assert_array_equal(bits.counts.margins(), codes.counts.margins())
    some = range(0, columns, max(1, columns // 40))
    np.testing.assert_array_equal(bits.counts.part(some).joint, codes.counts.part(some).joint)
