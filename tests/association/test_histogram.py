"""Joint histograms: the same counts as nested loops, for small tables and large ones."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.association import tiles
from credenza.association.histogram import PAIRS, SMALL, add_histograms


def all_pairs(features: int) -> np.ndarray:
    return np.stack(np.triu_indices(features), axis=1)


def inner_of(codes: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """Counts of the levels beyond the first, from nested loops over the rows."""
    kept = np.concatenate([[level > 0 for level in range(size)] for size in sizes])
    return oracles.pair_counts(codes, sizes)[np.ix_(kept, kept)]


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=4),
    st.sampled_from([0, 1, 3, 4, 5, 66]),
    st.integers(0, 999),
)
def test_histograms_are_those_of_nested_loops(sizes: list[int], rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(0, s, rows) for s in sizes], axis=1).astype(np.uint8)
    out = np.ones((sum(sizes) - len(sizes),) * 2, np.int64)
    add_histograms(codes, sizes, all_pairs(len(sizes)), out)
    np.testing.assert_array_equal(out - 1, inner_of(codes, tuple(sizes)))


def test_all_256_levels_several_threads_and_one_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "cores", lambda: 3)
    monkeypatch.setattr(tiles, "THREADED", 0)
    rng = np.random.default_rng(3)
    sizes = (256, 2, 33, 256, 5, 31, 7)
    codes = np.stack([rng.integers(0, s, 500) for s in sizes], axis=1).astype(np.uint8)
    pairs = all_pairs(len(sizes))
    assert len(pairs) > PAIRS
    assert sizes[1] * sizes[2] < SMALL < sizes[2] ** 2
    out = np.zeros((sum(sizes) - len(sizes),) * 2, np.int64)
    add_histograms(codes, sizes, pairs, out)
    expected = inner_of(codes, sizes)
    np.testing.assert_array_equal(out, expected)
    one = np.zeros_like(out)
    add_histograms(codes, sizes, np.array([[0, 1]]), one)
    mask = np.zeros(out.shape, bool)
    mask[:255, 255] = mask[255, :255] = True
    np.testing.assert_array_equal(one, expected * mask)
