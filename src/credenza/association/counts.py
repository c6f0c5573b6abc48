"""All-pairs contingency counts: the one state that every pair statistic is read from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from credenza.association.kernels import pair_counts
from credenza.contracts import IntArray
from credenza.errors import InputError


@dataclass(frozen=True)
class PairCounts:
    """How often each two levels occur in one row, exactly, for all pairs of features at once.

    A commutative monoid: ``empty`` is neutral, ``merge`` is associative, ``update`` merges the counts of a batch; so
    any split of the rows over batches, threads or machines gives the same integers.

    Attributes
    ----------
    sizes : L of each feature.
    rows : n.
    joint : int64 (K, K), symmetric; the diagonal holds the marginals, blocks hold the pair tables.

    Examples
    --------
    >>> codes = np.array([[0, 1], [1, 1], [1, 0]], np.uint8)
    >>> counts = PairCounts.empty((2, 2)).update(codes)
    >>> counts.table(0, 1).tolist(), counts.marginal(1).tolist()
    ([[0, 1], [1, 1]], [1, 2])
    """

    sizes: tuple[int, ...]
    rows: int
    joint: IntArray

    @classmethod
    def empty(cls, sizes: Iterable[int]) -> PairCounts:
        """The counts of no rows."""
        sizes = tuple(int(s) for s in sizes)
        return cls(sizes, 0, np.zeros((sum(sizes), sum(sizes)), np.int64))

    def update(self, codes: NDArray[np.uint8]) -> PairCounts:
        """Add a batch of codes (n, m); cost K^2 n / 128 word operations.

        Raises
        ------
        InputError : the batch has another number of features, or a code beyond its feature's levels.
        """
        if codes.ndim != 2 or codes.shape[1] != len(self.sizes):
            raise InputError(
                f"codes of shape {codes.shape} for {len(self.sizes)} features: one column a feature"
            )
        if len(codes) and np.any(codes.max(axis=0) >= np.asarray(self.sizes)):
            worst = int(np.argmax(codes.max(axis=0) >= np.asarray(self.sizes)))
            found, levels = int(codes[:, worst].max()), self.sizes[worst]
            raise InputError(
                f"code {found} in column {worst}, which has {levels} levels: codes run from 0 to {levels - 1}"
            )
        joint = self.joint + pair_counts(np.asfortranarray(codes), self.sizes)
        return PairCounts(self.sizes, self.rows + len(codes), joint)

    def merge(self, other: PairCounts) -> PairCounts:
        """The counts of both sets of rows.

        Raises
        ------
        InputError : the two were counted with other levels.
        """
        if self.sizes != other.sizes:
            raise InputError(
                f"counts of {len(self.sizes)} and {len(other.sizes)} features with differing levels: "
                "count both with one schema"
            )
        return PairCounts(self.sizes, self.rows + other.rows, self.joint + other.joint)

    __add__ = merge

    def less(self, other: PairCounts) -> PairCounts:
        """The counts of the rows that are not in ``other``, a part of these rows."""
        if self.sizes != other.sizes or other.rows > self.rows:
            raise InputError(
                "counts of a part can only be taken from counts of the whole with the same levels"
            )
        return PairCounts(self.sizes, self.rows - other.rows, self.joint - other.joint)

    def relaid(self, sizes: Iterable[int], planes: IntArray) -> PairCounts:
        """The same counts in another layout: old plane p becomes plane ``planes[p]``, or is dropped where that is -1.

        New planes are empty. Dropping takes whole features; the number of rows stays.
        """
        out = PairCounts.empty(sizes)
        kept = planes >= 0
        joint = out.joint.copy()
        joint[np.ix_(planes[kept], planes[kept])] = self.joint[np.ix_(kept, kept)]
        return PairCounts(out.sizes, self.rows, joint)

    def _part(self, feature: int) -> slice:
        start = sum(self.sizes[:feature])
        return slice(start, start + self.sizes[feature])

    def table(self, i: int, j: int) -> IntArray:
        """Contingency table (L_i, L_j) of two features."""
        return self.joint[self._part(i), self._part(j)]

    def marginal(self, i: int) -> IntArray:
        """Counts (L_i,) of one feature's levels."""
        return np.diag(self.joint)[self._part(i)].copy()
