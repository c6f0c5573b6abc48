"""Logistic regressions on embeddings: one of many classes, or many of two, fitted by what both share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize, special

from credenza.contracts import FloatArray, IntArray
from credenza.data.matrix import Numbers, blocks

ITERATIONS = 200
TOLERANCE = 1e-4  # of the gradient of the mean loss
STEPS = 400  # of the bounded Newton method, at most


@dataclass(frozen=True)
class Scale:
    """Centre and spread of the columns that a model was fitted on; columns that do not vary are left at zero.

    Attributes
    ----------
    mean, spread : float64 (d,), the spread positive.
    """

    mean: FloatArray
    spread: FloatArray

    @classmethod
    def of(cls, rows: Numbers) -> Scale:
        """The scale of these rows."""
        mean = rows.mean(axis=0, dtype=np.float64)
        spread = rows.std(axis=0, dtype=np.float64)
        return cls(mean, np.where(spread > 1e-12 * (1.0 + np.abs(mean)), spread, np.inf))

    def apply(self, rows: Numbers) -> FloatArray:
        """Rows in units of the spread, and a column of ones: float64 (n, d + 1)."""
        out = np.ones((len(rows), rows.shape[1] + 1))
        np.subtract(rows, self.mean, out=out[:, :-1])
        out[:, :-1] /= self.spread
        return out


@dataclass(frozen=True)
class Softmax:
    """A fitted multinomial logistic regression; ``coefficients`` are (d + 1, k), the intercepts last."""

    scale: Scale
    coefficients: FloatArray

    def probabilities(self, rows: Numbers) -> FloatArray:
        """Probability of each class, float64 (n, k), a block of rows at a time."""
        parts = [
            special.softmax(self.scale.apply(block) @ self.coefficients, axis=1) for block in blocks(rows)
        ]
        return np.concatenate(parts) if parts else np.empty((0, self.coefficients.shape[1]))


def fit_softmax(rows: Numbers, codes: IntArray, classes: int, *, ridge: float = 1.0) -> Softmax:
    """Fit a multinomial logistic regression with a ridge.

    Minimises -sum ln p(code | row) + ridge/2 ||W||^2 over standardised columns; intercepts are free.

    Parameters
    ----------
    rows : (n, d). codes : (n,), from 0 to ``classes`` - 1. ridge : positive.

    Notes
    -----
    By L-BFGS, O(iterations n d k), 200 iterations at most; where these do not suffice, what they reached is used.

    Examples
    --------
    >>> model = fit_softmax(np.array([[-1.0], [-2.0], [1.0], [2.0]]), np.array([0, 0, 1, 1]), 2)
    >>> model.probabilities(np.array([[-3.0], [3.0]])).round(1).tolist()
    [[0.9, 0.1], [0.1, 0.9]]
    """
    scale = Scale.of(rows)
    design = scale.apply(rows)
    n, width = design.shape
    own = np.arange(n)

    def objective(flat: FloatArray) -> tuple[float, FloatArray]:
        w = flat.reshape(width, classes)
        log_p = special.log_softmax(design @ w, axis=1)
        loss = -log_p[own, codes].sum() + 0.5 * ridge * np.square(w[:-1]).sum()
        slope = np.exp(log_p)
        slope[own, codes] -= 1.0
        gradient = design.T @ slope
        gradient[:-1] += ridge * w[:-1]
        return float(loss) / n, gradient.ravel() / n

    options = {"maxiter": ITERATIONS, "gtol": TOLERANCE}
    found = optimize.minimize(
        objective, np.zeros(width * classes), jac=True, method="L-BFGS-B", options=options
    )
    return Softmax(scale, found.x.reshape(width, classes))


def fit_binary(design: FloatArray, outcomes: FloatArray, *, ridge: float = 1.0) -> FloatArray:
    """Fit logistic regressions of several two-valued outcomes on the same rows, with a ridge.

    Parameters
    ----------
    design : (n, d + 1), the last column ones, whose coefficient is free. outcomes : (n, m) of 0 and 1.
    ridge : positive.

    Returns
    -------
    Coefficients, shape (d + 1, m).

    Notes
    -----
    The Hessian of every outcome is below X'X/4 + ridge, so one Cholesky factor serves all of them and all steps
    (Bohning and Lindsay 1988); Nesterov's momentum, dropped for an outcome whose step goes against its gradient.
    O(n d^2 + steps n d m).

    Examples
    --------
    >>> x = np.array([[-1.0, 1.0], [1.0, 1.0]] * 50)
    >>> w = fit_binary(x, np.array([[0.0], [1.0]] * 50))
    >>> bool(w[0, 0] > 2), bool(abs(w[1, 0]) < 1e-6)
    (True, True)
    """
    n, width = design.shape
    penalty = np.full(width, ridge)
    penalty[-1] = 1e-9 * n  # intercepts are free, and the factor exists
    factor = linalg.cho_factor(design.T @ design / 4.0 + np.diag(penalty))
    w = np.zeros((width, outcomes.shape[1]))
    ahead, pace = w, np.ones(outcomes.shape[1])
    for _ in range(STEPS):
        gradient = design.T @ (outcomes - special.expit(design @ ahead)) - penalty[:, None] * ahead
        step = linalg.cho_solve(factor, gradient)
        moved = ahead + step
        turned = np.einsum("dm,dm->m", gradient, moved - w) < 0
        following = np.where(turned, 1.0, (1.0 + np.sqrt(1.0 + 4.0 * pace**2)) / 2.0)
        momentum = np.where(turned, 0.0, (pace - 1.0) / following)
        ahead, w, pace = moved + momentum * (moved - w), moved, following
        if np.abs(gradient).max() < TOLERANCE * n:
            break
    return w
