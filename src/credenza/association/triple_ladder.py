"""Rung 3: name the fewest triples whose moved three-way interaction explains all that are significant.

The suspect is weighed as rungs 1 and 2 left it, so what marginal shifts and moved pairs bring about in triples is off
the table. The strongest triple left becomes a culprit: the eight cells of its strongest 2x2x2 table are added to what
the weights reproduce, everything is tested again, until nothing is significant. Then whatever is not needed for that is
taken out again, weakest first.

To the solver the eight cells are the levels of one more feature, whose marginal has to match. Where the ladder works on
a sample of the rows, weights and counts go together as in :mod:`credenza.association.explain`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from credenza.association.calibrate import Calibration, Targets, solve_cells
from credenza.association.cells import combinations
from credenza.association.explain import LEAST_CELL
from credenza.association.probes import Layout
from credenza.association.tails import normal_log_sf
from credenza.association.triple_counts import TripleCounts, probe_planes, weighted_counts
from credenza.association.triple_power import triple_strengths
from credenza.association.triple_shift import TripleShift, triple_shift
from credenza.contracts import IntArray

MAX_CULPRITS = 40

Codes = NDArray[np.uint8]
Probes = tuple[int, int, int]


@dataclass(frozen=True)
class Given:
    """What rungs 1 and 2 explained: the reference's shares that the weights reproduce, and the suspect's own there.

    Positions of features are those of the columns of the codes that the ladder is given.
    """

    wanted: Targets
    own: Targets

    @classmethod
    def nothing(cls, sizes: tuple[int, ...]) -> Given:
        """Nothing was explained."""
        return cls(Targets(sizes, {}, {}), Targets(sizes, {}, {}))

    def margins(self) -> Given:
        """The marginal shifts alone."""
        wanted, own = (replace(side, pairs={}) for side in (self.wanted, self.own))
        return Given(wanted, own)


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
    counts: TripleCounts
    shift: TripleShift


class TripleLadder:
    """Climbs rung 3 for one suspect and one reference.

    Parameters
    ----------
    reference, suspect : triple counts of all rows, in one layout of m features.
    rows : gives codes uint8 (S, m + ...) of the suspect's rows, or of a random sample of them: the m features first,
        then others that ``given`` depends on. Called once, and only when something is to be explained.
    given : what rungs 1 and 2 explained; None for nothing.
    fdr, correction : false discovery rate over the triples; "bh" or "by".
    min_strength : triples count as significant only when their strength is significantly larger than this.
    design_effect : rows of the suspect that are worth one independent row; >= 1.
    barred : triples (N,) that are not to be named, because nothing can explain what they suffer from; None for none.

    Notes
    -----
    Cost of one explanation: one calibration on the distinct cells, 17 triple counts of the S rows, one round of tests;
    each is kept.

    Examples
    --------
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
        self.reference, self.suspect = reference.scaled(float(reference.rows)), suspect
        self.layout: Layout = reference.threes.layout
        self.given = Given.nothing(self.layout.sizes) if given is None else given
        self.fdr, self.correction, self.min_strength = fdr, correction, min_strength
        self.design_effect = design_effect
        self.barred = np.zeros(len(reference.threes.features), bool) if barred is None else barred
        self._rows = rows
        self._seen: dict[frozenset[Probes], _Explained] = {}

    @cached_property
    def codes(self) -> Codes:
        """The rows that are weighed."""
        return self._rows()

    @cached_property
    def _planes(self) -> NDArray[np.uint64]:
        return probe_planes(self.codes[:, : self.layout.features], self.layout)

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
            float(last.counts.rows),
            exhausted,
        )

    def _explain(self, steps: list[TripleStep]) -> _Explained:
        """Weigh the suspect to what was given and to the tables of these culprits, and test all triples again."""
        key = frozenset(step.probes for step in steps)
        if key not in self._seen:
            counts = self._weighed(sorted(key), self.given)
            self._seen[key] = _Explained(counts, self._compare(counts))
        return self._seen[key]

    def _compare(self, counts: TripleCounts) -> TripleShift:
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
            counts = self._weighed(sorted(s.probes for s in rest), self.given.margins())
            probes = np.array([step.probes])
            eps, error = triple_strengths(self.reference.table(probes), counts.table(probes))
            sizes.append((float(eps[0]), float(error[0])))
            back[row] = self._explain(rest).shift.log_p[others]
        owner = back.argmin(axis=0) if len(others) else np.zeros(0, np.int64)
        return sizes, [others[owner == row] for row in range(len(steps))]

    def _weighed(self, probes: list[Probes], given: Given) -> TripleCounts:
        """The suspect's counts under the weights of one explanation, scaled to the rows that they are worth."""
        rows = float(self.suspect.rows)
        if not probes and not given.wanted.blocks:
            return self.suspect.scaled(rows / self.design_effect)
        wanted, codes = self._targets(probes, given.wanted, self.reference)
        cells, counts, index = combinations(codes, wanted.part_sizes)
        base, sampled = np.ones(len(cells)), len(self.codes) < rows
        if sampled:
            own, _ = self._targets(probes, given.own, self.suspect)
            base = solve_cells(cells, counts, own).weights
        fit: Calibration = solve_cells(cells, counts * base, wanted)
        spread = max(len(self.codes) / max(fit.effective_size, 1e-300) - 1.0, 0.0)
        effective = 1.0 / (1.0 / rows + spread / len(self.codes))
        change = weighted_counts(self._planes, (base * (fit.weights - 1.0))[index], self.suspect.threes)
        return self._added(change, rows / len(self.codes)).scaled(effective / self.design_effect)

    def _added(self, change: TripleCounts, factor: float) -> TripleCounts:
        """All rows as they are, and what weighing changes in them."""
        pairs = np.maximum(self.suspect.pairs + factor * change.pairs, LEAST_CELL)
        triples = np.maximum(self.suspect.triples + factor * change.triples, 0.0)
        return replace(self.suspect, rows=float(self.suspect.rows), pairs=pairs, triples=triples)

    def _targets(
        self, probes: list[Probes], given: Targets, side: TripleCounts
    ) -> tuple[Targets, NDArray[np.integer]]:
        """Targets with one more feature of eight levels a triple, and the codes (S, features) that they depend on."""
        first = len(given.sizes)
        singles = dict(given.marginals)
        columns = [self.codes[:, f] for f in given.features]
        for k, triple in enumerate(probes):
            table = side.table(np.array([triple]))[:, 0]
            singles[first + k] = table / table.sum()
            columns.append(self._cell(triple))
        sizes = (*given.sizes, *(8,) * len(probes))
        targets = Targets(sizes, singles, given.pairs)
        return targets, np.stack(columns, axis=1)

    def _cell(self, triple: Probes) -> NDArray[np.uint8]:
        """The cell of a triple's table that each row falls in, 0 to 7."""
        out = np.zeros(len(self.codes), np.uint8)
        for probe in triple:
            f = int(self.layout.probe_feature[probe])
            first, stop = self.layout.probe_planes[probe] - self.layout.starts[f]
            column = self.codes[:, f]
            out = 2 * out + ((column >= first) & (column < stop))
        return out.astype(np.uint8)
