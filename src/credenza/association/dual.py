"""The convex dual of maximum-entropy weighting, and Newton's method for it.

Minimised is log sum_r base_r exp(lambda . x_r) - lambda . t + (ridge / 2) |lambda|^2 over one multiplier for each
target cell, where x_r marks the target cells that combination r falls in and t are the target shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from credenza.association.cells import Codes
from credenza.association.weighted import Weigher
from credenza.contracts import FloatArray

STRETCH = 4096  # combinations of target cells that one look-up serves
MANY = 2**14  # combinations of rows from which on curvature is kept from step to step
MAX_STEPS = 25
TOLERANCE = 1e-9  # on the largest difference between a target share and the weighted share
LEAST_DAMPING, MOST_DAMPING = 1e-12, 1e3
LONGEST_MOVE = 4.0  # of a multiplier in one step: weights change by at most e^4 a target cell


@dataclass(frozen=True)
class _Stretch:
    """Some targets in a row, whose cells together make few combinations: a look-up serves all of them at once."""

    sizes: tuple[int, ...]
    index: NDArray[np.intp]

    def scores(self, multipliers: FloatArray) -> FloatArray:
        """Sum of the multipliers of these targets, for every combination of rows."""
        table, start = np.zeros(1), 0
        for size in self.sizes:
            table = np.add.outer(table, multipliers[start : start + size]).ravel()
            start += size
        return np.asarray(table[self.index])

    def moments(self, p: FloatArray) -> FloatArray:
        """Weighted share of every cell of these targets."""
        count = int(np.prod(self.sizes))
        table = np.bincount(self.index, weights=p, minlength=count).reshape(self.sizes)
        axes = range(len(self.sizes))
        return np.concatenate([table.sum(axis=tuple(a for a in axes if a != b)) for b in axes])


@dataclass(frozen=True)
class Dual:
    """Combinations x targets: ``columns[r, b]`` is the cell of target b that r falls in, of ``sizes[b]``.

    ``base`` (C,) is the share of rows with each combination, 0 where a target wants none; ``target`` the wanted shares.
    """

    columns: Codes
    sizes: tuple[int, ...]
    base: FloatArray
    target: FloatArray

    @cached_property
    def _stretches(self) -> tuple[_Stretch, ...]:
        ends, span = [], 1
        for b, size in enumerate(self.sizes):
            if b and span * size > STRETCH:
                ends.append(b)
                span = 1
            span *= size
        out = []
        for a, z in zip([0, *ends], [*ends, len(self.sizes)], strict=True):
            index = np.zeros(len(self.columns), np.intp)
            for b in range(a, z):
                index *= self.sizes[b]
                index += self.columns[:, b]
            out.append(_Stretch(self.sizes[a:z], index))
        return tuple(out)

    @cached_property
    def weigher(self) -> Weigher:
        """Co-occurrences of target cells."""
        return Weigher(self.columns, self.sizes)

    def distribution(self, multipliers: FloatArray) -> tuple[FloatArray, float]:
        """(probabilities of the combinations, log of the normaliser)."""
        score, start = np.where(self.base > 0, 0.0, -np.inf), 0
        for stretch in self._stretches:
            size = sum(stretch.sizes)
            score += stretch.scores(multipliers[start : start + size])
            start += size
        top = float(score.max())
        mass = self.base * np.exp(score - top)
        total = float(mass.sum())
        return mass / total, top + float(np.log(total))

    def moments(self, p: FloatArray) -> FloatArray:
        """Weighted share of every target cell."""
        return np.concatenate([stretch.moments(p) for stretch in self._stretches])

    def hessian(self, p: FloatArray) -> FloatArray:
        """Covariance of the target indicators under p."""
        joint = self.weigher.joint(p)
        moments = np.diag(joint)
        return np.asarray(joint - np.outer(moments, moments))


@dataclass(frozen=True)
class Solution:
    """Where Newton's method ended: multipliers, probabilities, log of the normaliser, largest miss of a target."""

    p: FloatArray
    multipliers: FloatArray
    log_norm: float
    residual: float
    steps: int
    converged: bool


def minimise(problem: Dual, ridge: float) -> Solution:
    """Levenberg's damped Newton on the ridged dual.

    With many combinations, where curvature is dear, it is kept as long as each step makes the gradient ten times
    smaller.
    """
    multipliers = np.zeros(len(problem.target))
    p, log_norm = problem.distribution(multipliers)
    value = log_norm
    damping, steps, converged, last = LEAST_DAMPING, 0, False, np.inf
    for _ in range(MAX_STEPS):
        moments = problem.moments(p)
        gradient = moments - problem.target + ridge * multipliers
        size = float(np.abs(gradient).max())
        if size < TOLERANCE:
            converged = True
            break
        steps += 1
        if size > 0.1 * last or len(p) < MANY or steps == 1:
            curvature = problem.hessian(p)
        last = size
        while damping < MOST_DAMPING:
            move = _damped(curvature, gradient, ridge + damping)
            if np.abs(move).max() <= LONGEST_MOVE:
                trial = multipliers + move
                trial_p, trial_norm = problem.distribution(trial)
                trial_value = trial_norm - float(trial @ problem.target) + 0.5 * ridge * float(trial @ trial)
                if trial_value <= value + 0.25 * float(gradient @ move) or _flat(
                    float(gradient @ move), value
                ):
                    break
            damping *= 10.0
        else:
            break
        multipliers, p, value, log_norm = trial, trial_p, trial_value, trial_norm
        damping = max(damping / 30.0, LEAST_DAMPING)
    residual = float(np.abs(problem.moments(p) - problem.target).max())
    return Solution(p, multipliers, log_norm, residual, steps, converged)


def _damped(curvature: FloatArray, gradient: FloatArray, damping: float) -> FloatArray:
    matrix = curvature.copy()
    matrix.ravel()[:: len(matrix) + 1] += damping
    return np.asarray(-np.linalg.solve(matrix, gradient))


def _flat(slope: float, value: float) -> bool:
    """Whether the promised gain drowns in the rounding of the objective."""
    return abs(slope) < 1e-13 * max(1.0, abs(value))
