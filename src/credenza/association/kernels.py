"""Compiled loops that touch rows: bit planes, AND + population count, and weighted co-occurrence.

Everything here is compiled once by numba and cached on disk. ``tests/oracles.py`` holds the slow twins.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from credenza.contracts import FloatArray, IntArray

TILE = 4  # planes a side of the register tile
WORD_BLOCK = 2048  # words of one plane held in cache while a row of tiles is counted


def _popcount(typingctx, word):  # type: ignore[no-untyped-def]
    """Count the set bits of an unsigned 64-bit word (one machine instruction)."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), codegen


popcount: Any = intrinsic(_popcount)


@njit(cache=True, nogil=True)
def _pack_binary(column: NDArray[np.uint8], plane: NDArray[np.uint64]) -> None:
    """Pack a column of zeros and ones a word at a time, without a branch."""
    whole = column.size // 64
    for w in range(whole):
        word = np.uint64(0)
        for k in range(64):
            word |= np.uint64(column[64 * w + k]) << np.uint64(k)
        plane[w] = word
    for row in range(64 * whole, column.size):
        plane[whole] |= np.uint64(column[row]) << np.uint64(row & 63)


@njit(cache=True, nogil=True)
def pack_planes(codes: NDArray[np.uint8], offsets: IntArray, planes: NDArray[np.uint64]) -> None:
    """Set bit (row mod 64) of word (row div 64) of plane ``offsets[j] + codes[row, j] - 1`` unless the code is 0.

    Level 0 of each feature has no plane: its counts follow from the margins.
    """
    rows, features = codes.shape
    for j in range(features):
        column = codes[:, j]
        base = offsets[j] - 1
        if offsets[j + 1] - offsets[j] == 1:
            _pack_binary(column, planes[offsets[j]])
            continue
        for row in range(rows):
            code = column[row]
            if code:
                planes[base + code, row >> 6] |= np.uint64(1) << np.uint64(row & 63)


@njit(cache=True, nogil=True)
def _tile(a0, a1, a2, a3, b0, b1, b2, b3, out):  # type: ignore[no-untyped-def]
    """Add the sixteen population counts of a 4 x 4 tile; the views are contiguous and equally long."""
    s = np.zeros(16, np.uint64)
    c00 = c01 = c02 = c03 = np.uint64(0)
    c10 = c11 = c12 = c13 = np.uint64(0)
    c20 = c21 = c22 = c23 = np.uint64(0)
    c30 = c31 = c32 = c33 = np.uint64(0)
    for w in range(a0.size):
        x0, x1, x2, x3 = a0[w], a1[w], a2[w], a3[w]
        y0, y1, y2, y3 = b0[w], b1[w], b2[w], b3[w]
        c00 += popcount(x0 & y0)
        c01 += popcount(x0 & y1)
        c02 += popcount(x0 & y2)
        c03 += popcount(x0 & y3)
        c10 += popcount(x1 & y0)
        c11 += popcount(x1 & y1)
        c12 += popcount(x1 & y2)
        c13 += popcount(x1 & y3)
        c20 += popcount(x2 & y0)
        c21 += popcount(x2 & y1)
        c22 += popcount(x2 & y2)
        c23 += popcount(x2 & y3)
        c30 += popcount(x3 & y0)
        c31 += popcount(x3 & y1)
        c32 += popcount(x3 & y2)
        c33 += popcount(x3 & y3)
    s[0], s[1], s[2], s[3] = c00, c01, c02, c03
    s[4], s[5], s[6], s[7] = c10, c11, c12, c13
    s[8], s[9], s[10], s[11] = c20, c21, c22, c23
    s[12], s[13], s[14], s[15] = c30, c31, c32, c33
    for i in range(4):
        for j in range(4):
            out[i, j] += np.int64(s[4 * i + j])


@njit(cache=True, nogil=True)
def count_tiles(planes: NDArray[np.uint64], first: int, step: int, out: IntArray) -> None:
    """Fill the upper block triangle of ``out`` (R x R, R a multiple of 4) for tile rows first, first + step, ...

    Cost: R^2 / 2 x words AND + population counts; words go through the cache in blocks.
    """
    planes_count, words = planes.shape
    tiles = planes_count // 4
    for start in range(0, words, WORD_BLOCK):
        stop = min(start + WORD_BLOCK, words)
        for ti in range(first, tiles, step):
            i = 4 * ti
            a0, a1 = planes[i, start:stop], planes[i + 1, start:stop]
            a2, a3 = planes[i + 2, start:stop], planes[i + 3, start:stop]
            for tj in range(ti, tiles):
                j = 4 * tj
                _tile(
                    a0,
                    a1,
                    a2,
                    a3,
                    planes[j, start:stop],
                    planes[j + 1, start:stop],
                    planes[j + 2, start:stop],
                    planes[j + 3, start:stop],
                    out[i : i + 4, j : j + 4],
                )


def pair_counts(codes: NDArray[np.uint8], sizes: tuple[int, ...]) -> IntArray:
    """Count how often each two levels occur in one row.

    Parameters
    ----------
    codes : uint8 array (n, m), ``codes[r, j] < sizes[j]``.
    sizes : levels of each feature.

    Returns
    -------
    int64 array (K, K), K = sum(sizes): entry (p, q) is the number of rows that have level p and level q. Within a
    feature the matrix is diagonal.

    Notes
    -----
    Cost: (K - m)^2 n / 128 AND + population counts, in registers, on all cores for large inputs.
    """
    rows = len(codes)
    offsets = np.concatenate(([0], np.cumsum(np.asarray(sizes, np.int64) - 1)))
    used = int(offsets[-1])
    planes = np.zeros((-(-max(used, 1) // TILE) * TILE, -(-max(rows, 1) // 64)), np.uint64)
    pack_planes(codes, offsets, planes)
    inner = np.zeros((len(planes), len(planes)), np.int64)
    workers = min(os.cpu_count() or 1, 8) if planes.size * len(planes) > 2**24 else 1
    if workers == 1:
        count_tiles(planes, 0, 1, inner)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda k: count_tiles(planes, k, workers, inner), range(workers)))
    inner = np.triu(inner[:used, :used])
    inner += np.triu(inner, 1).T
    return _restore_first_levels(inner, sizes, rows)


def _restore_first_levels(inner: IntArray, sizes: tuple[int, ...], rows: int) -> IntArray:
    """Add the rows and columns of every feature's level 0: the margin less the sum over the feature's other levels."""
    total = int(sum(sizes))
    out = np.zeros((total, total), np.int64)
    if not sizes:
        return out
    starts = np.concatenate(([0], np.cumsum(sizes)))[:-1].astype(np.int64)
    kept = np.setdiff1d(np.arange(total), starts)
    out[np.ix_(kept, kept)] = inner
    margin = np.zeros(total, np.int64)
    margin[kept] = np.diag(inner)
    margin[starts] = rows - np.add.reduceat(margin, starts)
    first = margin - np.add.reduceat(out, starts, axis=0)
    first[:, starts] = 0
    first[:, starts] = margin[starts][:, None] - np.add.reduceat(first, starts, axis=1)
    out[starts, :] = first
    out[:, starts] = first.T
    out[starts, starts] = margin[starts]
    return out


@njit(cache=True, nogil=True)
def _add_weights(codes: NDArray[np.uint8], starts: IntArray, weights: FloatArray, out: FloatArray) -> None:
    """Add every row's weight to the entries of its level pairs, upper block triangle."""
    rows, features = codes.shape
    for i in range(features):
        for j in range(i, features):
            for row in range(rows):
                out[starts[i] + codes[row, i], starts[j] + codes[row, j]] += weights[row]


def weighted_pair_counts(codes: NDArray[np.uint8], sizes: tuple[int, ...], weights: FloatArray) -> FloatArray:
    """Sum the weights of the rows that have level p and level q, for all p and q.

    The same as :func:`pair_counts` when all weights are 1, in float64; symmetric, (K, K). Cost: n m^2 / 2 additions in
    one compiled loop, the same sum on every machine.
    """
    total = int(sum(sizes))
    starts = np.concatenate(([0], np.cumsum(sizes)))[:-1].astype(np.int64)
    out = np.zeros((total, total))
    _add_weights(np.asfortranarray(codes), starts, np.ascontiguousarray(weights, np.float64), out)
    upper = np.triu(out)
    return np.asarray(upper + np.triu(upper, 1).T)
