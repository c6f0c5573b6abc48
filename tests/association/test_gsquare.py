"""No three-way interaction against a Poisson regression; degrees of freedom against matrix ranks; pooling."""

from __future__ import annotations

from itertools import product

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from credenza.association.gsquare import MIN_COUNT, no_interaction, pool_levels, pooled
from credenza.association.kernels import pair_counts
from credenza.association.probes import Layout
from credenza.association.rectangle import Rectangle
from credenza.association.samples import Sample


def matrix(table: np.ndarray) -> np.ndarray:
    """The (K, K) pair counts of two features with this table."""
    i, j = oracles.expanded(table)
    return pair_counts(np.stack([i, j], axis=1).astype(np.uint8), table.shape).astype(float)


def compared(reference: np.ndarray, suspect: np.ndarray, factor: float = 1.0) -> tuple[float, float]:
    pairs = Rectangle.of(Layout(reference.shape, (0, 0)))
    before, after = (
        Sample(k * matrix(t), k * t.sum()).block() for k, t in ((1.0, reference), (factor, suspect))
    )
    log_p, df = no_interaction(pairs, before, after, np.array([0]), np.array([1]))
    return float(log_p[0]), float(df[0])


@st.composite
def dense(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    shape = draw(st.sampled_from([(2, 2), (2, 3), (3, 4), (4, 4)]))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    return rng.integers(10, 60, shape), rng.integers(10, 60, shape)


@settings(max_examples=20)
@given(dense(), st.sampled_from([1.0, 0.93]))
def test_statistic_against_a_poisson_regression(pair: tuple[np.ndarray, np.ndarray], factor: float) -> None:
    reference, suspect = pair
    log_p, df = compared(reference, suspect, factor)
    g2 = oracles.no_interaction(reference.astype(float), factor * suspect)
    assert df == (reference.shape[0] - 1) * (reference.shape[1] - 1)
    assert log_p == pytest.approx(stats.chi2.logsf(g2, df), rel=1e-3, abs=1e-3)


@given(dense())
def test_proportional_samples_and_drifted_margins_are_no_shift(pair: tuple[np.ndarray, np.ndarray]) -> None:
    reference, _ = pair
    r, c = reference.shape
    drift = np.outer(np.arange(1, r + 1), np.arange(1, c + 1))  # moves both margins, keeps every odds ratio
    for suspect in (reference, 3 * reference, reference * drift):
        assert compared(reference, suspect)[0] == pytest.approx(0.0, abs=1e-3)


@given(hnp.arrays(np.int64, (2, 4, 5), elements=st.sampled_from([0, 0, 25, 40])))
def test_degrees_of_freedom_against_ranks(both: np.ndarray) -> None:
    reference, suspect = both
    margins = [t.sum(axis=k).min() for t in both for k in (0, 1)]
    log_p, df = compared(reference, suspect)
    assert np.isfinite(log_p)
    if min(margins) >= MIN_COUNT:
        assert df == oracles.freedom(reference, suspect)


def test_features_missing_together_keep_the_freedom_of_the_rest() -> None:
    table = np.zeros((4, 4), np.int64)
    table[:3, :3], table[3, 3] = 30, 50
    assert compared(table, table)[1] == 4


def test_a_copy_of_a_feature_has_nothing_to_test() -> None:
    assert compared(np.diag([40, 50, 60]), np.diag([60, 50, 40])) == (0.0, 0.0)
    coarse = np.array([[40, 0], [50, 0], [0, 60]])
    assert compared(coarse, 2 * coarse) == (0.0, 0.0)


def test_blocks_hold_their_level_under_the_null() -> None:
    # Two features that are missing together; an undercounted degree of freedom would double the rate.
    runs, alpha = 400, 0.05
    rng = np.random.default_rng(0)
    shares = np.zeros((4, 4))
    shares[:3, :3], shares[3, 3] = rng.dirichlet(np.full(9, 8.0)).reshape(3, 3) * 0.7, 0.3
    draws = rng.multinomial(1500, shares.ravel(), (runs, 2)).reshape(runs, 2, 4, 4)
    below = sum(compared(r, s)[0] <= np.log(alpha) for r, s in draws)
    low, high = stats.binom.interval(0.999, runs, alpha)
    assert low <= below <= high


margins = st.lists(st.integers(0, 60), min_size=1, max_size=8)


@given(margins, st.data())
def test_pooled_levels_are_dense_enough_or_one(margin: list[int], data: st.DataObject) -> None:
    other = data.draw(st.lists(st.integers(0, 60), min_size=len(margin), max_size=len(margin)))
    ordered = data.draw(st.integers(0, len(margin)))
    groups = pool_levels(np.array(margin, float), np.array(other, float), ordered)
    assert set(groups) == set(range(groups.max() + 1))
    assert np.all(np.diff(groups[:ordered]) >= 0)  # bins merge with neighbours only
    if groups.max() > 0:
        low = np.minimum(margin, other)
        assert np.bincount(groups, weights=low).min() >= MIN_COUNT


@given(margins)
def test_dense_levels_are_left_alone(margin: list[int]) -> None:
    dense = np.array(margin, float) + MIN_COUNT
    for ordered in (0, len(margin)):
        assert pool_levels(dense, dense, ordered).tolist() == list(range(len(margin)))


def test_sparse_bins_join_a_missing_level_when_nothing_else_is_left() -> None:
    assert pool_levels(np.array([5.0, 5, 90]), np.array([5.0, 5, 90]), 2).tolist() == [0, 0, 0]


def test_levels_are_pooled_feature_by_feature() -> None:
    layout = Layout((4, 1, 3, 2), (0, 0, 3, 0))
    reference = np.array([50.0, 3, 40, 9, 100, 30, 30, 40, 70, 30])
    suspect = np.array([50.0, 30, 40, 9, 100, 10, 90, 0, 50, 50])
    groups, levels = pooled(reference, suspect, layout)
    assert groups.tolist() == [0, 1, 1, 1, 0, 0, 0, 0, 0, 1]
    assert levels.tolist() == [2, 1, 1, 2]
    assert [part.tolist() for part in pooled(np.zeros(0), np.zeros(0), Layout((), ()))] == [[], []]


@given(hnp.arrays(np.int64, (2, 4, 5), elements=st.sampled_from([0, 0, 1, 15, 25, 40])), st.integers(0, 4))
def test_pooled_tables_against_fitting_whole_arrays(both: np.ndarray, ordered: int) -> None:
    margins = [[t.sum(axis=1 - k).astype(float) for t in both] for k in (0, 1)]
    groups = [pool_levels(*m, bins) for m, bins in zip(margins, (ordered, 0), strict=True)]
    small = np.zeros((2, 4, 5))
    for s, x, y in product(range(2), range(4), range(5)):
        small[s, groups[0][x], groups[1][y]] += both[s, x, y]
    g2, df = oracles.interaction(*small)
    pairs = Rectangle.of(Layout((4, 5), (ordered, 0)))
    blocks = [Sample(matrix(t), t.sum()).block() for t in both]
    log_p, freedom = no_interaction(pairs, blocks[0], blocks[1], np.array([0]), np.array([1]))
    assert freedom[0] == df
    assert log_p[0] == pytest.approx(stats.chi2.logsf(g2, df) if df else 0.0, rel=1e-7, abs=1e-7)


def test_pairs_are_told_apart() -> None:
    rng = np.random.default_rng(2)
    layout = Layout((3, 2, 4, 3), (0, 0, 4, 0))
    codes = [rng.integers(0, layout.sizes, (n, 4)).astype(np.uint8) for n in (900, 700)]
    before, after = (Sample(pair_counts(c, layout.sizes).astype(float), len(c)) for c in codes)
    i, j = np.array([2, 0, 0, 1]), np.array([3, 1, 2, 2])
    log_p, df = no_interaction(Rectangle.of(layout), before.block(), after.block(), i, j)
    for k, (a, b) in enumerate(zip(i, j, strict=True)):
        g2, freedom = oracles.interaction(layout.block(before.joint, a, b), layout.block(after.joint, a, b))
        assert df[k] == freedom
        assert log_p[k] == pytest.approx(stats.chi2.logsf(g2, freedom), rel=1e-8)


def test_rows_of_one_sample_only_say_nothing() -> None:
    nothing = np.zeros((3, 3), np.int64)
    full = np.full((3, 3), 30)
    assert compared(full, nothing) == (0.0, 0.0)
    assert compared(nothing, nothing) == (0.0, 0.0)
