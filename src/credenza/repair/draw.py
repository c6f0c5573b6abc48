"""How often each row is drawn: systematically within the cells of the cured pairs, and whole cells by a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from credenza.contracts import FloatArray, IntArray
from credenza.repair.balance import Balance
from credenza.repair.case import Case
from credenza.repair.parts import Part, joined
from credenza.repair.rounding import HARD, SOFT, Family, rounded
from credenza.repair.targets import Targets
from credenza.repair.tilt import parts_of

BLOCK = 2**16  # rows whose order is shuffled together; blocks begin at its multiples, however rows are read
SPAN = 2**18  # cells that a plan is made for
EDGE = 0.02  # of the room for where a cell begins, that is left free for rounding errors


@dataclass(frozen=True)
class Plan:
    """The cells that rows are drawn from: slices that were moved, and levels of the cured features.

    Attributes
    ----------
    slices : groups (by number) whose rows are told from others.
    features : positions of the features in the schema; those of the weakest cures are left out where there would be
        more than ``SPAN`` cells.
    sizes : levels of each feature.
    """

    slices: tuple[int, ...]
    features: tuple[int, ...]
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, case: Case, targets: Targets) -> Plan:
        """Plan for as many cures as there is room, strongest first."""
        slices = tuple(g for g, group in enumerate(targets.blank.groups) if group.where is not None)
        features: tuple[int, ...] = ()
        span = float(2 ** len(slices))
        for cure in case.cures:
            fresh = [f for f in cure.features if f not in features]
            size = span * float(np.prod(case.schema.sizes[fresh]))
            if size <= SPAN:
                features, span = (*features, *fresh), size
        return cls(slices, features, tuple(int(case.schema.sizes[f]) for f in features))

    @cached_property
    def size(self) -> int:
        """How many cells there are."""
        return int(2 ** len(self.slices) * np.prod(self.sizes, dtype=np.int64))

    def index(self, part: Part) -> IntArray:
        """The cell of each row."""
        out = np.zeros(len(part.codes), np.int64)
        for g in self.slices:
            out *= 2
            out += np.asarray(part.inside[g])
        for f, size in zip(self.features, self.sizes, strict=True):
            out *= size
            out += part.codes[:, f]
        return out

    def families(self, targets: Targets) -> list[Family]:
        """The sums that are to come out right: all rows, margins of the features, cells of the cures; in each group."""
        shape = (*(2 for _ in self.slices), *self.sizes)
        axes = np.indices(shape).reshape(len(shape), self.size)
        out = [Family(np.zeros(self.size, np.int64), HARD)]
        for g, group in enumerate(targets.blank.groups):
            inside = axes[self.slices.index(g)] == 1 if g in self.slices else np.ones(self.size, bool)
            own = [f for f in self.features if any(f in pair for pair in group.pairs)]
            level = {f: axes[len(self.slices) + self.features.index(f)] for f in own}
            out += [Family(np.where(inside, level[f], -1), HARD) for f in own]
            for a, b in group.pairs:
                if a in level and b in level and len(shape) > 2:
                    cell = level[a] * group.sizes[b] + level[b]
                    out.append(Family(np.where(inside, cell, -1), SOFT))
        return out


class Draw:
    """A systematic sample of the rows of a case, by their weights.

    Parameters
    ----------
    case : what is repaired. found : its weights, of mean 1. share : rows drawn a unit of weight. most : how often one
        row may stand. seed : of all chance.
    """

    def __init__(self, case: Case, found: Balance, *, share: float, most: int, seed: int) -> None:
        self.case, self.found, self.share, self.most, self.seed = case, found, share, most, seed
        self.targets = Targets.of(case)
        self.plan = Plan.of(case, self.targets)
        self._sums = self.targets.blank.sums(())

    def counts(self) -> IntArray:
        """How often each row stands, shape (n,), in a small unsigned type.

        Cost: two passes. The answer does not depend on how rows are cut into batches.
        """
        expected = np.zeros(self.plan.size)
        for part in self._blocks("counting cells"):
            expected += np.bincount(self.plan.index(part), self._weights(part), self.plan.size)
        rng = np.random.default_rng([self.seed, 1])
        slack = min(0.3, 1e-6 + 3 * self.share * self.found.rows * self.found.margin_residual)
        whole = rounded(expected, self.plan.families(self.targets), rng, slack)
        low, high = np.maximum(0.0, whole - expected), np.minimum(1.0, whole + 1 - expected)
        carry = low + (high - low) * rng.uniform(EDGE, 1 - EDGE, len(low))
        out = np.zeros(self.found.rows, np.min_scalar_type(self.most))
        start = 0
        for number, part in enumerate(self._blocks("drawing rows")):
            drawn = self._drawn(part, carry, np.random.default_rng([self.seed, 2, number]))
            out[start : start + len(drawn)] = drawn
            start += len(drawn)
            for g, group in enumerate(self.targets.blank.groups):
                mask = part.inside[g]
                cells = slice(self.targets.blank.starts[g], self.targets.blank.starts[g + 1])
                held = (drawn if mask is None else drawn[mask]).astype(float)
                self._sums.cells[cells] += group.counts(held, part.places[g])
        return out

    def told(self) -> dict[str, Any]:
        """What :meth:`counts` made of the cures: rows of the output that are in a wrong cell."""
        stay = 0.0
        for cure, place in self.targets.places:
            stay += float(np.abs(self._sums.cells[place] - self.share * cure.wanted.ravel()).sum()) / 2
        return {"misplaced": stay}

    def _weights(self, part: Part) -> FloatArray:
        return self.found.tilt.weights(part)[0] * self.share

    def _blocks(self, label: str) -> Iterator[Part]:
        return blocks(parts_of(self.case.source, self.targets.blank, label), BLOCK)

    def _drawn(self, part: Part, carry: FloatArray, rng: np.random.Generator) -> IntArray:
        """How often each row of a block stands; ``carry`` is what each cell has of its next row, and moves on."""
        cell = self.plan.index(part)
        order = rng.permutation(len(cell))
        order = order[np.argsort(cell[order], kind="stable")]
        weights, ranked = self._weights(part)[order], cell[order]
        first = np.flatnonzero(np.diff(ranked, prepend=-1))
        sums = np.cumsum(weights)
        start = sums[first] - weights[first] - carry[ranked[first]]
        reached = sums - np.repeat(start, np.diff(first, append=len(ranked)))
        steps = np.floor(reached)
        drawn = np.diff(steps, prepend=0.0)
        drawn[first] = steps[first]
        last = np.append(first[1:], len(ranked)) - 1
        carry[ranked[first]] = reached[last] - steps[last]
        out = np.empty(len(cell), np.int64)
        out[order] = np.minimum(drawn, self.most)  # a row of the largest weight, by an error of rounding
        return out


def blocks(parts: Iterable[Part], rows: int) -> Iterator[Part]:
    """The same rows in parts of exactly so many, but for the last."""
    held: list[Part] = []
    for part in parts:
        held.append(part)
        while sum(len(p.codes) for p in held) >= rows:
            whole = joined(held)
            yield whole.slice(0, rows)
            held = [whole.slice(rows, len(whole.codes))]
    if held and len(joined(held).codes):
        yield joined(held)
