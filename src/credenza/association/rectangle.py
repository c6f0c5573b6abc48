"""Rectangles and triangles of feature pairs, walked a tile at a time so that memory does not grow with their tables."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from credenza.association.probes import Layout
from credenza.association.samples import Counts
from credenza.contracts import FloatArray, IntArray

Part = TypeVar("Part")
TILE = 2**15  # 2x2 tables that are worked on at a time


@dataclass(frozen=True)
class Tile:
    """The features ``rows`` of layout i against the features ``columns`` of layout j; both are ranges."""

    rows: slice
    columns: slice


@dataclass(frozen=True)
class Rectangle:
    """Pairs of features i of one layout and j of another; or, as a triangle, all pairs i < j of one layout.

    Pairs are numbered row by row.

    Parameters
    ----------
    layout_i, layout_j : m_I and m_J features; the same layout twice for a triangle.
    triangle : whether only i < j are pairs.

    Examples
    --------
    >>> pairs = Rectangle.of(Layout((2, 2, 2), (0, 0, 0)))
    >>> pairs.count, [(t.rows.stop, t.columns.start) for t in pairs.tiles(2)]
    (3, [(1, 1), (2, 2)])
    """

    layout_i: Layout
    layout_j: Layout
    triangle: bool = False

    @classmethod
    def of(cls, layout: Layout) -> Rectangle:
        """All pairs of one layout, in the order of ``layout.pairs``."""
        return cls(layout, layout, True)

    @property
    def count(self) -> int:
        """P, the number of pairs."""
        m_i, m_j = self.layout_i.features, self.layout_j.features
        return m_i * (m_i - 1) // 2 if self.triangle else m_i * m_j

    def tiles(self, tables: int = TILE) -> Iterator[Tile]:
        """Tiles of whole features with about so many tables; they cover every pair once."""
        starts_i, starts_j = self.layout_i.probe_starts, self.layout_j.probe_starts
        first, m_i, m_j = 0, self.layout_i.features - self.triangle, self.layout_j.features
        while first < m_i and m_j:
            start = first + 1 if self.triangle else 0
            room = starts_i[first] + tables // max(int(starts_j[-1] - starts_j[start]), 1)
            last = int(np.searchsorted(starts_i, room, side="right")) - 1
            last = min(max(last, first + 1), m_i)
            yield Tile(slice(first, last), slice(start, m_j))
            first = last

    def run(self, work: Callable[[Tile], None]) -> None:
        """Call ``work`` with every tile, in threads where there are several."""
        in_threads(work, list(self.tiles()))

    def larger(self) -> tuple[IntArray, IntArray, IntArray]:
        """The pairs of more than one table: (their numbers, their features i, their features j)."""
        one_i, one_j = (np.diff(layout.probe_starts) == 1 for layout in (self.layout_i, self.layout_j))
        i, j = np.nonzero(~np.logical_and.outer(one_i, one_j))
        if self.triangle:
            i, j = i[i < j], j[i < j]
        return self._places(i) + j, i, j

    def _places(self, i: IntArray) -> IntArray:
        """What is added to j to give the number of pair (i, j)."""
        m = self.layout_j.features
        return i * m - (i + 1) * (i + 2) // 2 if self.triangle else i * m

    def above(self, tile: Tile) -> np.ndarray | None:
        """Which tables of a tile belong to pairs (R_I, R_J); None for all of them."""
        if not self.triangle:
            return None
        f = self.layout_i.probe_feature
        rows, columns = (f[probes_of(self.layout_i, part)] for part in (tile.rows, tile.columns))
        return np.asarray(rows[:, None] < columns)

    def sums(self, joint: Counts, tile: Tile) -> FloatArray:
        """Rows with both probes for all tables of a tile, from the counts (K_I, K_J); (R_I, R_J)."""
        i, j = self.layout_i, self.layout_j
        part = joint[i.starts[tile.rows.start] : i.starts[tile.rows.stop]]
        part = part[:, j.starts[tile.columns.start] : j.starts[tile.columns.stop]]
        down = i.gather(part.T, tile.rows).T
        return np.ascontiguousarray(j.gather(down, tile.columns), np.float64)

    def local_starts(self, tile: Tile) -> tuple[IntArray, IntArray]:
        """First probe of each feature of a tile, counted from the tile's first; (m_I,) and (m_J,)."""
        rows, columns = self.layout_i.probe_starts[tile.rows], self.layout_j.probe_starts[tile.columns]
        return rows - rows[0], columns - columns[0]

    def spread(self, tile: Tile, values: np.ndarray, out: np.ndarray) -> None:
        """Put values of a tile's feature pairs, (m_I, m_J) or broadcast, to their places in ``out`` (P,)."""
        rows = np.arange(tile.rows.start, tile.rows.stop)
        shape = len(rows), tile.columns.stop - tile.columns.start
        for values_of_row, i, place in zip(
            np.broadcast_to(values, shape), rows, self._places(rows), strict=True
        ):
            first = i + 1 if self.triangle else tile.columns.start
            out[place + first : place + tile.columns.stop] = values_of_row[first - tile.columns.start :]


def probes_of(layout: Layout, features: slice) -> slice:
    """The probes of a range of features."""
    return slice(int(layout.probe_starts[features.start]), int(layout.probe_starts[features.stop]))


def in_threads(work: Callable[[Part], None], parts: Sequence[Part]) -> None:
    """Call ``work`` with every part, in as many threads as there are processors; the first error is raised."""
    threads = min(os.cpu_count() or 1, len(parts))
    if threads <= 1:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, parts))
