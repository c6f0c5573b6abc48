"""A seeded sample of rows, drawn while they stream by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.contracts import IntArray
from credenza.data import Schema, encode
from credenza.data.tally import row_keys

Codes = NDArray[np.uint8]
Part = tuple[NDArray[np.uint64], IntArray, Codes]  # keys, row numbers, codes
Where = Callable[[pa.RecordBatch], NDArray[np.bool_]]


@dataclass
class Draw:
    """The rows with the smallest of pseudo-random keys: a uniform sample without replacement, whatever the batches.

    Attributes
    ----------
    schema : the features to encode.
    size : rows wanted; all of them where there are no more.
    seed : of the keys. start : number of the first row.
    where : picks the rows to draw from (a mask of a batch); None for all.
    seen : rows passed.

    Notes
    -----
    Memory: about 2 size m bytes. The key of a row depends on its number and the seed only (SplitMix64, see
    :func:`credenza.data.tally.row_keys`), so the same rows are drawn however the table is cut.

    Examples
    --------
    >>> from credenza.data import fit_schema, sketch
    >>> table = pa.table({"a": [0, 1] * 50})
    >>> draw = Draw(fit_schema(sketch(table)), size=10)
    >>> for batch in table.to_batches(max_chunksize=7):
    ...     draw = draw.update(batch)
    >>> draw.codes().shape, draw.seen
    ((10, 1), 100)
    """

    schema: Schema
    size: int
    seed: int = 0
    start: int = 0
    where: Where | None = None
    seen: int = 0
    _parts: list[Part] = field(default_factory=list)
    _held: int = 0
    _limit: np.uint64 | None = None  # the largest key that was kept when the sample was last cut

    def starting_at(self, row: int) -> Draw:
        """The same, for a part of the table whose first row has this number."""
        return Draw(self.schema, self.size, self.seed, row, self.where)

    def update(self, batch: pa.RecordBatch) -> Draw:
        """Add the next rows, in place; only those that may stay are encoded."""
        first = self.start + self.seen
        self.seen += batch.num_rows
        keys = row_keys(first, batch.num_rows, self.seed)
        stays = np.ones(batch.num_rows, bool) if self.where is None else self.where(batch)
        if self._limit is not None:
            stays = stays & (keys < self._limit)
        if not stays.any():
            return self
        chosen = batch if stays.all() else batch.filter(pa.array(stays))
        self._parts.append((keys[stays], first + np.flatnonzero(stays), encode(chosen, self.schema)))
        self._held += chosen.num_rows
        if self._held >= 2 * self.size:
            self._cut()
        return self

    def merge(self, other: Draw) -> Draw:
        """The sample of both parts."""
        both = Draw(self.schema, self.size, self.seed, self.start, self.where, self.seen + other.seen)
        both._parts = self._parts + other._parts
        both._cut()
        return both

    def codes(self) -> Codes:
        """The sample's codes (min(size, rows), m) in row order; Fortran order."""
        self._cut()
        if not self._parts:
            return np.empty((0, len(self.schema.features)), np.uint8, order="F")
        ((_, rows, codes),) = self._parts
        return np.asfortranarray(codes[np.argsort(rows, kind="stable")])

    def _cut(self) -> None:
        """Keep the rows with the smallest keys."""
        if not self._parts:
            return
        keys, rows, codes = (np.concatenate(pieces) for pieces in zip(*self._parts, strict=True))
        if len(keys) > self.size:
            kept = np.argpartition(keys, self.size)[: self.size]
            keys, rows, codes = keys[kept], rows[kept], codes[kept]
            self._limit = keys.max()
        self._parts, self._held = [(keys, rows, codes)], len(keys)
