"""A climb told anew: where one edit of a feature's values explains what took several culprits, it is one culprit.

Two explanations of a culprit (A, B) compete: rows were exchanged (weights), or values of B were edited along A (the
reference is carried forward, see :mod:`credenza.association.edited`, and the ladder climbs against that). The second
one is told only where it is the shorter description: it leaves fewer culprits in all, and the evidence -2 ln p in the
pairs of A and of B grows by less than 2 ln P for each culprit that is saved, the price of picking one from P pairs
(the risk inflation criterion: Foster & George 1994, Annals of Statistics 22:1947).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.optimize import minimize_scalar

from credenza.association.climb import Climb, Step
from credenza.association.edited import (
    carried,
    misfit,
    movement,
    plain_change,
)
from credenza.association.edited_counts import GivenPairs, Pair
from credenza.association.estimate import strengths
from credenza.association.explain import consistent
from credenza.association.ladder import Explained, Ladder
from credenza.association.samples import Sample
from credenza.association.shift import tables_at
from credenza.contracts import FloatArray, IntArray

MAX_MASKS = 4_096  # pairs of levels that are counted with all levels, in all
TIED = 6.0  # of misfit: edits that fit this much worse than the best one fit as well
CLIMBS = 2  # of the best candidates that the ladder is climbed against

Count = Callable[[tuple[Pair, ...]], GivenPairs]


@dataclass(frozen=True)
class Edit:
    """One candidate: the values of the second of ``features`` were edited along the first."""

    pair: int
    features: Pair
    misfit: float
    joint: FloatArray
    redrawn: float


def linked(climb: Climb, pairs: tuple[IntArray, IntArray]) -> frozenset[int]:
    """Features of the culprits that share one with another culprit: where there is none, nothing can be gained."""
    culprits = [frozenset((int(pairs[0][s.pair]), int(pairs[1][s.pair]))) for s in climb.steps]
    return frozenset().union(
        *(one for one in culprits if any(one & other for other in culprits if other != one))
    )


class EditSearch:
    """Looks for edits that explain a climb's culprits.

    Parameters
    ----------
    ladder, climb : as run against the reference itself.
    count : counts the reference's rows once, for the given pairs.

    Notes
    -----
    Cost: one pass over the reference; for each candidate some tens of misfits of L_b K cells; a climb or more for each
    edit that is found.
    """

    def __init__(self, ladder: Ladder, climb: Climb, count: Count) -> None:
        self.first, self.layout, self.before = ladder, ladder.layout, climb
        self._count = count

    @cached_property
    def _candidates(self) -> tuple[tuple[int, Pair], ...]:
        """(position, (A, B)) of culprits and of what is significant once drift is explained, B of linked culprits."""
        shift = self.first.explain(self.before.shifted, []).shift
        left = self.first.significant(shift, [])
        culprits = np.array([step.pair for step in self.before.steps], np.int64)
        i, j = self.layout.pairs
        out: list[tuple[int, Pair]] = []
        features, masks = linked(self.before, self.layout.pairs), 0
        for k in dict.fromkeys([*culprits, *left[np.argsort(shift.log_p[left])]]):
            sides = [p for p in ((int(i[k]), int(j[k])), (int(j[k]), int(i[k]))) if p[1] in features]
            needed = (self.layout.sizes[i[k]] - 1) * (self.layout.sizes[j[k]] - 1)
            if sides and masks + needed <= MAX_MASKS:
                masks += needed
                out += [(int(k), side) for side in sides]
        return tuple(out)

    @cached_property
    def _given(self) -> dict[Pair, FloatArray]:
        pairs = tuple(dict.fromkeys((min(p), max(p)) for _, p in self._candidates))
        counts, joint = self._count(pairs), self.first.reference.joint
        tables = {pair: counts.table(pair, joint) for pair in pairs}
        return tables | {(b, a): table.transpose(1, 0, 2) for (a, b), table in tables.items()}

    def climb(self) -> Climb:
        """The climb told anew, or as it was."""
        ladder, climb, ladders = self.first, self.before, [self.first]
        steps: list[Step] = []
        edits: list[Edit] = []
        while linked(climb, self.layout.pairs):
            found = self._better(ladder, climb, [e.pair for e in edits])
            if found is None:
                break
            edit, step, ladder, climb = found
            edits.append(edit)
            steps.append(step)
            ladders.append(ladder)
        return _Retold(self, ladders, edits, steps, climb).climb() if edits else climb

    def _better(
        self, ladder: Ladder, climb: Climb, named: list[int]
    ) -> tuple[Edit, Step, Ladder, Climb] | None:
        """The edit that fits best among those that leave fewer culprits than there are."""
        base = ladder.explain(climb.shifted, [])
        wanted = linked(climb, self.layout.pairs)
        edits = [
            self._edit(ladder, base, k, pair)
            for k, pair in self._candidates
            if pair[1] in wanted and k not in named
        ]
        for edit in _likeliest(edits, climb, base.shift.log_p)[:CLIMBS]:
            other = ladder.against(edit.joint)
            again = other.climb(most=len(climb.steps) - 2)
            saved = len(climb.steps) - 1 - len(again.steps)
            grown = _left(other, again, edit.features) - _left(ladder, climb, edit.features)
            if not again.exhausted and grown < saved * 2.0 * np.log(len(self.layout.pairs[0])):
                return edit, _step(ladder, climb, base, edit.pair), other, again
        return None

    def _edit(self, ladder: Ladder, base: Explained, pair: int, features: Pair) -> Edit:
        """How well one edit explains the suspect, at its best share of values that were drawn anew."""
        layout, reference, suspect = self.layout, ladder.reference, base.sample
        s, (a, b) = layout.starts, features
        size, given = reference.size, self._given[features]
        before = layout.block(reference.joint, a, b) / size
        after = layout.block(suspect.joint, a, b) / suspect.size
        after = plain_change(before, after, 1 / size + 1 / suspect.size)
        rows, joint = slice(s[b], s[b + 1]), reference.joint.copy()

        def edited(redrawn: float) -> Sample:
            moved = movement(before, after, redrawn)
            joint[rows] = carried(reference.joint, size, given, moved, layout, features)
            return replace(reference, joint=joint)

        redrawn = _least(lambda share: misfit(edited(share), suspect, layout, b))
        edited(redrawn)
        joint[:, rows] = joint[rows].T
        joint = consistent(joint, layout, size)
        return Edit(pair, features, misfit(replace(reference, joint=joint), suspect, layout), joint, redrawn)


def _least(cost: Callable[[float], float]) -> float:
    """The share in [0, 1] of least cost; 0 where no other is clearly better."""
    found = minimize_scalar(cost, bounds=(0.0, 1.0), method="bounded", options={"xatol": 0.005})
    return float(found.x) if found.fun < cost(0.0) - 4.0 else 0.0


def _left(ladder: Ladder, climb: Climb, features: Pair) -> float:
    """Evidence -2 ln p, counted from the 2 that chance gives, in the pairs of two features, all culprits explained."""
    shift = ladder.explain(climb.shifted, [step.pair for step in climb.steps]).shift
    i, j = ladder.layout.pairs
    mine = (np.isin(i, features) | np.isin(j, features)) & shift.tested
    return float(np.maximum(-2.0 * shift.log_p[mine] - 2.0, 0.0).sum())


def _likeliest(edits: list[Edit], climb: Climb, log_p: FloatArray) -> list[Edit]:
    """Best fit first; of those that fit about as well as the best, culprits, and what moved most clearly."""
    least = min((edit.misfit for edit in edits), default=0.0)
    culprits = {step.pair for step in climb.steps}

    def rank(edit: Edit) -> tuple[float, bool, float]:
        tied = edit.misfit <= least + TIED
        return (0.0 if tied else edit.misfit, edit.pair not in culprits, float(log_p[edit.pair]))

    return sorted(edits, key=rank)


def _step(ladder: Ladder, climb: Climb, base: Explained, pair: int) -> Step:
    """The pair as the ladder met it, or as it is tested with drift explained."""
    shift = base.shift
    for step in climb.steps:
        if step.pair == pair:
            return step
    q = float(ladder.q(shift)[pair])
    return Step(pair, float(shift.log_p[pair]), q, int(shift.probe_a[pair]), int(shift.probe_b[pair]))


@dataclass(frozen=True)
class _Retold:
    """Puts the edits and the climb against the reference that they lead to into one climb."""

    search: EditSearch
    ladders: Sequence[Ladder]
    edits: Sequence[Edit]
    steps: Sequence[Step]
    rest: Climb

    def climb(self) -> Climb:
        """All culprits, strongest evidence first."""
        rest, left = self.rest, self._left()
        features = [edit.features[1] for edit in self.edits]
        rows = list(zip(self.steps, self._explained(left), self._strengths(), features, strict=True))
        explained = [np.intersect1d(found, left) for found in rest.explained]
        rows += zip(rest.steps, explained, rest.strengths, [-1] * len(rest.steps), strict=True)
        rows.sort(key=lambda row: row[0].log_p)
        return replace(
            self.search.before,
            last=rest.last,
            steps=tuple(row[0] for row in rows),
            explained=tuple(row[1] for row in rows),
            strengths=tuple(row[2] for row in rows),
            edited=tuple(row[3] for row in rows),
            exhausted=rest.exhausted,
        )

    def _left(self) -> IntArray:
        """Pairs that were flagged at first and are neither drift nor culprits."""
        first, before = self.search.first, self.search.before
        flagged = np.setdiff1d(first.significant(before.first, []), before.drifted)
        return np.setdiff1d(flagged, [step.pair for step in (*self.steps, *self.rest.steps)])

    def _explained(self, left: IntArray) -> list[IntArray]:
        """For each edit, the pairs of ``left`` that it is the first to leave not significant; the last has the rest."""
        left = np.setdiff1d(left, np.concatenate([np.empty(0, np.int64), *self.rest.explained]))
        out = []
        for ladder in self.ladders[1:-1]:
            still = ladder.significant(ladder.explain(self.rest.shifted, []).shift, [])
            out.append(np.setdiff1d(left, still))
            left = np.intersect1d(left, still)
        return [*out, left]

    def _strengths(self) -> list[tuple[float, float]]:
        """(eps, standard error) of each edit at its strongest 2x2 table, drift explained."""
        first = self.search.first
        sample = first.explain(self.search.before.shifted, []).sample
        probes = np.array([[s.probe_a, s.probe_b] for s in self.steps])
        eps, error = strengths(tables_at(first.reference, sample, self.search.layout, *probes.T))
        return list(zip(eps.tolist(), error.tolist(), strict=True))
