"""Counts of all pairs of levels, exactly: bit planes where levels are few, histograms where they are many.

``tests/oracles.py`` holds the slow twins. Letters beyond those of :mod:`credenza.contracts`: R = K - m, the levels of
all features but the first of each, which follows from the margins.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from credenza.association.histogram import add_histograms
from credenza.association.packing import ROWS, offsets_of, pack_booleans, pack_codes
from credenza.association.tiles import Words, count, wide
from credenza.contracts import IntArray
from credenza.errors import InputError

__all__ = [
    "check_codes",
    "cross_counts",
    "inner_counts",
    "pack_booleans",
    "pack_codes",
    "pair_counts",
    "pair_inner",
    "restore",
]

# Nanoseconds on one core of 2024 (of their ratios alone anything depends): a word of two planes ANDed and counted, with
# a vector population count and without; a word packed; a row of two features counted, a cell of their table added.
PAIR_WORD, PAIR_WORD_NARROW, PACKED_WORD, HISTOGRAM_ROW, HISTOGRAM_CELL = 0.12, 0.6, 3.0, 1.2, 6.0
FEW = 8  # levels up to which planes are cheaper on any machine

Plan = tuple[tuple[int, ...], tuple[int, ...], bool]


def check_codes(codes: NDArray[np.uint8], sizes: Sequence[int]) -> None:
    """Refuse codes that the levels do not fit; cost n m / 64.

    Raises
    ------
    InputError : another number of features, or a code beyond its feature's levels.
    """
    if codes.ndim != 2 or codes.shape[1] != len(sizes):
        raise InputError(f"codes of shape {codes.shape} for {len(sizes)} features: one column a feature")
    beyond = codes.max(axis=0, initial=0) >= np.asarray(sizes)
    if len(codes) and beyond.any():
        worst = int(np.argmax(beyond))
        found, levels = int(codes[:, worst].max()), sizes[worst]
        raise InputError(
            f"code {found} in column {worst}, which has {levels} levels: codes run from 0 to {levels - 1}"
        )


def inner_counts(planes: Words, onto: IntArray | None = None) -> IntArray:
    """Rows that each two planes share.

    Parameters
    ----------
    planes : uint64 (R, words), see :func:`pack_codes`. onto : int64 (R, R), symmetric, to add to; zeros by default.

    Returns
    -------
    int64 (R, R), symmetric; a new array.

    Notes
    -----
    Cost: R^2 words / 2 ANDs and population counts, on all cores where that takes milliseconds; memory beyond the
    result: about 1 MB a core.

    Examples
    --------
    >>> inner_counts(np.array([[0b0111], [0b1101]], np.uint64)).tolist()
    [[3, 2], [2, 3]]
    """
    out = _copied(onto, (len(planes),) * 2)
    planes = np.ascontiguousarray(planes)
    count(planes, planes, out, mirrored=True)
    return out


def cross_counts(planes_a: Words, planes_b: Words) -> IntArray:
    """Rows that a plane of one set and a plane of another share.

    Parameters
    ----------
    planes_a, planes_b : uint64 (Ra, words) and (Rb, words), of the same rows.

    Returns
    -------
    int64 (Ra, Rb)

    Raises
    ------
    InputError : planes of differing lengths.

    Notes
    -----
    Cost: Ra Rb words ANDs and population counts; as :func:`inner_counts` otherwise.

    Examples
    --------
    >>> cross_counts(np.array([[0b0111]], np.uint64), np.array([[0b1101], [0b0010]], np.uint64)).tolist()
    [[2, 1]]
    """
    if planes_a.shape[1] != planes_b.shape[1]:
        words = planes_a.shape[1], planes_b.shape[1]
        raise InputError(f"planes of {words[0]} and {words[1]} words: give planes of the same rows")
    out = np.zeros((len(planes_a), len(planes_b)), np.int64)
    count(np.ascontiguousarray(planes_a), np.ascontiguousarray(planes_b), out, mirrored=False)
    return out


def _copied(onto: IntArray | None, shape: tuple[int, int]) -> IntArray:
    return np.zeros(shape, np.int64) if onto is None else np.array(onto, np.int64, order="C")


@lru_cache(maxsize=64)
def plan(sizes: tuple[int, ...], rows: int, vectors: bool) -> Plan:
    """Features to count by planes, features to count by histograms, and whether planes count the pairs across.

    Every number of levels is tried as the border between the two groups. With word pairs w = n / 64, levels
    r = sum (L - 1) of a group, f features and s = sum L, the costs are

        planes:     PACKED_WORD r w and PAIR_WORD r^2 w / 2 within a group, PAIR_WORD r r' w across
        histograms: HISTOGRAM_ROW n + HISTOGRAM_CELL L L' a pair, f (f + 1) / 2 pairs within a group, f f' across

    The constants were measured on one core by timing each kernel at 65,536 rows and 2 to 256 levels; the border lies
    near 24 levels where the machine has a vector population count, near 12 without.
    """
    levels, words = np.asarray(sizes, float), rows / ROWS
    each = PAIR_WORD if vectors else PAIR_WORD_NARROW
    options = []
    for border in sorted({*sizes, FEW}):
        few = levels <= border
        r, q = float((levels[few] - 1).sum()), float((levels[~few] - 1).sum())
        f, g = int(few.sum()), int((~few).sum())
        s, t = float(levels[few].sum()), float(levels[~few].sum())
        within = PACKED_WORD * r * words + each * r * r * words / 2
        histograms = HISTOGRAM_ROW * rows * g * (g + 1) / 2 + HISTOGRAM_CELL * t * t / 2
        by_planes = q * words * (PACKED_WORD + each * r)
        by_histograms = HISTOGRAM_ROW * rows * f * g + HISTOGRAM_CELL * s * t
        options.append(
            (within + histograms + min(by_planes, by_histograms), border, by_planes <= by_histograms)
        )
    _, border, across = min(options)
    few_features = tuple(j for j, size in enumerate(sizes) if size <= border)
    return few_features, tuple(j for j, size in enumerate(sizes) if size > border), across


def pair_inner(codes: NDArray[np.uint8], sizes: Sequence[int], onto: IntArray | None = None) -> IntArray:
    """Rows that have two levels, for all levels but the first of each feature.

    Parameters
    ----------
    codes : uint8 (n, m), best in Fortran order, ``codes[r, j] < sizes[j]``. sizes : L of each feature.
    onto : int64 (R, R), counts to add to; zeros by default.

    Returns
    -------
    int64 (R, R), R = sum of L - 1: symmetric, diagonal within a feature; a new array.

    Raises
    ------
    InputError : codes that the levels do not fit.

    Notes
    -----
    Groups of features with few levels are counted by :func:`inner_counts`, others by joint histograms, whichever
    :func:`plan` expects to cost less: R^2 n / 128 word operations, or m^2 n / 2 increments.

    Examples
    --------
    >>> pair_inner(np.array([[0, 2], [1, 1], [1, 0]], np.uint8), (2, 3)).tolist()
    [[2, 1, 0], [1, 1, 0], [0, 0, 1]]
    """
    sizes = tuple(int(size) for size in sizes)
    check_codes(codes, sizes)
    codes = np.asfortranarray(codes)
    if max(sizes, default=0) > FEW:
        chosen = plan(sizes, 1 << len(codes).bit_length(), wide())
        if chosen[1]:
            return _mixed(codes, sizes, chosen, onto)
    return inner_counts(pack_codes(codes, sizes), onto)


def _mixed(codes: NDArray[np.uint8], sizes: tuple[int, ...], chosen: Plan, onto: IntArray | None) -> IntArray:
    """Counts by planes within the first group, by histograms within the second, by either across."""
    few, many, across = chosen
    offsets = offsets_of(sizes)
    out = _copied(onto, (int(offsets[-1]),) * 2)
    owner = np.repeat(np.arange(len(sizes)), np.diff(offsets))
    here, there = (np.flatnonzero(np.isin(owner, group)) for group in (few, many))
    planes = pack_codes(codes, sizes, few)
    out[np.ix_(here, here)] += inner_counts(planes)
    some, rest = np.array(few, np.int64), np.array(many, np.int64)
    pairs = np.stack([rest[side] for side in np.triu_indices(len(rest))], axis=1)
    if across:
        cross = cross_counts(planes, pack_codes(codes, sizes, many))
        out[np.ix_(here, there)] += cross
        out[np.ix_(there, here)] += cross.T
    else:
        pairs = np.concatenate(
            [pairs, np.stack([np.repeat(some, len(rest)), np.tile(rest, len(some))], axis=1)]
        )
    add_histograms(codes, sizes, pairs, out)
    return out


def restore(inner: IntArray, sizes: Sequence[int], rows: int) -> IntArray:
    """Add level 0 of every feature to the counts of its other levels: the margin less their sum.

    Parameters
    ----------
    inner : int64 (R, R), see :func:`pair_inner`. sizes : L of each feature. rows : n.

    Returns
    -------
    int64 (K, K): entry (p, q) is the number of rows that have level p and level q; diagonal within a feature.

    Notes
    -----
    Cost: O(K^2), some nanoseconds an entry.

    Examples
    --------
    >>> restore(np.array([[2, 1], [1, 3]]), (2, 2), 5).tolist()
    [[3, 0, 1, 2], [0, 2, 1, 1], [1, 1, 2, 0], [2, 1, 0, 3]]
    """
    widths, offsets = np.asarray(sizes, np.int64), offsets_of(sizes)
    starts = offsets[:-1] + np.arange(len(widths))  # level 0 of each feature among all K levels
    kept = np.delete(np.arange(int(widths.sum())), starts)
    margins = np.diag(inner)
    zero = rows - _feature_sums(margins[:, None], widths, offsets)  # (m, 1)
    first = margins - _feature_sums(inner, widths, offsets)  # (m, R) rows with level 0 and another level
    corner = zero - _feature_sums(first.T, widths, offsets).T  # (m, m) rows with level 0 of two features
    order = np.argsort(np.concatenate([starts, kept]))
    out = np.empty((len(order),) * 2, np.int64)
    out[starts] = np.take(np.concatenate([corner, first], axis=1), order, axis=1)
    out[kept] = np.take(np.concatenate([first.T, inner], axis=1), order, axis=1)
    return out


def _feature_sums(counts: IntArray, widths: IntArray, offsets: IntArray) -> IntArray:
    """Sums (m, ...) over the levels of each feature beyond its first, of counts (R, ...)."""
    if len(widths) and (widths == 2).all():  # one such level a feature: nothing to add up
        return counts
    out = np.zeros((len(widths), *counts.shape[1:]), np.int64)
    several = widths > 1
    if several.any():
        out[several] = np.add.reduceat(counts, offsets[:-1][several], axis=0)
    return out


def pair_counts(codes: NDArray[np.uint8], sizes: tuple[int, ...]) -> IntArray:
    """Count how often each two levels occur in one row: :func:`restore` of :func:`pair_inner`, int64 (K, K)."""
    return restore(pair_inner(codes, sizes), sizes, len(codes))
