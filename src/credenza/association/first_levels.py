"""The counts of first levels, which have no bit plane: what the other levels of a feature leave of the total."""

# mypy: disallow-untyped-decorators=False
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from credenza.contracts import IntArray


def with_first_levels(inner: IntArray, sizes: Sequence[int], totals: IntArray | int) -> IntArray:
    """Put the first level of every feature before its others: the total less their sum.

    Parameters
    ----------
    inner : (R, ...), the counts of the levels but the first. sizes : L of each feature. totals : (...).

    Returns
    -------
    int64 (K, ...).

    Examples
    --------
    >>> with_first_levels(np.array([3, 1, 2]), (2, 1, 3), 10).tolist()
    [7, 3, 10, 7, 1, 2]
    """
    width = np.asarray(sizes, np.int64)
    starts = np.cumsum(width) - width
    kept = np.ones(int(width.sum()), bool)
    kept[starts] = False
    out = np.zeros((len(kept), *inner.shape[1:]), np.int64)
    if len(kept):
        out[kept] = inner
        out[starts] = totals - np.add.reduceat(out, starts, axis=0)
    return out


@njit(cache=True, nogil=True)
def _fill(
    inner: IntArray,
    sizes_i: IntArray,
    sizes_j: IntArray,
    margin_i: IntArray,
    margin_j: IntArray,
    out: IntArray,
) -> None:
    """Fill ``out`` (K_I, K_J) from the counts of the levels but the first, (R_I, R_J), and the margins."""
    top = plane = 0
    for i in range(sizes_i.size):
        for c in range(margin_j.size):
            out[top, c] = margin_j[c]
        for row in range(top + 1, top + sizes_i[i]):
            first = column = 0
            for j in range(sizes_j.size):
                left = margin_i[row]
                for c in range(first + 1, first + sizes_j[j]):
                    count = inner[plane, column]
                    out[row, c] = count
                    out[top, c] -= count
                    left -= count
                    column += 1
                out[row, first] = left
                out[top, first] -= left
                first += sizes_j[j]
            plane += 1
        top += sizes_i[i]


def restore_block(
    inner: IntArray, sizes_i: Sequence[int], sizes_j: Sequence[int], margin_i: IntArray, margin_j: IntArray
) -> IntArray:
    """Put the first levels into the counts of some features' levels with those of other features.

    Parameters
    ----------
    inner : (R_I, R_J), the counts of the levels but the first. sizes_i, sizes_j : L of each feature.
    margin_i, margin_j : counts of all levels, (K_I,) and (K_J,).

    Returns
    -------
    int64 (K_I, K_J). For the pairs of one set of features see :func:`credenza.association.kernels.restore`.

    Notes
    -----
    Cost: one compiled pass, about 2 ns an entry (numpy's sums over the levels take ten times as long).

    Examples
    --------
    >>> restore_block(np.array([[2]]), (2,), (2,), np.array([6, 4]), np.array([5, 5])).tolist()
    [[3, 3], [2, 2]]
    """
    out = np.empty((len(margin_i), len(margin_j)), np.int64)
    _fill(inner, np.array(sizes_i, np.int64), np.array(sizes_j, np.int64), margin_i, margin_j, out)
    return out
