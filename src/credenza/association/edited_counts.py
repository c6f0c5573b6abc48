"""Counts of all levels given two: what is read of a reference's rows before its values can be edited on paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.association.kernels import cross_counts
from credenza.association.packing import offsets_of, pack_codes
from credenza.association.probes import Layout
from credenza.contracts import FloatArray, IntArray
from credenza.data import Schema, encode
from credenza.errors import InputError

PIECE_BYTES = 2**26  # of the planes of pairs of levels that are counted at a time

Pair = tuple[int, int]
Where = Callable[[pa.RecordBatch], NDArray[np.bool_]]


@dataclass(frozen=True)
class GivenPairs:
    """How many rows have each level, given the levels of two features: for chosen pairs; a commutative monoid.

    Attributes
    ----------
    sizes : L of each feature. pairs : the m pairs (a, b) of different features.
    inner : for each pair int64 ((L_a - 1)(L_b - 1), R): rows with two levels and a third, first levels left out.

    Notes
    -----
    Integers are exact, so any split of the rows gives the same. Cost of n rows: (L_a - 1)(L_b - 1) R n / 64 word
    operations (AND and population count) a pair; memory: as many integers, whatever the rows.

    Examples
    --------
    >>> codes = np.array([[0, 1, 1], [1, 1, 1], [1, 1, 0], [1, 0, 1]], np.uint8)
    >>> given = GivenPairs.empty((2, 2, 2), [(0, 1)]).update(codes)
    >>> from credenza.association.kernels import pair_counts
    >>> given.table((0, 1), pair_counts(codes, (2, 2, 2)))[1, 1].tolist()  # of two rows: levels of the 3 features
    [0.0, 2.0, 0.0, 2.0, 1.0, 1.0]
    """

    sizes: tuple[int, ...]
    pairs: tuple[Pair, ...]
    inner: tuple[IntArray, ...]

    @classmethod
    def empty(cls, sizes: Sequence[int], pairs: Sequence[Pair]) -> GivenPairs:
        """The counts of no rows.

        Raises
        ------
        InputError : a pair of one feature with itself, or of a feature that is not there.
        """
        sizes, pairs = tuple(int(s) for s in sizes), tuple((int(a), int(b)) for a, b in pairs)
        for a, b in pairs:
            if a == b or not {a, b} <= set(range(len(sizes))):
                raise InputError(f"pair ({a}, {b}) of {len(sizes)} features: name two different ones of them")
        planes = sum(sizes) - len(sizes)
        shapes = [((sizes[a] - 1) * (sizes[b] - 1), planes) for a, b in pairs]
        return cls(sizes, pairs, tuple(np.zeros(shape, np.int64) for shape in shapes))

    def update(self, codes: NDArray[np.uint8]) -> GivenPairs:
        """Add rows: codes (n, m)."""
        widest = max((len(part) for part in self.inner), default=1)
        step = max(64, PIECE_BYTES * 8 // max(widest + sum(self.sizes), 1) // 64 * 64)
        inner = self.inner
        for start in range(0, len(codes), step):
            planes = pack_codes(codes[start : start + step], self.sizes)
            added = (cross_counts(self._masks(planes, pair), planes) for pair in self.pairs)
            inner = tuple(old + new for old, new in zip(inner, added, strict=True))
        return GivenPairs(self.sizes, self.pairs, inner)

    def _masks(self, planes: NDArray[np.uint64], pair: Pair) -> NDArray[np.uint64]:
        """Planes of the rows that have two levels, for all levels of a pair but the first ones."""
        at = offsets_of(self.sizes)
        a, b = (planes[at[f] : at[f + 1]] for f in pair)
        return np.asarray((a[:, None, :] & b[None, :, :]).reshape(len(a) * len(b), planes.shape[1]))

    def merge(self, other: GivenPairs) -> GivenPairs:
        """The counts of both sets of rows.

        Raises
        ------
        InputError : the two were counted with other levels, or for other pairs.
        """
        if (self.sizes, self.pairs) != (other.sizes, other.pairs):
            raise InputError("rows counted for other pairs or levels: count both sides for the same")
        inner = tuple(mine + theirs for mine, theirs in zip(self.inner, other.inner, strict=True))
        return GivenPairs(self.sizes, self.pairs, inner)

    __add__ = merge

    def table(self, pair: Pair, joint: FloatArray | IntArray) -> FloatArray:
        """Counts (L_a, L_b, K) of a pair's levels with all levels; ``joint`` are the pair counts of the same rows."""
        layout = Layout(self.sizes, (0,) * len(self.sizes))
        s, (a, b) = layout.starts, pair
        inner = self.inner[self.pairs.index(pair)]
        out = np.zeros((self.sizes[a], self.sizes[b], layout.planes))
        later = np.delete(np.arange(layout.planes), s[:-1])
        out[1:, 1:, later] = inner.reshape(self.sizes[a] - 1, self.sizes[b] - 1, len(later))
        both = np.asarray(joint[s[a] : s[a + 1], s[b] : s[b + 1]], float)
        out[1:, 1:, s[:-1]] = both[1:, 1:, None] - np.add.reduceat(out[1:, 1:], s[:-1], axis=2)
        out[1:, 0] = joint[s[a] + 1 : s[a + 1]] - out[1:, 1:].sum(axis=1)
        out[0] = joint[s[b] : s[b + 1]] - out[1:].sum(axis=0)
        return out


@dataclass
class GivenCensus:
    """The pass that counts them: a fold over batches of the columns of a schema.

    Attributes
    ----------
    schema : features and levels. given : what was counted so far.
    where : picks the rows that count (a mask of a batch); None for all.
    """

    schema: Schema
    given: GivenPairs = field(repr=False)
    where: Where | None = None

    @classmethod
    def empty(cls, schema: Schema, pairs: Sequence[Pair], where: Where | None = None) -> GivenCensus:
        """The census of no rows; pairs are positions in the schema."""
        return cls(schema, GivenPairs.empty([f.size for f in schema.features], pairs), where)

    def update(self, batch: pa.RecordBatch) -> GivenCensus:
        """Add rows, in place."""
        rows = batch if self.where is None else batch.filter(pa.array(self.where(batch)))
        if rows.num_rows:
            self.given = self.given.update(encode(rows, self.schema))
        return self

    def merge(self, other: GivenCensus) -> GivenCensus:
        """Of both parts."""
        return GivenCensus(self.schema, self.given.merge(other.given), self.where)
