"""The passes over a table: what is read on the first, and what on the second, once the levels are known.

Each pass is the fold of a state over batches: ``update`` takes one, ``merge`` joins the states of two parts of the
table, and any engine may do the folding. Integers are exact, so every way of cutting the table gives the same counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.association.counts import PairCounts, PairKernel
from credenza.association.kernels import pack_booleans
from credenza.association.moments import Moments
from credenza.association.planes import DENSE_PLANES, PlaneStore
from credenza.contracts import FloatArray
from credenza.data import Feature, Kind, Repeats, Schema, TableSketch, encode, row_keys_of
from credenza.data.columns import as_floats
from credenza.errors import UsageError

PIECE_VALUES = 2**26  # values that are encoded at a time


def numeric_names(schema: Schema) -> tuple[str, ...]:
    """The features whose values have moments: numbers in bins."""
    return tuple(f.name for f in schema.features if f.kind is Kind.CONTINUOUS)


def numeric_values(batch: pa.RecordBatch, names: tuple[str, ...]) -> FloatArray:
    """Columns of an Arrow batch as float64 (n, len(names)), NaN where missing."""
    return np.column_stack([as_floats(batch.column(name)) for name in names])


def two_valued(feature: Feature) -> bool:
    """Whether a feature has the levels False and True and no other."""
    return feature.values == (False, True) and feature.size == 2


@dataclass
class Survey:
    """The first pass: a sketch of every column; of a table of booleans without gaps, the counts at once.

    Attributes
    ----------
    names : the columns, in order.
    sketch : see :class:`credenza.data.TableSketch`.
    counts : pair counts with the levels False and True of every column, or None where a column is not boolean, a value
        is missing, or the matrix would be larger than ``DENSE_PLANES`` levels a side.
    repeats : how often whole rows coincide, or None where ``counts`` is.

    Notes
    -----
    Most of the time of an audit of a wide boolean table is spent on decoding the file, so it is decoded once. Cost of
    the counts: m^2 n / 128 AND + population counts.
    """

    names: tuple[str, ...]
    sketch: TableSketch
    counts: PairCounts | None
    repeats: Repeats | None

    @classmethod
    def empty(cls, schema: pa.Schema, *, seed: int = 0, at_once: bool = True) -> Survey:
        """The survey of no rows of these columns; ``at_once`` says whether it may count."""
        boolean = at_once and all(pa.types.is_boolean(kind) for kind in schema.types)
        counting = boolean and 0 < 2 * len(schema) <= DENSE_PLANES
        counts = PairCounts.empty((2,) * len(schema)) if counting else None
        return cls(
            tuple(schema.names),
            TableSketch.empty(schema, seed=seed),
            counts,
            Repeats.empty() if counting else None,
        )

    def starting_at(self, row: int) -> Survey:
        """The same, for a part of the table whose first row has this number."""
        self.sketch = self.sketch.starting_at(row)
        return self

    def update(self, batch: pa.RecordBatch) -> Survey:
        """Add the next rows, in place."""
        self.sketch.update(batch)
        if self.counts is None or self.repeats is None:
            return self
        columns = [batch.column(name) for name in self.names]
        if any(column.null_count for column in columns):
            self.counts = self.repeats = None
            return self
        self.counts = self.counts.update_planes(pack_booleans(columns), batch.num_rows)
        self.repeats = self.repeats.update(row_keys_of(batch, self.names))
        return self

    def merge(self, other: Survey) -> Survey:
        """The survey of both parts."""
        both = Survey(self.names, self.sketch.merge(other.sketch), None, None)
        if self.counts is not None and other.counts is not None:
            both.counts = self.counts.merge(other.counts)
        if self.repeats is not None and other.repeats is not None:
            both.repeats = self.repeats.merge(other.repeats)
        return both

    def census(self, schema: Schema) -> Census | None:
        """The census that the second pass would take, where this one already knows it.

        That is so when every feature has the levels False and True and every other column is constant: a constant
        column changes neither the counts of the others nor which rows coincide.
        """
        if self.counts is None or self.repeats is None:
            return None
        plain = all(two_valued(feature) for feature in schema.features)
        left = set(self.names) - set(schema.names)
        if not plain or not set(schema.names) <= set(self.names):
            return None
        if any(self.sketch[name].distinct > 1 for name in left):
            return None
        counts = self.counts.part([self.names.index(name) for name in schema.names])
        return Census(schema, counts, Moments.empty(()), self.repeats)


@dataclass
class Census:
    """The second pass: pair counts, moments of the numeric columns, and how often whole rows coincide.

    Attributes
    ----------
    schema : features and levels.
    counts : exact pair counts; bit planes that they can be read from where the levels are more than ``DENSE_PLANES``.
    moments, repeats : of the numeric columns, and of whole rows.
    codes : the encoded rows as they were read, as long as they are no more than ``keep`` values; else None.
    kernel : counts the pairs of a batch; None for the compiled one.

    Notes
    -----
    Memory: R^2 integers (R levels beyond the first of each feature), the moments, and the keys of up to 4 million
    distinct rows; it does not grow with the rows. Bit planes do, R n / 8 bytes, and go to a file when they are many.
    """

    schema: Schema
    counts: PairCounts | PlaneStore
    moments: Moments
    repeats: Repeats
    keep: int = 0
    kernel: PairKernel | None = None
    codes: list[NDArray[np.uint8]] | None = None

    @classmethod
    def empty(
        cls, schema: Schema, *, rows: int = 0, keep: int = 0, kernel: PairKernel | None = None
    ) -> Census:
        """The census of no rows, with ``rows`` to come as far as known."""
        sizes = tuple(int(s) for s in schema.sizes)
        counts = PairCounts.empty(sizes) if schema.planes <= DENSE_PLANES else PlaneStore(sizes, rows)
        moments = Moments.empty(numeric_names(schema))
        kept: list[NDArray[np.uint8]] | None = [] if keep and rows * len(sizes) <= keep else None
        return cls(schema, counts, moments, Repeats.empty(), keep, kernel, kept)

    @property
    def dense(self) -> PairCounts:
        """The counts as one matrix.

        Raises
        ------
        UsageError : the levels are too many for that.
        """
        if isinstance(self.counts, PairCounts):
            return self.counts
        raise UsageError(
            f"pair counts of {self.schema.planes:,} levels: one matrix holds up to {DENSE_PLANES:,}; "
            "choose fewer columns"
        )

    def update(self, batch: pa.RecordBatch) -> Census:
        """Add rows, in place."""
        step = max(1_024, PIECE_VALUES // len(self.schema.features) // 64 * 64)
        for start in range(0, batch.num_rows, step):
            self._add(batch.slice(start, step))
        return self

    def _add(self, batch: pa.RecordBatch) -> None:
        if self.codes is not None or self.kernel is not None or not self._bitmaps(batch):
            self._add_codes(encode(batch, self.schema))
        elif isinstance(self.counts, PairCounts):
            self.counts = self.counts.update_planes(self._planes(batch), batch.num_rows)
        else:
            self.counts = self.counts.add_planes(self._planes(batch), batch.num_rows)
        if self.moments.names:
            self.moments = self.moments.update(numeric_values(batch, self.moments.names))
        self.repeats = self.repeats.update(row_keys_of(batch, self.schema.names))

    def _bitmaps(self, batch: pa.RecordBatch) -> bool:
        """Whether every column of a batch is a bit plane already: booleans without gaps."""
        columns = [batch.column(name) for name in self.schema.names]
        plain = all(two_valued(feature) for feature in self.schema.features)
        return plain and all(pa.types.is_boolean(c.type) and not c.null_count for c in columns)

    def _planes(self, batch: pa.RecordBatch) -> NDArray[np.uint64]:
        return pack_booleans([batch.column(name) for name in self.schema.names])

    def _add_codes(self, codes: NDArray[np.uint8]) -> None:
        if isinstance(self.counts, PairCounts):
            self.counts = self.counts.update(codes, kernel=self.kernel)
        else:
            self.counts = self.counts.add(codes)
        if self.codes is not None:
            self.codes = [*self.codes, codes] if self.counts.rows * codes.shape[1] <= self.keep else None

    def merge(self, other: Census) -> Census:
        """The census of both parts."""
        kept = None if self.codes is None or other.codes is None else self.codes + other.codes
        counts = _merged(self.counts, other.counts)
        if counts.rows * len(self.schema.features) > self.keep:
            kept = None
        return Census(
            self.schema,
            counts,
            self.moments.merge(other.moments),
            self.repeats.merge(other.repeats),
            self.keep,
            self.kernel,
            kept,
        )

    def kept(self, features: Sequence[int]) -> NDArray[np.uint8] | None:
        """The codes (n, len(features)) of all rows, Fortran order, where they were kept."""
        if self.codes is None or not self.codes:
            return None
        chosen = list(features)
        return np.asfortranarray(np.concatenate([part[:, chosen] for part in self.codes]))


def _merged(first: PairCounts | PlaneStore, second: PairCounts | PlaneStore) -> PairCounts | PlaneStore:
    if isinstance(first, PairCounts) and isinstance(second, PairCounts):
        return first.merge(second)
    if isinstance(first, PlaneStore) and isinstance(second, PlaneStore):
        return first.merge(second)
    raise UsageError("a census of bit planes and one of a matrix: take both with one schema")
