"""Joint histograms of two columns of codes, for features with so many levels that bit planes would cost more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from credenza.association.packing import offsets_of
from credenza.association.tiles import spread
from credenza.contracts import IntArray

COPIES = 4  # of a small table: neighbouring rows that fall in one cell do not wait for each other
SMALL = 1024  # cells of a small table: four of them fill a third of the first-level cache
PAIRS = 16  # counted by one task


@njit(cache=True, nogil=True, error_model="numpy")
def _count_pairs(codes, rows, pairs, first, last, sizes, offsets, table, out, planes):  # type: ignore[no-untyped-def]
    """Add the joint counts of pairs first..last to ``out``, beyond level 0 of either; all arrays but pairs are flat."""
    for pair in range(first, last):
        i, j = pairs[pair, 0], pairs[pair, 1]
        height, width = sizes[i], sizes[j]
        cells, row_base, column_base = height * width, offsets[i] - 1, offsets[j] - 1
        copies = COPIES if cells <= SMALL else 1
        stride, step = np.uint64(width), np.uint64(cells if copies > 1 else 0)
        for k in range(cells * copies):
            table[k] = np.uint32(0)
        a, b = codes[i * rows : (i + 1) * rows], codes[j * rows : (j + 1) * rows]
        for start in range(0, rows // COPIES * COPIES, COPIES):
            for k in range(COPIES):
                at = np.uint64(a[start + k]) * stride + np.uint64(b[start + k]) + np.uint64(k) * step
                table[at] += np.uint32(1)
        for row in range(rows // COPIES * COPIES, rows):
            table[np.uint64(a[row]) * stride + np.uint64(b[row])] += np.uint32(1)
        for k in range(cells, cells * copies):
            table[k % cells] += table[k]
        for u in range(1, height):
            for v in range(1, width):
                out[(row_base + u) * planes + column_base + v] += table[u * width + v]
        for v in range(1, width if i != j else 1):
            for u in range(1, height):
                out[(column_base + v) * planes + row_base + u] += table[u * width + v]


def add_histograms(
    codes: NDArray[np.uint8], sizes: Sequence[int], pairs: NDArray[np.int64], out: IntArray
) -> None:
    """Add the joint counts of some pairs of features to the counts of all.

    Parameters
    ----------
    codes : uint8 (n, m), n below 2^32; every code must be one that its feature has (unchecked).
    sizes : L of each feature.
    pairs : int64 (N, 2), features; i and i for the marginal of a feature.
    out : int64 (R, R), C order: levels 1 and above of all features. Changed in place, symmetrically.

    Notes
    -----
    Cost: N n increments of 32-bit counters that stay in the first- or second-level cache, and N L_i L_j writes.

    Examples
    --------
    >>> out = np.zeros((3, 3), np.int64)
    >>> add_histograms(np.array([[1, 2], [1, 2], [0, 1]], np.uint8), (2, 3), np.array([[0, 1]]), out)
    >>> out.tolist()
    [[0, 0, 2], [0, 0, 0], [2, 0, 0]]
    """
    widths, offsets = np.asarray(sizes, np.int64), offsets_of(sizes)
    largest = int(np.max(widths, initial=1)) ** 2
    flat, counts = np.asfortranarray(codes).T.reshape(-1), out.reshape(-1)

    def work(parts: Iterator[int]) -> None:
        table = np.empty(max(largest, SMALL * COPIES), np.uint32)
        for first in parts:
            last = min(first + PAIRS, len(pairs))
            _count_pairs(flat, len(codes), pairs, first, last, widths, offsets, table, counts, len(out))

    spread(work, range(0, len(pairs), PAIRS), float(len(pairs)) * len(codes) * 16)
