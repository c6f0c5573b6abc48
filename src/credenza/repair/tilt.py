"""Row weights that depend on levels only, and their weighted counts: all that balancing sees of the rows.

A row weighs min(cap, exp(s)), where s adds up one multiplier for each cell that the row falls in: a level of every
feature, a cell of every cure's table. Rows of a slice that was moved have such a sum of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np
import pyarrow as pa

from credenza.contracts import FloatArray, IntArray
from credenza.data import Schema, encode
from credenza.data.progress import tracked
from credenza.data.sources import Source
from credenza.repair.parts import Group, Part
from credenza.repair.slices import in_slice


@dataclass
class Sums:
    """What is summed over rows under some weights; divided by n where they are read.

    ``potential`` is the sum of exp(s) (beyond the cap: of its tangent), ``cells`` the weighted rows of every cell,
    ``gram`` the weighted rows in every two of the cells asked for (those at the cap left out), ``total`` and
    ``squares`` the sums of w and w^2, ``largest`` and ``smallest`` the extreme weights.
    """

    cells: FloatArray
    gram: FloatArray | None = None
    rows: int = 0
    potential: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    largest: float = 0.0
    smallest: float = field(default=np.inf)

    def __iadd__(self, other: Sums) -> Self:
        """Add the sums over other rows."""
        self.cells += other.cells
        if self.gram is not None and other.gram is not None:
            self.gram += other.gram
        self.rows += other.rows
        self.potential += other.potential
        self.total += other.total
        self.squares += other.squares
        self.largest = max(self.largest, other.largest)
        self.smallest = min(self.smallest, other.smallest)
        return self

    def add(self, weights: FloatArray, potential: float) -> Self:
        """Add the weights of some rows."""
        self.rows += len(weights)
        self.potential += potential
        self.total += float(weights.sum())
        self.squares += float(np.square(weights).sum())
        self.largest = max(self.largest, float(weights.max(initial=0.0)))
        self.smallest = min(self.smallest, float(weights.min(initial=np.inf)))
        return self


@dataclass(frozen=True)
class Tilt:
    """The weights of rows by their levels.

    Attributes
    ----------
    schema : what codes mean.
    groups : rows that are weighed among themselves; a row in several of them adds up their multipliers, a row in none
        weighs 1.
    multipliers : of the cells of all groups, one group after another; -inf gives weight 0.
    cap : largest weight.

    Examples
    --------
    >>> from credenza.data import Feature, Kind
    >>> schema = Schema((Feature("a", Kind.BINARY, ("0", "1"), values=(0.0, 1.0)),))
    >>> tilt = Tilt(schema, (Group(None, (2,), ()),), np.log([1.0, 0.5, 1.5]))
    >>> tilt.of(pa.record_batch({"a": [0, 1, 1]})).tolist()
    [0.5, 1.5, 1.5]
    """

    schema: Schema
    groups: tuple[Group, ...]
    multipliers: FloatArray
    cap: float = float("inf")

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns that the weights depend on."""
        slices = [group.where[0] for group in self.groups if group.where is not None]
        return tuple(dict.fromkeys((*self.schema.names, *slices)))

    @cached_property
    def starts(self) -> IntArray:
        """Where each group's cells begin."""
        return np.cumsum([0, *(group.cells for group in self.groups)]).astype(np.int64)

    def with_multipliers(self, multipliers: FloatArray) -> Tilt:
        """The same groups and cap, other weights."""
        return replace(self, multipliers=multipliers)

    def part(self, batch: pa.RecordBatch) -> Part:
        """The rows of a batch as groups see them."""
        inside = tuple(None if g.where is None else in_slice(batch, g.where) for g in self.groups)
        return Part(self.groups, encode(batch, self.schema), inside)

    def of(self, batch: pa.RecordBatch) -> FloatArray:
        """Weights of the rows of a batch, shape (n,)."""
        return self.weights(self.part(batch))[0]

    def weights(self, part: Part) -> tuple[FloatArray, FloatArray]:
        """(weights, potentials) of the rows of a part, each (n,)."""
        score = np.zeros(len(part.codes))
        for g, group in enumerate(self.groups):
            multipliers = self.multipliers[self.starts[g] : self.starts[g + 1]]
            mask = part.inside[g]
            score[slice(None) if mask is None else mask] += group.scores(multipliers, part.places[g])
        if np.isinf(self.cap):
            weights = np.exp(score)
            return weights, weights
        over = score - np.log(self.cap)
        weights = self.cap * np.exp(np.minimum(over, 0.0))
        return weights, weights + self.cap * np.maximum(over, 0.0)

    def sums(self, parts: Iterable[Part], gram: IntArray | None = None) -> Sums:
        """Weighted counts over rows; ``gram`` names the cells whose co-occurrences are wanted, shape (T,).

        Cost: some look-ups a row and stretch; with ``gram`` n T^2 multiply-adds. Memory: that of one part.
        """
        found = Sums(np.zeros(int(self.starts[-1])), None if gram is None else np.zeros((len(gram),) * 2))
        for part in parts:
            weights, potential = self.weights(part)
            found.add(weights, float(potential.sum()))
            for g, group in enumerate(self.groups):
                mask = part.inside[g]
                cells = slice(self.starts[g], self.starts[g + 1])
                found.cells[cells] += group.counts(weights if mask is None else weights[mask], part.places[g])
            if found.gram is not None and gram is not None:
                self._add_gram(found.gram, part, np.where(potential > weights, 0.0, weights), gram)
        return found

    def _add_gram(self, onto: FloatArray, part: Part, weights: FloatArray, cells: IntArray) -> None:
        owner = np.searchsorted(self.starts, cells, side="right") - 1
        own = cells - self.starts[owner]
        for g in range(len(self.groups)):
            for h in range(g, len(self.groups)):
                rows, columns = np.flatnonzero(owner == g), np.flatnonzero(owner == h)
                block = part.joint(g, h, weights)[np.ix_(own[rows], own[columns])]
                onto[np.ix_(rows, columns)] += block
                if g != h:
                    onto[np.ix_(columns, rows)] += block.T


def parts_of(source: Source, tilt: Tilt, label: str) -> Iterator[Part]:
    """All rows as the groups of a tilt see them, a batch at a time."""
    for batch in tracked(source.batches(tilt.columns), source.rows, label):
        yield tilt.part(batch)
