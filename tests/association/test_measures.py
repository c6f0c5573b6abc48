"""Measures against their slow twins, and what each of them promises, by table."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from itertools import pairwise
from types import FunctionType

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from credenza.association import measures
from credenza.association.kernels import pair_counts
from credenza.contracts import FloatArray, IntArray

TWO_BY_TWO = ("covariance", "mcc", "odds_ratio")
ANY_SIZE = ("cramers_v", "mutual_information", "normalised_pmi", "rank_correlation")
WHOLE_MATRIX = ("pairwise_mutual_information",)

BOUNDS = {
    "covariance": (-0.25, 0.25),
    "cramers_v": (0.0, 1.0),
    "mcc": (-1.0, 1.0),
    "mutual_information": (0.0, np.inf),
    "normalised_pmi": (-1.0, 1.0),
    "odds_ratio": (0.0, np.inf),
    "rank_correlation": (-1.0, 1.0),
}
INVARIANT_TO_LEVEL_ORDER = ("cramers_v", "mutual_information")
INVARIANT_TO_SCALE = ("covariance", "mcc", "mutual_information", "normalised_pmi", "rank_correlation")
SCALES_WITH_ROWS = ("cramers_v", "odds_ratio")  # they know how many rows they have seen
CHANGES_SIGN = ("covariance", "mcc", "rank_correlation")  # when the levels of one feature are reversed
AT_INDEPENDENCE = {name: 1.0 if name == "odds_ratio" else 0.0 for name in BOUNDS}
EMPTY = {name: 1.0 if name == "odds_ratio" else 0.0 for name in BOUNDS}

tables = hnp.arrays(
    np.int64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.integers(0, 60)
)
two_by_two = hnp.arrays(np.int64, (2, 2), elements=st.integers(0, 60))


def measure(name: str) -> Callable[[FloatArray | IntArray], FloatArray]:
    """A measure's estimate as an array."""
    function = getattr(measures, name)
    return lambda table: np.asarray(function(table)[0] if name == "odds_ratio" else function(table))


def shapes(name: str) -> st.SearchStrategy[IntArray]:
    return two_by_two if name in TWO_BY_TWO else tables


def public() -> set[str]:
    members = vars(measures).items()
    own = {
        name: f for name, f in members if isinstance(f, FunctionType) and f.__module__ == measures.__name__
    }
    return {name for name in own if not name.startswith("_")}


def test_every_measure_is_in_the_tables() -> None:
    assert public() == {*TWO_BY_TWO, *ANY_SIZE, *WHOLE_MATRIX}
    each = {*TWO_BY_TWO, *ANY_SIZE}
    assert set(BOUNDS) == set(AT_INDEPENDENCE) == set(EMPTY) == each
    assert {*INVARIANT_TO_SCALE, *SCALES_WITH_ROWS} == each
    assert {*INVARIANT_TO_LEVEL_ORDER, *CHANGES_SIGN} | {"odds_ratio", "normalised_pmi"} == each


@pytest.mark.parametrize("name", BOUNDS)
@given(data=st.data())
def test_symmetric(name: str, data: st.DataObject) -> None:
    table = data.draw(shapes(name))
    np.testing.assert_allclose(measure(name)(table.T), measure(name)(table).T, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", BOUNDS)
@given(data=st.data())
def test_bounded(name: str, data: st.DataObject) -> None:
    low, high = BOUNDS[name]
    value = measure(name)(data.draw(shapes(name)))
    assert np.all((value >= low) & (value <= high))


@given(tables)
def test_mutual_information_is_at_most_the_smaller_entropy(table: IntArray) -> None:
    bound = min(stats.entropy(table.sum(axis=k)) for k in (0, 1)) if table.sum() else 0.0
    assert measures.mutual_information(table) <= bound + 1e-9


@pytest.mark.parametrize("name", INVARIANT_TO_LEVEL_ORDER)
@given(table=tables, seed=st.integers(0, 99))
def test_invariant_to_the_order_of_levels(name: str, table: IntArray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shuffled = table[rng.permutation(len(table))][:, rng.permutation(table.shape[1])]
    assert measure(name)(shuffled) == pytest.approx(measure(name)(table), abs=1e-12)


@given(table=tables, seed=st.integers(0, 99))
def test_pmi_follows_its_levels(table: IntArray, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(table))
    left, right = measures.normalised_pmi(table[order]), measures.normalised_pmi(table)[order]
    np.testing.assert_allclose(left, right, atol=1e-12)


@pytest.mark.parametrize("name", CHANGES_SIGN)
@given(data=st.data())
def test_reversed_levels_change_the_sign(name: str, data: st.DataObject) -> None:
    table = data.draw(shapes(name))
    assert measure(name)(table[::-1]) == pytest.approx(-measure(name)(table), abs=1e-12)


@given(two_by_two)
def test_reversed_levels_invert_the_odds_ratio(table: IntArray) -> None:
    estimate, low, high = measures.odds_ratio(table)
    inverse = tuple(1 / x for x in measures.odds_ratio(table[::-1]))
    assert inverse == pytest.approx((estimate, high, low))


@pytest.mark.parametrize("name", INVARIANT_TO_SCALE)
@given(data=st.data(), factor=st.sampled_from([0.001, 7.0, 1e6]))
def test_invariant_to_scale(name: str, data: st.DataObject, factor: float) -> None:
    table = data.draw(shapes(name))
    np.testing.assert_allclose(measure(name)(table * factor), measure(name)(table), atol=1e-9)


@pytest.mark.parametrize("name", BOUNDS)
@given(data=st.data())
def test_neutral_at_independence(name: str, data: st.DataObject) -> None:
    side = 2 if name in TWO_BY_TWO else data.draw(st.integers(1, 5))
    counts = st.lists(st.integers(1, 20), min_size=side, max_size=side)
    table = np.outer(data.draw(counts), data.draw(counts))
    expected = np.asarray(AT_INDEPENDENCE[name])
    if name == "odds_ratio":  # half a count in every cell pulls it by a little
        table = table * 10_000
    if table.size == 1 and name == "normalised_pmi":
        expected = np.ones((1, 1))  # a certain event only occurs together with itself
    np.testing.assert_allclose(
        measure(name)(table), np.broadcast_to(expected, np.shape(measure(name)(table))), atol=2e-4
    )


@pytest.mark.parametrize("name", BOUNDS)
def test_empty_tables_are_neutral(name: str) -> None:
    assert np.all(measure(name)(np.zeros((2, 2))) == EMPTY[name])


@given(tables)
def test_mutual_information_against_the_twins(table: IntArray) -> None:
    from sklearn.metrics import mutual_info_score

    value = measures.mutual_information(table)
    if table.sum():
        assert value == pytest.approx(oracles.mutual_information(table), abs=1e-10)
        assert value == pytest.approx(mutual_info_score(None, None, contingency=table), abs=1e-10)


@given(two_by_two)
def test_mcc_against_sklearn(table: IntArray) -> None:
    from sklearn.metrics import matthews_corrcoef

    if np.all(table.sum(axis=0) > 0) and np.all(table.sum(axis=1) > 0):
        assert measures.mcc(table) == pytest.approx(matthews_corrcoef(*oracles.expanded(table)), abs=1e-10)


@given(tables)
def test_cramers_v_against_the_chi_square_of_scipy(table: IntArray) -> None:
    kept = (table.sum(axis=1) > 0).sum(), (table.sum(axis=0) > 0).sum()
    n = table.sum()
    room = min(k - (k - 1) ** 2 / max(n - 1, 1) for k in kept) - 1
    if min(kept) > 1 and room > 1e-6:
        assert measures.cramers_v(table) == pytest.approx(min(1.0, oracles.cramers_v(table)), abs=1e-9)


@given(tables)
def test_rank_correlation_against_spearman_of_the_rows(table: IntArray) -> None:
    if np.count_nonzero(table.sum(axis=0)) > 1 and np.count_nonzero(table.sum(axis=1)) > 1:
        expected = stats.spearmanr(*oracles.expanded(table)).statistic
        assert measures.rank_correlation(table) == pytest.approx(expected, abs=1e-10)
    else:
        assert measures.rank_correlation(table) == 0.0


@given(two_by_two)
def test_covariance_is_that_of_the_rows(table: IntArray) -> None:
    if table.sum():
        assert measures.covariance(table) == pytest.approx(
            np.cov(*oracles.expanded(table), bias=True)[0, 1] if table.sum() > 1 else 0.0, abs=1e-12
        )


@given(hnp.arrays(np.int64, (2, 2), elements=st.integers(1, 500)), st.sampled_from([0.8, 0.95, 0.99]))
def test_odds_ratio_against_statsmodels(table: IntArray, level: float) -> None:
    from statsmodels.stats.contingency_tables import Table2x2

    twin = Table2x2(table + 0.5)
    expected = (twin.oddsratio, *twin.oddsratio_confint(1 - level))
    assert measures.odds_ratio(table, level=level) == pytest.approx(expected, rel=1e-9)


@given(two_by_two, st.floats(-0.1, 0.1))
def test_strength_moves_the_covariance_by_itself(table: IntArray, strength: float) -> None:
    shares = (table + 30) / (table + 30).sum()
    step = strength * np.array([[1, -1], [-1, 1]])
    if (shares + step).min() >= 0:
        moved = measures.covariance(shares + step) - measures.covariance(shares)
        assert moved == pytest.approx(strength, abs=1e-12)


@given(st.lists(st.integers(1, 5), min_size=0, max_size=5), st.integers(0, 50), st.integers(0, 9))
def test_pairwise_mutual_information_holds_that_of_every_block(
    sizes: list[int], rows: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(0, s, rows) for s in sizes], axis=1) if sizes else np.zeros((rows, 0))
    joint = pair_counts(np.asfortranarray(codes.astype(np.uint8)), tuple(sizes)).astype(float)
    starts = np.cumsum([0, *sizes])
    found = measures.pairwise_mutual_information(joint, starts)
    blocks = [slice(a, b) for a, b in pairwise(starts)]
    expected = [[measures.mutual_information(joint[a, b]) for b in blocks] for a in blocks]
    np.testing.assert_allclose(found, np.array(expected).reshape(len(sizes), len(sizes)), atol=1e-10)


def test_pmi_says_always_never_and_not_seen() -> None:
    table = np.array([[5, 0, 0], [0, 3, 0], [0, 0, 0]])
    found = measures.normalised_pmi(table)
    np.testing.assert_allclose(found, [[1, -1, 0], [-1, 1, 0], [0, 0, 0]], atol=1e-12)
    assert inspect.signature(measures.odds_ratio).parameters["level"].default == 0.95
