"""Counts of all levels given two: exact, mergeable, of the rows that were asked for."""

from __future__ import annotations

import pickle

import numpy as np
import oracles
import pyarrow as pa
import pytest
from hypothesis import given, strategies

from credenza.association.edited_counts import GivenCensus, GivenPairs
from credenza.association.kernels import pair_counts
from credenza.data import fit_schema, sketch
from credenza.errors import InputError


def codes_of(sizes: tuple[int, ...], rows: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.asfortranarray(np.stack([rng.integers(0, s, rows) for s in sizes], axis=1).astype(np.uint8))


@given(
    strategies.lists(strategies.integers(1, 4), min_size=2, max_size=5),
    strategies.integers(0, 150),
    strategies.integers(0, 99),
)
def test_they_are_what_a_loop_over_rows_counts(sizes: list[int], rows: int, seed: int) -> None:
    codes, shape = codes_of(tuple(sizes), rows, seed), tuple(sizes)
    pairs = [(0, 1), (len(sizes) - 1, 0)]
    counts = GivenPairs.empty(shape, pairs).update(codes)
    joint = pair_counts(codes, shape)
    for a, b in pairs:
        np.testing.assert_array_equal(
            counts.table((a, b), joint), oracles.given_pairs(codes, shape, a, b), strict=False
        )


@given(strategies.integers(0, 200), strategies.integers(0, 99))
def test_any_split_of_the_rows_counts_the_same(cut: int, seed: int) -> None:
    sizes, pairs = (3, 2, 4), ((0, 1), (2, 0))
    codes = codes_of(sizes, 200, seed)
    whole = GivenPairs.empty(sizes, pairs).update(codes)
    halves = [GivenPairs.empty(sizes, pairs).update(part) for part in (codes[:cut], codes[cut:])]
    for one, other in zip(whole.inner, (halves[0] + halves[1]).inner, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_long_batch_is_counted_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, pairs = (3, 2, 4), ((0, 1),)
    codes = codes_of(sizes, 1_000, 0)
    whole = GivenPairs.empty(sizes, pairs).update(codes)
    monkeypatch.setattr("credenza.association.edited_counts.PIECE_BYTES", 100)
    np.testing.assert_array_equal(GivenPairs.empty(sizes, pairs).update(codes).inner[0], whole.inner[0])


@pytest.mark.parametrize("pair", [(1, 1), (0, 3), (-1, 0)])
def test_a_pair_is_of_two_features_that_are_there(pair: tuple[int, int]) -> None:
    message = rf"pair \({pair[0]}, {pair[1]}\) of 3 features: name two different ones of them"
    with pytest.raises(InputError, match=message):
        GivenPairs.empty((2, 2, 2), [pair])


def test_counts_of_other_pairs_do_not_merge() -> None:
    one, other = (GivenPairs.empty((2, 2, 2), [pair]) for pair in ((0, 1), (0, 2)))
    with pytest.raises(
        InputError, match="rows counted for other pairs or levels: count both sides for the same"
    ):
        one.merge(other)


def positive(batch: pa.RecordBatch) -> np.ndarray:
    return np.asarray(batch.column("a")) > 0


def test_the_pass_counts_the_rows_that_are_picked_and_can_be_sent() -> None:
    table = pa.table({"a": [0, 1, 1, 0, 1] * 40, "b": [1, 0, 1, 0, 1] * 40, "c": [0, 0, 1, 1, 1] * 40})
    schema = fit_schema(sketch(table))
    parts = table.to_batches(max_chunksize=33)
    picked = GivenCensus.empty(schema, [(0, 1)], positive)
    halves = [pickle.loads(pickle.dumps(picked)) for _ in range(2)]
    for k, batch in enumerate(parts):
        picked = picked.update(batch)
        halves[k >= 3] = halves[k >= 3].update(batch)
    plain = GivenCensus.empty(schema, [(0, 1)]).update(
        table.filter(table["a"].cast(pa.bool_())).combine_chunks().to_batches()[0]
    )
    merged = halves[0].merge(halves[1])
    assert (picked.given.inner[0] == plain.given.inner[0]).all()
    assert (picked.given.inner[0] == merged.given.inner[0]).all()
    assert picked.given.inner[0].tolist() == [[80, 80, 80]]
