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
    _keys: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    _rows: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    _codes: list[Codes] = field(default_factory=list)

    def starting_at(self, row: int) -> Draw:
        """The same, for a part of the table whose first row has this number."""
        return Draw(self.schema, self.size, self.seed, row, self.where)

    def update(self, batch: pa.RecordBatch) -> Draw:
        """Add the next rows, in place; only those that may stay are encoded."""
        first = self.start + self.seen
        self.seen += batch.num_rows
        keys = row_keys(first, batch.num_rows, self.seed)
        stays = np.ones(batch.num_rows, bool) if self.where is None else self.where(batch)
        if len(self._keys) >= self.size:
            stays = stays & (keys < np.partition(self._keys, self.size - 1)[self.size - 1])
        if not stays.any():
            return self
        chosen = batch if stays.all() else batch.filter(pa.array(stays))
        self._keys = np.concatenate([self._keys, keys[stays]])
        self._rows = np.concatenate([self._rows, first + np.flatnonzero(stays)])
        self._codes.append(encode(chosen, self.schema))
        if len(self._keys) >= 2 * self.size:
            self._cut()
        return self

    def merge(self, other: Draw) -> Draw:
        """The sample of both parts."""
        both = Draw(self.schema, self.size, self.seed, self.start, self.where, self.seen + other.seen)
        both._keys = np.concatenate([self._keys, other._keys])
        both._rows = np.concatenate([self._rows, other._rows])
        both._codes = self._codes + other._codes
        both._cut()
        return both

    def codes(self) -> Codes:
        """The sample's codes (min(size, rows), m) in row order; Fortran order."""
        self._cut()
        if not self._codes:
            return np.empty((0, len(self.schema.features)), np.uint8, order="F")
        return np.asfortranarray(self._codes[0][np.argsort(self._rows, kind="stable")])

    def _cut(self) -> None:
        """Keep the rows with the smallest keys."""
        if len(self._codes) > 1:
            self._codes = [np.concatenate(self._codes)]
        if len(self._keys) > self.size:
            kept = np.argpartition(self._keys, self.size)[: self.size]
            self._keys, self._rows = self._keys[kept], self._rows[kept]
            self._codes = [self._codes[0][kept]]
