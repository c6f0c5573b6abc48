"""How an exchange of rows for one pair is spread over the strata of the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from credenza.contracts import FloatArray, IntArray
from credenza.repair.board import Groups
from credenza.repair.choice import apportioned
from credenza.repair.picker import Picker
from credenza.repair.retable import Route, capped, routes


@dataclass
class Free:
    """Rows that may go and come, by stratum and cell."""

    goers: Groups
    comers: Groups
    strata: int

    def planned(self, change: IntArray, picker: Picker) -> tuple[IntArray, list[tuple[int, Route]]]:
        """As much of a change as there are rows for, margins kept, and how: (stratum, way) by (stratum, way)."""
        while True:
            plan = list(self.shares(change, picker))
            done = np.zeros_like(change)
            for _, way in plan:
                done[way.origin] -= way.rows
                done[way.target] += way.rows
            if (done == change).all():
                return change, plan
            change = capped(change, np.maximum(-done, 0), np.maximum(done, 0))

    def shares(self, change: IntArray, picker: Picker) -> Iterator[tuple[int, Route]]:
        """Parts of a change, one stratum and one way from cell to cell each, as far as rows allow."""
        gone = {c: self.goers.sizes(c, self.strata) for c in cells_of(change < 0)}
        come = {c: self.comers.sizes(c, self.strata) for c in cells_of(change > 0)}
        left = change.copy()
        for way in routes(change, picker.axis):
            there, here = come[way.target], gone[way.origin]
            even = picker.mass(way, self.strata)
            if even is None:
                even = here / max(here.sum(), 1) + there / max(there.sum(), 1)
            yield from _spent(way, even, gone, come, left)
        for origin in gone:  # any way that is left
            for target in come:
                if rows := min(-int(left[origin]), int(left[target])):
                    even = np.minimum(gone[origin], come[target]).astype(np.float64)
                    yield from _spent(Route(origin, target, rows), even, gone, come, left)


def _spent(
    way: Route,
    even: FloatArray,
    gone: dict[tuple[int, int], IntArray],
    come: dict[tuple[int, int], IntArray],
    left: IntArray,
) -> Iterator[tuple[int, Route]]:
    """Go one way in proportion to ``even``, as far as rows allow; what is gone and come is taken off."""
    part = apportioned(way.rows, even, np.minimum(gone[way.origin], come[way.target]))
    gone[way.origin] -= part
    come[way.target] -= part
    left[way.origin] += part.sum()
    left[way.target] -= part.sum()
    for s in np.flatnonzero(part):
        yield int(s), Route(way.origin, way.target, int(part[s]))


def cells_of(mask: np.ndarray) -> list[tuple[int, int]]:
    """Places of a table where a mask is true.

    >>> cells_of(np.array([[True, False], [False, True]]))
    [(0, 0), (1, 1)]
    """
    return [(int(i), int(j)) for i, j in np.argwhere(mask)]
