"""Strengths with their intervals, and the promise of what would have been seen."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from credenza.association.estimate import Power, covariance_and_spread, detectable, strengths
from credenza.association.probes import Layout
from credenza.association.shift import Sample, pair_shift

CELLS = np.array([[1, 1], [1, 0], [0, 1], [0, 0]])


def shares(u: float, v: float, covariance: float) -> np.ndarray:
    """Cells 11, 10, 01, 00 with these margins and covariance."""
    x = u * v + covariance
    return np.array([x, u - x, v - x, 1 - u - v + x])


def table_row(counts: np.ndarray) -> np.ndarray:
    """(..., 4) cells to (..., 4) x, u, v, n."""
    c = counts.astype(float)
    return np.stack([c[..., 0], c[..., 0] + c[..., 1], c[..., 0] + c[..., 2], c.sum(axis=-1)], axis=-1)


@st.composite
def cells(draw: st.DrawFn) -> np.ndarray:
    return np.array([draw(st.integers(0, 50)) for _ in range(4)]) + np.array([1, 0, 0, 0])


@given(cells())
def test_covariance_and_spread_are_those_of_the_rows(counts: np.ndarray) -> None:
    rows = np.repeat(CELLS, counts, axis=0).astype(float)
    centred = (rows[:, 0] - rows[:, 0].mean()) * (rows[:, 1] - rows[:, 1].mean())
    x, u, v, n = table_row(counts)
    c, s = covariance_and_spread(x / n, u / n, v / n)
    assert c == pytest.approx(centred.mean(), abs=1e-12)
    assert s == pytest.approx(centred.std(), abs=1e-7)


@pytest.mark.parametrize(("u", "v", "covariance"), [(0.5, 0.5, 0.1), (0.2, 0.4, -0.05), (0.1, 0.1, 0.03)])
def test_standard_error_is_that_of_repeated_samples(u: float, v: float, covariance: float) -> None:
    rng = np.random.default_rng(0)
    n, runs = 500, 4000
    draws = table_row(rng.multinomial(n, shares(u, v, covariance), runs)) / n
    found = draws[:, 0] - draws[:, 1] * draws[:, 2]
    _, s = covariance_and_spread(u * v + covariance, u, v)
    # The standard deviation of `runs` draws is known to about 1 / sqrt(2 runs); five of those, and the O(1/n) terms.
    assert found.std() == pytest.approx(float(s) / np.sqrt(n), rel=5 / np.sqrt(2 * runs) + 2 / n)


@given(cells(), cells())
def test_strength_is_the_difference_of_covariances(a: np.ndarray, b: np.ndarray) -> None:
    row = np.concatenate([table_row(a), table_row(b)])
    eps, error = strengths(row[None])
    covariances = [
        np.cov(np.repeat(CELLS, t, axis=0).T, bias=True)[0, 1] if t.sum() > 1 else 0.0 for t in (a, b)
    ]
    assert eps[0] == pytest.approx(covariances[1] - covariances[0], abs=1e-12)
    back, again = strengths(np.concatenate([row[4:], row[:4]])[None])
    assert back[0] == pytest.approx(-eps[0], abs=1e-12)
    assert np.isfinite(error[0])
    assert np.isfinite(again[0])


@pytest.mark.parametrize("edited", [True, False])
def test_intervals_cover_the_strength(edited: bool) -> None:
    # An edit moves a fixed number of rows of a clean sample; a poisoned source draws all rows from moved cells.
    rng = np.random.default_rng(1)
    runs, n_r, n_s, strength = 2000, 3000, 2000, 0.06
    clean = shares(0.5, 0.4, 0.03)
    step = strength * np.array([1, -1, -1, 1])
    reference = rng.multinomial(n_r, clean, runs)
    suspect = rng.multinomial(n_s, clean if edited else clean + step, runs)
    if edited:
        suspect = suspect + np.round(n_s * step).astype(int)
    eps, error = strengths(np.concatenate([table_row(reference), table_row(suspect)], axis=1))
    covered = int((np.abs(eps - strength) <= 1.96 * error).sum())
    assert stats.binom.isf(0.9995, runs, 0.95) <= covered <= stats.binom.isf(0.0005, runs, 0.97)


def joint(layout: Layout, rows: int, rng: np.random.Generator, first: np.ndarray) -> Sample:
    """A table of independent fair features, but for the first two, whose cells are given."""
    codes = rng.integers(0, 2, (rows, layout.features))
    codes[:, :2] = CELLS[rng.choice(4, rows, p=first)]
    onehot = (codes[:, :, None] == [0, 1]).reshape(rows, -1).astype(float)
    return Sample(onehot.T @ onehot, float(rows))


def test_the_stated_strength_is_seen_with_the_stated_power() -> None:
    rng = np.random.default_rng(2)
    layout, runs, n_r, n_s, alpha = Layout((2,) * 6, (0,) * 6), 300, 2500, 1800, 0.05
    clean = shares(0.4, 0.5, 0.04)
    expected = Sample(np.zeros((layout.planes,) * 2), n_s)
    seen = 0
    for _ in range(runs):
        reference = joint(layout, n_r, rng, clean)
        promise = detectable(reference, expected, layout, alpha=alpha).strength[0]
        suspect = joint(layout, n_s, rng, clean + promise * np.array([1, -1, -1, 1]))
        seen += bool(pair_shift(reference, suspect, layout).q()[0] <= alpha)
    assert stats.binom.isf(0.9995, runs, 0.77) <= seen <= stats.binom.isf(0.0005, runs, 0.88)


def test_more_rows_see_less_and_more_power_asks_more() -> None:
    rng = np.random.default_rng(3)
    layout = Layout((2,) * 4, (0,) * 4)
    sizes = [detectable(joint(layout, n, rng, shares(0.5, 0.5, 0.0)), Sample(np.zeros((8, 8)), n), layout, alpha=0.05)
             for n in (500, 5000, 50_000)]  # fmt: skip
    typical = [size.typical() for size in sizes]
    assert typical[0] > typical[1] > typical[2]
    assert typical[1] == pytest.approx(typical[0] / np.sqrt(10), rel=0.1)
    for size in sizes:
        assert size.typical() <= size.weakest()
        np.testing.assert_allclose(size.mcc, 4 * size.strength, rtol=0.05)  # fair margins: the scale is 1/4
    reference = joint(layout, 5000, rng, shares(0.5, 0.5, 0.0))
    low, high = (
        detectable(reference, Sample(np.zeros((8, 8)), 5000), layout, alpha=0.05, power=p).typical()
        for p in (0.5, 0.9)
    )
    assert low < high


def test_what_no_strength_can_show_is_infinite_or_untested() -> None:
    layout = Layout((2, 2), (0, 0))
    rare = Sample(
        np.array([[9990, 0, 9980, 10], [0, 10, 10, 0], [9980, 10, 9990, 0], [10, 0, 0, 10.0]]), 10_000
    )
    found = detectable(rare, Sample(rare.joint, 30.0), layout, alpha=0.05)
    assert found.strength.shape == (0,)
    assert found.typical() == found.weakest() == float("inf")
    few = Sample(np.array([[6, 0, 3, 3], [0, 6, 3, 3], [3, 3, 6, 0], [3, 3, 0, 6.0]]), 12)
    small = detectable(few, few, layout, alpha=1e-6)
    assert small.strength.tolist() == [np.inf]
    assert small.weakest() == float("inf")


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    sizes = draw(st.lists(st.integers(1, 5), min_size=0, max_size=5))
    return Layout(tuple(sizes), tuple(draw(st.integers(0, s)) for s in sizes))


@settings(max_examples=100)
@given(layouts(), st.integers(0, 999), st.sampled_from([20, 200, 3000]), st.sampled_from([None, 5000]))
def test_promises_against_their_twin(layout: Layout, seed: int, rows: int, pairs: int | None) -> None:
    rng = np.random.default_rng(seed)
    common = rng.random(rows)
    columns = [np.minimum((0.5 * common + 0.5 * rng.random(rows)) * s, s - 1) for s in layout.sizes]
    codes = np.array(columns).reshape(-1, rows).T.astype(np.uint8)
    reference = Sample(oracles.pair_counts(codes, layout.sizes), float(rows))
    suspect = Sample(np.zeros((layout.planes,) * 2), 0.77 * rows)
    found = detectable(reference, suspect, layout, alpha=0.05, pairs=pairs)
    twin = oracles.detectable(
        (reference.joint, rows),
        suspect.size,
        layout.sizes,
        layout.ordered,
        0.05,
        pairs or len(layout.pairs[0]),
    )
    np.testing.assert_allclose(found.strength, [eps for eps, _ in twin], rtol=1e-9)
    np.testing.assert_allclose(found.mcc, [mcc for _, mcc in twin], rtol=1e-9)


def test_summaries_of_power() -> None:
    some = Power(np.array([0.1, 0.2, np.inf]), np.array([0.4, 0.8, np.inf]), 0.8)
    assert (some.typical(), some.weakest()) == (0.2, 0.2)
