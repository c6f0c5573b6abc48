"""Takes rows out of the cells of a pair's table, by what the rest of each row says or all alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from credenza.contracts import FloatArray, IntArray
from credenza.repair.board import Board, BoolArray, Groups
from credenza.repair.case import Case, Cure
from credenza.repair.choice import drawn_rows, half_way, posterior
from credenza.repair.likeness import Leaving, level_scores
from credenza.repair.retable import Route, routes


@dataclass
class Picker:
    """Rows are taken once; ``scores`` are those of ``rows``, ascending, or None: all alike.

    ``told``: the audit says that values of the feature along ``axis`` were edited, so rows are taken by the chance that
    theirs was; otherwise half-way (see :mod:`credenza.repair.choice`).
    """

    axis: int
    told: bool
    rows: IntArray
    scores: FloatArray | None
    free: BoolArray
    rng: np.random.Generator

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
        if by_content and len(rows):
            leaving = _leaving(board, cure, axis, change) if told else None
            scores = level_scores(
                case, feature, board.codes[feature], rows, board.inside(cure), leaving, content, seed
            )
        return cls(axis, told, rows, scores, np.ones(case.source.rows, dtype=bool), rng)

    def drawn(self, rows: IntArray, route: Route) -> IntArray:
        """As many of the free ``rows`` as the route asks for; they are no longer free."""
        rows = rows[self.free[rows]]
        taken = drawn_rows(rows, self._weights(rows, route), route.rows, self.rng)
        self.free[taken] = False
        return taken

    def _weights(self, rows: IntArray, route: Route) -> FloatArray | None:
        if self.scores is None:
            return None
        scores = self.scores[np.searchsorted(self.rows, rows)].astype(np.float64)
        gap = scores[:, route.target[self.axis]] - scores[:, route.origin[self.axis]]
        return posterior(gap, route.rows) if self.told else half_way(gap)


def _leaving(board: Board, cure: Cure, axis: int, change: IntArray) -> Leaving:
    """Shares of the rows of each cell that are to leave it, by where to."""
    found = board.table(cure)
    size, partners = found.shape[axis], found.shape[1 - axis]
    shares = np.zeros((partners, size, size))
    for route in routes(change, axis):
        place = route.origin[1 - axis], route.origin[axis], route.target[axis]
        shares[place] = route.rows / found[route.origin]
    return Leaving(board.codes[cure.features[1 - axis]], shares)
