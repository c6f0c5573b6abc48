"""Small states over the rows of a table: how often they coincide, and a digest that their order does not change."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.data import Repeats, row_keys_of
from credenza.data.columns import family

_MIXES = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93)  # odd


@dataclass
class RowRepeats:
    """How often whole rows coincide, as a state over batches."""

    names: tuple[str, ...]
    repeats: Repeats

    def update(self, batch: pa.RecordBatch) -> RowRepeats:
        """Add rows, in place."""
        self.repeats = self.repeats.update(row_keys_of(batch, self.names))
        return self

    def merge(self, other: RowRepeats) -> RowRepeats:
        """The rows of both."""
        return RowRepeats(self.names, self.repeats.merge(other.repeats))


@dataclass
class RowDigest:
    """Sums modulo 2^64 of four mixes of the rows' keys: equal rows give equal sums, in any order.

    Left out: a hash that nobody could forge. Rows have no order in Spark, and a sum has none; who can
    choose rows at will can choose some with the sums of others.
    """

    names: tuple[str, ...]
    rows: int = 0
    sums: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(len(_MIXES), np.uint64))

    def update(self, batch: pa.RecordBatch) -> RowDigest:
        """Add rows, in place."""
        keys = row_keys_of(batch, self.names)
        self.rows += len(keys)
        for k, odd in enumerate(_MIXES):
            mixed = (keys ^ (keys >> np.uint64(29 + k))) * np.uint64(odd)
            self.sums[k] += np.sum(mixed ^ (mixed >> np.uint64(32)), dtype=np.uint64)
        return self

    def merge(self, other: RowDigest) -> RowDigest:
        """The rows of both."""
        return RowDigest(self.names, self.rows + other.rows, self.sums + other.sums)

    def read(self, schema: pa.Schema) -> str:
        """Return the SHA-256 (hex) of the columns' names and families, and of the rows.

        Examples
        --------
        >>> there, back = pa.record_batch({"a": [1, 2]}), pa.record_batch({"a": [2, 1]})
        >>> digests = [RowDigest(("a",)).update(batch).read(batch.schema) for batch in (there, back)]
        >>> digests[0] == digests[1]
        True
        """
        kinds = [(column.name, family(column.type).value) for column in schema]
        return hashlib.sha256(repr((kinds, self.rows, self.sums.tolist())).encode()).hexdigest()
