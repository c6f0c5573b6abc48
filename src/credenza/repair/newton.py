"""Newton's method for the dual of maximum-entropy weights, where every look at the rows may be a pass over a file.

Minimised is (1/n) sum_r phi(lambda . x_r) - lambda . t, where x_r marks the cells of row r, t are the wanted shares,
and phi(s) = exp(s), continued by its tangent beyond the log of the cap. The weights phi'(s) = min(cap, exp(s)) are, of
all that meet the targets and keep under the cap, the nearest to 1 in entropy. Targets that no weights meet leave the
dual without a minimum: multipliers grow until they are given up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from credenza.contracts import FloatArray, IntArray
from credenza.repair.tilt import Sums, Tilt

LARGEST = 50.0  # multiplier: beyond, what is wanted does not exist
PATIENCE = 7  # steps within which the miss must be halved
LONGEST_MOVE = 4.0  # of a multiplier in one step
LEAST_DAMPING, MOST_DAMPING = 1e-10, 1e4
SLOW = 0.1  # a step that leaves more than this of the miss was made with too poor a curvature

Look = Callable[[Tilt, IntArray | None], Sums]
Curve = Callable[[Tilt, Sums], FloatArray]


@dataclass(frozen=True)
class Problem:
    """Targets of the cells that have a multiplier of their own.

    Attributes
    ----------
    cells : which cells, shape (T,). target : their wanted shares (T,).
    """

    cells: IntArray
    target: FloatArray

    def value(self, tilt: Tilt, sums: Sums) -> float:
        """What is minimised."""
        own = tilt.multipliers[self.cells]
        return sums.potential / sums.rows - float(own @ self.target)

    def gradient(self, sums: Sums) -> FloatArray:
        """Its slope in every multiplier: by how much each target is missed."""
        return np.asarray(sums.cells[self.cells] / sums.rows - self.target)


@dataclass(frozen=True)
class Solution:
    """Where the method ended: the weights, their counts, the largest slope, looks at the rows, whether it is small."""

    tilt: Tilt
    sums: Sums
    slope: float
    looks: int
    converged: bool


def minimise(
    problem: Problem, start: Tilt, look: Look, *, curve: Curve | None, tolerance: float, looks: int
) -> Solution:
    """Damped Newton steps until no slope exceeds ``tolerance``, or for so many looks.

    ``look`` gives the sums over the rows, with their curvature when it is told the cells. ``curve`` gives a cheaper
    curvature; once a step with it was poor, the rows themselves are asked for theirs. None: they always are.
    """
    exact, tilt = curve is None, start
    sums = look(tilt, problem.cells if exact else None)
    used, damping, lows = 1, LEAST_DAMPING, [float("inf")]
    value, gradient = problem.value(tilt, sums), problem.gradient(sums)
    while (slope := float(np.abs(gradient).max(initial=0.0))) > tolerance and used < looks:
        if exact and sums.gram is None:
            sums, used = look(tilt, problem.cells), used + 1
        matrix = curve(tilt, sums) if curve is not None and not exact else _own(sums)
        move = _move(matrix, gradient, damping)
        multipliers = tilt.multipliers.copy()
        multipliers[problem.cells] += move
        trial = tilt.with_multipliers(multipliers)
        trial_sums, used = look(trial, problem.cells if exact else None), used + 1
        trial_value, trial_gradient = problem.value(trial, trial_sums), problem.gradient(trial_sums)
        gain = float(gradient @ move)
        left = float(np.abs(trial_gradient).max(initial=0.0))
        if trial_value > value + 1e-4 * gain and not (
            left < slope and abs(gain) < 1e-9 * max(1.0, abs(value))
        ):
            if exact and damping >= MOST_DAMPING:
                break
            damping, exact = max(damping * 10.0, 1e-4) if exact else damping, True
            continue
        exact = exact or left > SLOW * slope
        tilt, sums, value, gradient = trial, trial_sums, trial_value, trial_gradient
        damping = max(damping / 30.0, LEAST_DAMPING)
        lows.append(min(lows[-1], left))
        if np.abs(multipliers).max(initial=0.0) > LARGEST or lows[-1] > 0.5 * lows[-PATIENCE:][0]:
            break
    return Solution(tilt, sums, slope, used, slope <= tolerance)


def _own(sums: Sums) -> FloatArray:
    assert sums.gram is not None
    return sums.gram / sums.rows


def _move(matrix: FloatArray, gradient: FloatArray, damping: float) -> FloatArray:
    """The damped step, in units of each cell's own spread, so that rare cells count like common ones."""
    diagonal = matrix.diagonal()
    scale = np.sqrt(np.where(diagonal > 0, diagonal, np.abs(gradient) + 1e-12))
    scaled = matrix / np.outer(scale, scale)
    scaled[diagonal <= 0, diagonal <= 0] = 1.0
    scaled.ravel()[:: len(scaled) + 1] += damping
    move = -np.linalg.solve(scaled, gradient / scale) / scale
    longest = float(np.abs(move).max(initial=0.0))
    return np.asarray(move * min(1.0, LONGEST_MOVE / max(longest, 1e-300)))
