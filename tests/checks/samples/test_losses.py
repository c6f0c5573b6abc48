from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from credenza.checks.samples.losses import LossTail, loss_outliers
from credenza.errors import InputError

ONE = np.zeros(400, np.int64)
SHAPES: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "normal": lambda rng: rng.normal(size=400),
    "exponential": lambda rng: rng.exponential(size=400),
    "logistic": lambda rng: rng.logistic(size=400),
    "cross-entropy": lambda rng: np.log(np.log1p(np.exp(-rng.normal(2, 2, size=400)))),
}


def tails(log_loss: np.ndarray) -> dict[str, LossTail]:
    return {tail.side: tail for tail in loss_outliers(np.exp(log_loss)[:, None], ONE).tails}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_class_without_outliers_is_flagged_no_more_often_than_stated(shape: str) -> None:
    """60 runs of two sides at 5%: 13 or more of 120 have a chance below 1%."""
    found = [tails(SHAPES[shape](np.random.default_rng(seed))) for seed in range(60)]
    assert sum(tail.log_p < np.log(0.05) for both in found for tail in both.values()) < 13


@pytest.mark.parametrize(("side", "at"), [("low", -9.0), ("high", 7.0)])
def test_a_group_of_outliers_is_found_on_its_side(side: str, at: float) -> None:
    log_loss = np.random.default_rng(1).normal(size=400)
    log_loss[:12] = at
    found = loss_outliers(np.exp(log_loss)[:, None], ONE)
    (tail,) = [tail for tail in found.tails if tail.log_p < np.log(1e-6)]
    assert tail.side == side
    assert found.beyond(tail, ONE)[:12].all()
    assert tail.beyond == found.beyond(tail, ONE).sum() <= 12 + 400 * 0.01
    assert found.scores[:12].min() > np.quantile(found.scores[12:], 0.99)
    assert 0.02 < tail.excess < 0.04


def test_backdoors_show_early_and_wrong_labels_late() -> None:
    rng = np.random.default_rng(2)
    losses = np.exp(rng.normal(size=(400, 1)) * 0.5) * np.linspace(1.0, 0.3, 10)
    losses[:12, :2] = 1e-3  # learnt at once, then like the others
    losses[12:24, 2:] = 40.0  # never learnt
    found = loss_outliers(losses, ONE)
    low, high = found.tails
    assert found.beyond(low, ONE)[:12].all()
    assert found.beyond(high, ONE)[12:24].all()
    assert low.log_p < np.log(1e-6) > high.log_p


@settings(deadline=None, max_examples=40)
@given(
    arrays(np.float64, st.tuples(st.integers(1, 90), st.integers(1, 3)), elements=st.floats(0, 1e6)),
    st.integers(0, 3),
)
def test_any_losses_have_scores_that_do_not_depend_on_the_order(losses: np.ndarray, classes: int) -> None:
    labels = np.arange(len(losses)) % (classes + 1)
    found = loss_outliers(losses, labels)
    small = np.bincount(labels)[labels] < 50
    assert (np.isnan(found.scores) == small).all()
    assert (found.scores[~small] >= 0).all()
    order = np.random.default_rng(0).permutation(len(losses))
    np.testing.assert_allclose(loss_outliers(losses[order], labels[order]).scores, found.scores[order])
    assert all(tail.log_p <= 0 for tail in found.tails)


def test_equal_losses_have_no_tail() -> None:
    found = loss_outliers(np.ones((400, 1)), ONE)
    assert [(tail.beyond, tail.log_p) for tail in found.tails] == [(0, 0.0), (0, 0.0)]


def test_negative_losses_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        loss_outliers(np.array([[-1.0], [2.0]]), ONE[:2])
    assert str(caught.value) == (
        "losses are negative in 1 of 2 rows: give a loss that is 0 or more, such as cross-entropy"
    )
