"""One pass, bounded memory, whatever the batches."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data import TableSketch, fit_schema, sketch
from credenza.data import tally as tally_module
from credenza.data.columns import Family
from credenza.data.tally import CAPACITY, SAMPLE, RowSample, TextTally, row_keys
from credenza.errors import InputError, UsageError

ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-3, 3),
        st.none() | st.sampled_from([0.5, float("nan"), float("inf"), -0.0, 0.0]),
        st.none() | st.sampled_from(["x", "", "y"]),
        st.none() | st.booleans(),
    ),
    max_size=40,
)
SCHEMA = pa.schema([("i", pa.int64()), ("f", pa.float64()), ("s", pa.string()), ("b", pa.bool_())])


def table_of(rows: list[tuple[object, ...]]) -> pa.Table:
    columns = [[row[i] for row in rows] for i in range(4)]
    return pa.Table.from_arrays(
        [pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )


def state(seen: TableSketch) -> list[object]:
    found: list[object] = [seen.rows]
    for name in seen.columns:
        column = seen[name]
        found.append((column.rows, column.missing, column.distinct, column.exact, str(column.values())))
        if column.numbers is not None:
            n = column.numbers
            found.append(
                (n.low, n.high, n.infinities, n.integral, n.sample.keys.tolist(), n.sample.values.tolist())
            )
        if column.texts is not None:
            found.append((column.texts.lost, column.texts.longest))
    return found


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_counts_against_counting_by_hand(rows: list[tuple[object, ...]]) -> None:
    seen = TableSketch.empty(SCHEMA).update(table_of(rows))
    for position, name in enumerate(SCHEMA.names):
        present = [
            row[position] for row in rows if row[position] is not None and row[position] == row[position]
        ]
        assert seen[name].missing == len(rows) - len(present)
        values, counts = seen[name].values()
        assert dict(zip(values, counts.tolist(), strict=True)) == Counter(present)
        assert values == sorted(values)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(1, 7), st.integers(0, 3))
def test_batches_do_not_matter(rows: list[tuple[object, ...]], size: int, seed: int) -> None:
    table = table_of(rows)
    whole = TableSketch.empty(SCHEMA, seed=seed).update(table)
    parts = TableSketch.empty(SCHEMA, seed=seed)
    for batch in table.to_batches(max_chunksize=size):
        parts.update(batch)
    assert state(whole) == state(parts)


@settings(max_examples=60, deadline=None)
@given(ROWS, ROWS)
def test_merging_adds_up(left: list[tuple[object, ...]], right: list[tuple[object, ...]]) -> None:
    first = TableSketch.empty(SCHEMA).update(table_of(left))
    second = TableSketch.empty(SCHEMA, start=len(left)).update(table_of(right))
    assert state(first.merge(second)) == state(TableSketch.empty(SCHEMA).update(table_of(left + right)))


def test_large_columns_are_bounded_and_batches_still_do_not_matter() -> None:
    rng = np.random.default_rng(3)
    n = 150_000
    table = pa.table(
        {
            "x": rng.normal(size=n),
            "id": [f"row {i}" for i in range(n)],
            "heavy": np.where(rng.random(n) < 0.02, "level", np.arange(n).astype(str)),
        }
    )
    whole, parts = TableSketch.empty(table.schema).update(table), TableSketch.empty(table.schema)
    for batch in table.to_batches(max_chunksize=7_777):
        parts.update(batch)
    assert state(whole) == state(parts)
    assert whole["x"].distinct == CAPACITY + 1
    assert len(whole["x"].numbers.sample.values) == SAMPLE
    assert not whole["id"].exact
    assert whole["id"].distinct >= CAPACITY
    values, counts = whole["heavy"].values()
    true = int((np.array(table["heavy"].to_pylist()) == "level").sum())
    assert true - whole["heavy"].texts.lost <= counts[values.index("level")] <= true
    median = fit_schema(whole, bins=2, columns=["x"]).features[0].edges[0]
    assert abs(np.mean(np.array(table["x"]) <= median) - 0.5) < 0.04


def test_common_levels_survive_merges_of_pruned_tallies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally_module, "CAPACITY", 200)
    monkeypatch.setattr(tally_module, "MIN_TEXTS", 200)
    rng = np.random.default_rng(4)
    n, parts = 20_000, []
    true: Counter[str] = Counter()
    for part in range(4):
        labels = [f"level {i}" if i < 5 else f"{part} {k}" for k, i in enumerate(rng.integers(0, 100, n))]
        true.update(labels)
        one = TextTally()
        for start in range(0, n, 1_000):
            one.add(pa.array(labels[start : start + 1_000], pa.large_string()))
            one.prune()
        parts.append(one)
    merged = parts[0].merged(parts[1]).merged(parts[2].merged(parts[3]))
    assert len(merged.counts) <= 200
    assert merged.lost <= 4 * n / 200
    for i in range(5):
        assert true[f"level {i}"] - merged.lost <= merged.counts[f"level {i}"] <= true[f"level {i}"]


def test_long_texts_take_bounded_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally_module, "TEXT_BYTES", 2_000_000)
    tally = TextTally()
    tally.add(pa.array([f"{i:04d}" * 250 for i in range(5_000)], pa.large_string()))
    tally.prune()
    assert len(tally.counts) <= 2_000
    assert tally.longest == 1_000


def test_merged_numbers_beyond_capacity_rest_on_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally_module, "CAPACITY", 10)
    table = pa.table({"x": np.arange(8.0)})
    other = pa.table({"x": np.arange(8.0, 16.0)})
    first, second = sketch(table), TableSketch.empty(table.schema, start=8).update(other)
    both = first.merge(second)
    assert first["x"].exact
    assert not both["x"].exact
    assert both["x"].values()[0] == []
    values, shares = both.merge(first)["x"].weighted()
    assert values.tolist() == list(range(16))
    assert shares.sum() == pytest.approx(1.0)


def test_row_keys_are_distinct_and_seeded() -> None:
    keys = row_keys(0, 100_000, 1)
    assert len(np.unique(keys)) == 100_000
    assert not np.array_equal(keys, row_keys(0, 100_000, 2))
    assert abs(np.mean(keys < np.uint64(2**63)) - 0.5) < 0.01


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 50_000), st.integers(0, 50_000))
def test_row_sample_keeps_the_smallest_keys(first: int, second: int) -> None:
    keys = row_keys(0, first + second, 0)
    values = np.arange(first + second, dtype=float)
    parts = RowSample()
    parts.add(keys[:first], values[:first])
    parts.add(keys[first:], values[first:])
    np.testing.assert_array_equal(parts.values, values[np.argsort(keys)][:SAMPLE])


def test_columns_without_levels_count_missing_only() -> None:
    table = pa.table({"l": [[1], None], "b": [b"x", b"y"], "n": pa.nulls(2)})
    seen = sketch(table)
    assert [seen[name].missing for name in "lbn"] == [1, 0, 2]
    assert [seen[name].family for name in "lbn"] == [Family.NESTED, Family.BINARY, Family.NULL]
    assert seen["l"].values()[0] == []
    assert seen["l"].weighted()[0].size == 0
    assert (seen["l"].distinct, seen["l"].exact, "l" in seen, "z" in seen) == (0, True, True, False)


def test_messages() -> None:
    seen = sketch(pa.table({"a": [1]}))
    with pytest.raises(InputError) as caught:
        seen.update(pa.table({"a": ["x"]}))
    assert str(caught.value) == "column 'a' is string in a later batch, not int64; give one type"
    with pytest.raises(InputError) as caught:
        seen.update(pa.table({"b": [1]}))
    assert str(caught.value) == "column 'a' is missing from a later batch; give batches of one schema"
    with pytest.raises(UsageError) as caught:
        seen.merge(sketch(pa.table({"a": ["x"]})))
    assert str(caught.value) == "sketches differ in column 'a'; merge parts of one table"
    with pytest.raises(UsageError) as caught:
        seen.merge(sketch(pa.table({"a": [1]}), seed=1))
    assert str(caught.value) == "sketches have seeds 0 and 1; use one seed for all parts"
    with pytest.raises(UsageError, match="has no column 'b'; it has 'a'"):
        sketch(pa.table({"a": [1]}), ["b"])


def test_parts_told_where_they_start_draw_the_sample_of_the_whole() -> None:
    table = pa.table({"x": np.random.default_rng(5).normal(size=150_000)})
    whole = sketch(table)
    parts = [
        TableSketch.empty(table.schema).starting_at(row).update(table.slice(row, 50_000))
        for row in (0, 50_000, 100_000)
    ]
    merged = parts[0].merge(parts[1]).merge(parts[2])
    numbers = [one["x"].numbers for one in (whole, merged)]
    assert numbers[0] is not None
    assert numbers[1] is not None
    assert not numbers[0].exact
    assert np.array_equal(numbers[0].sample.values, numbers[1].sample.values)


def test_a_sketch_of_rows_starts_nowhere_else() -> None:
    begun = TableSketch.empty(pa.schema([("a", pa.int64())])).update(pa.record_batch({"a": [1, 2]}))
    with pytest.raises(
        UsageError, match=r"^this sketch has 2 rows already; tell an empty one where it starts$"
    ):
        begun.starting_at(7)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-5, 5) | st.sampled_from([10**6, -(10**15), 2**53]), min_size=1, max_size=40),
    st.lists(st.sampled_from([0.5, 1e300, float("inf"), 3.0]), max_size=5),
)
def test_narrow_and_wide_numbers_are_counted_alike(whole: list[int], rest: list[float]) -> None:
    values = [float(v) for v in whole] + rest
    seen = sketch(pa.table({"x": pa.array(values, pa.float64())}))["x"]
    found, counts = seen.values()
    assert dict(zip(found, counts.tolist(), strict=True)) == Counter(values)
    assert seen.numbers.integral == all(v == np.floor(v) for v in values if np.isfinite(v))


def test_values_read_earlier_stay_as_they_were() -> None:
    batch = pa.record_batch({"b": [True, False, None], "x": [1.0, 2.0, 2.0]})
    seen = TableSketch.empty(batch.schema).update(batch)
    before = {name: seen[name].values()[1] for name in seen.columns}
    seen.update(batch)
    assert {name: counts.tolist() for name, counts in before.items()} == {"b": [1, 1], "x": [1, 2]}
    assert {name: seen[name].values()[1].tolist() for name in seen.columns} == {"b": [2, 2], "x": [2, 4]}


def test_bool_columns_in_other_encodings() -> None:
    plain = pa.array([True, None, False, True, True])
    chunked = pa.chunked_array([plain.slice(0, 1), plain.slice(1)])
    columns = (plain, plain.dictionary_encode(), pa.compute.run_end_encode(plain), chunked)
    tables = [pa.table({"b": column}) for column in columns]
    states = [state(sketch(table)) for table in tables]
    assert all(found == states[0] for found in states)
