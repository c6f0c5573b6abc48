from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.checks.samples import crossfit
from credenza.checks.samples.crossfit import cross_fit, parts
from credenza.checks.samples.evidence import Labels
from credenza.checks.samples.logistic import Scale, fit_binary, fit_softmax


def blobs(n: int, classes: int, gap: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, classes, n)
    return rng.normal(size=(n, 6)) + gap * np.eye(classes, 6)[codes], codes


def test_the_softmax_is_scikit_learns() -> None:
    linear = pytest.importorskip("sklearn.linear_model", reason="the reference implementation")
    x, codes = blobs(400, 3, 1.5, seed=1)
    design = Scale.of(x).apply(x)[:, :-1]
    known = linear.LogisticRegression(C=1.0, tol=1e-8, max_iter=1_000).fit(design, codes)
    found = fit_softmax(x, codes, 3).probabilities(x)
    np.testing.assert_allclose(found, known.predict_proba(design), atol=5e-3)


def test_many_outcomes_are_fitted_as_each_alone() -> None:
    linear = pytest.importorskip("sklearn.linear_model", reason="the reference implementation")
    rng = np.random.default_rng(2)
    x, _ = blobs(500, 3, 1.0, seed=2)
    outcomes = (x[:, :4] + rng.normal(size=(500, 4)) + [0, 1, 2, -1] > 0).astype(float)
    found = fit_binary(np.c_[x, np.ones(500)], outcomes)
    for k in range(4):
        known = linear.LogisticRegression(C=1.0, tol=1e-8, max_iter=1_000).fit(x, outcomes[:, k])
        np.testing.assert_allclose(found[:, k], [*known.coef_[0], *known.intercept_], atol=0.02)


def test_a_column_that_does_not_vary_says_nothing() -> None:
    x, codes = blobs(200, 2, 2.0, seed=3)
    with_constant = np.c_[x, np.full(200, 7.0)]
    plain, wide = (fit_softmax(v, codes, 2).probabilities(v) for v in (x, with_constant))
    np.testing.assert_allclose(plain, wide, atol=1e-3)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 3), min_size=4, max_size=40), st.integers(2, 4), st.integers(0, 9))
def test_every_row_is_judged_once_by_those_that_did_not_see_it(
    values: list[int], folds: int, seed: int
) -> None:
    codes = np.array(values)
    found = list(parts(codes, folds, seed))
    assert sorted(np.concatenate([inside for inside, _ in found])) == list(range(len(codes)))
    for inside, outside in found:
        assert sorted([*inside, *outside]) == list(range(len(codes)))
        for value in set(values):
            share = (codes[inside] == value).sum() - (codes == value).sum() / folds
            assert abs(share) <= 1


def test_a_model_learns_from_a_bounded_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crossfit, "TRAIN_ROWS", 50)
    for inside, outside in parts(np.arange(200) % 2, 4, 0):
        assert len(outside) == 50
        assert not set(inside) & set(outside)


def test_small_classes_are_left_out_and_the_rest_keeps_its_rows() -> None:
    x, codes = blobs(300, 3, 4.0, seed=4)
    x, codes = np.r_[x[:5], x], np.r_[np.full(5, 3), codes]
    found = cross_fit(x.astype(np.float32), Labels(codes, ("a", "b", "c", "rare")))
    assert found.kept == (0, 1, 2)
    assert found.rows.tolist() == list(range(5, 305))
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1.0)
    assert found.accuracy > 0.95
    np.testing.assert_allclose(found.losses, -np.log(found.own))
    spread = found.spread(found.own, 305)
    assert np.isnan(spread[:5]).all()
    np.testing.assert_array_equal(spread[5:], found.own)


def test_the_seed_decides() -> None:
    x, codes = blobs(200, 2, 1.0, seed=5)
    labels = Labels(codes, ("a", "b"))
    one, two, other = (cross_fit(x, labels, seed=seed).probabilities for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - other).max() > 0
