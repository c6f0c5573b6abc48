"""Nearest rows of the same class, over numbers and categories."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from credenza.contracts import IntArray
from credenza.data.columns import Family, as_floats, family, plain

POOL = 5_000  # rows of a class among which neighbours are looked for
_MOST_LEVELS = 100  # a column with more (names, codes) says nothing about nearness
_BLOCK = 512
_SAME = 1e-6  # of the square of a distance, in single precision

Points = NDArray[np.float32]


class Neighbours:
    """Draws, for each of some rows, one of the nearest rows of its class that do not coincide with it.

    Parameters
    ----------
    table : the rows. numbers : columns that are numbers. labels : the column of classes, which has no part in it.
    classes : (n,) the class of each row, -1 for none. k : nearest rows to draw from. rng : draws the pool of a class.

    Examples
    --------
    >>> table = pa.table({"x": [0.0, 1.0, 1.1, 9.0]})
    >>> rng = np.random.default_rng(0)
    >>> Neighbours(table, ("x",), None, np.zeros(4, np.int64), 1, rng).draw(np.array([1, 3, 0]), rng).tolist()
    [2, 2, 1]
    """

    def __init__(
        self,
        table: pa.Table,
        numbers: tuple[str, ...],
        labels: str | None,
        classes: IntArray,
        k: int,
        rng: np.random.Generator,
    ) -> None:
        self._points = points_of(table, numbers, labels)
        self._classes, self._k = classes, k
        self._pools = {}
        for number in range(int(classes.max()) + 1):
            members = np.flatnonzero(classes == number)
            if len(members) > POOL:
                members = np.sort(rng.choice(members, POOL, replace=False))
            self._pools[number] = members

    def draw(self, rows: IntArray, rng: np.random.Generator) -> IntArray:
        """(len(rows),) a neighbour of each, -1 where all rows of its class coincide with it."""
        found = np.full(len(rows), -1)
        for number, pool in self._pools.items():
            mine = np.flatnonzero(self._classes[rows] == number)
            for start in range(0, len(mine), _BLOCK):
                places = mine[start : start + _BLOCK]
                found[places] = self._nearest(rows[places], pool, rng)
        return found

    def _nearest(self, rows: IntArray, pool: IntArray, rng: np.random.Generator) -> IntArray:
        a, b = self._points[rows], self._points[pool]
        squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * a @ b.T
        scale = 1 + (a * a).sum(axis=1)
        squares[squares <= _SAME * scale[:, None]] = np.inf
        k = min(self._k, len(pool))
        nearest = np.argpartition(squares, k - 1, axis=1)[:, :k]
        there = np.isfinite(np.take_along_axis(squares, nearest, axis=1))
        nearest = np.take_along_axis(nearest, np.argsort(~there, axis=1, kind="stable"), axis=1)
        count = there.sum(axis=1)
        place = (rng.random(len(rows)) * count).astype(np.int64)
        chosen = pool[np.take_along_axis(nearest, place[:, None], axis=1)[:, 0]]
        return np.where(count > 0, chosen, -1)


def points_of(table: pa.Table, numbers: tuple[str, ...], labels: str | None) -> Points:
    """Rows as points: numbers in standard deviations; categories so that one that differs adds 1 to the square.

    Missing numbers are at the mean; columns of more than 100 levels, dates and whatever is nested are left out.

    Examples
    --------
    >>> points = points_of(pa.table({"x": [1.0, 3.0], "c": ["a", "b"]}), ("x",), None)
    >>> round(float(((points[0] - points[1]) ** 2).sum()), 6)
    5.0
    """
    parts: list[Points] = []
    for name in table.column_names:
        if name in numbers:
            values = as_floats(table[name])
            centred = np.nan_to_num((values - np.nanmean(values)) / (np.nanstd(values) or 1.0))
            parts.append(centred.astype(np.float32)[:, None])
        elif name != labels and family(table[name].type) in (Family.STRING, Family.BOOL, Family.NUMBER):
            array = plain(table[name])
            levels = pc.unique(array)
            if 1 < len(levels) <= _MOST_LEVELS:
                codes = pc.index_in(array, levels).to_numpy(zero_copy_only=False).astype(np.int64)
                shown = np.zeros((len(codes), len(levels)), np.float32)
                shown[np.arange(len(codes)), codes] = np.sqrt(0.5)
                parts.append(shown)
    return np.concatenate(parts, axis=1)
