"""Likelihood-ratio test of no three-way interaction (sample x A x B) for tables larger than 2x2.

Two samples share the association of A and B, margins free, when E[s, i, j] has the margins (s, i), (s, j) and (i, j)
of the counts and no interaction of all three. Iterative proportional fitting finds E; G^2 = 2 sum O ln(O / E) is
chi-square with (r - 1)(c - 1) degrees of freedom. Where cells are empty in both samples there are fewer: the seen
cells less the odds that the margins already fix (Bishop, Fienberg & Holland 1975, ch. 3 and 5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from credenza.association.probes import Layout
from credenza.association.rectangle import Rectangle, in_threads
from credenza.association.samples import BlockSample, Counts
from credenza.association.tails import chi2_log_sf
from credenza.contracts import FloatArray, IntArray

MIN_COUNT = 20.0  # levels with fewer counts in either sample are pooled before the test
MAX_ROUNDS = 200
BoolArray = NDArray[np.bool_]
CELLS = 2**16  # cells that one thread works on at a time
TOLERANCE = 1e-7  # of the total, on the largest margin error


@njit(cache=True, nogil=True, error_model="numpy")
def _scale(o, e, first, stop, step):  # type: ignore[no-untyped-def]
    """Scale one margin of ``e`` to that of ``o``; returns how far it was off."""
    want = have = 0.0
    for k in range(first, stop, step):
        want += o[k]
        have += e[k]
    if have <= 0.0:
        return 0.0
    factor = want / have
    for k in range(first, stop, step):
        e[k] *= factor
    return abs(want - have)


@njit(cache=True, nogil=True, error_model="numpy")
def _fit(o, e, first, width, limit):  # type: ignore[no-untyped-def]
    """Fit ``e`` to the three two-way margins of ``o`` in turn, table by table, in place.

    Both hold the cells of N tables row by row, first all of the reference's, then all of the suspect's. Table k has the
    cells from ``first[k]`` to ``first[k + 1]`` in rows of ``width[k]``; ``limit[k]`` is the error that is good enough.
    """
    half = len(o) // 2
    for k in range(len(width)):
        for _ in range(MAX_ROUNDS):
            worst = 0.0
            for s in range(2):
                start, stop, c = s * half + first[k], s * half + first[k + 1], width[k]
                for x in range(start, stop, c):
                    worst = max(worst, _scale(o, e, x, x + c, 1))
                for y in range(start, start + c):
                    worst = max(worst, _scale(o, e, y, stop, c))
            for x in range(first[k], first[k + 1]):
                worst = max(worst, _scale(o, e, x, x + half + 1, half))
            if worst < limit[k]:
                break


def _freedom(seen: BoolArray, tables: _Tables) -> IntArray:
    """Independent cycles of the graph that joins row x with column y where either sample has cell (x, y), by table.

    Equals cells - rows - columns + connected pieces; a full table has (r - 1)(c - 1). Features that are missing
    together make two pieces: the cell of both missing, and the rest with margins of its own.
    """
    out = (tables.r - 1) * (tables.c - 1)
    ragged = np.bincount(tables.table, weights=~seen, minlength=len(out)) > 0
    table, x, y = (k[seen & ragged[tables.table]] for k in (tables.table, tables.row, tables.column))
    nodes = np.cumsum(tables.r + tables.c)
    first = nodes - tables.r - tables.c
    a, b = first[table] + x, first[table] + tables.r[table] + y
    piece, before = np.arange(nodes[-1]), np.empty(0)
    while not np.array_equal(piece, before):
        before = piece.copy()
        low = np.minimum(piece[a], piece[b])
        np.minimum.at(piece, a, low)
        np.minimum.at(piece, b, low)
    used = np.zeros(nodes[-1], bool)
    used[a] = used[b] = True
    head = used & (piece == np.arange(nodes[-1]))
    owner = np.repeat(np.arange(len(out)), tables.r + tables.c)
    cells, vertices, pieces = (np.bincount(k, minlength=len(out)) for k in (table, owner[used], owner[head]))
    return np.where(ragged, cells - vertices + pieces, out)


def pool_levels(
    margin_ref: FloatArray, margin_sus: FloatArray, ordered: int, least: float = MIN_COUNT
) -> IntArray:
    """Merge the sparse levels of one feature.

    Parameters
    ----------
    margin_ref, margin_sus : counts of each level, shape (L,).
    ordered : leading levels that merge with a neighbour only; the others merge with each other.
    least : counts that a level needs in both samples.

    Returns
    -------
    int array (L,): the pooled level of each level, 0, 1, ... without gaps.

    Examples
    --------
    >>> pool_levels(np.array([50.0, 3, 40, 9]), np.array([50.0, 30, 40, 9]), 0).tolist()
    [0, 1, 1, 1]
    >>> pool_levels(np.array([50.0, 3, 40, 9]), np.array([50.0, 30, 40, 9]), 4).tolist()
    [0, 1, 1, 1]
    """
    low = np.minimum(margin_ref, margin_sus)
    groups: list[list[int]] = []
    open_group: list[int] = []
    for k in range(ordered):
        open_group.append(k)
        if low[open_group].sum() >= least:
            groups.append(open_group)
            open_group = []
    if groups:
        groups[-1] += open_group
        open_group = []
    sparse = open_group + [k for k in range(ordered, len(low)) if low[k] < least]
    groups += [[k] for k in range(ordered, len(low)) if low[k] >= least]
    if sparse:
        if low[sparse].sum() >= least or not groups:
            groups.append(sparse)
        else:
            min(groups, key=lambda g: float(low[g].sum())).extend(sparse)
    out = np.empty(len(low), np.int64)
    for new, group in enumerate(groups):
        out[group] = new
    return out


def pooled(margin_ref: FloatArray, margin_sus: FloatArray, layout: Layout) -> tuple[IntArray, IntArray]:
    """Pool the levels of every feature: (pooled level of each plane (K,), pooled levels of each feature (m,))."""
    if not layout.planes:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    starts = layout.starts[:-1]
    groups, levels = (
        np.arange(layout.planes) - np.repeat(starts, layout.sizes),
        np.array(layout.sizes, np.int64),
    )
    least = np.minimum.reduceat(np.minimum(margin_ref, margin_sus), starts)
    for f in np.flatnonzero(least < MIN_COUNT):
        part = slice(layout.starts[f], layout.starts[f + 1])
        groups[part] = pool_levels(margin_ref[part], margin_sus[part], layout.ordered[f])
        levels[f] = groups[part].max() + 1
    return groups, levels


@dataclass(frozen=True)
class _Tables:
    """Cells of N tables of pooled levels, row by row: sizes (N,), and table, row and column of each cell (T,)."""

    r: IntArray
    c: IntArray
    table: IntArray
    row: IntArray
    column: IntArray

    @classmethod
    def of(cls, r: IntArray, c: IntArray) -> _Tables:
        """Tables of r rows and c columns each."""
        table = np.repeat(np.arange(len(r)), r * c)
        local = np.arange(len(table)) - (np.cumsum(r * c) - r * c)[table]
        return cls(r, c, table, local // c[table], local % c[table])


@dataclass(frozen=True)
class _Side:
    """Features of one side: first plane and levels of each (m,), pooled levels of each, pooled level of each plane."""

    starts: IntArray
    sizes: IntArray
    levels: IntArray
    group: IntArray

    @classmethod
    def of(cls, layout: Layout, margin_ref: Counts, margin_sus: Counts) -> _Side:
        """Pool by the counts (K,) of both samples."""
        group, levels = pooled(np.asarray(margin_ref, float), np.asarray(margin_sus, float), layout)
        return cls(layout.starts[:-1], np.array(layout.sizes, np.int64), levels, group)


def _statistics(
    joints: tuple[Counts, Counts], a: _Side, b: _Side, i: IntArray, j: IntArray
) -> tuple[FloatArray, IntArray]:
    """(G^2, degrees of freedom) of the tables of features i with features j, each (N,)."""
    full = _Tables.of(a.sizes[i], b.sizes[j])
    small = _Tables.of(a.levels[i], b.levels[j])
    planes = a.starts[i][full.table] + full.row, b.starts[j][full.table] + full.column
    first = np.concatenate(([0], np.cumsum(small.r * small.c)))
    cell = first[full.table] + a.group[planes[0]] * small.c[full.table] + b.group[planes[1]]
    o = np.stack([np.bincount(cell, weights=joint[planes], minlength=first[-1]) for joint in joints])
    both = o.sum(axis=0)
    size = np.stack([np.bincount(small.table, weights=part, minlength=len(i)) for part in o])
    total = size.sum(axis=0)
    e = np.ascontiguousarray(both * (size / np.maximum(total, 1e-300))[:, small.table])
    _fit(o.ravel(), e.ravel(), first, small.c, TOLERANCE * total)
    known = (o > 0.0) & (e > 0.0)
    g = np.where(known, o * np.log(np.where(known, o, 1.0) / np.where(known, e, 1.0)), 0.0)
    statistic = 2.0 * np.bincount(small.table, weights=g.sum(axis=0), minlength=len(i))
    return np.maximum(statistic, 0.0), _freedom(both > 0.0, small)


def no_interaction(
    pairs: Rectangle, reference: BlockSample, suspect: BlockSample, i: IntArray, j: IntArray
) -> tuple[FloatArray, FloatArray]:
    """G^2 of no three-way interaction for chosen pairs.

    Parameters
    ----------
    pairs : layouts of the features. reference, suspect : counts of their levels.
    i, j : features of each pair, in the first and in the second layout; shape (N,).

    Returns
    -------
    (log p, degrees of freedom), each (N,). Where pooling leaves a feature a single level, log p is 0 and df 0.

    Notes
    -----
    Cost: some tens of sweeps over 2 r c cells a pair, in threads. Levels with fewer than 20 counts in either sample are
    pooled.
    """
    a = _Side.of(pairs.layout_i, reference.margin_i, suspect.margin_i)
    b = _Side.of(pairs.layout_j, reference.margin_j, suspect.margin_j)
    g, df = np.zeros(len(i)), np.zeros(len(i))

    def work(part: slice) -> None:
        g[part], df[part] = _statistics((reference.joint, suspect.joint), a, b, i[part], j[part])

    stops = np.searchsorted(np.cumsum(a.sizes[i] * b.sizes[j]), np.arange(CELLS, CELLS * len(i), CELLS))
    cuts = np.unique(np.concatenate(([0], stops, [len(i)])))
    in_threads(work, [slice(*cut) for cut in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)])
    return np.where(df > 0, chi2_log_sf(g, np.maximum(df, 1.0)), 0.0), df
