"""All-pairs contingency counts: the one state that every pair statistic is read from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from credenza.association.kernels import check_codes, inner_counts, pair_inner, restore
from credenza.association.packing import offsets_of
from credenza.contracts import IntArray
from credenza.errors import InputError

PairKernel = Callable[[NDArray[np.uint8], tuple[int, ...]], IntArray]


def _level_places(sizes: Sequence[int]) -> IntArray:
    """Places (R,) of the levels beyond the first of each feature among all K levels."""
    starts = np.concatenate(([0], np.cumsum(sizes)))[:-1].astype(np.int64)
    return np.delete(np.arange(sum(sizes)), starts)


@dataclass(frozen=True)
class PairCounts:
    """How often each two levels occur in one row, exactly, for all pairs of features at once.

    A commutative monoid: ``empty`` is neutral, ``merge`` is associative, ``update`` merges the counts of a batch; so
    any split of the rows over batches, threads or machines gives the same integers.

    Attributes
    ----------
    sizes : L of each feature.
    rows : n.
    inner : int64 (R, R), R = K - m: levels 1 and above of all features, symmetric. Level 0 follows from the margins,
        so this is all that is kept, merged and sent between processes.
    joint : int64 (K, K), symmetric, made on first use; the diagonal holds the marginals, blocks hold the pair tables.

    Examples
    --------
    >>> codes = np.array([[0, 1], [1, 1], [1, 0]], np.uint8)
    >>> counts = PairCounts.empty((2, 2)).update(codes)
    >>> counts.table(0, 1).tolist(), counts.marginal(1).tolist()
    ([[0, 1], [1, 1]], [1, 2])
    """

    sizes: tuple[int, ...]
    rows: int
    inner: IntArray

    @classmethod
    def empty(cls, sizes: Iterable[int]) -> PairCounts:
        """The counts of no rows."""
        sizes = tuple(int(s) for s in sizes)
        planes = sum(sizes) - len(sizes)
        return cls(sizes, 0, np.zeros((planes, planes), np.int64))

    @classmethod
    def of_joint(cls, sizes: Iterable[int], rows: int, joint: IntArray) -> PairCounts:
        """The counts behind a matrix (K, K) of all levels; what it says of the first levels is not read.

        Raises
        ------
        InputError : the matrix is of another size.
        """
        sizes = tuple(int(s) for s in sizes)
        if joint.shape != (sum(sizes),) * 2:
            raise InputError(f"pair counts of shape {joint.shape}: {sum(sizes)} levels a side were expected")
        places = _level_places(sizes)
        return cls(sizes, int(rows), np.asarray(joint[np.ix_(places, places)], np.int64))

    @cached_property
    def joint(self) -> IntArray:
        """Counts of all levels (K, K)."""
        return restore(self.inner, self.sizes, self.rows)

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: not the matrix that can be made again."""
        return {"sizes": self.sizes, "rows": self.rows, "inner": self.inner}

    def update(self, codes: NDArray[np.uint8], kernel: PairKernel | None = None) -> PairCounts:
        """Add a batch of rows.

        Parameters
        ----------
        codes : uint8 (n, m), best in Fortran order.
        kernel : counts the pairs of the batch, ``kernel(codes, sizes)`` -> int64 (R, R) as
            :func:`credenza.association.kernels.pair_inner`, which is the default.

        Raises
        ------
        InputError : the batch has another number of features, or a code beyond its feature's levels.

        Notes
        -----
        Cost: R^2 n / 128 word operations at most, and one copy of the R^2 counts.
        """
        if kernel is None:
            inner = pair_inner(codes, self.sizes, self.inner)
        else:
            check_codes(codes, self.sizes)
            inner = self.inner + kernel(codes, self.sizes)
        return PairCounts(self.sizes, self.rows + len(codes), inner)

    def update_planes(self, planes: NDArray[np.uint64], rows: int) -> PairCounts:
        """Add a batch of rows that is packed already, see :func:`credenza.association.kernels.pack_codes`.

        Raises
        ------
        InputError : another number of planes than levels beyond the first, or of words than the rows fill.
        """
        expected = (len(self.inner), -(-rows // 64))
        if planes.shape != expected:
            raise InputError(f"planes of shape {planes.shape}: {expected} were expected for {rows} rows")
        return PairCounts(self.sizes, self.rows + rows, inner_counts(planes, self.inner))

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
        return PairCounts(self.sizes, self.rows + other.rows, self.inner + other.inner)

    __add__ = merge

    def less(self, other: PairCounts) -> PairCounts:
        """The counts of the rows that are not in ``other``, a part of these rows."""
        if self.sizes != other.sizes or other.rows > self.rows:
            raise InputError(
                "counts of a part can only be taken from counts of the whole with the same levels"
            )
        return PairCounts(self.sizes, self.rows - other.rows, self.inner - other.inner)

    def relaid(self, sizes: Iterable[int], planes: IntArray) -> PairCounts:
        """The same counts in another layout: old level p becomes level ``planes[p]``, or is dropped where that is -1.

        ``planes`` numbers all K levels. New levels are empty. Dropping takes whole features; the number of rows stays.
        """
        sizes = tuple(int(s) for s in sizes)
        kept = np.flatnonzero(planes >= 0)
        joint = np.zeros((sum(sizes),) * 2, np.int64)
        joint[np.ix_(planes[kept], planes[kept])] = self.joint[np.ix_(kept, kept)]
        return PairCounts.of_joint(sizes, self.rows, joint)

    def part(self, features: Sequence[int]) -> PairCounts:
        """The counts of some of the features, in the order given."""
        offsets = offsets_of(self.sizes)
        spans = [np.arange(offsets[j], offsets[j + 1]) for j in features]
        chosen = np.concatenate([np.empty(0, np.int64), *spans])
        sizes = tuple(self.sizes[j] for j in features)
        return PairCounts(sizes, self.rows, self.inner[np.ix_(chosen, chosen)])

    def table(self, i: int, j: int) -> IntArray:
        """Contingency table (L_i, L_j) of two features; of one and itself, the marginal on a diagonal."""
        if i == j:
            return np.diag(self.marginal(i))
        return self.part((i, j)).joint[: self.sizes[i], self.sizes[i] :]

    @cached_property
    def _margins(self) -> IntArray:
        counts = np.zeros(sum(self.sizes), np.int64)
        counts[_level_places(self.sizes)] = np.diag(self.inner)
        if self.sizes:
            starts = np.concatenate(([0], np.cumsum(self.sizes)))[:-1].astype(np.int64)
            counts[starts] = self.rows - np.add.reduceat(counts, starts)
        return counts

    def margins(self) -> IntArray:
        """Counts (K,) of every level, feature after feature."""
        return self._margins.copy()

    def marginal(self, i: int) -> IntArray:
        """Counts (L_i,) of one feature's levels."""
        start = sum(self.sizes[:i])
        return self._margins[start : start + self.sizes[i]].copy()
