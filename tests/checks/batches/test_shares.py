from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import hypergeometric_tail

from credenza.checks.batches.options import BatchOptions
from credenza.checks.batches.shares import Excess, share_excess, tail_cut, tail_excess
from credenza.errors import UsageError

Mask = st.lists(st.booleans(), min_size=1, max_size=30).map(np.array)


@settings(max_examples=50, deadline=None)
@given(own=Mask, known=Mask)
def test_shares_are_compared_by_fishers_test(own: np.ndarray, known: np.ndarray) -> None:
    found = share_excess(own, known)
    assert found.found == own.sum()
    assert found.share == pytest.approx(own.mean() - known.mean())
    exact = hypergeometric_tail(int(own.sum()), len(own), int(own.sum() + known.sum()), len(own) + len(known))
    assert found.p == pytest.approx(exact, abs=1e-9)


def test_no_row_is_no_evidence() -> None:
    assert share_excess(np.zeros(0, bool), np.ones(4, bool)).p == 1.0
    assert tail_excess(np.zeros(0), np.arange(9.0), 0.1).p == 1.0


def test_the_tail_is_exact_whatever_the_distribution() -> None:
    rng = np.random.default_rng(0)
    small = [
        tail_excess(rng.exponential(size=60), rng.exponential(size=80), 0.05).p <= 0.05 for _ in range(600)
    ]
    assert np.mean(small) <= 0.075


def test_ties_with_the_cut_do_not_count() -> None:
    assert tail_excess(np.ones(50), np.ones(50), 0.1).found == 0
    assert tail_cut(np.array([3.0, 1.0, 2.0]), 0.01) == (3.0, 1)


def test_an_excess_needs_size_and_significance() -> None:
    assert Excess(8, 100, 0.01, 1e-4).beyond(0.05, 0.01)
    assert not Excess(8, 100, 0.01, 1e-4).beyond(0.08, 0.01)
    assert not Excess(8, 100, 0.01, 0.02).beyond(0.05, 0.01)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("tolerance", 0.0, "tolerance is 0.0: give a share above 0 and below 1"),
        ("tolerance", 1.0, "tolerance is 1.0: give a share above 0 and below 1"),
        ("error", 0.6, "error is 0.6: give a share above 0 and up to 0.5"),
        ("duplicates", -0.1, "duplicates is -0.1: give a share from 0 to below 1"),
        ("copies", 1.0, "copies is 1.0: give a share from 0 to below 1"),
        ("implausible", float("nan"), "implausible is nan: give a share from 0 to below 1"),
        ("wrong_labels", 0.5, "wrong_labels is 0.5: give a share from 0 to below 0.5"),
    ],
)
def test_thresholds_out_of_range_are_refused(option: str, value: float, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        BatchOptions(**{option: value})
    assert str(caught.value) == message
    assert BatchOptions().to_dict()["tolerance"] == 0.10
