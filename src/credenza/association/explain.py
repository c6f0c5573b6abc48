"""One explanation at a time: weigh the suspect so that it matches the reference there, and count its pairs again.

Weights are solved on a sample of S of the suspect's n rows; the pair counts of all rows are known exactly. Two steps
use both (two-phase sampling: Deville & Sarndal 1992, JASA 87:376):

1. The sample is weighed to the shares that all rows have in the cells of the explanation (weights b, close to 1), then
   on top of that to the reference's shares there (weights w, mean 1 under b).
2. The weighted counts are those of all rows plus what the weights change in the sample, scaled up:
   J_w = J_all + (n / S) sum_S b (w - 1) x x'. In the cells of the explanation that is the target exactly.

How many independent rows is J_w worth? Take the mean of a centred y of variance v, unrelated to w:
mean_n(y) + mean_S((w - 1) y) has variance v / n + cv2 v / S + 2 E[w - 1] v / n, where cv2 = mean(w^2) - 1 and the last
term is 0, so n_eff = 1 / (1 / n + cv2 / S): n (1 + cv2)^-1, Kish's size, for S = n; never more than S / cv2. What y has
in common with the cells of the explanation adds no variance since those are calibrated, so this is on the safe side.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from credenza.association.calibrate import Calibration, Targets, raked, solve_cells
from credenza.association.cells import Codes, combinations
from credenza.association.counts import PairCounts
from credenza.association.probes import Layout
from credenza.association.shift import Sample
from credenza.association.weighted import Weigher
from credenza.contracts import FloatArray, IntArray
from credenza.errors import InputError

LEAST_CELL = 1e-3  # rows in a cell that is estimated to have fewer than none
KEPT_COMBINATIONS = 4  # groupings of the rows that are kept for the next explanation on the same features


class Explainer:
    """Weighs one suspect to one reference.

    Parameters
    ----------
    codes : uint8 (S, m), a sample of the suspect's rows, or all of them.
    reference : pair counts of the reference.
    layout : levels and order of the features.
    suspect : pair counts of all n rows of the suspect; None when ``codes`` are all of them.
    design_effect : rows of the suspect that are worth one independent row; >= 1.

    Raises
    ------
    InputError : ``suspect`` counts fewer rows than ``codes`` has, or rows of which ``codes`` has none.

    Notes
    -----
    Cost of one explanation: one calibration on the distinct cells of the sample (two where S < n) and one weighted
    joint. Nothing is weighed before something is to be explained.
    """

    def __init__(
        self,
        codes: NDArray[np.uint8],
        reference: Sample,
        layout: Layout,
        *,
        suspect: PairCounts | None = None,
        design_effect: float = 1.0,
    ) -> None:
        self.codes, self.layout, self.reference = codes, layout, reference
        counts = suspect if suspect is not None else PairCounts.empty(layout.sizes).update(codes)
        if counts.rows < len(codes):
            raise InputError(
                f"a sample of {len(codes):,} rows of a suspect of {counts.rows:,}: sample at most all"
            )
        self.rows, self.joint = counts.rows, counts.joint
        self.sampled = self.rows > len(codes)
        self.design_effect = design_effect
        self.plain = self._scaled(self.joint.astype(float), float(self.rows))
        self._weigher = Weigher(codes, layout.sizes)
        self._cells: dict[tuple[int, ...], tuple[Codes, IntArray, IntArray]] = {}

    def against(self, reference: Sample) -> Explainer:
        """The same suspect, weighed to another reference."""
        other = copy(self)
        other.reference = reference
        return other

    def targets(self, margins: tuple[int, ...], pairs: list[int]) -> Targets:
        """The reference's shares on these marginals and pair tables."""
        return self._shares(self.reference.joint / self.reference.size, margins, self._features(pairs))

    def association_only(self, pairs: list[int]) -> Targets:
        """The reference's associations in the suspect's marginals: what attacks on the pairs alone have changed."""
        own = self.plain.joint / self.plain.size
        theirs = self.targets((), pairs).pairs
        tables = {pair: self.layout.block(own, *pair) for pair in theirs}
        raked_ = {
            p: raked(table, tables[p].sum(axis=1), tables[p].sum(axis=0)) for p, table in theirs.items()
        }
        return Targets(self.layout.sizes, {}, raked_)

    def _features(self, pairs: list[int]) -> list[tuple[int, int]]:
        i, j = self.layout.pairs
        return [(int(i[k]), int(j[k])) for k in pairs]

    def _shares(self, shares: FloatArray, margins: tuple[int, ...], pairs: list[tuple[int, int]]) -> Targets:
        diagonal, starts = np.diag(shares), self.layout.starts
        singles = {f: diagonal[starts[f] : starts[f + 1]] for f in margins}
        return Targets(self.layout.sizes, singles, {pair: self.layout.block(shares, *pair) for pair in pairs})

    def solve(self, targets: Targets) -> tuple[Calibration, Sample]:
        """Weigh the suspect to the targets: (the calibration without its weights, the suspect under them).

        The effective size is that of the estimate for all rows; :meth:`on_rows` gives the weights.
        """
        if not targets.blocks:
            fit = solve_cells(np.empty((1, 0), np.uint8), np.array([len(self.codes)]), targets)
            return replace(fit, weights=np.empty(0), effective_size=float(self.rows)), self.plain
        if self.rows and not len(self.codes):
            raise InputError(f"no row of the suspect's {self.rows:,} was sampled: weighing needs some")
        cells, counts, index = self._combinations(targets)
        base = np.ones(len(cells))
        if self.sampled:
            own = self._shares(self.joint / self.rows, tuple(targets.marginals), list(targets.pairs))
            base = solve_cells(cells, counts, own).weights
        fit = solve_cells(cells, counts * base, targets)
        spread = max(len(self.codes) / max(fit.effective_size, 1e-300) - 1.0, 0.0)
        if self.sampled:
            effective = 1.0 / (1.0 / self.rows + spread / len(self.codes))
            fit = replace(fit, effective_size=effective, rows=len(self.codes))
        sample = self._weighted(fit.weights, base, index, fit.effective_size)
        return replace(fit, weights=np.empty(0)), sample

    def _combinations(self, targets: Targets) -> tuple[Codes, IntArray, IntArray]:
        key = targets.features
        if key not in self._cells:
            while len(self._cells) >= KEPT_COMBINATIONS:
                self._cells.pop(next(iter(self._cells)))
            self._cells[key] = combinations(targets.part(self.codes), targets.part_sizes)
        return self._cells[key]

    def _weighted(
        self, weights: FloatArray, base: FloatArray, index: IntArray, effective_size: float
    ) -> Sample:
        """The suspect under these weights of the cells, scaled to its effective sample size."""
        if effective_size >= self.rows * (1 - 1e-12):
            return self.plain
        if not self.sampled:
            return self._scaled(self._weigher.joint(weights[index], index), effective_size)
        change = self._weigher.joint((base * (weights - 1.0))[index], index)
        joint = consistent(self.joint + change * (self.rows / len(self.codes)), self.layout, self.rows)
        return self._scaled(joint, effective_size)

    def on_rows(self, fit: Calibration) -> Calibration:
        """A calibration of :meth:`solve` with one weight for each row of ``codes``, mean 1 over them."""
        columns = (
            np.stack([self.codes[:, f] for f in fit.rule.features], axis=1) if fit.rule.features else None
        )
        weights = np.ones(len(self.codes)) if columns is None else fit.rule.of(columns)
        return replace(fit, weights=weights / weights.mean() if self.sampled and len(weights) else weights)

    def _scaled(self, joint: FloatArray, effective_size: float) -> Sample:
        size = effective_size / self.design_effect
        return Sample(joint * (size / max(self.rows, 1)), size)


def consistent(joint: FloatArray, layout: Layout, rows: float) -> FloatArray:
    """The nearest pair counts that rows of non-negative weight could have.

    An estimate from a sample may fall below zero in cells with few rows. Those are cut at ``LEAST_CELL`` (at zero the
    margins might be out of reach), and the tables they are in are raked to the margins, so that no cell exceeds a
    margin and every table adds up.

    Parameters
    ----------
    joint : (K, K), symmetric, tables adding up to ``rows``.
    layout : levels of the features.
    rows : total of every table.

    Examples
    --------
    >>> joint = np.array([[6.0, 0, 7, -1], [0, 4, 1, 3], [7, 1, 8, 0], [-1, 3, 0, 2]])
    >>> consistent(joint, Layout((2, 2), (0, 0)), 10.0)[:2, 2:].round(2).tolist()
    [[6.0, 0.0], [2.0, 2.0]]
    """
    if not (joint < 0).any():
        return joint
    out, starts, feature = np.where(joint < 0, LEAST_CELL, joint), layout.starts, layout.plane_feature
    margin = np.diag(out).copy()
    margin *= rows / np.maximum(np.add.reduceat(margin, starts[:-1]), 1e-300)[feature]
    np.fill_diagonal(out, margin)
    a, b = (feature[x] for x in np.nonzero(joint < 0))
    for i, j in sorted({(int(x), int(y)) for x, y in zip(a, b, strict=True) if x < y}):
        p, q = slice(starts[i], starts[i + 1]), slice(starts[j], starts[j + 1])
        table = raked(out[p, q] / rows, margin[p] / rows, margin[q] / rows) * rows
        out[p, q], out[q, p] = table, table.T
    return out
