"""Weighted triple counts against nested loops; the rows that a weighted table is worth, and the level of its test."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
from numpy.typing import NDArray

from credenza.association.probes import Layout
from credenza.association.triple_counts import TripleCounts, probe_planes
from credenza.association.triple_shift import compare
from credenza.association.triple_weights import WeightedTriples, weighted_counts
from credenza.association.triples import Threes
from credenza.contracts import FloatArray

LAYOUT = Layout((2, 3, 2, 2), (0, 3, 0, 0))
PROBES = np.array([[0, 2, 3], [1, 3, 4], [0, 1, 4]])
BITS = Layout((2, 2, 2), (0, 0, 0))


def draw(rows: int, seed: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, size, rows, dtype=np.uint8) for size in LAYOUT.sizes], axis=1)


def indicators(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Level 1 of the features of two levels; the cuts of the second."""
    a, b, c, d = codes.T
    return np.stack([a == 1, b >= 1, b >= 2, c == 1, d == 1], axis=1).astype(np.int64)


@pytest.mark.parametrize("kind", ["positive", "any sign", "constant"])
def test_weights_are_summed(kind: str) -> None:
    codes, rng = draw(150, seed=8), np.random.default_rng(2)
    weights = {
        "positive": rng.exponential(size=150),
        "any sign": rng.normal(size=150),
        "constant": np.full(150, 0.75),
    }[kind]
    found = weighted_counts(probe_planes(codes, LAYOUT), weights, Threes(LAYOUT))
    tolerance = 150 * np.ptp(weights) * 2.0**-16 + 1e-9
    bits = indicators(codes)
    assert found.rows == pytest.approx(weights.sum(), abs=tolerance)
    np.testing.assert_allclose(found.pairs, (bits.T * weights) @ bits, atol=tolerance)
    expected = oracles.triple_tables(bits, weights.tolist())
    for probes, table in zip(PROBES, found.table(PROBES).T, strict=True):
        wanted = expected[tuple(probes.tolist())]
        np.testing.assert_allclose(table, np.maximum(wanted, 0.0), atol=8 * tolerance)


def test_no_rows_have_no_weight() -> None:
    found = weighted_counts(probe_planes(draw(0, 0), LAYOUT), np.empty(0), Threes(LAYOUT))
    assert (found.rows, found.triples.sum()) == (0, 0)


def test_weights_of_one_change_nothing() -> None:
    counts = TripleCounts.empty(LAYOUT).update(draw(200, seed=3))
    np.testing.assert_allclose(WeightedTriples(counts, counts).tables(0), counts.tables(0))
    np.testing.assert_allclose(WeightedTriples(counts, counts, 2.0).table(PROBES), counts.table(PROBES) / 2.0)


def test_equal_weights_are_worth_all_rows() -> None:
    """Rows of weight 2 count twice, with a variance of four: worth one row each."""
    counts = TripleCounts.empty(LAYOUT).update(draw(2_000, seed=3))
    twice = WeightedTriples(counts.plus(counts, 1.0), counts.plus(counts, 3.0))
    np.testing.assert_allclose(twice.table(PROBES), counts.table(PROBES), rtol=0.02)


def weigh(codes: NDArray[np.uint8], weights: FloatArray) -> tuple[WeightedTriples, FloatArray]:
    """(the table scaled by itself, the table scaled by one effective size of all rows)."""
    planes, threes = probe_planes(codes, BITS), Threes(BITS)
    counts, squares = weighted_counts(planes, weights, threes), weighted_counts(planes, weights**2, threes)
    kish = float(weights.sum()) / float((weights**2).sum())
    return WeightedTriples(counts, squares), counts.table(np.array([[0, 1, 2]])) * kish


def test_the_level_is_held_where_weights_vary_in_rare_cells() -> None:
    """Weights of a twelfth of the rows say little of all rows, and much of the table of a rare feature."""
    rng, own, whole = np.random.default_rng(4), [], []
    for _ in range(400):
        r, s = (rng.random((rows, 3)) < (0.08, 0.5, 0.4) for rows in (10_000, 2_000))
        weights = np.where(s[:, 0], rng.choice([0.1, 1.9], 2_000), 1.0)
        reference = TripleCounts.empty(BITS).update(r.astype(np.uint8)).table(np.array([[0, 1, 2]]))
        weighted, by_kish = weigh(s.astype(np.uint8), weights)
        own.append(compare(reference, weighted.table(np.array([[0, 1, 2]])))[0][0])
        whole.append(compare(reference, by_kish)[0][0])
    assert np.mean(np.array(own) <= np.log(0.05)) <= 0.085  # 5% of 400, exceeded once in a thousand
    assert np.mean(np.array(whole) <= np.log(0.05)) > 0.085
