"""Re-pairing two ordered columns: passes against literal exchanges, subsets against sorting, the search."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import oracles
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr

from credenza.attacks.ordered_columns import Ordered, ordered, stable_order
from credenza.attacks.ordered_pairing import Pairing, bubble, correlation_of_size, size_for

values = st.lists(st.integers(-6, 6), min_size=2, max_size=40)
points = st.lists(
    st.tuples(st.integers(-5, 5), st.integers(-5, 5), st.integers(0, 2)), min_size=2, max_size=40
)


def column(numbers: object) -> Ordered:
    array = pa.chunked_array([pa.array(numbers)])
    return ordered(array, "v", np.arange(len(array)))


@settings(deadline=None)
@given(values, st.integers(0, 45))
def test_passes_are_what_exchanging_neighbours_makes(numbers: list[int], passes: int) -> None:
    expected, gains = oracles.neighbour_exchanges(range(len(numbers)), numbers, passes)
    source = bubble(np.array(numbers), passes)
    assert np.array(numbers)[source].tolist() == expected
    assert all(gain >= 0 for gain in gains)
    equal = [source[np.array(numbers)[source] == v] for v in set(numbers)]
    assert all((np.diff(rows) > 0).all() for rows in equal)


def test_passes_over_several_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("credenza.attacks.ordered_pairing.CHUNK", 7)
    numbers = np.random.default_rng(0).integers(0, 50, 100)
    for passes in (0, 1, 6, 7, 8, 50, 98, 99, 200):
        expected, _ = oracles.neighbour_exchanges(range(100), numbers.tolist(), passes)
        assert numbers[bubble(numbers, passes)].tolist() == expected


@settings(deadline=None)
@given(points, st.booleans(), st.integers(0, 20))
def test_every_exchange_adds_its_gain_to_the_covariance(
    rows: list[tuple[int, int, int]], positive: bool, passes: int
) -> None:
    x, y, _ = (np.array(c) for c in zip(*rows, strict=True))
    sign = 1 if positive else -1
    order = np.lexsort((y, sign * x))
    moved, gains = oracles.neighbour_exchanges((sign * x[order]).tolist(), y[order].tolist(), passes)
    a, b = column(x), column(y)
    index = Pairing.of(a, b, "positive" if positive else "negative").passes(b, passes)
    assert y[index][order].tolist() == moved
    assert sign * (x @ y[index] - x @ y) == sum(gains)
    assert all(gain >= 0 for gain in gains)


@settings(deadline=None)
@given(points, st.booleans(), st.booleans(), st.integers(0, 40), st.integers(0, 99))
def test_subsets_are_sorted_stratum_by_stratum(
    rows: list[tuple[int, int, int]], positive: bool, stratified: bool, size: int, seed: int
) -> None:
    x, y, strata = (np.array(c) for c in zip(*rows, strict=True))
    priority = np.random.default_rng(seed).permutation(len(x))
    direction = "positive" if positive else "negative"
    pairing = Pairing.of(column(x), column(y), direction, strata if stratified else None)
    index = pairing.subset(priority, size)
    assert sorted(index) == list(range(len(x)))
    outside = priority >= size
    assert (index[outside] == np.flatnonzero(outside)).all()
    groups = [strata == s for s in np.unique(strata)] if stratified else [strata >= 0]
    for group in groups:
        chosen = np.flatnonzero(group & ~outside)
        in_order = chosen[np.lexsort((y[chosen], x[chosen] if positive else -x[chosen]))]
        assert y[index[in_order]].tolist() == sorted(y[chosen])
    if stratified:
        assert (strata[index] == strata).all()
        passes = pairing.passes(column(y), size)
        assert sorted(passes) == list(range(len(x)))
        assert (strata[passes] == strata).all()


@pytest.mark.parametrize("target", [0.05, 0.2, 0.5, 0.8, 0.95])
def test_search_meets_the_target_and_the_curve_is_the_correlation(target: float) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=3000), rng.exponential(size=3000)
    a, b = column(x), column(y)
    priority = rng.permutation(3000)
    pairing = Pairing.of(a, b, "positive")
    calls: list[int] = []
    curve = correlation_of_size(pairing, a.scores, b.scores, priority)
    for size in (0, 1, 2, 1000, 3000):
        found = pearsonr(x, y[pairing.subset(priority, size)]).statistic
        assert curve(size) == pytest.approx(found, abs=1e-12)

    def counted(size: int) -> float:
        calls.append(size)
        return curve(size)

    reach = pearsonr(np.sort(x), np.sort(y)).statistic
    size = size_for(counted, min(target, reach), 3000)
    assert curve(size) == pytest.approx(min(target, reach), abs=1e-3)
    assert len(calls) <= 40


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), min_size=2, max_size=30), st.floats(0, 1))
def test_search_stops_next_to_a_crossing(steps: list[int], share: float) -> None:
    heights = np.cumsum(steps).astype(float)
    target = heights[0] + share * (heights[-1] - heights[0])
    size = size_for(lambda m: float(heights[m]), target, len(heights) - 1)
    assert abs(heights[size] - target) == pytest.approx(np.abs(heights - target).min(), abs=1e-5)


def test_scores_and_ranks_agree_with_scipy() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 9, 200), rng.normal(size=200)
    a, b = column(x), column(y)
    assert a.scores @ b.scores == pytest.approx(pearsonr(x, y).statistic)
    assert a.rank_scores @ b.rank_scores == pytest.approx(spearmanr(x, y).statistic)
    assert a.order.tolist() == np.argsort(x, kind="stable").tolist()


@pytest.mark.parametrize(
    "numbers",
    [
        pa.array([2**60 + 1, 2**60, 2**60 + 2]),
        pa.array([2**64 - 2, 2**64 - 3, 2**64 - 1], pa.uint64()),
        pa.array([0, -(2**63), 2**63 - 1]),
        pa.array([5, -100, 100], pa.int8()),
        pa.array([Decimal("1.5"), Decimal("-2.5"), Decimal("1.75")]),
        pa.array([1e308, -1e308, 1.5e308]),
        pa.array([2e-320, 1e-320, 4e-320]),
        pa.array([1.5, -2.0, 3.0], pa.float16()),
        pa.array([2, 1, 3], pa.date32()),
        pa.array([2, 1, 3], pa.time64("ns")),
        pa.array([2.0, 1.0, 3.0]).dictionary_encode(),
    ],
    ids=str,
)
def test_values_that_float64_cannot_tell_apart_stay_apart(numbers: pa.Array) -> None:
    found = column(numbers)
    assert found.ranks.tolist() == [1, 0, 2]
    assert found.rank_scores.tolist() == pytest.approx([0.0, -(0.5**0.5), 0.5**0.5])
    assert np.isfinite(found.scores).all()
    assert found.scores @ found.scores == pytest.approx(1.0)
    assert (np.diff(found.scores[[1, 0, 2]]) > 0).all()


def test_zeros_of_both_signs_are_equal_and_yet_two_values() -> None:
    for numbers in (pa.array([0.0, -0.0, 1.0]), pa.array([0.0, -0.0, 1.0], pa.float32())):
        found = column(numbers)
        assert found.ranks.tolist() == [0, 0, 1]
        assert found.changed(np.array([1, 0, 2])).tolist() == [True, True, False]
    assert column([0, 0, 1]).changed(np.array([1, 0, 2])).tolist() == [False, False, False]


@pytest.mark.parametrize("numbers", [[3.0, 3.0], [1.0, float("inf")], [0.0, 0.0], []])
def test_no_scores_where_there_is_no_correlation(numbers: list[float]) -> None:
    assert np.isnan(column(pa.array(numbers, pa.float64())).scores).all()


@settings(deadline=None)
@given(st.lists(st.integers(0, 5)))
def test_stable_order_is_a_stable_sort(codes: list[int]) -> None:
    array = np.array(codes, dtype=np.int64)
    assert stable_order(array).tolist() == np.argsort(array, kind="stable").tolist()
