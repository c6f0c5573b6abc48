"""What balanced weights must give: every feature's marginal as it is, every cure's table as wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from credenza.association.calibrate import raked
from credenza.contracts import FloatArray, IntArray
from credenza.errors import InputError
from credenza.repair.case import Case, Cure
from credenza.repair.parts import Group, Part, joined
from credenza.repair.tilt import Sums, Tilt

NOTHING = 1e-9  # share of the rows that is left in a cell that is to be empty


@dataclass(frozen=True)
class Survey:
    """Counts of all rows as they are, and a sample of the rows."""

    before: Sums
    sample: Part


@dataclass(frozen=True)
class Targets:
    """The cells of a case, group by group, and what they must hold.

    Attributes
    ----------
    case : a suspect and its cures.
    blank : every weight 1: what is counted, and the cap.
    places : for every cure, where its table lies among the cells of all groups; strongest first within each.
    """

    case: Case
    blank: Tilt
    places: tuple[tuple[Cure, slice], ...]

    @classmethod
    def of(cls, case: Case, cap: float = float("inf")) -> Targets:
        """Lay out the groups of a case: all rows first, if any cure is about them, then the slices."""
        wheres = sorted({cure.where for cure in case.cures}, key=lambda where: where or ("", ""))
        wheres.sort(key=lambda where: where is not None)
        sizes = tuple(map(int, case.schema.sizes))
        members = [[cure for cure in case.cures if cure.where == where] for where in wheres]
        groups = tuple(
            Group(where, sizes, tuple(cure.features for cure in cures))
            for where, cures in zip(wheres, members, strict=True)
        )
        blank = Tilt(case.schema, groups, np.zeros(sum(group.cells for group in groups)), cap)
        places = []
        for g, (group, cures) in enumerate(zip(groups, members, strict=True)):
            starts = blank.starts[g] + group.starts[1 + len(sizes) :]
            places += [(cure, slice(int(starts[k]), int(starts[k + 1]))) for k, cure in enumerate(cures)]
        return cls(case, blank, tuple(places))

    @cached_property
    def margins(self) -> NDArray[np.bool_]:
        """Which cells count rows or levels rather than a cure's cells."""
        out = np.ones(len(self.blank.multipliers), bool)
        for _, place in self.places:
            out[place] = False
        return out

    def survey(self, parts: Iterable[Part], size: int, seed: int) -> Survey:
        """Count in one pass, and draw one row from each of ``size`` stretches of rows.

        Raises
        ------
        InputError : a slice without rows.
        """
        rows = self.case.source.rows
        jitter = np.random.default_rng(seed).random(size) if size < rows else np.zeros(size)
        drawn = ((np.arange(size) + jitter) * (rows / size)).astype(np.int64)
        before, kept, start = self.blank.sums(()), list[Part](), 0
        for part in parts:
            first, last = np.searchsorted(drawn, [start, start + len(part.codes)])
            kept.append(part if last - first == len(part.codes) else part.take(drawn[first:last] - start))
            before += self.blank.sums((part,))
            start += len(part.codes)
        for g, group in enumerate(self.blank.groups):
            if group.where is not None and not before.cells[self.blank.starts[g]]:
                column, value = group.where
                raise InputError(f"no row has {column} = {value}; give the data that was audited")
        return Survey(before, joined(kept))

    def wanted(self, before: Sums) -> FloatArray:
        """Wanted rows of every cell: margins as they are, cures in these margins and where there are rows.

        A cell that is to be empty is left next to nothing, so that its weight has a logarithm.
        """
        out = before.cells.copy()
        for cure, place in self.places:
            found = before.cells[place].reshape(cure.wanted.shape)
            aim = raked(np.where(found > 0, cure.wanted, 0.0), found.sum(axis=1), found.sum(axis=0))
            out[place] = np.where(found > 0, np.maximum(aim, NOTHING * before.rows), 0.0).ravel()
        return out

    def free(self, before: Sums) -> IntArray:
        """Cells with a multiplier: those with rows, but for the fullest level of each feature, which follows."""
        free = before.cells > 0
        for g, group in enumerate(self.blank.groups):
            cells = slice(self.blank.starts[g], self.blank.starts[g + 1])
            rows, own = before.cells[cells], free[cells]
            fullest = [int(group.table(rows, f).argmax()) for f in range(len(group.sizes))]
            for block, features in enumerate(group.blocks):
                table = group.table(own, block)
                for axis, f in enumerate(features):
                    table[(slice(None),) * axis + (fullest[f],)] = False
        return np.flatnonzero(free)

    def eased(self, shares: FloatArray) -> Targets:
        """With each cure, in the order of ``places``, carried out to this share only."""
        places = []
        for (cure, place), share in zip(self.places, shares, strict=True):
            wanted = cure.found + share * (cure.wanted - cure.found)
            places.append((replace(cure, wanted=wanted), place))
        return replace(self, places=tuple(places))

    def misses(self, sums: Sums, wanted: FloatArray) -> Iterator[tuple[Cure, FloatArray]]:
        """For every cure by how many rows each cell is off."""
        for cure, place in self.places:
            yield cure, np.abs(sums.cells[place] - wanted[place]).reshape(cure.wanted.shape)
