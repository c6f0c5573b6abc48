"""The ladder: explain the suspect by as little as possible, and name what had to be explained.

Rung 1 tests marginals; rung 2 tests pairs under maximum-entropy weights that reproduce the reference on all that has
been explained so far. The strongest pair becomes a culprit, its joint table is added to what the weights reproduce,
and the test is run again, until nothing is significant. Then the explanation is pruned: whatever is not needed for
"nothing is significant" is taken out again, weakest first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from credenza.association.calibrate import Calibration, calibrate, raked
from credenza.association.estimate import strengths
from credenza.association.kernels import pair_counts, weighted_pair_counts
from credenza.association.multiplicity import adjust
from credenza.association.probes import Layout
from credenza.association.shift import PairShift, Sample, marginal_shift, pair_shift, probe_tables
from credenza.association.tails import normal_log_sf
from credenza.contracts import FloatArray, IntArray

MAX_CULPRITS = 40
LOST_SHARE = (
    0.01  # of the reference in a pair's cells without a row in the suspect: the pair cannot be restored
)


@dataclass(frozen=True)
class Step:
    """One culprit as the ladder met it: the pair's position, and what the test said just then."""

    pair: int
    log_p: float
    q: float
    probe_a: int
    probe_b: int


@dataclass(frozen=True)
class Climb:
    """What the ladder found.

    Attributes
    ----------
    first : the pair tests before anything is explained.
    last : the pair tests after everything that was named is explained.
    marginal_log_p, marginal_q, marginal_change : rung 1, (m,): is the feature's own frequency shifted, and by how much.
    drifted : positions of the pairs that were significant and that the marginal shifts alone explain.
    shifted : features whose marginals are part of the explanation.
    collateral_margins : features whose significant marginal shift is explained by the culprits alone.
    steps : the culprits, in the order of their strength of evidence.
    explained : for each culprit, positions of the pairs that were significant at first and that come back when this
        culprit alone is left unexplained (with one culprit: all of them).
    strengths : for each culprit, (eps, standard error) at its strongest 2x2 table, all else explained.
    calibration : the weights of the explanation.
    exhausted : whether the ladder gave up with pairs still significant.
    """

    first: PairShift
    last: PairShift
    marginal_log_p: FloatArray
    marginal_q: FloatArray
    marginal_change: FloatArray
    drifted: IntArray
    shifted: tuple[int, ...]
    collateral_margins: tuple[int, ...]
    steps: tuple[Step, ...]
    explained: tuple[IntArray, ...]
    strengths: tuple[tuple[float, float], ...]
    calibration: Calibration
    exhausted: bool


@dataclass(frozen=True)
class Explained:
    """The suspect under the weights of one explanation: the weights, its pair counts, and the pair tests."""

    fit: Calibration
    sample: Sample
    shift: PairShift


class Ladder:
    """Climbs for one suspect and one reference.

    Parameters
    ----------
    codes : uint8 (n, m), the suspect's rows.
    reference : int or float (K, K) pair counts of the reference; its rows are not needed.
    reference_rows : rows behind them.
    layout : levels and order of the features.
    fdr : false discovery rate at every rung.
    correction : "bh" or "by".
    min_strength : pairs count as significant only when their strength is significantly larger than this.
    gate : False when a test of "anything moved" has said no: then no pair is significant.
    design_effect : how many rows of the suspect are worth one independent row (copies carry nothing new); >= 1.

    Notes
    -----
    Cost: one calibration, one weighted pair count of the suspect and one round of tests for every explanation tried;
    each is kept, so that none is worked out twice.
    """

    def __init__(
        self,
        codes: NDArray[np.uint8],
        reference: FloatArray | IntArray,
        reference_rows: int,
        layout: Layout,
        *,
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
        self._seen: dict[tuple[tuple[int, ...], tuple[int, ...]], Explained] = {}
        self.plain = self._scaled(pair_counts(codes, layout.sizes).astype(float), float(len(codes)))

    def climb(self) -> Climb:
        """Run both rungs, prune, and account for what each culprit explains."""
        log_p, change = marginal_shift(self.reference, self.plain, self.layout)
        margin_q = adjust(log_p, self.correction)
        shifted = tuple(int(f) for f in np.flatnonzero(margin_q <= self.fdr))
        first = self.explain((), []).shift
        steps, exhausted = self._ascend(shifted)
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
            calibration=final.fit,
            exhausted=exhausted,
        )

    def first_log_p(self) -> float | None:
        """The smallest log p of the first round of pair tests, or None when nothing is significant in it."""
        first = self.explain((), []).shift
        left = self.significant(first, [])
        return float(first.log_p[left].min()) if left.size else None

    def _weights(self, margins: tuple[int, ...], pairs: list[int]) -> Calibration:
        """Weights that reproduce the reference on these marginals and pair tables."""
        i, j = self.layout.pairs
        joint, size = self.reference.joint, self.reference.size
        tables = {(int(i[k]), int(j[k])): self.layout.block(joint, i[k], j[k]) / size for k in pairs}
        diagonal, starts = np.diag(joint), self.layout.starts
        shares = {f: diagonal[starts[f] : starts[f + 1]] / size for f in margins}
        return calibrate(self.codes, self.layout.sizes, shares, tables)

    def _weighted(self, fit: Calibration) -> Sample:
        """The suspect under weights, scaled to its effective sample size."""
        if fit.effective_size >= len(self.codes) * (1 - 1e-12):
            return self.plain
        joint = weighted_pair_counts(self.codes, self.layout.sizes, fit.weights)
        return self._scaled(joint, fit.effective_size)

    def _scaled(self, joint: FloatArray, effective_size: float) -> Sample:
        size = effective_size / self.design_effect
        return Sample(joint * (size / len(self.codes)), size)

    def explain(self, margins: tuple[int, ...], pairs: list[int]) -> Explained:
        """Reproduce the reference on these marginals and pair tables, and test all pairs again."""
        key = margins, tuple(sorted(pairs))
        if key not in self._seen:
            fit = self._weights(margins, pairs)
            sample = self._weighted(fit)
            self._seen[key] = Explained(fit, sample, self._compare(sample))
        return self._seen[key]

    def _compare(self, sample: Sample) -> PairShift:
        """Pair tests; with a floor, the p-value that the strength is not beyond it, where that is larger."""
        shift = pair_shift(self.reference, sample, self.layout)
        if self.min_strength <= 0:
            return shift
        rows = self.layout.rows_of(shift.probe_a, shift.probe_b)
        eps, error = strengths(probe_tables(self.reference, sample, self.layout)[rows])
        excess = (np.abs(eps) - self.min_strength) / np.maximum(error, 1e-12)
        return replace(shift, log_p=np.maximum(shift.log_p, normal_log_sf(excess)))

    def significant(self, shift: PairShift, explained: list[int]) -> IntArray:
        """Positions of the pairs that are significant and not yet explained."""
        if not self.gate:
            return np.empty(0, np.int64)
        q = shift.q(self.correction)
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

    def _ascend(self, margins: tuple[int, ...]) -> tuple[list[Step], bool]:
        steps: list[Step] = []
        while True:
            named = [s.pair for s in steps]
            shift = self.explain(margins, named).shift
            left = self.unexplained(margins, named)
            if not left.size:
                return steps, False
            if len(steps) >= MAX_CULPRITS:
                return steps, True
            k = int(left[np.argmin(shift.log_p[left])])
            q = float(shift.q(self.correction)[k])
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
            table = probe_tables(self.reference, without.sample, self.layout)
            at = self.layout.rows_of(np.array([step.probe_a]), np.array([step.probe_b]))
            eps, error = strengths(table[at])
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
        fit = calibrate(self.codes, self.layout.sizes, {}, dict(map(self._association_only, named)))
        log_p, _ = marginal_shift(self.reference, self._weighted(fit), self.layout)
        q = adjust(log_p, self.correction)
        kept = tuple(f for f in margins if q[f] <= self.fdr)
        if kept != margins and self.unexplained(kept, named).size:
            return margins
        return kept

    def _association_only(self, pair: int) -> tuple[tuple[int, int], FloatArray]:
        """The reference's association in the suspect's marginals: what an attack on the pair alone has changed."""
        i, j = (int(x[pair]) for x in self.layout.pairs)
        table = self.layout.block(self.reference.joint, i, j) / self.reference.size
        own = self.layout.block(self.plain.joint, i, j) / self.plain.size
        return (i, j), raked(table, own.sum(axis=1), own.sum(axis=0))


def _unrestorable_features(fit: Calibration) -> list[int]:
    """Features of the pairs of which at least ``LOST_SHARE`` of the reference lies in cells that the suspect lacks."""
    lost: dict[tuple[int, ...], float] = {}
    for features, _, share in fit.empty:
        lost[features] = lost.get(features, 0.0) + share
    pairs = [features for features, share in lost.items() if len(features) == 2 and share >= LOST_SHARE]
    return sorted({f for pair in pairs for f in pair})
