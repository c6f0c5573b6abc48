"""Rung 3: name the fewest triples whose moved three-way interaction explains all that are significant.

The suspect is weighed as rungs 1 and 2 left it, so what marginal shifts and moved pairs bring about in triples is off
the table. The strongest triple left becomes a culprit: the eight cells of its strongest 2x2x2 table are added to what
the weights reproduce, everything is tested again, until nothing is significant. Then whatever is not needed for that is
taken out again, weakest first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from credenza.association.tails import normal_log_sf
from credenza.association.triple_counts import TripleCounts
from credenza.association.triple_explain import Codes, Given, Probes, TripleExplainer
from credenza.association.triple_power import triple_strengths
from credenza.association.triple_shift import TripleShift, triple_shift
from credenza.association.triple_weights import WeightedTriples
from credenza.contracts import IntArray

MAX_CULPRITS = 40


@dataclass(frozen=True)
class TripleStep:
    """One culprit: its position among the triples, what the test said when it was named, and its strongest table."""

    triple: int
    log_p: float
    q: float
    z: float
    probes: Probes


@dataclass(frozen=True)
class TripleClimb:
    """What rung 3 found.

    Attributes
    ----------
    first : the tests under the weights of rungs 1 and 2. last : the tests once all culprits are explained.
    flagged : triples that are significant in ``first``.
    steps : the culprits, strongest evidence first.
    strengths : (eps, standard error) of each, marginal shifts and the other culprits explained. Pairs are not: the
        strength is that for the suspect's own pair tables, and a triple that was moved by relabelling tears pairs along
        whose weights would undo a part of it.
    explained : for each culprit, flagged triples that come back when it alone is left unexplained.
    effective_size : independent rows that the weighted suspect is worth in the end.
    exhausted : whether the ladder gave up with triples still significant.
    """

    first: TripleShift
    last: TripleShift
    flagged: IntArray
    steps: tuple[TripleStep, ...]
    strengths: tuple[tuple[float, float], ...]
    explained: tuple[IntArray, ...]
    effective_size: float
    exhausted: bool


@dataclass(frozen=True)
class _Explained:
    counts: WeightedTriples
    shift: TripleShift
    effective_size: float


class TripleLadder:
    """Climbs rung 3 for one suspect and one reference.

    Parameters
    ----------
    reference, suspect, rows, design_effect : see :class:`credenza.association.triple_explain.TripleExplainer`.
    given : what rungs 1 and 2 explained; None for nothing.
    fdr, correction : false discovery rate over the triples; "bh" or "by".
    min_strength : triples count as significant only when their strength is significantly larger than this.
    barred : triples (N,) that are not to be named, because nothing can explain what they suffer from; None for none.

    Notes
    -----
    Cost: one explanation and one round of tests for each culprit, and two more to prune and to account; all are kept.

    Examples
    --------
    >>> from credenza.association.probes import Layout
    >>> layout = Layout((2, 2, 2), (0, 0, 0))
    >>> rows = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)], np.uint8)
    >>> clean, moved = (np.repeat(rows, [50 + k * s for s in (1, -1, -1, 1, -1, 1, 1, -1)], axis=0) for k in (0, 20))
    >>> reference, suspect = (TripleCounts.empty(layout).update(codes) for codes in (clean, moved))
    >>> climb = TripleLadder(reference, suspect, lambda: moved).climb()
    >>> climb.steps[0].probes, round(climb.strengths[0][0], 2), climb.last.log_p.round(6).tolist()
    ((0, 1, 2), 0.05, [-0.0])
    """

    def __init__(
        self,
        reference: TripleCounts,
        suspect: TripleCounts,
        rows: Callable[[], Codes],
        *,
        given: Given | None = None,
        fdr: float = 0.05,
        correction: str = "bh",
        min_strength: float = 0.0,
        design_effect: float = 1.0,
        barred: NDArray[np.bool_] | None = None,
    ) -> None:
        self.reference = reference
        self.given = Given.nothing(reference.threes.layout.sizes) if given is None else given
        self.fdr, self.correction, self.min_strength = fdr, correction, min_strength
        self.barred = np.zeros(len(reference.threes.features), bool) if barred is None else barred
        self._explainer = TripleExplainer(reference, suspect, rows, design_effect=design_effect)
        self._seen: dict[frozenset[Probes], _Explained] = {}

    def climb(self) -> TripleClimb:
        """Name the culprits, prune, and account for what each explains."""
        first = self._explain([]).shift
        flagged = self._significant(first, [])
        steps, exhausted = self._ascend()
        steps = sorted(self._pruned(steps), key=lambda step: step.log_p)
        last = self._explain(steps)
        strengths, explained = self._account(steps, flagged)
        return TripleClimb(
            first,
            last.shift,
            flagged,
            tuple(steps),
            tuple(strengths),
            tuple(explained),
            last.effective_size,
            exhausted,
        )

    def _explain(self, steps: list[TripleStep]) -> _Explained:
        """Weigh the suspect to what was given and to the tables of these culprits, and test all triples again."""
        key = frozenset(step.probes for step in steps)
        if key not in self._seen:
            counts, effective_size = self._explainer.solve(sorted(key), self.given)
            self._seen[key] = _Explained(counts, self._compare(counts), effective_size)
        return self._seen[key]

    def _compare(self, counts: WeightedTriples) -> TripleShift:
        """Triple tests; with a floor, the p-value that the strength is not beyond it, where that is larger."""
        shift = triple_shift(self.reference, counts)
        if self.min_strength <= 0:
            return shift
        log_p, at = shift.log_p.copy(), np.flatnonzero(shift.tested)
        eps, error = triple_strengths(self.reference.table(shift.probes[at]), counts.table(shift.probes[at]))
        excess = (np.abs(eps) - self.min_strength) / np.maximum(error, 1e-12)
        log_p[at] = np.maximum(log_p[at], normal_log_sf(excess))
        return replace(shift, log_p=log_p)

    def _significant(self, shift: TripleShift, steps: list[TripleStep]) -> IntArray:
        """Triples that are significant and not yet explained."""
        q = shift.q(self.correction)
        q[[step.triple for step in steps]] = 1.0
        q[self.barred] = 1.0
        return np.flatnonzero(q <= self.fdr).astype(np.int64)

    def _ascend(self) -> tuple[list[TripleStep], bool]:
        steps: list[TripleStep] = []
        while True:
            shift = self._explain(steps).shift
            left = self._significant(shift, steps)
            if not left.size:
                return steps, False
            if len(steps) >= MAX_CULPRITS:
                return steps, True
            k = int(left[np.argmin(shift.log_p[left])])
            a, b, c = (int(p) for p in shift.probes[k])
            q = float(shift.q(self.correction)[k])
            steps.append(TripleStep(k, float(shift.log_p[k]), q, float(shift.z[k]), (a, b, c)))

    def _pruned(self, steps: list[TripleStep]) -> list[TripleStep]:
        """Take out, weakest first, every culprit without which nothing becomes significant."""
        for step in sorted(steps, key=lambda s: -s.log_p):
            rest = [s for s in steps if s is not step]
            if rest and not self._significant(self._explain(rest).shift, rest).size:
                steps = rest
        return steps

    def _account(
        self, steps: list[TripleStep], flagged: IntArray
    ) -> tuple[list[tuple[float, float]], list[IntArray]]:
        """For each culprit, leave it alone unexplained: how large is it, and which triples come back?"""
        if not steps:
            return [], []
        others = np.setdiff1d(flagged, [step.triple for step in steps])
        back, sizes = np.zeros((len(steps), len(others))), []
        for row, step in enumerate(steps):
            rest = [s for s in steps if s is not step]
            counts, _ = self._explainer.solve(sorted(s.probes for s in rest), self.given.margins())
            probes = np.array([step.probes])
            eps, error = triple_strengths(self.reference.table(probes), counts.table(probes))
            sizes.append((float(eps[0]), float(error[0])))
            back[row] = self._explain(rest).shift.log_p[others]
        owner = back.argmin(axis=0) if len(others) else np.zeros(0, np.int64)
        return sizes, [others[owner == row] for row in range(len(steps))]
