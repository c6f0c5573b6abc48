"""Closed forms against slow twins and the figures reported for real pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import matthews_corrcoef, mutual_info_score

from credenza.association import measures
from credenza.attacks import theory
from credenza.errors import InputError

LIPSTICK = [[0.302, 0.219], [0.227, 0.252]]
CHEEKBONES = [[0.257, 0.293], [0.321, 0.129]]

counts = st.lists(st.integers(1, 400), min_size=4, max_size=4).map(
    lambda cells: np.array(cells).reshape(2, 2)
)


def rows_of(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two label columns with the given cell counts: the slow twin's input."""
    flat = np.repeat(np.arange(4), np.asarray(table, dtype=int).ravel())
    return flat // 2, flat % 2


def test_reported_figures_of_real_pairs() -> None:
    assert float(theory.mcc_after(LIPSTICK, 0.0)) == pytest.approx(0.105, abs=1e-3)
    assert float(theory.mutual_information_after(LIPSTICK, 0.0)) == pytest.approx(0.0055, abs=2e-4)
    assert float(theory.mcc_after(CHEEKBONES, 0.0)) == pytest.approx(-0.248, abs=2e-3)
    assert float(theory.mcc_after(LIPSTICK, 0.094)) == pytest.approx(0.483, abs=2e-3)


@given(counts)
def test_measures_agree_with_independent_library(table: np.ndarray) -> None:
    x, y = rows_of(table)
    correlation, information = theory.mcc_after(table, 0.0), theory.mutual_information_after(table, 0.0)
    assert float(correlation) == pytest.approx(matthews_corrcoef(x, y), abs=1e-9)
    assert float(information) == pytest.approx(mutual_info_score(x, y), abs=1e-9)


@given(counts, st.floats(0.0, 1.0))
def test_measures_after_a_shift_agree_with_those_of_any_table(table: np.ndarray, position: float) -> None:
    low, high = theory.strength_range(table)
    strength = low + position * (high - low)
    after = np.maximum(theory.joint_after(table, strength), 0.0)
    assert float(theory.mcc_after(table, strength)) == pytest.approx(measures.mcc(after), abs=1e-9)
    information = float(theory.mutual_information_after(table, strength))
    assert information == pytest.approx(measures.mutual_information(after), abs=1e-9)


@given(counts, st.floats(0.0, 1.0))
def test_joint_keeps_margins_and_moves_by_strength(table: np.ndarray, position: float) -> None:
    low, high = theory.strength_range(table)
    strength = low + position * (high - low)
    before, after = table / table.sum(), theory.joint_after(table, strength)
    np.testing.assert_allclose(after.sum(axis=0), before.sum(axis=0), atol=1e-12)
    np.testing.assert_allclose(after.sum(axis=1), before.sum(axis=1), atol=1e-12)
    np.testing.assert_allclose(after - before, strength * np.array([[1, -1], [-1, 1]]), atol=1e-12)
    assert after.min() > -1e-12


@given(counts, st.floats(0.05, 0.95))
def test_derivative_agrees_with_finite_differences(table: np.ndarray, position: float) -> None:
    low, high = theory.strength_range(table)
    at, step = low + position * (high - low), 1e-5 * (high - low)
    rise = theory.mutual_information_after(table, at + step) - theory.mutual_information_after(
        table, at - step
    )
    assert float(rise / (2 * step)) == pytest.approx(
        float(theory.mi_derivative(table, at)), rel=1e-3, abs=1e-4
    )


@given(counts)
def test_erasing_strength_lies_in_range_and_erases(table: np.ndarray) -> None:
    low, high = theory.strength_range(table)
    zero = theory.erasing_strength(table)
    assert low <= zero <= high
    assert float(theory.mutual_information_after(table, zero)) == pytest.approx(0.0, abs=1e-12)
    assert float(theory.mcc_after(table, zero)) == pytest.approx(0.0, abs=1e-12)


@given(counts)
def test_information_is_convex_and_correlation_linear(table: np.ndarray) -> None:
    grid = np.linspace(*theory.strength_range(table), 41)
    information = theory.mutual_information_after(table, grid)
    assert (np.diff(information, 2) > -1e-9).all()
    np.testing.assert_allclose(np.diff(theory.mcc_after(table, grid), 2), 0.0, atol=1e-9)


@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_information_rises_both_ways_from_independence(u: float, v: float) -> None:
    joint = np.outer([1 - u, u], [1 - v, v])
    low, high = theory.strength_range(joint)
    assert (np.diff(theory.mutual_information_after(joint, np.linspace(0, high, 9))) > 0).all()
    assert (np.diff(theory.mutual_information_after(joint, np.linspace(0, low, 9))) > 0).all()


def test_positive_shift_of_negative_pair_first_lowers_information() -> None:
    assert theory.mi_derivative(CHEEKBONES, 0.0) < 0
    assert theory.mutual_information_after(CHEEKBONES, 0.03) < theory.mutual_information_after(
        CHEEKBONES, 0.0
    )


def test_shapes_follow_strength() -> None:
    strength = np.full((3, 5), 0.01)
    assert theory.joint_after(LIPSTICK, strength).shape == (3, 5, 2, 2)
    assert theory.mutual_information_after(LIPSTICK, strength).shape == (3, 5)
    assert theory.mi_derivative(LIPSTICK, strength).shape == (3, 5)
    assert theory.mcc_after(LIPSTICK, np.zeros(0)).shape == (0,)


def test_ends_of_range_and_beyond() -> None:
    low, high = theory.strength_range(LIPSTICK)
    assert (low, high) == (-0.252, 0.219)
    assert theory.mi_derivative(LIPSTICK, high) == math.inf
    assert theory.mi_derivative(LIPSTICK, low) == -math.inf
    assert np.isnan(theory.mutual_information_after(LIPSTICK, high + 0.01))


def test_constant_feature_has_no_correlation() -> None:
    assert (
        float(theory.mcc_after([[3, 5], [0, 0]], 0.0))
        == measures.mcc(np.array([[3.0, 5.0], [0.0, 0.0]]))
        == 0.0
    )
    assert theory.strength_range([[3, 5], [0, 0]]) == (0.0, 0.0)
    assert float(theory.mutual_information_after([[3, 5], [0, 0]], 0.0)) == 0.0


@pytest.mark.parametrize(
    "cells", [[[0.0, 0.0], [0.0, 0.0]], [[1.0, -1.0], [1.0, 1.0]], [[math.nan, 1.0], [1.0, 1.0]]]
)
def test_message_for_impossible_cells(cells: list[list[float]]) -> None:
    with pytest.raises(InputError) as caught:
        theory.mcc_after(cells, 0.0)
    assert str(caught.value) == f"a joint needs non-negative cells with a positive sum; found {cells}"


def test_message_for_wrong_shape() -> None:
    with pytest.raises(InputError) as caught:
        theory.mi_derivative([0.1, 0.2, 0.3, 0.4])
    assert str(caught.value) == "the joint of a binary pair is a 2x2 table; found shape (4,)"
