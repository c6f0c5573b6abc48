"""Drawing rows: numbers met, chances as asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.repair.choice import apportioned, drawn_rows, half_way, posterior


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(0, 200), data=st.data())
def test_as_many_are_drawn_as_asked_for(seed: int, rows: int, data: st.DataObject) -> None:
    rng = np.random.default_rng(seed)
    count = data.draw(st.integers(0, rows))
    numbers = np.sort(rng.choice(1_000, rows, replace=False))
    for weights in (None, rng.lognormal(0, 5, rows)):
        drawn = drawn_rows(numbers, weights, count, rng)
        assert len(drawn) == len(set(drawn)) == count
        assert (np.diff(drawn) > 0).all()
        assert np.isin(drawn, numbers).all()


def test_chances_are_those_of_the_weights_but_never_above_one() -> None:
    weights = np.array([0.5, 1.0, 2.0, 2.0, 50.0])
    rng = np.random.default_rng(0)
    times = np.zeros(5)
    for _ in range(4_000):
        times[drawn_rows(np.arange(5), weights, 2, rng)] += 1
    np.testing.assert_allclose(times / 4_000, [1 / 11, 2 / 11, 4 / 11, 4 / 11, 1.0], atol=0.03)


def test_chances_of_a_mixture_are_recovered() -> None:
    rng = np.random.default_rng(0)
    place = rng.choice(3, 30_000, p=[0.7, 0.2, 0.1])
    x = rng.normal(2.5 * place, 1.0)
    density = -((x[:, None] - 2.5 * np.arange(3)) ** 2) / 2
    chances = posterior(density[:, 0], density[:, 1:], np.bincount(place)[1:].astype(float))
    np.testing.assert_allclose(chances.sum(axis=0), np.bincount(place)[1:], rtol=0.01)
    for band in ((0.1, 0.3), (0.4, 0.6), (0.7, 0.9)):
        here = (chances[:, 0] > band[0]) & (chances[:, 0] < band[1])
        assert abs((place[here] == 1).mean() - chances[here, 0].mean()) < 0.04


def test_all_or_none_come_from_elsewhere() -> None:
    assert posterior(np.zeros(0), np.zeros((0, 2)), np.ones(2)).shape == (0, 2)
    assert not posterior(np.zeros(3), np.zeros((3, 1)), np.zeros(1)).any()
    np.testing.assert_allclose(
        posterior(np.zeros(3), np.zeros((3, 2)), np.array([1.0, 3.0])), [[0.25, 0.75]] * 3
    )


def test_half_way_rows_are_half_of_either_kind() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(0.0, 1.0, 50_000)
    weights = half_way(1.0 * x - 0.5)  # log density of N(1, 1) over N(0, 1)
    assert np.average(x, weights=weights) == pytest.approx(0.5, abs=0.03)
    assert len(half_way(np.zeros(0))) == 0


@settings(max_examples=50, deadline=None)
@given(
    total=st.integers(0, 300),
    most=st.lists(st.integers(0, 60), min_size=1, max_size=8),
    seed=st.integers(0, 1_000),
)
def test_parts_add_up_within_their_room(total: int, most: list[int], seed: int) -> None:
    shares = np.random.default_rng(seed).random(len(most))
    parts = apportioned(total, shares, np.array(most))
    assert parts.sum() == min(total, sum(most))
    assert ((parts >= 0) & (parts <= most)).all()
