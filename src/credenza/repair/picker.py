"""Takes rows out of the cells of a pair's table, by what the rest of each row says or all alike."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from credenza.contracts import FloatArray, IntArray
from credenza.repair.board import Board, Groups
from credenza.repair.case import Case, Cure
from credenza.repair.choice import drawn_rows, half_way
from credenza.repair.likeness import Leaving, level_scores
from credenza.repair.retable import Route, routes
from credenza.repair.slices import BoolArray


@dataclass
class Picker:
    """Rows are taken once; ``scores`` are those of ``rows``, ascending, or None: all alike. ``leaving``: by
    cell, the levels that its rows leave for and how many do.

    ``told``: the audit says that values of the feature along ``axis`` were edited, so rows are taken by the chance that
    theirs was; otherwise half-way (see :mod:`credenza.repair.choice`).
    """

    axis: int
    told: bool
    rows: IntArray
    scores: FloatArray | None
    free: BoolArray
    rng: np.random.Generator
    leaving: dict[tuple[int, int], tuple[IntArray, FloatArray]]
    cells: Groups
    chances: dict[tuple[int, int], tuple[IntArray, FloatArray]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        case: Case,
        board: Board,
        cure: Cure,
        axis: int,
        change: IntArray,
        groups: Groups,
        by_content: bool,
        seed: int,
        rng: np.random.Generator,
        content: FloatArray | None = None,
    ) -> Picker:
        """Score the rows of the groups, if they are to be chosen by content."""
        feature, scores = cure.features[axis], None
        told = cure.edited == feature
        rows = np.sort(np.concatenate([np.zeros(0, np.int64), *groups.rows.values()]))
        leaves = leaving(change, axis)
        if by_content and len(rows):
            left = _shares(board, cure, axis, leaves) if told else None
            scores = level_scores(
                case, feature, board.codes[feature], rows, board.inside(cure), left, content, seed
            )
        return cls(axis, told, rows, scores, np.ones(case.source.rows, dtype=bool), rng, leaves, groups)

    def drawn(self, rows: IntArray, route: Route) -> IntArray:
        """As many of the free ``rows`` as the route asks for; they are no longer free."""
        rows = rows[self.free[rows]]
        taken = drawn_rows(rows, self._weights(rows, route), route.rows, self.rng)
        self.free[taken] = False
        return taken

    def mass(self, route: Route, strata: int) -> FloatArray | None:
        """How many rows of each stratum belong where the route goes, as far as content tells; None: it does not."""
        if (
            not self.told
            or self.scores is None
            or route.target[self.axis] not in self.leaving[route.origin][0]
        ):
            return None
        known, chances = self._chances(route.origin)
        column = chances[:, np.searchsorted(self.leaving[route.origin][0], route.target[self.axis])]
        out = np.zeros(strata)
        for s in range(strata):
            out[s] = column[np.searchsorted(known, self.cells.of_cell(s, route.origin))].sum()
        return out

    def _weights(self, rows: IntArray, route: Route) -> FloatArray | None:
        if self.scores is None:
            return None
        origin, target = route.origin[self.axis], route.target[self.axis]
        if self.told and target in self.leaving[route.origin][0]:
            known, chances = self._chances(route.origin)
            column = int(np.searchsorted(self.leaving[route.origin][0], target))
            return np.asarray(chances[np.searchsorted(known, rows), column])
        scores = self.scores[np.searchsorted(self.rows, rows)].astype(np.float64)
        return half_way(scores[:, target] - scores[:, origin])

    def _chances(self, cell: tuple[int, int]) -> tuple[IntArray, FloatArray]:
        """Rows of a cell in all strata, and the chances that each should have each level that rows leave for."""
        if cell not in self.chances and self.scores is not None:
            rows = self.cells.everywhere(cell)
            scores = self.scores[np.searchsorted(self.rows, rows)]
            self.chances[cell] = rows, Leaving.chances(scores, cell[self.axis], *self.leaving[cell])
        return self.chances[cell]


def leaving(change: IntArray, axis: int) -> dict[tuple[int, int], tuple[IntArray, FloatArray]]:
    """(levels that rows of a cell leave for along one axis, ascending, and how many do), by cell."""
    found: dict[tuple[int, int], dict[int, int]] = {}
    for route in routes(change, axis):
        found.setdefault(route.origin, {})[route.target[axis]] = route.rows
    return {
        cell: (np.array(sorted(to)), np.array([to[level] for level in sorted(to)], dtype=np.float64))
        for cell, to in found.items()
    }


def _shares(
    board: Board, cure: Cure, axis: int, leaves: dict[tuple[int, int], tuple[IntArray, FloatArray]]
) -> Leaving:
    """Shares of the rows of each cell that are to leave it, by where to."""
    found = board.table(cure)
    size, partners = found.shape[axis], found.shape[1 - axis]
    shares = np.zeros((partners, size, size))
    for cell, (levels, rows) in leaves.items():
        shares[cell[1 - axis], cell[axis], levels] = rows / found[cell]
    return Leaving(board.codes[cure.features[1 - axis]], shares)
