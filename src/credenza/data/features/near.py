"""Pairs of rows that are nearly the same, among rows that agree in some part of what stands for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from credenza.contracts import FloatArray, IntArray

Close = Callable[[IntArray, IntArray], FloatArray]


@dataclass(frozen=True)
class NearPairs:
    """Pairs of rows, first < second, in ascending order.

    Attributes
    ----------
    first, second : row numbers, shape (p,). ``similarity`` : shape (p,), in [0, 1]; 1 is the same.
    A row that is the same as earlier ones is paired with the first of them only, and with no other row.
    """

    first: IntArray
    second: IntArray
    similarity: FloatArray

    @property
    def rows(self) -> IntArray:
        """The rows that are nearly the same as an earlier one, ascending: what one would drop to keep one of each."""
        return np.unique(self.second)


def near_pairs(
    values: NDArray[np.generic], bands: NDArray[np.generic], close: Close, least: float
) -> NearPairs:
    """Pairs that share a band and are similar enough.

    Parameters
    ----------
    values : what makes rows the same, shape (n,) or (n, k).
    bands : shape (n, b). Rows are compared that have the same value in one column or more.
    close : similarity in [0, 1] of rows given by two arrays of numbers. least : similarity that makes a pair.

    Notes
    -----
    Cost: O(b n log n) and one comparison for each pair and band they share; memory O(n) and the pairs found.

    Examples
    --------
    >>> values = np.array([3, 1, 3, 2])
    >>> found = near_pairs(values, np.zeros((4, 1), int), lambda i, j: 1 - abs(values[i] - values[j]) / 2.0, 0.5)
    >>> found.first.tolist(), found.second.tolist(), found.similarity.tolist()
    ([0, 0, 1], [2, 3, 3], [1.0, 0.5, 0.5])
    """
    _, heads, place = np.unique(values, axis=0, return_index=True, return_inverse=True)
    kept = np.sort(heads)
    again = np.setdiff1d(np.arange(len(values)), kept)
    firsts = [heads[place.reshape(-1)[again]]]
    seconds, similar = [again], [np.ones(len(again))]
    codes: list[IntArray] = [np.empty(0, np.int64)]
    for band in bands.T:
        for i, j in _agreeing(kept, band[kept]):
            enough = close(i, j) >= least
            codes.append(i[enough] * len(values) + j[enough])
    i, j = np.divmod(np.unique(np.concatenate(codes)), max(len(values), 1))
    firsts.append(i)
    seconds.append(j)
    similar.append(close(i, j))
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    order = np.lexsort((second, first))
    return NearPairs(first[order], second[order], np.concatenate(similar)[order])


def _agreeing(rows: IntArray, keys: NDArray[np.generic]) -> Iterator[tuple[IntArray, IntArray]]:
    """All pairs of rows with equal keys, lower number first, in pieces of at most one pair a row."""
    order = np.argsort(keys, kind="stable")
    rows, keys = rows[order], keys[order]
    start, lag = np.arange(len(rows)), 0
    while len(start):
        lag += 1
        start = start[start + lag < len(rows)]
        start = start[keys[start] == keys[start + lag]]
        yield rows[start], rows[start + lag]
