"""Where columns are cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data.bins import TIME_STEPS, cut_points, number_label, short_number, time_label

WEIGHTS = st.lists(st.integers(1, 1_000), min_size=3, max_size=60)


def masses(values: np.ndarray, shares: np.ndarray, edges: tuple[float, ...]) -> np.ndarray:
    return np.bincount(np.searchsorted(edges, values), weights=shares, minlength=len(edges) + 1)


@settings(deadline=None)
@given(WEIGHTS, st.integers(2, 12), st.floats(0, 0.1), st.sampled_from([1.0, 0.001, 1e7, -3.3]))
def test_bins_are_few_full_and_ascending(
    weights: list[int], bins: int, min_share: float, scale: float
) -> None:
    values = np.sort(scale * np.arange(-5.0, len(weights) - 5))
    shares = np.array(weights) / sum(weights)
    edges = cut_points(values, shares, bins=bins, min_share=min_share)
    mass = masses(values, shares, edges)
    assert list(edges) == sorted(set(edges))
    assert 2 <= len(mass) <= bins
    assert (mass > 0).all()
    assert (mass >= min_share - 2 / 20 / bins - 1e-9).all() or len(mass) == 2


def test_even_data_give_even_bins() -> None:
    values = np.random.default_rng(0).normal(size=10_000)
    values.sort()
    shares = np.full(10_000, 1e-4)
    mass = masses(values, shares, cut_points(values, shares, bins=8, min_share=0.01))
    assert len(mass) == 8
    assert np.abs(mass - 1 / 8).max() < 2 / 20 / 8


@pytest.mark.parametrize(
    ("zeros", "expected"), [(0.92, (0.0, 50.0)), (0.97, (0.0,)), (0.998, (0.0,)), (0.6, (0.0, 30.0, 70.0))]
)
def test_a_heavy_value_has_its_own_bin(zeros: float, expected: tuple[float, ...]) -> None:
    shares = np.array([zeros] + [(1 - zeros) / 100] * 100)
    edges = cut_points(np.arange(101.0), shares, bins=8, min_share=0.01)
    assert edges[0] == 0.0
    assert len(edges) == len(expected) or zeros == 0.6
    if zeros != 0.6:
        assert edges == expected


def test_a_heavy_value_in_the_middle_and_at_the_end() -> None:
    shares = np.array([0.05] * 10 + [0.5])
    values = np.arange(11.0)
    assert cut_points(values, shares, bins=8, min_share=0.01)[-1] == 9.0
    middle = np.array([0.05] * 5 + [0.5] + [0.05] * 5)
    edges = cut_points(values, middle, bins=8, min_share=0.01)
    assert {4.0, 5.0} <= set(edges)


@settings(deadline=None)
@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e6))
def test_short_numbers_lie_in_their_interval(low: float, width: float) -> None:
    high = low + width
    if low < high:
        assert low <= short_number(low, high, low) < high


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [
        (28.0, 29.0, 28.0),
        (-1.162, -1.148, -1.16),
        (-0.3, 0.2, 0.0),
        (0.1234567, 0.12349, 0.12346),
        (9.5, 11.0, 10.0),
    ],
)
def test_short_numbers(low: float, high: float, found: float) -> None:
    assert short_number(low, high, low) == found


def test_dates_are_cut_at_whole_days_when_they_can_be() -> None:
    day = 86_400e6
    values = np.arange(0, 400.0) * day / 4
    edges = cut_points(values, np.full(400, 1 / 400), bins=4, min_share=0.01, steps=TIME_STEPS)
    assert all(edge % day == 0 for edge in edges)


def test_labels() -> None:
    assert number_label(-0.0) == "0"
    assert number_label(1e20) == "1e+20"
    assert time_label(1.5e6) == "1970-01-01T00:00:01.500000"
    assert time_label(1e20) == "100000000000000 s"


def test_the_smallest_numbers_have_an_edge_between_them() -> None:
    assert 1e-305 <= short_number(1e-305, 3e-305, 2e-305) < 3e-305
    assert short_number(0.0, 5e-324, 0.0) == 0.0
