"""False-discovery adjustments against scipy and the definition; the permutation gate against its exact level."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from credenza.association.multiplicity import CORRECTIONS, adjust, permutation_p
from credenza.errors import UsageError

p_values = st.lists(
    st.one_of(st.floats(1e-12, 1.0), st.sampled_from([0.01, 0.5, 1.0])), min_size=1, max_size=20
)


@given(p_values, st.sampled_from(["bh", "by"]))
def test_adjusted_as_by_scipy_and_by_definition(p: list[float], correction: str) -> None:
    q = adjust(np.log(p), correction)
    np.testing.assert_allclose(q, stats.false_discovery_control(p, method=correction), rtol=1e-9)
    twin = oracles.benjamini_hochberg(p, any_dependence=correction == "by")
    np.testing.assert_allclose(q, twin, rtol=1e-9)


@given(p_values)
def test_adjusting_keeps_the_order_and_never_lowers(p: list[float]) -> None:
    q = adjust(np.log(p))
    assert np.all(q >= np.array(p) * (1 - 1e-12))
    assert np.all(np.diff(q[np.argsort(p, kind="stable")]) >= 0)
    assert np.all(adjust(np.log(p), "by") >= q)
    np.testing.assert_array_equal(adjust(np.log(p), "permutation"), q)


@given(p_values, st.integers(0, 30), st.sampled_from(["bh", "by"]))
def test_p_values_that_are_not_given_count_as_one(p: list[float], more: int, correction: str) -> None:
    whole = adjust(np.log(p + [1.0] * more), correction)
    np.testing.assert_allclose(adjust(np.log(p), correction, len(p) + more), whole[: len(p)], rtol=1e-9)


def test_a_total_counts_what_is_given() -> None:
    with pytest.raises(UsageError) as error:
        adjust(np.zeros(3), total=2)
    assert str(error.value) == "3 p-values of a total of 2 hypotheses: the total counts all of them"
    assert adjust(np.empty(0), total=5).shape == (0,)


def test_p_values_far_below_underflow_stay_in_order() -> None:
    assert adjust(np.array([-5000.0, -600.0, 0.0])).tolist() == [
        0.0,
        pytest.approx(np.exp(-600 + np.log(1.5))),
        1.0,
    ]
    assert adjust(np.empty(0)).shape == (0,)


def test_unknown_corrections_are_named() -> None:
    with pytest.raises(UsageError) as error:
        adjust(np.zeros(1), "holm")
    assert str(error.value) == "unknown correction 'holm': use one of bh, by, permutation"
    assert CORRECTIONS == ("bh", "by", "permutation")


def test_the_gate_counts_permutations_exactly() -> None:
    # The largest of all sums is observed: only permutations that pick the same rows reach it.
    values = np.arange(40.0)
    found = permutation_p(lambda mask: float(values[::-1][mask].sum()), 20, 40, draws=99, seed=0)
    assert found == 1 / 100
    assert permutation_p(lambda mask: 0.0, 3, 10, draws=99, seed=0) == 1.0
    assert permutation_p(lambda mask: float(values[mask].sum()), 20, 40, draws=99, seed=0) == 1.0


def test_the_gate_is_reproducible_and_uses_its_seed() -> None:
    values = np.random.default_rng(1).normal(size=30)
    runs = [permutation_p(lambda m: float(values[m].sum()), 10, 30, draws=199, seed=s) for s in (5, 5, 6)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_the_gate_holds_its_level_whatever_the_dependence() -> None:
    runs, draws, alpha = 400, 19, 0.05
    rng = np.random.default_rng(2)
    below = 0
    for run in range(runs):
        rows = rng.normal(size=(24, 1)) + 0.1 * rng.normal(size=(24, 6))  # strongly dependent columns
        p = permutation_p(
            lambda m, rows=rows: float(np.abs(rows[m].mean(0) - rows[~m].mean(0)).max()),
            8,
            24,
            draws=draws,
            seed=run,
        )
        below += p <= alpha
    low, high = stats.binom.interval(0.999, runs, alpha)  # exactly alpha, as alpha (B + 1) is whole
    assert low <= below <= high
