"""Coinciding rows, and a digest of rows in any order."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data import Repeats, open_source
from credenza.engines.row_states import RowDigest, RowRepeats

ROWS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["x", "y", None])), min_size=1, max_size=30)
NAMES = ("a", "b")


def batch(rows: list[tuple[int, str | None]]) -> pa.RecordBatch:
    a, b = zip(*rows, strict=True)
    return pa.record_batch({"a": pa.array(a, pa.int32()), "b": pa.array(b, pa.string())})


@settings(deadline=None)
@given(ROWS, ROWS)
def test_parts_repeat_as_the_whole_does(
    first: list[tuple[int, str | None]], last: list[tuple[int, str | None]]
) -> None:
    parts = [RowRepeats(NAMES, Repeats.empty()).update(batch(rows)) for rows in (first, last)]
    whole = open_source(pa.Table.from_batches([batch(first + last)]))
    assert parts[0].merge(parts[1]).repeats.read() == whole.duplicates()


@settings(deadline=None)
@given(ROWS, ROWS, st.randoms(use_true_random=False))
def test_the_digest_is_of_the_rows_in_any_order(
    first: list[tuple[int, str | None]], last: list[tuple[int, str | None]], random: object
) -> None:
    shuffled = first + last
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    schema = batch(first).schema
    whole = RowDigest(NAMES).update(batch(shuffled)).read(schema)
    parts = RowDigest(NAMES).update(batch(first)).merge(RowDigest(NAMES).update(batch(last)))
    assert parts.read(schema) == whole
    assert RowDigest(NAMES).update(batch([*shuffled, shuffled[0]])).read(schema) != whole


def test_the_digest_is_of_names_and_families_too() -> None:
    digests = {
        RowDigest((name,)).update(one).read(one.schema)
        for name, kind in (("a", pa.int64()), ("b", pa.int64()), ("a", pa.bool_()))
        for one in [pa.record_batch({name: pa.array([1, 0]).cast(kind)})]
    }
    assert len(digests) == 3


def test_the_digest_does_not_mind_width_or_encoding() -> None:
    plain = pa.record_batch({"a": pa.array([1, 2], pa.int8()), "b": ["x", None]})
    wide = pa.record_batch(
        {"a": pa.array([1, 2], pa.int64()), "b": pa.array(["x", None]).dictionary_encode()}
    )
    assert RowDigest(NAMES).update(plain).read(plain.schema) == RowDigest(NAMES).update(wide).read(
        wide.schema
    )


def test_a_changed_value_changes_the_digest() -> None:
    one, other = batch([(1, "x"), (2, "y")]), batch([(1, "y"), (2, "x")])
    assert RowDigest(NAMES).update(one).read(one.schema) != RowDigest(NAMES).update(other).read(other.schema)
