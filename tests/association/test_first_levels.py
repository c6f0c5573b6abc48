"""First levels from what the others leave, against counts of all levels by nested loops."""

from __future__ import annotations

import numpy as np
import oracles
from hypothesis import given
from hypothesis import strategies as st

from credenza.association.first_levels import restore_block, with_first_levels

sizes_of = st.lists(st.integers(1, 4), min_size=1, max_size=5)


def counts(sizes: list[int], seed: int, n: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(0, s, n) for s in sizes], axis=1)
    return oracles.pair_counts(codes, sizes).astype(np.int64)


@given(sizes_of, st.integers(0, 99), st.sampled_from([0, 1, 50]))
def test_margins(sizes: list[int], seed: int, n: int) -> None:
    margins = np.diag(counts(sizes, seed, n))
    inner = np.delete(margins, np.cumsum(sizes) - np.array(sizes))
    np.testing.assert_array_equal(with_first_levels(inner, sizes, n), margins)
    twice = with_first_levels(np.stack([inner, 2 * inner], axis=1), sizes, np.array([1, 2]) * n)
    np.testing.assert_array_equal(twice, np.stack([margins, 2 * margins], axis=1))


@given(sizes_of, sizes_of, st.integers(0, 99), st.sampled_from([0, 1, 50]))
def test_blocks(left: list[int], right: list[int], seed: int, n: int) -> None:
    joint = counts(left + right, seed, n)
    margins, cut = np.diag(joint), sum(left)
    block = joint[:cut, cut:]
    inner = np.delete(block, np.cumsum(left) - np.array(left), axis=0)
    inner = np.delete(inner, np.cumsum(right) - np.array(right), axis=1)
    found = restore_block(inner, left, right, margins[:cut], margins[cut:])
    np.testing.assert_array_equal(found, block)


def test_no_features() -> None:
    none = np.empty(0, np.int64)
    assert with_first_levels(none, (), 5).shape == (0,)
    assert restore_block(np.empty((0, 0), np.int64), (), (), none, none).shape == (0, 0)
