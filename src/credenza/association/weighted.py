"""Weighted pair counts of a fixed set of rows, for many sets of weights.

Three ways to the same sums; :class:`Weigher` takes the cheapest by a measured cost model.

* patterns: weights that depend on the cell only take few values. The rows of each value are counted once, in whole
  numbers, by the population-count kernel; then any weights constant on these groups cost one weighted sum of tables.
* digits: weights in binary. The rows whose weight has digit d are a mask over the bit planes; sum over d of 2^d times
  the pair counts under the mask. Whole numbers throughout: the same sum on every machine, whatever its threads.
* bins: one weighted bin count for each pair of features, where features have many levels.

A matrix product X' diag(w) X in float64 was left out: on 250,000 rows of 60 binary features it took 1.3 to 1.6 times as
long as the digits, and 8 to 16 times where other work kept the cores busy, since its threads wait for each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from credenza.association.counts import PairCounts
from credenza.association.kernels import PAIR_WORD, PAIR_WORD_NARROW, inner_counts, pack_codes, restore
from credenza.association.tiles import wide
from credenza.contracts import FloatArray, IntArray

DIGITS = 32  # binary digits of a weight: rounded to 2^-33 of the range of the weights
SMALL = 2**18  # multiply-adds up to which indicators are multiplied at once (on one thread)
BIN, GATHER, WORD_PAIR, WORD = (
    3.0,
    1.5,
    0.1,
    1.0,
)  # ns: a bin; a code moved and packed; AND + count; a word masked
MASK, PATTERN = 1e5, 4e5  # ns: the calls for one mask, for one pattern
REUSE = 2.0  # joints, at least, that one grouping serves
MAX_PATTERN_ENTRIES = 2**23  # table entries kept for all patterns of one grouping
KEPT_GROUPINGS = 4

Codes = NDArray[np.integer]


@dataclass(frozen=True)
class _Grouping:
    """Rows grouped by pattern: the group of each row (n,), one row of each group (G,), tables (G, K * K)."""

    group: IntArray
    member: IntArray
    tables: FloatArray

    def fits(self, weights: FloatArray) -> bool:
        """Whether these weights are constant on every group."""
        return bool(np.array_equal(weights[self.member][self.group], weights))


class Weigher:
    """Weighted pair counts of the same rows under one set of weights after another.

    Parameters
    ----------
    codes : unsigned integers (n, m), ``codes[r, j] < sizes[j]``.
    sizes : levels of each feature.

    Notes
    -----
    Cost of a joint: the least of ``DIGITS`` unweighted counts, n m^2 / 2 bins, and, with patterns, one unweighted count
    and K^2 additions a pattern. Groupings are kept (the last ``KEPT_GROUPINGS``), and one serves every coarser set of
    weights as well: after the joint of all culprits, that of any part of them looks at no row's levels again.

    Examples
    --------
    >>> weigher = Weigher(np.array([[0, 1], [1, 1], [1, 0]], np.uint8), (2, 2))
    >>> weigher.joint(np.array([2.0, 1.0, 1.0])).tolist()
    [[2.0, 0.0, 0.0, 2.0], [0.0, 2.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0], [2.0, 1.0, 0.0, 3.0]]
    """

    def __init__(self, codes: Codes, sizes: tuple[int, ...]) -> None:
        self.codes, self.sizes = codes, tuple(int(s) for s in sizes)
        self._kept: list[_Grouping] = []

    def joint(self, weights: FloatArray, patterns: IntArray | None = None) -> FloatArray:
        """Sum the weights of the rows that have level p and level q, for all p and q.

        Parameters
        ----------
        weights : (n,), of any sign.
        patterns : (n,), numbers the rows from 0 such that rows of one number have one weight; None: not known.

        Returns
        -------
        float64 (K, K), symmetric; diagonal within a feature.
        """
        for grouping in self._kept:
            if grouping.fits(weights):
                return self._combined(grouping, weights)
        planes = sum(self.sizes)
        if len(weights) * planes**2 <= SMALL:
            return self._product(weights)
        digits, bins = self._digit_cost, len(weights) * len(self.sizes) ** 2 / 2 * BIN
        groups = 0 if patterns is None else int(patterns.max(initial=-1)) + 1
        if (
            patterns is not None
            and self._holds(groups)
            and self._pattern_cost(groups) < REUSE * min(digits, bins)
        ):
            self._kept = [self._grouped(patterns, groups), *self._kept[: KEPT_GROUPINGS - 1]]
            return self._combined(self._kept[0], weights)
        return self._digits(weights) if digits < bins else self._bins(weights)

    def _holds(self, groups: int) -> bool:
        return self.codes.dtype == np.uint8 and groups * sum(self.sizes) ** 2 <= MAX_PATTERN_ENTRIES

    def _pattern_cost(self, groups: int) -> float:
        """ns to group the rows and count each group: planes, or a histogram where these are dearer."""
        rows, features, planes = len(self.codes), len(self.sizes), sum(self.sizes)
        inner = planes - features
        count = min(inner**2 / 2 * (rows / 64 + groups) * _word_pair(), features**2 / 2 * rows)
        return rows * features * GATHER + count + groups * (PATTERN + planes**2)

    def _grouped(self, patterns: IntArray, groups: int) -> _Grouping:
        order = np.argsort(patterns.astype(np.min_scalar_type(groups)), kind="stable")  # a radix sort
        ends = np.cumsum(np.bincount(patterns, minlength=groups))
        rows = np.empty(self.codes.shape, np.uint8, order="F")
        for j in range(len(self.sizes)):
            np.take(self.codes[:, j], order, out=rows[:, j])
        kept = [(a, b) for a, b in zip([0, *ends[:-1]], ends, strict=True) if a < b]
        tables = np.empty((len(kept), sum(self.sizes) ** 2))
        group = np.empty(len(order), np.int64)
        for g, (a, b) in enumerate(kept):
            tables[g] = PairCounts.empty(self.sizes).update(rows[a:b]).joint.ravel()
            group[order[a:b]] = g
        return _Grouping(group, order[[a for a, _ in kept]], tables)

    def _combined(self, grouping: _Grouping, weights: FloatArray) -> FloatArray:
        planes = sum(self.sizes)
        return np.asarray(weights[grouping.member] @ grouping.tables).reshape(planes, planes)

    @property
    def _digit_cost(self) -> float:
        """ns to count under one mask a digit; codes beyond uint8 have no planes."""
        if self.codes.dtype != np.uint8:
            return float("inf")
        words, inner = len(self.codes) / 64, sum(self.sizes) - len(self.sizes)
        return DIGITS * (inner**2 / 2 * words * _word_pair() + inner * words * WORD + MASK)

    @cached_property
    def _planes(self) -> NDArray[np.uint64]:
        return pack_codes(self.codes.astype(np.uint8, copy=False), self.sizes)

    @cached_property
    def _plain(self) -> IntArray:
        return restore(inner_counts(self._planes), self.sizes, len(self.codes))

    def _digits(self, weights: FloatArray) -> FloatArray:
        """One count a binary digit of the weights above the smallest of them."""
        low, span = float(weights.min()), float(np.ptp(weights))
        if span == 0.0:
            return np.asarray(low * self._plain)
        unit = span / (2.0**DIGITS - 1.0)
        scaled = np.rint((weights - low) / unit).astype(np.uint32)
        inner = np.zeros((len(self._planes),) * 2, np.int64)
        mask = np.zeros(self._planes.shape[1], np.uint64)
        for digit in range(DIGITS):
            bits = np.packbits((scaled & np.uint32(1 << digit)) != 0, bitorder="little")
            mask.view(np.uint8)[: len(bits)] = bits
            inner += inner_counts(self._planes & mask) << digit
        total = int(scaled.sum(dtype=np.int64))
        return np.asarray(unit * restore(inner, self.sizes, total) + low * self._plain)

    def _product(self, weights: FloatArray) -> FloatArray:
        """X' diag(w) X of the indicators of all levels."""
        feature = np.repeat(np.arange(len(self.sizes)), self.sizes)
        level = np.concatenate([np.empty(0, np.int64), *map(np.arange, self.sizes)]).astype(self.codes.dtype)
        x = (self.codes.T[feature] == level[:, None]).astype(float)
        return np.asarray((x * weights) @ x.T)

    def _bins(self, weights: FloatArray) -> FloatArray:
        """One weighted bin count for each pair of features."""
        starts = np.concatenate(([0], np.cumsum(self.sizes))).astype(np.int64)
        out = np.zeros((int(starts[-1]), int(starts[-1])))
        for i, size in enumerate(self.sizes):
            a = slice(starts[i], starts[i + 1])
            out[a, a] = np.diag(np.bincount(self.codes[:, i], weights=weights, minlength=size))
            row = self.codes[:, i].astype(np.int64)
            for j in range(i + 1, len(self.sizes)):
                other = self.sizes[j]
                b = slice(starts[j], starts[j + 1])
                cell = row * other
                cell += self.codes[:, j]
                table = np.bincount(cell, weights=weights, minlength=size * other).reshape(size, other)
                out[a, b], out[b, a] = table, table.T
        return out


def _word_pair() -> float:
    """ns for a word of two planes ANDed and counted on this machine."""
    return PAIR_WORD if wide() else PAIR_WORD_NARROW
