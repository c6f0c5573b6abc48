"""Two normal parts of scores, of which the first is known."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from credenza.contracts import FloatArray

ROUNDS = 200
SETTLED = 1e-6
LEAST_MASS = 0.5  # of the second part, in rows, below which there is none


def second_part(scores: FloatArray, mean: float, spread: float) -> FloatArray:
    """Probability of each score to be of a second, higher normal part, the first one being known.

    The second part's share, mean and spread are fitted by expectation maximisation (Dempster, Laird & Rubin 1977, J. R.
    Statist. Soc. B 39:1); 0 for scores below the first part's mean, and where no second part is left.

    >>> rng = np.random.default_rng(0)
    >>> found = second_part(np.r_[rng.normal(0, 1, 900), rng.normal(8, 1, 100)], 0.0, 1.0)
    >>> int((found > 0.5).sum())
    100
    """
    spread = max(spread, 1e-9)
    z = (scores - mean) / spread
    order = np.sort(z)
    share = max(0.1, 1.0 / len(z))
    high, wide = float(order[-max(1, len(z) // 20) :].mean()), 1.0
    told = np.zeros(len(z))
    for _ in range(ROUNDS):
        gain = 0.5 * z**2 - 0.5 * ((z - high) / wide) ** 2 - np.log(wide)
        told = expit(np.log(share / (1.0 - share)) + gain)
        mass = float(told.sum())
        if mass < LEAST_MASS:
            return np.zeros(len(z))
        before, share = share, min(mass / len(z), 1.0 - 1e-9)
        high = float(told @ z / mass)
        wide = float(np.sqrt(max(told @ (z - high) ** 2 / mass, 0.05)))
        if abs(share - before) < SETTLED:
            break
    if high <= 1.0:  # no second part, or one within the first
        return np.zeros(len(z))
    return np.asarray(np.where(z > 0.0, told, 0.0))
