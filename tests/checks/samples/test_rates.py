from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import log_p_of_one_mode
from scipy.stats import norm

from credenza.checks.samples.rates import NO_MODE, intervals, second_mode
from credenza.contracts import FloatArray

Draw = Callable[[np.random.Generator, int], FloatArray]
ONE_MODE: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "uniform": lambda rng, n: rng.random(n),
    "t2": lambda rng, n: rng.standard_t(2, size=n),
    "exponential": lambda rng, n: -rng.exponential(size=n),
    "lognormal": lambda rng, n: rng.lognormal(size=n),
    "shoulder": lambda rng, n: np.append(rng.random(n // 2), rng.random(n - n // 2) * 4),
}


@pytest.mark.parametrize("name", ONE_MODE)
def test_one_mode_of_any_shape_passes(name: str) -> None:
    rng = np.random.default_rng(5)
    p = np.array([second_mode(ONE_MODE[name](rng, n)).p for n in (60, 500) for _ in range(30)])
    assert (p < 0.05).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / len(p))
    assert (p < 0.5).mean() <= 0.5


@pytest.mark.parametrize("name", ["normal", "t2", "lognormal"])
def test_a_second_heap_is_found_and_measured(name: str) -> None:
    rng = np.random.default_rng(6)
    bulk = ONE_MODE[name](rng, 2_000)
    high = np.quantile(bulk, 0.999) + 4
    found = second_mode(np.append(bulk, rng.normal(high, 0.5, size=200)))
    assert found.p < 1e-6
    assert found.above
    assert found.share == pytest.approx(200 / 2_200, abs=0.01)
    assert np.quantile(bulk, 0.99) < found.cut < high


def test_the_smaller_side_may_lie_below() -> None:
    rng = np.random.default_rng(7)
    found = second_mode(np.append(rng.normal(size=900), rng.normal(-9, 1, size=100)))
    assert not found.above
    assert found.share == pytest.approx(0.1)
    assert -7 < found.cut < -2


@settings(deadline=None, max_examples=8)
@given(st.integers(17, 45), st.integers(0, 2**32 - 1), st.floats(0.0, 12.0))
def test_all_pairs_of_intervals_agree(n: int, seed: int, shift: float) -> None:
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(n) < 0.4, rng.normal(shift, 0.5, n), rng.normal(size=n))
    expected = log_p_of_one_mode(values, *intervals(n))
    assert second_mode(values).log_p == pytest.approx(expected, rel=1e-4, abs=1e-5)


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100.0), st.floats(-100.0, 100.0))
def test_scale_and_order_do_not_matter(seed: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    values = np.append(rng.normal(size=150), rng.normal(7, 0.5, size=60))
    plain, moved = second_mode(values), second_mode(rng.permutation(values) * scale + shift)
    assert moved.log_p == pytest.approx(plain.log_p, rel=1e-4, abs=1e-4)
    assert moved.share == pytest.approx(plain.share)
    mirrored = second_mode(-values)
    assert mirrored.above != plain.above or plain.share in (0.0, 0.5)


@pytest.mark.parametrize("values", [[], [1.0] * 50, list(range(10)), [0.0, 1.0] * 50])
def test_too_few_values_have_one_mode(values: list[float]) -> None:
    assert second_mode(np.array(values, dtype=float)) == NO_MODE


def test_copies_count_once() -> None:
    bulk = np.random.default_rng(1).normal(size=500)
    assert second_mode(np.append(bulk, [6.0] * 100)).p > 0.5


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 20_000))
def test_intervals_lie_within_the_values(n: int) -> None:
    starts, ends, penalty = intervals(n)
    assert len(starts) == len(ends) == len(penalty)
    if n > 8:
        assert starts.min() == 0
        assert ends.max() == n - 1
        assert (ends - starts >= 8).all()
        assert np.exp(-penalty).sum() == pytest.approx(1.0)  # the claims share one level
    else:
        assert len(starts) == 0


@pytest.mark.parametrize("m", [7, 12, 40])
def test_sums_of_uniform_places_have_lighter_tails_than_normal_ones(m: int) -> None:
    """The density of sum(2u - 1), convolved on a grid; 7 places are the fewest inside an interval."""
    step = 1 / 200
    one = np.full(401, step / 2)
    one[[0, -1]] /= 2
    density = one
    for _ in range(m - 1):
        density = np.convolve(density, one)
    tail = np.cumsum(density[::-1])[::-1]
    sums = (np.arange(len(density)) - len(density) // 2) * step
    z = sums / np.sqrt(m / 3)
    far = (z > 2) & (tail > 1e-14)
    assert (tail[far] <= norm.sf(z[far]) * 1.01).all()
