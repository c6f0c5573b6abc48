"""The three-way shift: pair tables stay, the contrast rises, and one strength makes it zero."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mutual_info_score

from credenza.attacks import theory
from credenza.errors import InputError

counts = st.lists(st.integers(1, 400), min_size=8, max_size=8).map(
    lambda cells: np.array(cells).reshape(2, 2, 2)
)


def rows_of(table: np.ndarray) -> list[np.ndarray]:
    flat = np.repeat(np.arange(8), table.ravel())
    return [flat // 4, flat // 2 % 2, flat % 2]


def information(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
    """I(A; B | C) - I(A; B), one value of the third feature at a time, by another library."""
    given_c = sum((c == v).mean() * mutual_info_score(a[c == v], b[c == v]) for v in np.unique(c))
    return float(given_c - mutual_info_score(a, b))


@settings(deadline=None)
@given(counts, st.floats(0.0, 1.0))
def test_pairs_stay_and_cells_move_by_strength(table: np.ndarray, position: float) -> None:
    low, high = theory.triple_strength_range(table)
    strength = low + position * (high - low)
    before, after = table / table.sum(), theory.joint_after_triple(table, strength)
    for axis in range(3):
        np.testing.assert_allclose(after.sum(axis=axis), before.sum(axis=axis), atol=1e-12)
    for cell in np.ndindex(2, 2, 2):
        assert after[cell] - before[cell] == pytest.approx(strength * (-1) ** sum(cell), abs=1e-12)
    assert after.min() > -1e-12


@settings(deadline=None)
@given(counts)
def test_contrast_and_information_do_not_depend_on_the_order_of_features(table: np.ndarray) -> None:
    a, b, c = rows_of(table)
    for axes in permutations(range(3)):
        turned = table.transpose(axes)
        assert theory.three_way_contrast(turned) == pytest.approx(theory.three_way_contrast(table), abs=1e-9)
        assert theory.interaction_information(turned) == pytest.approx(information(a, b, c), abs=1e-9)


@settings(deadline=None)
@given(counts)
def test_contrast_is_a_difference_of_log_odds_ratios(table: np.ndarray) -> None:
    ratios = [math.log(t[0, 0] * t[1, 1] / (t[0, 1] * t[1, 0])) for t in (table[..., 0], table[..., 1])]
    assert theory.three_way_contrast(table) == pytest.approx(ratios[0] - ratios[1], abs=1e-9)


@settings(deadline=None)
@given(counts)
def test_contrast_rises_with_the_strength_and_erasing_makes_it_zero(table: np.ndarray) -> None:
    low, high = theory.triple_strength_range(table)
    grid = [low + share * (high - low) for share in np.linspace(0.01, 0.99, 15)]
    contrasts = [theory.three_way_contrast(theory.joint_after_triple(table, strength)) for strength in grid]
    assert (np.diff(contrasts) > 0).all()
    zero = theory.erasing_triple_strength(table)
    assert low < zero < high
    assert theory.three_way_contrast(theory.joint_after_triple(table, zero)) == pytest.approx(0.0, abs=1e-6)


def test_exclusive_or_and_copies() -> None:
    exclusive_or = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]]])
    assert theory.interaction_information(exclusive_or) == pytest.approx(math.log(2))
    copies = np.zeros((3, 3, 3))
    copies[np.arange(3), np.arange(3), np.arange(3)] = 1
    assert theory.interaction_information(copies) == pytest.approx(-math.log(3))
    assert theory.three_way_contrast(exclusive_or) == math.inf
    assert theory.three_way_contrast(1 - exclusive_or) == -math.inf
    assert math.isnan(theory.three_way_contrast(np.eye(2)[:, :, None] * np.ones(2)))
    assert theory.triple_strength_range(exclusive_or) == (-0.25, 0.0)
    assert theory.erasing_triple_strength(exclusive_or) == pytest.approx(-0.125)
    assert theory.erasing_triple_strength(np.eye(2)[:, :, None] * np.ones(2)) == 0.0


def test_shapes_follow_strength() -> None:
    assert theory.joint_after_triple(np.ones((2, 2, 2)), np.zeros((3, 5))).shape == (3, 5, 2, 2, 2)


def test_messages_for_impossible_joints() -> None:
    with pytest.raises(InputError) as caught:
        theory.triple_strength_range([[1, 2], [3, 4]])
    assert str(caught.value) == "the joint of a triple is a 2x2x2 table; found shape (2, 2)"
    with pytest.raises(InputError) as caught:
        theory.interaction_information([[1, 2], [3, 4]])
    assert str(caught.value) == "the joint of a triple is a table of three dimensions; found shape (2, 2)"
    with pytest.raises(InputError) as caught:
        theory.joint_after_triple(np.zeros((2, 2, 2)), 0.1)
    assert str(caught.value) == (
        "a joint needs non-negative cells with a positive sum; "
        "found [[[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]"
    )
