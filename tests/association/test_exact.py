"""The exact test of one odds ratio against the listing of its whole support."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from credenza.association.exact import homogeneity


@st.composite
def tables(draw: st.DrawFn, largest: int = 40) -> list[float]:
    """(x, u, v, n) of a reference and a suspect, from their eight cells."""
    row: list[float] = []
    for _ in range(2):
        a, b, c, d = (draw(st.integers(0, largest)) for _ in range(4))
        row += [a, a + b, a + c, a + b + c + d]
    return row


def scaled(row: list[float], factor: float) -> list[float]:
    """The same comparison with a suspect that is worth fewer rows."""
    return row[:4] + [x * factor for x in row[4:]]


def swapped_rows(row: list[float]) -> list[float]:
    """The same comparison with the first feature's two levels swapped."""
    return [y for x, u, v, n in (row[:4], row[4:]) for y in (v - x, n - u, v, n)]


@given(tables())
def test_whole_counts_against_the_listing(row: list[float]) -> None:
    assert homogeneity(np.array([row]))[0] == pytest.approx(oracles.log_homogeneity(row), rel=1e-8, abs=1e-9)


@given(tables(), st.sampled_from([0.973, 0.51, 0.0731]))
def test_effective_counts_against_the_listing(row: list[float], factor: float) -> None:
    row = scaled(row, factor)
    assert homogeneity(np.array([row]))[0] == pytest.approx(oracles.log_homogeneity(row), rel=1e-6, abs=1e-7)


@given(tables(), st.sampled_from([1.0, 0.973, 0.31]))
def test_swapping_levels_or_features_changes_nothing(row: list[float], factor: float) -> None:
    row = scaled(row, factor)
    swaps = [row, swapped_rows(row)]
    swaps += [[r[k] for k in (0, 2, 1, 3, 4, 6, 5, 7)] for r in swaps]
    found = homogeneity(np.array(swaps))
    np.testing.assert_allclose(found, found[0], rtol=1e-6, atol=1e-7)


@given(tables())
def test_swapping_the_samples_changes_nothing(row: list[float]) -> None:
    found = homogeneity(np.array([row, row[4:] + row[:4]]))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-8, atol=1e-9)


@given(tables(), st.sampled_from([1.0, 0.37]))
def test_p_is_never_nan_nor_beyond_one(row: list[float], factor: float) -> None:
    log_p = homogeneity(np.array([scaled(row, factor)]))[0]
    assert np.isfinite(log_p)
    assert log_p <= 0.0


def test_one_sample_without_freedom_says_nothing() -> None:
    fixed = [7, 7, 7, 7]
    rows = [[*fixed, 3, 5, 6, 20], [3, 5, 6, 20, *fixed], [0] * 8, [0, 0, 0, 1, 1, 1, 1, 1]]
    np.testing.assert_allclose(homogeneity(np.array(rows, float)), 0.0, atol=1e-12)


def test_counts_almost_whole_are_continuous_with_whole_ones() -> None:
    row = [3.0, 9, 8, 20, 9, 10, 14, 21]
    near = [row, scaled(row, 1 - 1e-12), scaled(row, 1 + 1e-12)]
    found = homogeneity(np.array(near))
    np.testing.assert_allclose(found, found[0], atol=1e-9)


@pytest.mark.parametrize("rows", [2_000, 200_000, 20_000_000])
def test_large_tables_agree_with_the_normal_limit(rows: int) -> None:
    n = np.full(3, rows / 2)
    shift = np.array([0.0, 1.0, 2.5]) * np.sqrt(rows / 2) / 4 * np.sqrt(2)
    row = np.stack([n / 4, n / 2, n / 2, n, np.round(n / 4 + shift), n / 2, n / 2, n], axis=1)
    expected = np.log(2) + stats.norm.logsf([0.0, 1.0, 2.5])
    np.testing.assert_allclose(homogeneity(row), expected, atol=0.12)


def test_far_tails_keep_their_logarithm() -> None:
    row = [25_000.0, 50_000, 50_000, 100_000, 45_000, 50_000, 50_000, 100_000]
    mild = [250.0, 500, 500, 1000, 450, 500, 500, 1000]
    found = homogeneity(np.array([row, mild]))
    assert found[1] == pytest.approx(oracles.log_homogeneity(mild), rel=1e-8)
    assert found[0] < -10_000
    assert np.isfinite(found[0])


def test_mid_p_is_close_to_its_level_over_all_outcomes() -> None:
    # Weigh every outcome of two binomial-like tables by its own probability: the false-alarm rate is that sum.
    u_r, v_r, n_r, u_s, v_s, n_s = 30, 25, 60, 28, 31, 70
    total = 24
    support = [t for t in range(total + 1) if t <= min(u_r, v_r) and total - t <= min(u_s, v_s)]
    rows = np.array([[t, u_r, v_r, n_r, total - t, u_s, v_s, n_s] for t in support], float)
    weight = [
        stats.hypergeom.pmf(t, n_r, u_r, v_r) * stats.hypergeom.pmf(total - t, n_s, u_s, v_s) for t in support
    ]
    share = np.array(weight) / sum(weight)
    for alpha in (0.2, 0.05, 0.01):
        rate = share[np.exp(homogeneity(rows)) <= alpha].sum()
        assert 0.4 * alpha <= rate <= 1.6 * alpha
