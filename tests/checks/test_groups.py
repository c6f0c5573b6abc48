from __future__ import annotations

import pickle

import numpy as np
import pyarrow as pa
from checks.tables import evidence, population
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.association.counts import PairCounts
from credenza.checks import grouped
from credenza.checks.grouped import HeldCounts, group_sizes
from credenza.checks.groups import ByColumn, ByLevels, GroupCounts, GroupSizes, InGroup
from credenza.data import Feature, Kind, Schema, encode, fit_schema, sketch


def batch(**columns: object) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(columns)


def test_rows_are_grouped_by_raw_values() -> None:
    labels, index = ByColumn("site")(batch(site=["b", None, "a", "b", None]))
    assert labels == ["site = b", "site = (missing)", "site = a"]
    assert index.tolist() == [0, 1, 2, 0, 1]


def test_numbers_and_dictionaries_name_groups_too() -> None:
    assert ByColumn("batch")(batch(batch=[3, 1, 3]))[0] == ["batch = 3", "batch = 1"]
    coded = batch(batch=pa.array(["x", "y", "x"]).dictionary_encode())
    assert ByColumn("batch")(coded)[1].tolist() == [0, 1, 0]


def test_strata_are_combinations_of_levels_that_occur() -> None:
    a = Feature("a", Kind.BINARY, ("0", "1"), values=(0.0, 1.0))
    b = Feature("b", Kind.CATEGORICAL, ("x", "y", "z"), values=("x", "y", "z"))
    grouping = ByLevels(Schema((a, b)))
    labels, index = grouping(batch(a=[1, 0, 1], b=["z", "x", "z"], c=[0, 0, 0]))
    assert labels == ["a = 0, b = x", "a = 1, b = z"]
    assert index.tolist() == [1, 0, 1]
    assert grouping.columns == ("a", "b")


def test_many_strata_columns_need_no_room_for_what_does_not_occur() -> None:
    values = tuple(map(str, range(60)))
    features = tuple(Feature(f"f{k}", Kind.CATEGORICAL, values, values=values) for k in range(8))
    drawn = np.random.default_rng(0).integers(0, 60, (50, 8)).astype(str)
    labels, _ = ByLevels(Schema(features))(batch(**{f"f{k}": drawn[:, k] for k in range(8)}))
    assert len(labels) == 50


def test_a_group_is_picked_out_of_a_batch_that_may_lack_it() -> None:
    rows = batch(site=["b", None, "a", "b"])
    assert InGroup(ByColumn("site"), "site = b")(rows).tolist() == [True, False, False, True]
    assert InGroup(ByColumn("site"), "site = (missing)")(rows).tolist() == [False, True, False, False]
    assert not InGroup(ByColumn("site"), "site = q")(rows).any()


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 200), st.integers(1, 80), st.integers(0, 10))
def test_sizes_and_counts_are_those_of_the_rows(rows: int, size: int, seed: int) -> None:
    table = population(rows, seed)
    schema, grouping = fit_schema(sketch(table.drop_columns(["clinic"]))), ByColumn("clinic")
    batches = table.to_batches(max_chunksize=size)
    names = sorted({f"clinic = {v}" for v in table["clinic"].to_pylist()})
    sizes, counts = GroupSizes(grouping), GroupCounts.empty(grouping, schema, names[:2])
    for part in batches[::2]:
        sizes, counts = sizes.update(part), counts.update(part)
    rest, others = (
        GroupSizes(grouping),
        pickle.loads(pickle.dumps(GroupCounts.empty(grouping, schema, names[:2]))),
    )
    for part in batches[1::2]:
        rest, others = rest.update(part), others.update(part)
    sizes, counts = sizes.merge(rest), counts.merge(others)
    codes, clinic = encode(table, schema), np.array(table["clinic"].to_pylist())
    for name in names:
        inside = clinic == name.removeprefix("clinic = ")
        assert sizes.sizes[name] == inside.sum()
        if name in names[:2]:
            expected = PairCounts.empty(schema.sizes).update(np.asfortranarray(codes[inside]))
            np.testing.assert_array_equal(counts.counts[name].joint, expected.joint)
            assert counts.counts[name].rows == inside.sum()
    assert set(counts.counts) == set(names[:2])


def test_counts_that_do_not_fit_together_are_read_again(monkeypatch: object) -> None:
    seen, grouping = evidence(population(600, 1), slices="clinic"), ByColumn("clinic")
    labels = list(group_sizes(seen, seen.suspect, grouping))
    whole = dict(HeldCounts(seen, seen.suspect, grouping, labels).of(labels))
    monkeypatch.setattr(grouped, "COUNT_BYTES", 1)  # type: ignore[attr-defined]
    parts = dict(HeldCounts(seen, seen.suspect, grouping, labels).of(labels))
    assert list(parts) == list(whole) == labels
    for label in labels:
        np.testing.assert_array_equal(parts[label].joint, whole[label].joint)
