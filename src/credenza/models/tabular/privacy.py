"""Differential privacy of counts: a budget that is spent in parts, noise in whole numbers, choices by noisy scores."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from credenza.contracts import FloatArray, IntArray
from credenza.errors import UsageError

Noise = Callable[[tuple[int, ...], np.random.Generator], IntArray]


@dataclass(frozen=True)
class Charge:
    """What one kind of question costs.

    Attributes
    ----------
    what : the question. mechanism : how it is answered. times : how often.
    epsilon : of each answer; of the budget where that has a delta, rho of each (zero-concentrated).
    scale : of the noise: t of a discrete Laplace law exp(-|k| / t), sigma of a discrete Gaussian, 2 / epsilon of the
        scores of an exponential mechanism.
    """

    what: str
    mechanism: str
    times: int
    epsilon: float
    scale: float


@dataclass(frozen=True)
class Budget:
    """Epsilon, and delta where that is allowed, for data that differs by one row added or removed.

    Without delta every answer is epsilon_i-differentially private and the parts add up (Dwork & Roth 2014, The
    Algorithmic Foundations of Differential Privacy, theorem 3.16). With delta the parts are rho_i of
    zero-concentrated privacy, which add up too, and rho gives epsilon = rho + 2 sqrt(rho ln(1 / delta)) (Bun &
    Steinke 2016, arXiv 1605.02065, proposition 1.3), here solved for rho.

    Parameters
    ----------
    epsilon : > 0. delta : in [0, 1).

    Raises
    ------
    UsageError : one of them is out of range.

    Examples
    --------
    >>> Budget(1.0).total, round(Budget(1.0, 1e-6).total, 5)
    (1.0, 0.01747)
    """

    epsilon: float
    delta: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.epsilon < math.inf:
            raise UsageError(f"epsilon is a number above 0; found {self.epsilon!r}")
        if not 0 <= self.delta < 1:
            raise UsageError(f"delta is a number from 0 to below 1; found {self.delta!r}")

    @property
    def total(self) -> float:
        """What the parts add up to: epsilon, or rho where there is a delta."""
        if not self.delta:
            return self.epsilon
        log = math.log(1 / self.delta)
        return (self.epsilon / (math.sqrt(log + self.epsilon) + math.sqrt(log))) ** 2

    def counting(self, what: str, share: float, times: int) -> Charge:
        """Cost of ``times`` tables of counts out of a share of the budget.

        One row lies in one cell of a table, so that both the sum and the root of the sum of squares of the changes of
        all cells are 1 when a row is added or removed: the sensitivity of a table is 1 in either norm.
        """
        each = self.total * share / times
        if not self.delta:
            return Charge(what, "discrete Laplace", times, each, 1 / each)
        return Charge(what, "discrete Gaussian", times, each, math.sqrt(1 / (2 * each)))

    def choosing(self, what: str, share: float, times: int) -> Charge:
        """Cost of ``times`` choices of the highest score, of scores that a row changes by 1 at most.

        The exponential mechanism with probabilities exp(epsilon_i score / 2) is epsilon_i-private (McSherry & Talwar
        2007) and epsilon_i^2 / 8-zero-concentrated (Cesar & Rogers 2021, arXiv 2004.07223).
        """
        each = self.total * share / times
        epsilon = math.sqrt(8 * each) if self.delta else each
        return Charge(what, "exponential", times, each, 2 / epsilon)


def noise_of(charge: Charge) -> Noise:
    """Whole-number noise for the cells of a table at this cost.

    Examples
    --------
    >>> law = noise_of(Budget(1.0).counting("a table", 1.0, 1))
    >>> law((2, 2), np.random.default_rng(0)).tolist()
    [[0, -2], [0, -1]]
    """
    law = discrete_gaussian if charge.mechanism == "discrete Gaussian" else discrete_laplace
    return partial(law, charge.scale)


def discrete_laplace(scale: float, shape: tuple[int, ...], rng: np.random.Generator) -> IntArray:
    """Whole numbers k with probability in proportion to exp(-|k| / scale): the difference of two geometric draws.

    Noise on whole numbers, so that the last bits of a sum tell nothing (Mironov 2012); the generator's own numbers
    have 53 bits, which limits how exact the tails are.
    """
    p = -math.expm1(-1 / scale)
    return np.asarray(rng.geometric(p, shape) - rng.geometric(p, shape), np.int64)


def discrete_gaussian(sigma: float, shape: tuple[int, ...], rng: np.random.Generator) -> IntArray:
    """Whole numbers k with probability in proportion to exp(-k^2 / (2 sigma^2)).

    Drawn from a discrete Laplace law of scale t = floor(sigma) + 1 and kept with probability exp(-(|k| - sigma^2 /
    t)^2 / (2 sigma^2)) (Canonne, Kamath & Steinke 2020, arXiv 2004.00010, algorithm 3).
    """
    scale = math.floor(sigma) + 1
    found = np.zeros(math.prod(shape), np.int64)
    left = np.arange(len(found))
    while len(left):
        drawn = discrete_laplace(scale, (len(left),), rng)
        kept = rng.random(len(left)) < np.exp(-((np.abs(drawn) - sigma**2 / scale) ** 2) / (2 * sigma**2))
        found[left[kept]] = drawn[kept]
        left = left[~kept]
    return found.reshape(shape)


def noisy_choice(scores: FloatArray, charge: Charge, rng: np.random.Generator) -> int:
    """The place of the highest score after Gumbel noise of the charge's scale: the exponential mechanism, exactly.

    Scores of -inf are never chosen.
    """
    return int(np.argmax(scores + rng.gumbel(scale=charge.scale, size=len(scores))))


def account_of(budget: Budget, charges: tuple[Charge, ...]) -> dict[str, Any]:
    """What was spent, JSON-able: epsilon and delta in all, and each kind of question.

    Raises
    ------
    UsageError : the charges are more than the budget.

    Examples
    --------
    >>> budget = Budget(1.0)
    >>> account_of(budget, (budget.counting("tables", 0.5, 2),))["questions"][0]["epsilon"]
    0.25
    """
    spent = math.fsum(charge.epsilon * charge.times for charge in charges)
    if spent > budget.total * (1 + 1e-9):
        raise UsageError(f"{spent:g} was spent of a budget of {budget.total:g}; ask fewer questions")
    unit = "rho" if budget.delta else "epsilon"
    questions = [
        {
            "what": charge.what,
            "mechanism": charge.mechanism,
            "times": charge.times,
            unit: charge.epsilon,
            "scale": charge.scale,
        }
        for charge in charges
    ]
    return {
        "epsilon": budget.epsilon,
        "delta": budget.delta,
        "neighbours": "one row added or removed",
        "questions": questions,
    }
