"""Exact while there is room, unbiased beyond, and the same whatever the batches and merges."""

from __future__ import annotations

import pickle

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data import Duplicates, Repeats
from credenza.data.kernels import ODD
from credenza.errors import UsageError

KEYS = st.lists(st.integers(0, 12) | st.integers(0, 2**64 - 1), max_size=60)


def array(keys: list[int]) -> np.ndarray:
    return np.array(keys, np.uint64)


def spread(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64)


@settings(max_examples=80, deadline=None)
@given(KEYS)
def test_counts_against_a_dictionary(keys: list[int]) -> None:
    found = Repeats.empty().update(array(keys)).read()
    expected = oracles.repeats([(max(key, 1),) for key in keys])
    assert (found.rows, found.distinct, found.pairs, found.most, found.triples) == expected
    assert (found.share, found.error) == (1.0, 0.0)


@settings(max_examples=80, deadline=None)
@given(KEYS, st.integers(1, 12), st.integers(0, 60), st.integers(0, 60), st.randoms())
def test_batches_order_and_merges_do_not_matter(
    keys: list[int], capacity: int, first: int, second: int, shuffle: object
) -> None:
    expected = Repeats.empty(capacity).update(array(keys)).read()
    first, second = sorted((first, second))
    mixed = list(keys)
    shuffle.shuffle(mixed)
    parts = [
        Repeats.empty(capacity).update(array(part))
        for part in (mixed[:first], mixed[first:second], mixed[second:])
    ]
    assert parts[0].merge(parts[1]).merge(parts[2]).read() == expected
    assert parts[2].merge(parts[0].merge(parts[1])).read() == expected
    one_by_one = Repeats.empty(capacity)
    for key in mixed:
        one_by_one.update(array([key]))
    assert one_by_one.read() == expected
    assert pickle.loads(pickle.dumps(one_by_one)).read() == expected


def test_many_keys_in_large_batches() -> None:
    keys = spread(300_000)
    twice = np.concatenate([keys, keys[:1_000], keys[:10]])
    seen = Repeats.empty().update(twice)
    n = 301_010
    assert seen.read() == Duplicates(n, 300_000, 990 + 10 * 3, 3, 10)
    assert seen.merge(Repeats.empty()).read() == seen.read()
    assert seen.merge(seen).read().pairs == sum(
        oracles_pairs(c) for c in [2] * 299_000 + [4] * 990 + [6] * 10
    )


def oracles_pairs(count: int) -> int:
    return count * (count - 1) // 2


def test_the_sample_keeps_what_lies_below_its_threshold() -> None:
    keys = spread(5_000)
    found = Repeats.empty(1_000).update(keys).update(keys).read()
    halvings = next(h for h in range(64) if (keys < 2 ** (64 - h)).sum() <= 1_000)
    kept = int((keys < 2 ** (64 - halvings)).sum())
    assert found == Duplicates(
        10_000,
        kept * 2**halvings,
        kept * 2**halvings,
        2,
        0,
        2.0**-halvings,
        pytest.approx(np.sqrt((1 - 2.0**-halvings) * kept) * 2**halvings),
    )


def test_estimates_are_unbiased_and_their_errors_honest() -> None:
    counts = np.random.default_rng(1).geometric(0.3, 3_000)
    true = oracles.repeats([(k,) for k in np.repeat(np.arange(3_000), counts).tolist()])
    found = [
        Repeats.empty(1_000).update(np.repeat(spread(3_000, seed), counts)).read() for seed in range(150)
    ]
    assert {d.share for d in found} <= {0.125, 0.25, 0.5}
    pairs = np.array([d.pairs for d in found], float)
    typical = np.sqrt(np.mean([d.error**2 for d in found]))
    assert abs(pairs.mean() - true[2]) < 4 * typical / np.sqrt(len(found))
    assert 0.8 < pairs.std() / typical < 1.25
    distinct = np.array([d.distinct for d in found], float)
    assert abs(distinct.mean() - true[1]) < 4 * distinct.std() / np.sqrt(len(found))


def test_huge_multiplicities_stay_exact() -> None:
    seen = Repeats.empty().update(array([5]))
    for _ in range(40):
        seen = seen.merge(seen)
    n = 2**40
    assert seen.read() == Duplicates(n, 1, n * (n - 1) // 2, n, n * (n - 1) * (n - 2) // 6)
    assert seen.rows == n


def test_nothing_seen() -> None:
    assert Repeats.empty().update(array([])).read() == Duplicates(0, 0, 0, 0, 0)


def test_keys_that_share_their_low_bits() -> None:
    keys = np.arange(1, 2_001, dtype=np.uint64) << np.uint64(40)
    assert Repeats.empty().update(keys).update(keys * ODD).read().distinct == 4_000


def test_messages() -> None:
    with pytest.raises(UsageError) as caught:
        Repeats.empty(0)
    assert str(caught.value) == "capacity is 0; give 1 or more"
    with pytest.raises(UsageError) as caught:
        Repeats.empty(10).merge(Repeats.empty(2_000))
    assert str(caught.value) == "capacities differ: 10 and 2,000; use one for all parts"
