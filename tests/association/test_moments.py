"""Moments against long doubles, merged in any order, with gaps and far from zero."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.association.moments import Moments
from credenza.errors import InputError


@st.composite
def columns(draw: st.DrawFn) -> np.ndarray:
    rows, features = draw(st.sampled_from([0, 1, 2, 5, 60])), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    values = rng.normal(size=(rows, features)) * draw(st.sampled_from([1e-3, 1.0, 1e5]))
    values = values + draw(st.sampled_from([0.0, 1e6]))
    gaps = rng.random(values.shape) < draw(st.sampled_from([0.0, 0.3, 0.9]))
    return np.where(gaps, draw(st.sampled_from([np.nan, np.inf, -np.inf])), values)


def names(values: np.ndarray) -> tuple[str, ...]:
    return tuple("abcd"[: values.shape[1]])


def state(values: np.ndarray) -> Moments:
    return Moments.empty(names(values)).update(values)


def close(a: Moments, b: Moments) -> None:
    np.testing.assert_array_equal(a.count, b.count)
    scale = 1e-9 * (1 + np.abs(a.mean).max(initial=0.0))
    np.testing.assert_allclose(a.mean, b.mean, rtol=1e-12, atol=1e-9)
    for name in ("square", "product"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-7, atol=scale)


@given(columns())
def test_moments_are_those_of_the_rows_where_both_are_present(values: np.ndarray) -> None:
    close(state(values), Moments(names(values), **oracles.pairwise_moments(values)))


@given(columns(), st.lists(st.integers(0, 60), max_size=3))
def test_any_split_and_order_gives_the_same(values: np.ndarray, cuts: list[int]) -> None:
    parts = np.split(values, sorted(min(c, len(values)) for c in cuts))
    forth, back = Moments.empty(names(values)), Moments.empty(names(values))
    for part in parts:
        forth = forth.update(part)
    for part in reversed(parts):
        back = state(part) + back
    close(forth, state(values))
    close(back, state(values))


@given(columns())
def test_empty_is_neutral_and_the_product_symmetric(values: np.ndarray) -> None:
    full, empty = state(values), Moments.empty(names(values))
    close(full + empty, full)
    close(empty + full, full)
    np.testing.assert_allclose(full.product, full.product.T, rtol=1e-9, atol=1e-6)


@given(columns())
def test_correlations_are_bounded_or_unknown(values: np.ndarray) -> None:
    correlation = state(values).correlation()
    assert np.all(np.isnan(correlation) | (np.abs(correlation) <= 1.0))


def test_correlation_survives_a_large_offset_in_many_batches() -> None:
    rng = np.random.default_rng(0)
    values = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 5000)
    expected = np.corrcoef(values.T)[0, 1]
    moved = Moments.empty(("x", "y"))
    for part in np.split(values + np.array([1e7, -3e7]), 50):
        moved = moved.update(part)
    assert moved.correlation()[0, 1] == pytest.approx(expected, abs=1e-7)


def test_constant_columns_and_single_rows_have_no_correlation() -> None:
    values = np.array([[1.0, 2.0, np.nan], [1.0, 5.0, 7.0], [1.0, 9.0, np.nan]])
    correlation = state(values).correlation()
    assert np.isnan(correlation[0]).all()
    assert np.isnan(correlation[2]).all()
    assert correlation[1, 1] == 1.0


@pytest.mark.parametrize("size", [1e200, 1.7e308, 1e-200])
def test_values_whose_squares_leave_the_range_make_no_noise(size: float) -> None:
    values = np.array([[size, 1.0], [-size, 2.0], [size, 4.0]])
    full = state(values) + state(values)
    assert np.isnan(full.correlation()[0, 1])
    assert full.correlation()[1, 1] == pytest.approx(1.0)


def test_squares_at_the_edge_of_the_range_still_correlate() -> None:
    values = np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 7.0]]) * 1e150
    assert state(values).correlation()[0, 1] == pytest.approx(0.99339927)


def test_moments_of_other_columns_are_refused() -> None:
    with pytest.raises(InputError) as error:
        Moments.empty(("a",)).merge(Moments.empty(("b",)))
    expected = "moments of differing columns: merge states of the same columns in the same order"
    assert str(error.value) == expected
