"""Budgets add up to what was given, noise has the law that it says, choices follow the exponential mechanism."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.errors import UsageError
from credenza.models.tabular.privacy import (
    Budget,
    account_of,
    discrete_gaussian,
    discrete_laplace,
    noise_of,
    noisy_choice,
)
from credenza.models.tabular.private_tree import Spending


@given(st.floats(0.01, 20), st.sampled_from([0.0, 1e-9, 1e-5, 0.1]), st.integers(1, 60))
def test_a_tree_costs_what_was_given(epsilon: float, delta: float, m: int) -> None:
    budget = Budget(epsilon, delta)
    charges = Spending.of(budget, m).charges
    spent = math.fsum(charge.times * charge.epsilon for charge in charges)
    assert spent == pytest.approx(budget.total, rel=1e-12)
    assert account_of(budget, charges)["epsilon"] == epsilon
    if delta:  # rho gives epsilon back
        assert spent + 2 * math.sqrt(spent * math.log(1 / delta)) == pytest.approx(epsilon, rel=1e-9)


def test_laplace_noise_has_its_law() -> None:
    drawn = discrete_laplace(2.0, (200_000,), np.random.default_rng(0))
    q = math.exp(-1 / 2)
    for k in range(-4, 5):
        wanted = (1 - q) / (1 + q) * q ** abs(k)
        assert abs(np.mean(drawn == k) - wanted) < 4 * math.sqrt(wanted / len(drawn))


def test_gaussian_noise_has_its_law() -> None:
    sigma = 1.7
    drawn = discrete_gaussian(sigma, (200_000,), np.random.default_rng(0))
    weights = {k: math.exp(-(k**2) / (2 * sigma**2)) for k in range(-40, 41)}
    for k in range(-4, 5):
        wanted = weights[k] / sum(weights.values())
        assert abs(np.mean(drawn == k) - wanted) < 4 * math.sqrt(wanted / len(drawn))


def test_a_row_moves_a_noisy_count_by_no_more_than_epsilon_says() -> None:
    charge = Budget(0.8).counting("a table", 1.0, 2)
    draw = noise_of(charge)
    one, other = (n + draw((300_000,), np.random.default_rng(n)) for n in (5, 6))
    for value in range(3, 9):
        ratio = np.mean(one == value) / np.mean(other == value)
        assert abs(math.log(ratio)) < charge.epsilon + 0.03
    assert charge.epsilon == pytest.approx(0.4)


def test_choices_follow_the_exponential_mechanism() -> None:
    charge = Budget(1.0).choosing("which", 1.0, 1)
    scores, rng = np.array([0.0, 1.0, 3.0, -np.inf]), np.random.default_rng(0)
    found = np.bincount([noisy_choice(scores, charge, rng) for _ in range(20_000)], minlength=4) / 20_000
    wanted = np.exp(scores / 2) / np.exp(scores / 2).sum()
    assert np.abs(found - wanted).max() < 0.015
    assert found[3] == 0


def test_gaussian_noise_is_less_where_there_are_many_tables() -> None:
    exact, loose = (Budget(1.0, delta).counting("tables", 1 / 3, 39) for delta in (0.0, 1e-6))
    assert loose.scale < 0.6 * exact.scale
    assert (exact.mechanism, loose.mechanism) == ("discrete Laplace", "discrete Gaussian")


@pytest.mark.parametrize(
    ("epsilon", "delta", "message"),
    [
        (0, 0, "epsilon is a number above 0; found 0"),
        (math.inf, 0, "epsilon is a number above 0; found inf"),
        (math.nan, 0, "epsilon is a number above 0; found nan"),
        (1, 1, "delta is a number from 0 to below 1; found 1"),
        (1, -0.1, "delta is a number from 0 to below 1; found -0.1"),
    ],
)
def test_a_wrong_budget_is_one_line(epsilon: float, delta: float, message: str) -> None:
    with pytest.raises(UsageError) as found:
        Budget(epsilon, delta)
    assert str(found.value) == message


def test_spending_too_much_is_refused() -> None:
    budget = Budget(1.0)
    charge = budget.counting("a table", 1.0, 1)
    with pytest.raises(UsageError, match=r"^2 was spent of a budget of 1; ask fewer questions$"):
        account_of(budget, (charge, charge))
