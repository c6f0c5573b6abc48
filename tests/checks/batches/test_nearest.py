from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import nearest_ratio
from scipy import sparse

from credenza.checks.batches.doubt import class_chances, disagreement
from credenza.checks.batches.nearest import distance_ratios


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(3, 12), width=st.integers(1, 3))
def test_ratios_are_those_of_all_distances(seed: int, rows: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    known = rng.integers(0, 4, (rows, width)).astype(float)
    asked = rng.integers(0, 4, (5, width)).astype(float)
    wanted = [nearest_ratio(x, known) for x in asked]
    assert distance_ratios(asked, known) == pytest.approx(wanted, abs=1e-6)
    assert distance_ratios(sparse.csr_array(asked), sparse.csr_array(known)) == pytest.approx(
        wanted, abs=1e-6
    )
    left_out = [nearest_ratio(known[i], np.delete(known, i, axis=0)) for i in range(rows)]
    assert distance_ratios(known, known, np.arange(rows)) == pytest.approx(left_out, abs=1e-6)


def test_a_copy_is_near_one_row_only() -> None:
    known = np.random.default_rng(0).normal(size=(600, 4))
    ratios = distance_ratios(np.concatenate([known[:5], known[5:10] + 1e-3]), known)
    assert ratios[:5].max() == 0.0
    assert ratios[5:].max() < 0.05


def test_class_chances_agree_with_gradient_descent() -> None:
    from credenza.checks.samples.logistic import fit_softmax

    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 3))
    y = (x[:, 0] + rng.normal(size=300) > 0).astype(int)
    found = class_chances(x, y, x[:20], 2, 2.0)
    assert found == pytest.approx(fit_softmax(x, y, 2, ridge=4.0).probabilities(x[:20]), abs=0.01)
    three = class_chances(x, y + (x[:, 1] > 1), x, 3, 1.0)
    assert three.sum(axis=1) == pytest.approx(np.ones(300))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3])
def test_the_share_of_wrong_labels_is_estimated(share: float) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(4_000, 2))
    y = rng.binomial(1, 1 / (1 + np.exp(-3 * x[:, 0])))
    given = np.where(rng.random(2_000) < share, 1 - y[:2_000], y[:2_000])
    found = disagreement(x[:2_000], given, x[2_000:], y[2_000:], seed=0, ridge=1.0)
    assert found.rate == pytest.approx(share, abs=0.035)
    assert (found.p < 0.01) == (share > 0)
    assert found.scores.shape == (2_000,)


def test_harder_rows_may_disagree_more() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(6_000, 1))
    y = rng.binomial(1, 1 / (1 + np.exp(-3 * x[:, 0])))
    hard = np.flatnonzero(np.abs(x[:3_000, 0]) < 0.5)
    found = disagreement(x[hard], y[hard], x[3_000:], y[3_000:], seed=0, ridge=1.0)
    assert found.found / found.rows > 1.5 * (1 - found.accuracy)
    assert found.p > 0.01
