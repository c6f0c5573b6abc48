"""Counts of all triples of probes: the state that every three-way statistic is read from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.association.kernels import inner_counts
from credenza.association.packing import pack_codes
from credenza.association.probes import Layout
from credenza.association.profile import layout_of
from credenza.association.triples import Numbers, Threes, cells_of
from credenza.contracts import FloatArray, IntArray
from credenza.data import Schema, encode
from credenza.errors import InputError

PIECE_BYTES = 2**25  # of indicators that are packed at a time

Words = NDArray[np.uint64]


@dataclass(frozen=True)
class TripleCounts:
    """How often each three probes of different features are true in one row; a commutative monoid over rows.

    Attributes
    ----------
    threes : the triples.
    rows : n, or the size that weighted counts are scaled to.
    pairs : (R, R), symmetric: rows with both probes; the diagonal holds the rows with each.
    triples : (T,), in the order of :class:`Threes`.

    Notes
    -----
    Integers of unweighted rows are exact, so any split of the rows gives the same. Cost of n rows: R^3 n / 384 word
    operations (AND and population count of bit planes, see :mod:`credenza.association.tiles`) on all cores; memory:
    T <= R^3 / 6 integers, and R n / 8 bytes of planes for a batch.

    What was left out: counting from codes, which costs m^3 n / 6 and wins only where features have hundreds of levels.

    Examples
    --------
    >>> codes = np.array([[0, 1, 1], [1, 1, 1], [1, 1, 0], [1, 1, 1]], np.uint8)
    >>> counts = TripleCounts.empty(Layout((2, 2, 2), (0, 0, 0))).update(codes)
    >>> counts.triples.tolist(), counts.pairs.tolist(), counts.rows
    ([2], [[3, 3, 2], [3, 4, 3], [2, 3, 3]], 4)
    """

    threes: Threes
    rows: float
    pairs: Numbers
    triples: Numbers

    @classmethod
    def empty(cls, layout: Layout) -> TripleCounts:
        """The counts of no rows."""
        return cls.of(Threes(layout))

    @classmethod
    def of(cls, threes: Threes) -> TripleCounts:
        """The counts of no rows, of triples that are numbered already."""
        shape = (threes.layout.probes,) * 2
        return cls(threes, 0, np.zeros(shape, np.int64), np.zeros(threes.count, np.int64))

    def update(self, codes: NDArray[np.uint8]) -> TripleCounts:
        """Add rows: codes (n, m).

        Raises
        ------
        InputError : another number of features, or a code beyond its feature's levels.
        """
        sizes = self.threes.layout.sizes
        if codes.ndim != 2 or codes.shape[1] != len(sizes):
            raise InputError(f"codes of shape {codes.shape} for {len(sizes)} features: one column a feature")
        for f, size in enumerate(sizes):
            if (worst := int(codes[:, f].max(initial=0))) >= size:
                raise InputError(
                    f"code {worst} in column {f}, which has {size} levels: codes run from 0 to {size - 1}"
                )
        out, step = self, max(64, PIECE_BYTES // max(self.threes.layout.probes, 1) // 64 * 64)
        for start in range(0, len(codes), step):
            part = codes[start : start + step]
            out = out.update_planes(probe_planes(part, self.threes.layout), len(part))
        return out

    def update_planes(self, planes: Words, rows: int) -> TripleCounts:
        """Add rows that are packed, see :func:`probe_planes`."""
        triples = self.triples + shared_by_three(planes, self.threes)
        return replace(self, rows=self.rows + rows, pairs=self.pairs + inner_counts(planes), triples=triples)

    def merge(self, other: TripleCounts) -> TripleCounts:
        """The counts of both sets of rows.

        Raises
        ------
        InputError : the two were counted with other levels.
        """
        mine, theirs = self.threes.layout, other.threes.layout
        if mine != theirs:
            raise InputError(
                f"triples of {mine.features} and {theirs.features} features with differing levels: "
                "count both with one schema"
            )
        pairs, triples = self.pairs + other.pairs, self.triples + other.triples
        return replace(self, rows=self.rows + other.rows, pairs=pairs, triples=triples)

    __add__ = merge

    def plus(self, other: TripleCounts, factor: float) -> TripleCounts:
        """These counts and ``factor`` times others of the same triples."""
        pairs, triples = self.pairs + factor * other.pairs, self.triples + factor * other.triples
        return replace(self, rows=self.rows + factor * other.rows, pairs=pairs, triples=triples)

    def scaled(self, size: float) -> TripleCounts:
        """The same shares of another number of rows."""
        factor = size / max(self.rows, 1)
        return replace(self, rows=size, pairs=self.pairs * factor, triples=self.triples * factor)

    def tables(self, probe: int) -> FloatArray:
        """Cells of the 2x2x2 tables whose first probe this is: (8, M), each in the order of :func:`cells_of`."""
        begin = self.threes.begin(int(self.threes.layout.probe_feature[probe]))
        b, c = self.threes.second[begin:], self.threes.third[begin:]
        return self._cells(np.full(len(b), probe), b, c, self.triples[self.threes.span(probe)])

    def table(self, probes: IntArray) -> FloatArray:
        """Cells of chosen 2x2x2 tables: probes (M, 3), in ascending order of their features, give (8, M)."""
        a, b, c = (np.asarray(probes[:, k], np.int64) for k in range(3))
        at = np.empty(len(probes), np.int64)
        for row, (x, y, z) in enumerate(zip(a, b, c, strict=True)):
            begin = self.threes.begin(int(self.threes.layout.probe_feature[x]))
            match = (self.threes.second[begin:] == y) & (self.threes.third[begin:] == z)
            at[row] = self.threes.span(int(x)).start + int(np.flatnonzero(match)[0])
        return self._cells(a, b, c, self.triples[at])

    def _cells(self, a: IntArray, b: IntArray, c: IntArray, all_: Numbers) -> FloatArray:
        alone = np.diag(self.pairs)
        twos = self.pairs[a, b], self.pairs[a, c], self.pairs[b, c]
        return cells_of(all_, twos, (alone[a], alone[b], alone[c]), self.rows)


def probe_planes(codes: NDArray[np.uint8], layout: Layout) -> Words:
    """One bit plane a probe.

    Parameters
    ----------
    codes : uint8 (n, m). layout : levels and order of the features.

    Returns
    -------
    uint64 (R, words): see :func:`credenza.association.packing.pack_codes`.

    Examples
    --------
    >>> probe_planes(np.array([[0, 2], [1, 1], [1, 0]], np.uint8), Layout((2, 3), (0, 3))).ravel().tolist()
    [6, 3, 1]
    """
    feature = layout.probe_feature
    levels = layout.probe_planes - layout.starts[feature][:, None]
    bits = np.empty((len(codes), layout.probes), np.uint8, order="F")
    for p, (f, (first, stop)) in enumerate(zip(feature, levels, strict=True)):
        bits[:, p] = (codes[:, f] >= first) & (codes[:, f] < stop)
    return pack_codes(bits, (2,) * layout.probes)


def shared_by_three(planes: Words, threes: Threes) -> IntArray:
    """Rows that each three planes share, int64 (T,): each plane masks those of later features; then they are paired."""
    out = np.zeros(threes.count, np.int64)
    starts = threes.layout.probe_starts
    for probe, feature in enumerate(threes.layout.probe_feature):
        span = threes.span(probe)
        if span.start == span.stop:
            continue
        later, begin = int(starts[feature + 1]), threes.begin(int(feature))
        inner = inner_counts(planes[later:] & planes[probe])
        out[span] = inner[threes.second[begin:] - later, threes.third[begin:] - later]
    return out


@dataclass
class TripleCensus:
    """The pass that counts triples: a fold over batches of the columns of a schema.

    Attributes
    ----------
    schema : features and levels. counts : what was counted so far.
    """

    schema: Schema
    counts: TripleCounts = field(repr=False)

    @classmethod
    def empty(cls, schema: Schema) -> TripleCensus:
        """The census of no rows."""
        return cls(schema, TripleCounts.empty(layout_of(schema)))

    def update(self, batch: pa.RecordBatch) -> TripleCensus:
        """Add rows, in place."""
        self.counts = self.counts.update(encode(batch, self.schema))
        return self

    def merge(self, other: TripleCensus) -> TripleCensus:
        """Of both parts."""
        return TripleCensus(self.schema, self.counts.merge(other.counts))
