"""Intervals of shares, and the strength that is caught with a given chance."""

from __future__ import annotations

from math import isinf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import binomtest

from credenza.drill.curve import Curve, wilson
from credenza.errors import UsageError


@given(st.integers(1, 500), st.data())
@settings(max_examples=50, deadline=None)
def test_wilson_is_wilson(runs: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, runs))
    expected = binomtest(hits, runs).proportion_ci(0.95, "wilson")
    assert wilson(hits, runs) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_no_runs_say_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_curve_rises_and_passes_through_the_points() -> None:
    strengths = [0.01, 0.015, 0.02, 0.025, 0.03]
    shares = ndtr((np.array(strengths) - 0.02) / 0.005)
    curve = Curve(strengths, np.round(1_000 * shares).astype(int).tolist(), [1_000] * 5)
    assert curve.at(strengths) == pytest.approx(shares, abs=0.03)
    assert (np.diff(curve.at(np.linspace(0.001, 0.05, 50))) >= 0).all()
    caught = curve.caught(0.8)
    assert caught.strength == pytest.approx(0.02 + 0.8416 * 0.005, rel=0.02)
    assert caught.low < caught.strength < caught.high < 0.026


def test_intervals_cover_the_truth() -> None:
    rng, strengths, covered = np.random.default_rng(0), np.array([0.5, 0.75, 1.0, 1.25, 1.5, 2.0]), 0
    true = 0.8 * (1 + 0.8416 * 0.25)
    for _ in range(100):
        hits = rng.binomial(20, ndtr((strengths - 0.8) / (0.8 * 0.25)))
        caught = Curve(strengths.tolist(), hits.tolist(), [20] * 6).caught(0.8)
        covered += caught.low <= true <= caught.high
    assert covered >= 89


def test_what_is_never_caught_lies_beyond_the_grid() -> None:
    caught = Curve([0.01, 0.02], [0, 0], [20, 20]).caught(0.8)
    assert caught.strength > 0.02


def test_what_is_always_caught_lies_before_it() -> None:
    assert Curve([0.01, 0.02], [20, 20], [20, 20]).caught(0.8).strength < 0.01


def test_a_curve_that_levels_off_never_reaches_more() -> None:
    curve = Curve([0.01, 0.02, 0.03, 0.04, 0.06], [10, 120, 120, 121, 120], [200] * 5)
    assert isinf(curve.caught(0.8).strength)
    assert curve.caught(0.5).strength < 0.03


@pytest.mark.parametrize("strengths", [[], [0.0, 0.1]])
def test_strengths_are_above_zero(strengths: list[float]) -> None:
    with pytest.raises(UsageError, match=r"^a curve needs strengths above 0; found \["):
        Curve(strengths, [0] * len(strengths), [1] * len(strengths))
