"""The ladder: explain the suspect by as little as possible, and name what had to be explained.

Rung 1 tests marginals; rung 2 tests pairs under maximum-entropy weights that reproduce the reference on all that has
been explained so far. The strongest pair becomes a culprit, its joint table is added to what the weights reproduce,
and the test is run again, until nothing is significant. Then the explanation is pruned: whatever is not needed for
"nothing is significant" is taken out again, weakest first.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from credenza.association.calibrate import Calibration
from credenza.association.climb import Climb, Step, final_weights
from credenza.association.counts import PairCounts
from credenza.association.estimate import strengths
from credenza.association.explain import Explainer
from credenza.association.multiplicity import adjust
from credenza.association.probes import Layout
from credenza.association.shift import PairShift, Sample, marginal_shift, pair_shift, tables_at
from credenza.association.tails import normal_log_sf
from credenza.contracts import FloatArray, IntArray

__all__ = ["Climb", "Explained", "Ladder", "Step", "final_weights"]

MAX_CULPRITS = 40
LOST_SHARE = (
    0.01  # of the reference in a pair's cells without a row in the suspect: the pair cannot be restored
)


@dataclass(frozen=True)
class Explained:
    """The suspect under the weights of one explanation: how they fit (without the weights), its counts, the tests."""

    fit: Calibration
    sample: Sample
    shift: PairShift


class Ladder:
    """Climbs for one suspect and one reference.

    Parameters
    ----------
    codes : uint8 (S, m), the suspect's rows, or a random sample of them.
    reference : int or float (K, K) pair counts of the reference; its rows are not needed.
    reference_rows : rows behind them.
    layout : levels and order of the features in play.
    suspect : pair counts of all n rows of the suspect on these features; None: ``codes`` are all of them.
    pairs_tested, features_tested : hypotheses of the whole table, of which the features in play are a part; those that
        are not in play count as p = 1. None: the features in play are all there are.
    fdr : false discovery rate at every rung.
    correction : "bh" or "by".
    min_strength : pairs count as significant only when their strength is significantly larger than this.
    gate : False when a test of "anything moved" has said no: then no pair is significant.
    design_effect : how many rows of the suspect are worth one independent row (copies carry nothing new); >= 1.

    Raises
    ------
    InputError : ``suspect`` counts fewer rows than ``codes`` has, or rows of which ``codes`` has none.

    Notes
    -----
    Cost: one calibration and one weighted pair count on the S rows, and one round of tests, for every explanation
    tried; each is kept, so that none is worked out twice. Nothing is weighed when nothing is significant.
    :mod:`credenza.association.explain` says how the sample and the counts of all rows go together.
    """

    def __init__(
        self,
        codes: NDArray[np.uint8],
        reference: FloatArray | IntArray,
        reference_rows: int,
        layout: Layout,
        *,
        suspect: PairCounts | None = None,
        pairs_tested: int | None = None,
        features_tested: int | None = None,
        fdr: float = 0.05,
        correction: str = "bh",
        min_strength: float = 0.0,
        design_effect: float = 1.0,
        gate: bool = True,
    ) -> None:
        self.codes = codes
        self.layout = layout
        self.reference = Sample(np.asarray(reference, float), float(reference_rows))
        self.fdr = fdr
        self.correction = correction
        self.min_strength = min_strength
        self.gate = gate
        self.design_effect = design_effect
        self.pairs_tested, self.features_tested = pairs_tested, features_tested
        self._explainer = Explainer(
            codes, self.reference, layout, suspect=suspect, design_effect=design_effect
        )
        self.plain, self.rows = self._explainer.plain, self._explainer.rows
        self._seen: dict[tuple[tuple[int, ...], tuple[int, ...]], Explained] = {}

    def against(self, joint: FloatArray) -> Ladder:
        """The same suspect and settings against other pair counts (K, K) of as many rows as the reference has."""
        other = copy(self)
        other.reference, other._seen = Sample(joint, self.reference.size), {}
        other._explainer = self._explainer.against(other.reference)
        return other

    def climb(self, most: int | None = None) -> Climb:
        """Run both rungs, prune, and account for what each culprit explains.

        The ladder gives up after ``most`` culprits, ``MAX_CULPRITS`` by default.
        """
        log_p, change = marginal_shift(self.reference, self.plain, self.layout)
        margin_q = self._margin_q(log_p)
        shifted = tuple(int(f) for f in np.flatnonzero(margin_q <= self.fdr))
        first = self.explain((), []).shift
        steps, exhausted = self._ascend(shifted, MAX_CULPRITS if most is None else most)
        steps = self._prune_culprits(shifted, steps)
        kept = self._prune_margins(shifted, steps)
        steps = sorted(steps, key=lambda s: s.log_p)
        final = self.explain(kept, [s.pair for s in steps])
        flagged = self.significant(first, [])
        drifted = self._drifted(kept, flagged)
        explained, sizes = self._account(kept, steps, np.setdiff1d(flagged, drifted))
        return Climb(
            first=first,
            last=final.shift,
            marginal_log_p=log_p,
            marginal_q=margin_q,
            marginal_change=change,
            drifted=drifted,
            shifted=kept,
            collateral_margins=tuple(f for f in shifted if f not in kept),
            steps=tuple(steps),
            explained=tuple(explained),
            strengths=tuple(sizes),
            calibration=self._explainer.on_rows(final.fit),
            targets=self._explainer.targets(kept, [s.pair for s in steps]),
            exhausted=exhausted,
        )

    def first_log_p(self) -> float | None:
        """The smallest log p of the first round of pair tests, or None when nothing is significant in it."""
        first = self.explain((), []).shift
        left = self.significant(first, [])
        return float(first.log_p[left].min()) if left.size else None

    def q(self, shift: PairShift) -> FloatArray:
        """FDR-adjusted p-values (P,), over all pairs that were tested in the whole table; 1 for those that were not."""
        return shift.q(self.correction, self.pairs_tested)

    def _margin_q(self, log_p: FloatArray) -> FloatArray:
        return adjust(log_p, self.correction, self.features_tested)

    def explain(self, margins: tuple[int, ...], pairs: list[int]) -> Explained:
        """Reproduce the reference on these marginals and pair tables, and test all pairs again."""
        key = margins, tuple(sorted(pairs))
        if key not in self._seen:
            fit, sample = self._explainer.solve(self._explainer.targets(margins, pairs))
            self._seen[key] = Explained(fit, sample, self._compare(sample))
        return self._seen[key]

    def _compare(self, sample: Sample) -> PairShift:
        """Pair tests; with a floor, the p-value that the strength is not beyond it, where that is larger."""
        shift = pair_shift(self.reference, sample, self.layout)
        if self.min_strength <= 0:
            return shift
        tables = tables_at(self.reference, sample, self.layout, shift.probe_a, shift.probe_b)
        eps, error = strengths(tables)
        excess = (np.abs(eps) - self.min_strength) / np.maximum(error, 1e-12)
        return replace(shift, log_p=np.maximum(shift.log_p, normal_log_sf(excess)))

    def significant(self, shift: PairShift, explained: list[int]) -> IntArray:
        """Positions of the pairs that are significant and not yet explained."""
        if not self.gate:
            return np.empty(0, np.int64)
        q = self.q(shift)
        q[explained] = 1.0
        return np.flatnonzero(q <= self.fdr).astype(np.int64)

    def unexplained(self, margins: tuple[int, ...], pairs: list[int]) -> IntArray:
        """Positions of the pairs that are significant once these marginals and pairs are explained.

        Where a culprit emptied a cell, no weights can restore it, and what still differs is its trace: then pairs that
        share a feature with it, and pairs that were not significant at first, do not count.
        """
        state = self.explain(margins, pairs)
        left = self.significant(state.shift, pairs)
        lost = _unrestorable_features(state.fit)
        if not left.size or not lost:
            return left
        i, j = self.layout.pairs
        apart = ~np.isin(i[left], lost) & ~np.isin(j[left], lost)
        first = self.significant(self.explain((), []).shift, [])
        return left[apart & np.isin(left, first)]

    def _ascend(self, margins: tuple[int, ...], most: int) -> tuple[list[Step], bool]:
        steps: list[Step] = []
        while True:
            named = [s.pair for s in steps]
            shift = self.explain(margins, named).shift
            left = self.unexplained(margins, named)
            if not left.size:
                return steps, False
            if len(steps) >= most:
                return steps, True
            k = int(left[np.argmin(shift.log_p[left])])
            q = float(self.q(shift)[k])
            steps.append(Step(k, float(shift.log_p[k]), q, int(shift.probe_a[k]), int(shift.probe_b[k])))

    def _drifted(self, margins: tuple[int, ...], flagged: IntArray) -> IntArray:
        """Pairs of ``flagged`` that are not significant once the marginal shifts are explained."""
        if not margins or not flagged.size:
            return np.empty(0, np.int64)
        return np.setdiff1d(flagged, self.significant(self.explain(margins, []).shift, []))

    def _account(
        self, margins: tuple[int, ...], steps: list[Step], flagged: IntArray
    ) -> tuple[list[IntArray], list[tuple[float, float]]]:
        """For each culprit, leave it alone unexplained: which pairs come back, and how large is it?"""
        culprits = {s.pair for s in steps}
        others = np.array([k for k in flagged if k not in culprits], np.int64)
        explained: list[list[int]] = [[] for _ in steps]
        if not steps:
            return [], []
        back = np.zeros((len(steps), len(others)))
        sizes = []
        for row, step in enumerate(steps):
            named = [s.pair for s in steps if s is not step]
            without = self.explain(margins, named)
            probes = np.array([step.probe_a]), np.array([step.probe_b])
            eps, error = strengths(tables_at(self.reference, without.sample, self.layout, *probes))
            sizes.append((float(eps[0]), float(error[0])))
            back[row] = without.shift.log_p[others]
        for column, k in enumerate(others):
            explained[int(np.argmin(back[:, column]))].append(int(k))
        return [np.array(e, np.int64) for e in explained], sizes

    def _prune_culprits(self, margins: tuple[int, ...], steps: list[Step]) -> list[Step]:
        """Take out, weakest first, every culprit without which nothing becomes significant."""
        for step in sorted(steps, key=lambda s: -s.log_p):
            rest = [s for s in steps if s is not step]
            if not rest:
                break
            named = [s.pair for s in rest]
            if not self.unexplained(margins, named).size:
                steps = rest
        return steps

    def _prune_margins(self, margins: tuple[int, ...], steps: list[Step]) -> tuple[int, ...]:
        """Keep only the marginal shifts that the culprits' moved associations do not bring about by themselves."""
        if not steps or not margins:
            return margins
        named = [s.pair for s in steps]
        _, sample = self._explainer.solve(self._explainer.association_only(named))
        log_p, _ = marginal_shift(self.reference, sample, self.layout)
        q = self._margin_q(log_p)
        kept = tuple(f for f in margins if q[f] <= self.fdr)
        if kept != margins and self.unexplained(kept, named).size:
            return margins
        return kept


def _unrestorable_features(fit: Calibration) -> list[int]:
    """Features of the pairs of which at least ``LOST_SHARE`` of the reference lies in cells that the suspect lacks."""
    lost: dict[tuple[int, ...], float] = {}
    for features, _, share in fit.empty:
        lost[features] = lost.get(features, 0.0) + share
    pairs = [features for features, share in lost.items() if len(features) == 2 and share >= LOST_SHARE]
    return sorted({f for pair in pairs for f in pair})
