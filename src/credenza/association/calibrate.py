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
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from credenza.association.cells import CellWeights, Codes, combinations
from credenza.association.dual import TOLERANCE, Dual, minimise
from credenza.contracts import FloatArray, IntArray

SWEEPS = 500
RIDGES = (
    1e-10,
    1e-6,
    1e-5,
    1e-4,
    1e-2,
)  # tried in turn until the solver converges and the weights are usable
MIN_ESS_SHARE = 0.02  # weights worth fewer than this share of the rows are degenerate


@dataclass(frozen=True)
class Targets:
    """What weights must reproduce.

    Attributes
    ----------
    sizes : L of every feature of the table.
    marginals : feature index -> target shares (L,), summing to 1.
    pairs : (i, j) -> target shares (L_i, L_j), summing to 1; they imply the marginals of i and j.
    """

    sizes: tuple[int, ...]
    marginals: Mapping[int, FloatArray]
    pairs: Mapping[tuple[int, int], FloatArray]

    @cached_property
    def blocks(self) -> tuple[tuple[tuple[int, ...], FloatArray], ...]:
        """(features, shares) of every target, without the marginals that a pair implies."""
        covered = {f for pair in self.pairs for f in pair}
        singles = [((f,), t) for f, t in sorted(self.marginals.items()) if f not in covered]
        return tuple((tuple(f), np.asarray(t, float)) for f, t in (*singles, *sorted(self.pairs.items())))

    @cached_property
    def features(self) -> tuple[int, ...]:
        """The features that the weights will depend on, ascending."""
        return tuple(sorted({f for features, _ in self.blocks for f in features}))

    def part(self, codes: Codes) -> Codes:
        """The columns of :attr:`features` of codes (n, m)."""
        out = np.empty((len(codes), len(self.features)), codes.dtype, order="F")
        for k, f in enumerate(self.features):
            out[:, k] = codes[:, f]
        return out

    @cached_property
    def part_sizes(self) -> tuple[int, ...]:
        """L of :attr:`features`."""
        return tuple(self.sizes[f] for f in self.features)


@dataclass(frozen=True)
class Calibration:
    """Weights and how well they do.

    Attributes
    ----------
    weights : one a row, or one a cell where cells were given; non-negative, mean 1 over the rows.
    effective_size : independent rows that the weighted rows are worth, between 1 and n: (sum w)^2 / sum w^2 (Kish).
    residual : largest absolute difference between a target share and the weighted share, over supported cells.
    ridge : the ridge that was used; larger than the first of ``RIDGES`` means that the targets pulled too hard.
    steps : Newton steps.
    empty : target cells without a row in the sample, as (features, levels, target share): they cannot be restored.
    rule : the weights of any row of the same table, by its levels.
    rows : number of rows that they were solved on.
    """

    weights: FloatArray
    effective_size: float
    residual: float
    ridge: float
    steps: int
    empty: tuple[tuple[tuple[int, ...], tuple[int, ...], float], ...]
    rule: CellWeights
    rows: int


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
    marginals, pairs : target shares, as in :class:`Targets`.

    Returns
    -------
    Calibration with one weight a row.

    Notes
    -----
    Cost: the distinct combinations of the features in play are counted, then :func:`solve_cells`.

    Examples
    --------
    >>> codes = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [1, 1], [1, 1]], np.uint8)
    >>> fit = calibrate(codes, (2, 2), {0: np.array([0.5, 0.5])}, {})
    >>> fit.weights.round(3).tolist(), round(fit.effective_size, 2)
    ([1.5, 1.5, 0.75, 0.75, 0.75, 0.75], 5.33)
    """
    targets = Targets(tuple(sizes), marginals, pairs)
    cells, counts, index = combinations(targets.part(codes), targets.part_sizes)
    fit = solve_cells(cells, counts, targets)
    return replace(fit, weights=fit.weights[index])


def solve_cells(cells: Codes, counts: FloatArray | IntArray, targets: Targets) -> Calibration:
    """Weigh cells, the distinct combinations of the features in play, so that the targets are met.

    Parameters
    ----------
    cells : unsigned integers (C, F), levels of ``targets.features``, one distinct combination a row.
    counts : (C,), rows in each; need not be whole.
    targets : shares to reproduce.

    Returns
    -------
    Calibration with one weight a cell.

    Notes
    -----
    Cost: Newton steps on C cells and B targets with T cells in all: C B look-ups and the co-occurrences of the target
    cells (:class:`credenza.association.weighted.Weigher`), and T^3 to solve. Cells
    that the targets leave empty get weight zero; target cells that the sample leaves empty are reported in ``empty``
    and their mass is spread over the rest.

    Examples
    --------
    >>> targets = Targets((2, 2), {1: np.array([0.25, 0.75])}, {})
    >>> fit = solve_cells(np.array([[0], [1]], np.uint8), np.array([3, 3]), targets)
    >>> fit.weights.round(3).tolist(), fit.rule.of(np.array([[1]], np.uint8)).round(3).tolist()
    ([0.5, 1.5], [1.5])
    """
    rows = float(np.sum(counts))
    whole = round(rows)
    if not targets.blocks or rows == 0:
        rule = CellWeights(targets.features, targets.part_sizes, (), 0.0)
        return Calibration(np.ones(len(counts)), rows, 0.0, RIDGES[0], 0, (), rule, whole)
    problem, empty = _problem(cells, np.asarray(counts, float) / rows, targets)
    if not problem.base.any():
        rule = CellWeights(targets.features, targets.part_sizes, (), 0.0)
        return Calibration(np.ones(len(counts)), rows, 1.0, RIDGES[0], 0, empty, rule, whole)
    for ridge in RIDGES:
        solved = minimise(problem, ridge)
        weights = np.divide(solved.p, problem.base, out=np.zeros(len(solved.p)), where=problem.base > 0)
        effective = rows / float(solved.p @ weights)
        if solved.converged and effective >= MIN_ESS_SHARE * rows:
            break
    rule = _rule(solved.multipliers, solved.log_norm, targets)
    return Calibration(weights, effective, solved.residual, ridge, solved.steps, empty, rule, whole)


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


def _problem(
    cells: Codes, base: FloatArray, targets: Targets
) -> tuple[Dual, tuple[tuple[tuple[int, ...], tuple[int, ...], float], ...]]:
    """Lay the target cells of all blocks in one row; drop rows in empty target cells, note empty sample cells."""
    place = {f: k for k, f in enumerate(targets.features)}
    sizes = tuple(target.size for _, target in targets.blocks)
    columns = np.empty((len(cells), len(sizes)), np.min_scalar_type(max(sizes) - 1), order="F")
    for b, (features, target) in enumerate(targets.blocks):
        columns[:, b] = cells[:, place[features[0]]]
        if len(features) == 2:
            columns[:, b] *= columns.dtype.type(target.shape[1])
            columns[:, b] += cells[:, place[features[1]]].astype(columns.dtype, copy=False)
        flat = target.ravel()
        if not flat.all():
            base = np.where(flat[columns[:, b]] > 0, base, 0.0)
    wanted = np.concatenate([target.ravel() for _, target in targets.blocks])
    problem = Dual(columns, sizes, base, wanted)
    present = problem.moments(base) > 0
    empty: list[tuple[tuple[int, ...], tuple[int, ...], float]] = []
    for (features, target), start in zip(targets.blocks, np.cumsum((0, *sizes)), strict=False):
        flat = wanted[start : start + target.size]
        have = present[start : start + target.size]
        for cell in np.flatnonzero((flat > 0) & ~have):
            where = np.unravel_index(cell, target.shape)
            empty.append((features, tuple(int(k) for k in where), float(flat[cell])))
        flat[~have] = 0.0
        flat /= max(float(flat.sum()), 1e-300)
    return problem, tuple(empty)


def _rule(multipliers: FloatArray, log_norm: float, targets: Targets) -> CellWeights:
    """The weights as a function of the levels: exp(sum of multipliers - log of the normaliser)."""
    place = {f: k for k, f in enumerate(targets.features)}
    terms, start = [], 0
    for features, target in targets.blocks:
        part = multipliers[start : start + target.size].reshape(target.shape)
        terms.append((tuple(place[f] for f in features), np.where(target > 0, part, -np.inf)))
        start += target.size
    return CellWeights(targets.features, targets.part_sizes, tuple(terms), log_norm)
