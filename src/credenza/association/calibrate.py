"""Maximum-entropy weights that make one sample match another on chosen marginals and pair tables.

Among all weights that reproduce the targets the ones closest to uniform in Kullback-Leibler divergence are
w_r proportional to exp(sum of one multiplier for each target cell that row r falls in) (Deming & Stephan 1940;
entropy balancing, Hainmueller 2012, Political Analysis 20:25). The multipliers minimise the convex dual
log sum_r exp(lambda . x_r) - lambda . t + (ridge / 2) |lambda|^2, solved by Newton steps with step halving. The ridge
makes the minimum exist whatever the targets are, so the solver cannot diverge: targets that contradict each other show
as a residual, not as a blow-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from credenza.contracts import FloatArray, IntArray

MAX_STEPS = 25
SWEEPS = 500
TOLERANCE = 1e-9  # on the largest difference between a target share and the weighted share
RIDGES = (
    1e-10,
    1e-6,
    1e-5,
    1e-4,
    1e-2,
)  # tried in turn until the solver converges and the weights are usable
LEAST_DAMPING, MOST_DAMPING = 1e-12, 1e3
LONGEST_MOVE = 4.0  # of a multiplier in one step: weights change by at most e^4 a target cell
MIN_ESS_SHARE = 0.02  # weights worth fewer than this share of the rows are degenerate


@dataclass(frozen=True)
class Calibration:
    """Weights and how well they do.

    Attributes
    ----------
    weights : (n,), non-negative, mean 1.
    effective_size : (sum w)^2 / sum w^2 (Kish), between 1 and n.
    residual : largest absolute difference between a target share and the weighted share, over supported cells.
    ridge : the ridge that was used; larger than the first of ``RIDGES`` means that the targets pulled too hard.
    steps : Newton steps.
    empty : target cells without a row in the sample, as (features, levels, target share): they cannot be restored.
    """

    weights: FloatArray
    effective_size: float
    residual: float
    ridge: float
    steps: int
    empty: tuple[tuple[tuple[int, ...], tuple[int, ...], float], ...]


@dataclass(frozen=True)
class _Problem:
    """Distinct rows x blocks: ``columns[r, b]`` is the target cell of row r in block b."""

    columns: IntArray
    base: FloatArray
    target: FloatArray

    def scores(self, multipliers: FloatArray) -> FloatArray:
        """lambda . x_r for every distinct row."""
        return np.asarray(multipliers[self.columns].sum(axis=1))

    def distribution(self, multipliers: FloatArray) -> tuple[FloatArray, float]:
        """(probabilities of the distinct rows, log of the normaliser)."""
        s = np.where(self.base > 0, self.scores(multipliers), -np.inf)
        top = float(s.max())
        mass = self.base * np.exp(s - top)
        total = float(mass.sum())
        return mass / total, top + float(np.log(total))

    def moments(self, p: FloatArray) -> FloatArray:
        """Weighted share of every target cell."""
        blocks = self.columns.shape[1]
        flat = np.bincount(self.columns.ravel(), weights=np.repeat(p, blocks), minlength=len(self.target))
        return np.asarray(flat, float)

    def hessian(self, p: FloatArray, moments: FloatArray, *, chunk: int = 8_192) -> FloatArray:
        """Covariance of the target indicators under p."""
        size = len(self.target)
        out = np.zeros((size, size))
        for start in range(0, len(p), chunk):
            part = self.columns[start : start + chunk]
            onehot = np.zeros((len(part), size))
            onehot[np.arange(len(part))[:, None], part] = 1.0
            out += onehot.T @ (onehot * p[start : start + chunk, None])
        return np.asarray(out - np.outer(moments, moments))


def calibrate(
    codes: NDArray[np.uint8],
    sizes: tuple[int, ...],
    marginals: Mapping[int, FloatArray],
    pairs: Mapping[tuple[int, int], FloatArray],
) -> Calibration:
    """Weigh rows so that chosen marginals and pair tables take target values.

    Parameters
    ----------
    codes : uint8 (n, m).
    sizes : levels of each feature.
    marginals : feature index -> target shares (L,), summing to 1.
    pairs : (i, j) -> target shares (L_i, L_j), summing to 1.

    Returns
    -------
    Calibration

    Notes
    -----
    Only distinct combinations of the features in play are worked on, so the cost is one sort of n keys plus Newton
    steps on min(n, product of levels) rows and C target cells: rows x C^2 each. Cells that the targets leave empty get
    weight zero; cells that the sample leaves empty are reported in ``empty`` and their mass is spread over the rest.

    Examples
    --------
    >>> codes = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [1, 1], [1, 1]], np.uint8)
    >>> fit = calibrate(codes, (2, 2), {0: np.array([0.5, 0.5])}, {})
    >>> fit.weights.round(3).tolist(), round(fit.effective_size, 2)
    ([1.5, 1.5, 0.75, 0.75, 0.75, 0.75], 5.33)
    """
    rows = len(codes)
    uniform = Calibration(np.ones(rows), float(rows), 0.0, RIDGES[0], 0, ())
    covered = {f for pair in pairs for f in pair}
    blocks: list[tuple[tuple[int, ...], FloatArray]] = [
        ((f,), np.asarray(t, float)) for f, t in sorted(marginals.items()) if f not in covered
    ]
    blocks += [(pair, np.asarray(t, float)) for pair, t in sorted(pairs.items())]
    if not blocks or rows == 0:
        return uniform
    cells, counts, inverse = _distinct(codes, sizes, sorted({f for features, _ in blocks for f in features}))
    problem, empty = _problem(cells, counts, blocks, sizes)
    if not problem.base.any():
        return Calibration(uniform.weights, float(rows), 1.0, RIDGES[0], 0, empty)
    for ridge in RIDGES:
        p, residual, steps, converged = _solve(problem, ridge)
        weights = (p / np.maximum(counts, 1.0))[inverse] * rows
        effective = float(weights.sum() ** 2 / (weights**2).sum())
        if converged and effective >= MIN_ESS_SHARE * rows:
            break
    return Calibration(weights, effective, residual, ridge, steps, empty)


def raked(table: FloatArray, rows: FloatArray, columns: FloatArray) -> FloatArray:
    """The table with these margins and the odds ratios of ``table`` (iterative proportional fitting).

    Parameters
    ----------
    table : (L_a, L_b), non-negative.
    rows, columns : the margins, (L_a,) and (L_b,), of equal sums. Where a wanted level is empty in ``table``, half a
        thousandth of an even share is put there first, so that the margin can be met.

    Examples
    --------
    >>> raked(np.array([[0.4, 0.1], [0.1, 0.4]]), np.array([0.8, 0.2]), np.array([0.5, 0.5])).round(3).tolist()
    [[0.483, 0.317], [0.017, 0.183]]
    """
    out = np.asarray(table, float).copy()
    thin = 5e-4 * float(out.sum()) / out.size
    out[(out.sum(axis=1) == 0) & (rows > 0)] += thin
    out[:, (out.sum(axis=0) == 0) & (columns > 0)] += thin
    for _ in range(SWEEPS):
        out *= (rows / np.maximum(out.sum(axis=1), 1e-300))[:, None]
        out *= columns / np.maximum(out.sum(axis=0), 1e-300)
        if np.abs(out.sum(axis=1) - rows).max(initial=0.0) < TOLERANCE:
            break
    return out


def _distinct(
    codes: NDArray[np.uint8], sizes: tuple[int, ...], used: list[int]
) -> tuple[dict[int, IntArray], FloatArray, IntArray]:
    """Distinct combinations of the used features: codes by feature, their counts, and each row's combination."""
    key = np.zeros(len(codes), np.int64)
    span = 1
    for f in used:
        if span > 2**62 // sizes[f]:
            _, key = np.unique(key, return_inverse=True)
            span = int(key.max()) + 1
        key = key * sizes[f] + codes[:, f]
        span *= sizes[f]
    _, first, inverse, counts = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    return {f: codes[first, f].astype(np.int64) for f in used}, counts.astype(float), inverse


def _problem(
    cells: Mapping[int, IntArray],
    counts: FloatArray,
    blocks: list[tuple[tuple[int, ...], FloatArray]],
    sizes: tuple[int, ...],
) -> tuple[_Problem, tuple[tuple[tuple[int, ...], tuple[int, ...], float], ...]]:
    """Lay the target cells of all blocks in one row; drop rows in empty target cells, note empty sample cells."""
    columns: list[IntArray] = []
    targets: list[FloatArray] = []
    empty: list[tuple[tuple[int, ...], tuple[int, ...], float]] = []
    base = counts / counts.sum()
    offset = 0
    for features, target in blocks:
        column = np.ravel_multi_index([cells[f] for f in features], [sizes[f] for f in features])
        base = np.where(target.ravel()[column] > 0, base, 0.0)
        columns.append(column + offset)
        offset += target.size
    for (features, target), column in zip(blocks, columns, strict=True):
        flat = target.ravel().copy()
        start = int(sum(t.size for t in targets))
        present = np.bincount(column - start, weights=base, minlength=flat.size) > 0
        for cell in np.flatnonzero((flat > 0) & ~present):
            where = np.unravel_index(cell, target.shape)
            empty.append((features, tuple(int(k) for k in where), float(flat[cell])))
        flat[~present] = 0.0
        targets.append(flat / max(float(flat.sum()), 1e-300))
    return _Problem(np.stack(columns, axis=1), base, np.concatenate(targets)), tuple(empty)


def _solve(problem: _Problem, ridge: float) -> tuple[FloatArray, float, int, bool]:
    """Levenberg's damped Newton on the ridged dual: (probabilities, largest residual, steps, converged)."""
    multipliers = np.zeros(len(problem.target))
    p, value = problem.distribution(multipliers)
    damping, steps, converged = LEAST_DAMPING, 0, False
    for _ in range(MAX_STEPS):
        moments = problem.moments(p)
        gradient = moments - problem.target + ridge * multipliers
        if np.abs(gradient).max() < TOLERANCE:
            converged = True
            break
        steps += 1
        curvature = problem.hessian(p, moments)
        while damping < MOST_DAMPING:
            move = _damped(curvature, gradient, ridge + damping)
            if np.abs(move).max() <= LONGEST_MOVE:
                trial = multipliers + move
                trial_p, log_norm = problem.distribution(trial)
                trial_value = log_norm - float(trial @ problem.target) + 0.5 * ridge * float(trial @ trial)
                if trial_value <= value + 0.25 * float(gradient @ move) or _flat(
                    float(gradient @ move), value
                ):
                    break
            damping *= 10.0
        else:
            break
        multipliers, p, value = trial, trial_p, trial_value
        damping = max(damping / 30.0, LEAST_DAMPING)
    residual = float(np.abs(problem.moments(p) - problem.target).max())
    return p, residual, steps, converged


def _damped(curvature: FloatArray, gradient: FloatArray, damping: float) -> FloatArray:
    matrix = curvature.copy()
    matrix[np.diag_indices_from(matrix)] += damping
    return np.asarray(-np.linalg.solve(matrix, gradient))


def _flat(slope: float, value: float) -> bool:
    """Whether the promised gain drowns in the rounding of the objective."""
    return abs(slope) < 1e-13 * max(1.0, abs(value))
