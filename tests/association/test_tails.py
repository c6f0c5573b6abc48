"""Tails whose probabilities underflow, against scipy where it can follow and against closed forms where it cannot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from credenza.association.tails import chi2_log_sf, normal_isf, normal_log_sf, normal_score


def test_the_normal_tail_is_scipys() -> None:
    z = np.array([-8.0, -1.0, 0.0, 1.96, 8.0, 30.0, 300.0])
    np.testing.assert_allclose(normal_log_sf(z), stats.norm.logsf(z), rtol=1e-12)
    p = np.array([1e-300, 1e-12, 0.025, 0.5, 0.975])
    np.testing.assert_allclose(normal_isf(p), stats.norm.isf(p), rtol=1e-12, atol=1e-12)


@given(st.floats(0, 1_000), st.integers(1, 600))
def test_the_chi_square_tail_is_scipys_where_that_is_finite(x: float, df: int) -> None:
    expected = np.log(special.gammaincc(df / 2, x / 2))
    assert chi2_log_sf(x, df) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(st.floats(1_400, 1e6))
def test_two_degrees_of_freedom_have_an_exponential_tail(x: float) -> None:
    assert chi2_log_sf(x, 2) == pytest.approx(-x / 2, rel=1e-12)


@given(st.floats(1_400, 1e6))
def test_one_degree_of_freedom_is_a_squared_normal(x: float) -> None:
    assert chi2_log_sf(x, 1) == pytest.approx(stats.norm.logsf(np.sqrt(x)) + np.log(2), rel=1e-10)


@given(st.floats(2_000, 50_000), st.integers(1, 900))
def test_neighbouring_degrees_of_freedom_obey_the_recurrence(x: float, df: int) -> None:
    a, half = df / 2, x / 2
    step = a * np.log(half) - half - special.gammaln(a + 1)
    assert chi2_log_sf(x, df + 2) == pytest.approx(np.logaddexp(chi2_log_sf(x, df), step), rel=1e-9)


def test_the_two_ways_meet_where_one_hands_over_to_the_other() -> None:
    x = np.linspace(1_200, 1_450, 200)
    values = chi2_log_sf(x, np.full(200, 40))
    assert np.all(np.isfinite(values))
    assert np.diff(values, 2) == pytest.approx(0, abs=1e-4)


def test_scores_grow_with_the_evidence() -> None:
    assert np.all(np.diff(normal_score(-np.geomspace(0.1, 1e6, 500))) > 0)
