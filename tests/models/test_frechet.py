from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import slow_frechet_distance

from credenza.errors import InputError
from credenza.models.frechet import feature_moments, frechet_distance


def sample(n: int, d: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d)


@settings(max_examples=30, deadline=None)
@given(d=st.integers(1, 5), n=st.integers(8, 40), m=st.integers(8, 40), seed=st.integers(0, 10**6))
def test_it_is_what_the_general_matrix_root_gives(d: int, n: int, m: int, seed: int) -> None:
    a, b = sample(n, d, seed), sample(m, d, seed + 1)
    expected = slow_frechet_distance(a, b)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert frechet_distance(b, a) == pytest.approx(frechet_distance(a, b), rel=1e-6, abs=1e-6)


def test_one_dimension_is_gaps_of_means_and_deviations() -> None:
    a, b = sample(50, 1, 1), sample(60, 1, 2)
    expected = (a.mean() - b.mean()) ** 2 + (a.std(ddof=1) - b.std(ddof=1)) ** 2
    assert frechet_distance(a, b) == pytest.approx(expected)


def test_equal_samples_are_at_no_distance_also_where_features_repeat() -> None:
    a = sample(40, 3, 3)
    twice = np.hstack([a, a, np.ones((40, 1))])
    assert frechet_distance(twice, twice) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(twice, twice + 2) == pytest.approx(4 * 7, abs=1e-5)


def test_batches_merge() -> None:
    a, b = sample(90, 4, 4).astype(np.float32), sample(80, 4, 5)
    merged = feature_moments(a[:30]) + feature_moments(a[30:30]) + feature_moments(a[30:])
    assert frechet_distance(merged, b) == pytest.approx(frechet_distance(a, b))


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.ones(3), np.ones((2, 2)), "features are an array of shape (n, d); found shape (3,)"),
        (np.ones((3, 0)), np.ones((2, 2)), "features are an array of shape (n, d); found shape (3, 0)"),
        (np.full((3, 1), np.nan), np.ones((2, 1)), "features must be finite; found NaN or infinity"),
        (np.ones((1, 2)), np.ones((2, 2)), "a covariance needs two rows of features or more; found 1"),
        (
            np.ones((4, 2)),
            np.ones((4, 3)),
            "features of 2 and of 3 numbers a row; both must come from one reader",
        ),
    ],
)
def test_what_has_no_distance_is_said(a: np.ndarray, b: np.ndarray, message: str) -> None:
    with pytest.raises(InputError) as caught:
        frechet_distance(a, b)
    assert str(caught.value) == message
