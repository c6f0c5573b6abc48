"""The rows of a case by the levels of its cures' features, and what repairs so far have made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from credenza.contracts import IntArray
from credenza.data import Schema, encode
from credenza.data.encode import Codes
from credenza.data.sources import Source
from credenza.repair.case import Case, Cure
from credenza.repair.slices import BoolArray, slice_mask


@dataclass
class Board:
    """Codes of n rows, by feature position; one byte a row and feature."""

    case: Case
    codes: dict[int, Codes]
    masks: dict[tuple[str, str] | None, BoolArray] = field(default_factory=dict)

    @classmethod
    def read(cls, case: Case) -> Board:
        """Read the features of all cures; nothing else is."""
        positions = features_of(case.cures)
        return cls(case, column_codes(case.source, case.schema, positions))

    def inside(self, cure: Cure) -> BoolArray:
        """Rows of the cure's slice, shape (n,)."""
        if cure.where not in self.masks:
            self.masks[cure.where] = slice_mask(self.case.source, cure.where)
        return self.masks[cure.where]

    def table(self, cure: Cure) -> IntArray:
        """Rows by the levels of the cure's two features as they now stand, inside its slice."""
        return self.pair_table(cure.features, self.inside(cure))

    def pair_table(self, pair: tuple[int, int], inside: BoolArray) -> IntArray:
        """Rows by the levels of any two features of the board as they now stand."""
        sizes = tuple(self.case.feature(f).size for f in pair)
        return counted(self.codes[pair[0]], self.codes[pair[1]], inside, sizes)

    def groups(self, cure: Cure, origins: Sequence[tuple[int, int]], strata: IntArray) -> Groups:
        """Rows of some cells inside the slice, by stratum."""
        a, b = (self.codes[f].astype(np.int64) for f in cure.features)
        width = cure.found.shape[1]
        cell = a * width + b
        wanted = np.zeros(cure.found.size, dtype=bool)
        for i, j in origins:
            wanted[i * width + j] = True
        known = (a < cure.found.shape[0]) & (b < width) & self.inside(cure)
        rows = np.flatnonzero(known)
        return Groups.of(rows[wanted[cell[rows]]], cell, strata, width)


@dataclass(frozen=True)
class Groups:
    """Row numbers by (stratum, cell)."""

    rows: dict[tuple[int, int, int], IntArray]

    @cached_property
    def _of(self) -> dict[tuple[int, int], list[tuple[int, IntArray]]]:
        """(stratum, rows) of each cell."""
        cells: dict[tuple[int, int], list[tuple[int, IntArray]]] = {}
        for (s, i, j), rows in self.rows.items():
            cells.setdefault((i, j), []).append((s, rows))
        return cells

    @classmethod
    def of(cls, rows: IntArray, cell: IntArray, strata: IntArray, width: int) -> Groups:
        """Group ``rows``, whose cells and strata are those at their places; they stay in ascending order."""
        order = rows[np.lexsort((rows, cell[rows], strata[rows]))]
        change = np.flatnonzero((np.diff(cell[order]) != 0) | (np.diff(strata[order]) != 0)) + 1
        parts = np.split(order, change) if len(order) else []
        return cls({(int(strata[p[0]]), *divmod(int(cell[p[0]]), width)): p for p in parts})

    def of_cell(self, stratum: int, cell: tuple[int, int]) -> IntArray:
        """The rows of one cell in one stratum."""
        return self.rows.get((stratum, *cell), np.zeros(0, dtype=np.int64))

    def everywhere(self, cell: tuple[int, int]) -> IntArray:
        """The rows of one cell in all strata, ascending."""
        return np.sort(np.concatenate([np.zeros(0, np.int64), *(rows for _, rows in self._of.get(cell, ()))]))

    def sizes(self, cell: tuple[int, int], strata: int) -> IntArray:
        """Rows of one cell in each stratum, shape (strata,)."""
        sizes = np.zeros(strata, dtype=np.int64)
        for s, rows in self._of.get(cell, ()):
            sizes[s] = len(rows)
        return sizes


def features_of(cures: Sequence[Cure]) -> tuple[int, ...]:
    """Positions of all features of some cures, ascending."""
    return tuple(sorted({f for cure in cures for f in cure.features}))


def column_codes(source: Source, schema: Schema, positions: Sequence[int]) -> dict[int, Codes]:
    """Codes of some features over all rows; memory: a byte a row and feature."""
    part = Schema(tuple(schema.features[p] for p in positions))
    codes = {p: np.empty(source.rows, dtype=np.uint8) for p in positions}
    start = 0
    for batch in source.batches(part.names) if positions else ():
        block = encode(batch, part)
        for place, position in enumerate(positions):
            codes[position][start : start + batch.num_rows] = block[:, place]
        start += batch.num_rows
    return codes


def counted(a: Codes, b: Codes, inside: BoolArray, shape: tuple[int, ...]) -> IntArray:
    """Rows by two codes; rows with an unknown one are left out."""
    known = inside & (a < shape[0]) & (b < shape[1])
    cell = a[known].astype(np.int64) * shape[1] + b[known]
    return np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)


def combinations(columns: Sequence[Codes], rows: int) -> IntArray:
    """One number from 0 for each combination of codes that occurs, shape (rows,)."""
    numbers = np.zeros(rows, dtype=np.int64)
    for column in columns:
        numbers = np.unique(numbers * 256 + column, return_inverse=True)[1].astype(np.int64)
    return numbers
