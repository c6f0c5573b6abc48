from __future__ import annotations

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from credenza.checks.samples import near
from credenza.checks.samples.near import near_pairs, typical_distance

POINTS = arrays(
    np.float64, st.tuples(st.integers(1, 30), st.integers(1, 3)), elements=st.integers(-4, 4).map(float)
)


@settings(deadline=None, max_examples=60)
@given(POINTS, st.sampled_from([0.5, 1.1, 2.3]))
def test_all_pairs_are_found(points: np.ndarray, radius: float) -> None:
    found, (pairs, neighbours, nearest) = near_pairs(points, radius), oracles.near_pairs(points, radius)
    assert found.pairs == len(pairs)
    assert found.neighbours.tolist() == neighbours
    np.testing.assert_allclose(found.nearest, nearest)
    assert set(found.examples) <= set(pairs)
    assert bool(found.examples) == bool(pairs)
    assert (found.scores >= 0).all()
    assert (found.scores[np.array(neighbours) == 0] == 0).all()


def test_blocks_and_windows_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    whole = near_pairs(points, 0.1)
    monkeypatch.setattr(near, "QUERY", 7)
    monkeypatch.setattr(near, "WINDOW", 11)
    pieces = near_pairs(points, 0.1)
    assert (whole.pairs, whole.neighbours.tolist()) == (pieces.pairs, pieces.neighbours.tolist())
    np.testing.assert_array_equal(whole.nearest, pieces.nearest)


def test_far_from_the_origin_is_as_near() -> None:
    points = np.random.default_rng(1).normal(size=(200, 3))
    assert near_pairs(points + 1e5, 0.2).pairs == near_pairs(points, 0.2).pairs


def test_chance_is_bounded_by_the_wider_circle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "QUERY", 16)
    points = np.random.default_rng(2).normal(size=(2_000, 3))
    found = near_pairs(points, 0.1 * typical_distance(points))
    assert 0 < found.pairs < found.chance
    copied = np.concatenate([points, points[:60] + 1e-4])
    assert near_pairs(copied, 0.02).pairs > near_pairs(copied, 0.02).chance


def test_of_many_rows_a_sample_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "MOST_ROWS", 50)
    found = near_pairs(np.zeros((200, 2)), 0.1)
    assert len(found.rows) == 50
    assert (found.pairs, found.copies) == (50 * 49 // 2, 50 * 49 // 2)
    assert set(found.examples[0]) <= set(found.rows.tolist())


def test_the_typical_distance_is_that_of_all_pairs() -> None:
    points = np.random.default_rng(3).normal(size=(40, 3))
    squares = [np.sum((a - b) ** 2) for a in points for b in points]
    assert typical_distance(points) == pytest.approx(np.sqrt(np.mean(squares)))
