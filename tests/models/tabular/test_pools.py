"""Values behind levels: every Arrow type comes back, drawn as often as it occurred, through a file or not."""

from __future__ import annotations

import datetime as dt
import decimal
import itertools
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data import Feature, Kind, fit_schema, sketch
from credenza.errors import InputError
from credenza.models.tabular.pools import Pool

DAY = dt.date(2024, 2, 29)
MOMENT = dt.datetime(2024, 2, 29, 12, 30, tzinfo=dt.UTC)
COLUMNS = [
    pa.array([True, None, False]),
    pa.array([3, -1, 3, None], pa.int8()),
    pa.array([2**63, 5], pa.uint64()),
    pa.array([2**62 + 1, 2**62], pa.int64()),
    pa.array([0.5, float("nan"), None, float("inf")]),
    pa.array([np.float16(0.5), np.float16(2)], pa.float16()),
    pa.array(["b", "", None, "ä"]),
    pa.array(["b", "a"], pa.large_string()),
    pa.array(["b", "a"], pa.string_view()),
    pa.array([DAY, None], pa.date32()),
    pa.array([DAY, None], pa.date64()),
    pa.array([MOMENT, None], pa.timestamp("ns", "UTC")),
    pa.array([MOMENT.replace(tzinfo=None)], pa.timestamp("s")),
    pa.array([dt.time(3, 4), None], pa.time32("s")),
    pa.array([dt.time(3, 4), None], pa.time64("ns")),
    pa.array([dt.timedelta(hours=3), None], pa.duration("ms")),
    pa.array([decimal.Decimal("1.50"), None], pa.decimal128(5, 2)),
    pa.array(["b", None, "a", "b"]).dictionary_encode(),
    pa.DictionaryArray.from_arrays(pa.array([1, 1, None], pa.int8()), pa.array(["low", "mid", "high"]), ordered=True),
    pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int16()), pa.array([7, 3])),
    pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["u", "v"])),
    pa.array([None, None]),
]  # fmt: skip


def everything(pool: Pool) -> pa.Array:
    """All rows that the pool was made of, in its order."""
    rows = int(pool.counts.sum())
    return pool.drawn(np.zeros(rows, np.uint8), (np.arange(rows) + 0.5) / rows)


def by_name(values: list[object]) -> list[str]:
    return sorted(map(repr, values))


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: str(column.type))
def test_every_type_comes_back(column: pa.Array) -> None:
    drawn = everything(Pool.of(column, None))
    assert drawn.type == column.type
    assert by_name(drawn.to_pylist()) == by_name(column.to_pylist())


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: str(column.type))
def test_every_type_survives_a_file(column: pa.Array) -> None:
    pool = Pool.of(column, None)
    plain, tensors = pool.state()
    again = Pool.restored(column.type, json.loads(json.dumps(plain)), tensors)
    assert by_name(everything(again).to_pylist()) == by_name(everything(pool).to_pylist())
    assert everything(again).type == column.type


def test_dictionaries_keep_their_declared_order() -> None:
    declared = pa.array(["low", "mid", "high"])
    column = pa.DictionaryArray.from_arrays(pa.array([2, 0], pa.int8()), declared, ordered=True)
    assert everything(Pool.of(column, None)).dictionary.equals(declared)


def test_chunks_with_dictionaries_of_their_own_are_joined() -> None:
    column = pa.chunked_array(
        [pa.array(["a", "b"]).dictionary_encode(), pa.array(["c", "a"]).dictionary_encode()]
    )
    assert by_name(everything(Pool.of(column, None)).to_pylist()) == by_name(["a", "b", "c", "a"])


def test_extension_types_are_wrapped_again() -> None:
    column = pa.array([b"0123456789abcdef"], pa.binary(16))
    storage = pa.array([1, 1, 0], pa.int8())
    flags = pa.ExtensionArray.from_storage(pa.bool8(), storage)
    assert everything(Pool.of(flags, None)).type == pa.bool8()
    assert column.type == pa.uuid().storage_type  # bytes, which no generator takes


@given(st.lists(st.one_of(st.none(), st.integers(-5, 5)), min_size=2, max_size=40), st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_draws_stay_in_their_level(values: list[int | None], seed: int) -> None:
    table = pa.table({"a": pa.array(values, pa.int64())})
    schema = fit_schema(sketch(table), bins=3, min_share=0.0)
    feature = schema.features[0] if schema.features else None
    pool = Pool.of(table["a"], feature)
    assert pool.marginal.sum() == len(values)
    rng = np.random.default_rng(seed)
    occupied = np.flatnonzero(pool.marginal)
    levels = rng.choice(occupied, 50).astype(np.uint8)
    drawn = pool.drawn(levels, rng.random(50)).to_pylist()
    spans = itertools.pairwise([0, *pool.ends.tolist()])
    members = [set(pool.values.to_pylist()[start:end]) for start, end in spans]
    assert all(value in members[level] for value, level in zip(drawn, levels.tolist(), strict=True))
    assert set(drawn) <= set(values)


def test_values_of_a_level_come_as_often_as_they_did() -> None:
    pool = Pool.of(
        pa.array([1] * 30 + [2] * 10 + [9] * 60), Feature("a", Kind.CONTINUOUS, ("<= 2", "> 2"), 2, (2.0,))
    )
    inside = (np.arange(400) + 0.5) / 400
    drawn = pool.drawn(np.zeros(400, np.uint8), inside).to_numpy()
    assert np.unique(drawn, return_counts=True)[1].tolist() == [300, 100]
    assert (np.diff(drawn) >= 0).all()
    assert pool.marginal.tolist() == [40, 60]


def test_the_first_value_stands_for_a_level() -> None:
    pool = Pool.of(pa.array([4, 2, 9]), Feature("a", Kind.CONTINUOUS, ("<= 4", "> 4"), 2, (4.0,)))
    assert pool.drawn(np.array([0, 1], np.uint8), None).to_pylist() == [2, 9]


def test_a_stored_column_that_lacks_something_is_one_line() -> None:
    plain, tensors = Pool.of(pa.array([1.5, 2.5]), None).state()
    del tensors["counts"]
    with pytest.raises(InputError, match=r"^a stored column has no 'counts'; fit and save the model again$"):
        Pool.restored(pa.float64(), plain, tensors)
