"""Likelihood-ratio test of no three-way interaction (sample x A x B) for tables larger than 2x2.

Two samples share the association of A and B, margins free, when E[s, i, j] has the margins (s, i), (s, j) and (i, j)
of the counts and no interaction of all three. Iterative proportional fitting finds E; G^2 = 2 sum O ln(O / E) is
chi-square with (r - 1)(c - 1) degrees of freedom. Where cells are empty in both samples there are fewer: the seen
cells less the odds that the margins already fix (Bishop, Fienberg & Holland 1975, ch. 3 and 5).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from credenza.association.probes import Layout
from credenza.association.tails import chi2_log_sf
from credenza.contracts import FloatArray, IntArray

MIN_COUNT = 20.0  # levels with fewer counts in either sample are pooled before the test
MAX_ROUNDS = 200
TOLERANCE = 1e-7  # of the total, on the largest margin error


@njit(cache=True, nogil=True)
def _fit(o: FloatArray, e: FloatArray) -> None:
    """Fit ``e`` (2, r, c) to the three two-way margins of ``o``, in place."""
    _, r, c = o.shape
    total = o.sum()
    both = o[0] + o[1]
    for s in range(2):
        e[s] = both * (o[s].sum() / max(total, 1e-300))
    for _ in range(MAX_ROUNDS):
        worst = 0.0
        for s in range(2):
            for i in range(r):
                want, have = o[s, i].sum(), e[s, i].sum()
                if have > 0.0:
                    worst = max(worst, abs(want - have))
                    e[s, i] *= want / have
            for j in range(c):
                want, have = o[s, :, j].sum(), e[s, :, j].sum()
                if have > 0.0:
                    worst = max(worst, abs(want - have))
                    e[s, :, j] *= want / have
        for i in range(r):
            for j in range(c):
                have = e[0, i, j] + e[1, i, j]
                if have > 0.0:
                    f = both[i, j] / have
                    worst = max(worst, abs(both[i, j] - have))
                    e[0, i, j] *= f
                    e[1, i, j] *= f
        if worst < TOLERANCE * total:
            break


@njit(cache=True, nogil=True)
def _freedom(both: FloatArray) -> int:
    """Independent cycles of the graph that joins row i with column j where either sample has cell (i, j).

    Equals cells - rows - columns + connected pieces; a full table has (r - 1)(c - 1). Features that are missing
    together make two pieces: the cell of both missing, and the rest with margins of its own.
    """
    r, c = both.shape
    parent = np.arange(r + c)
    freedom = 0
    for x in range(r):
        for y in range(c):
            if both[x, y] > 0.0:
                a, b = x, r + y
                while parent[a] != a:
                    a = parent[a]
                while parent[b] != b:
                    b = parent[b]
                if a == b:
                    freedom += 1
                else:
                    parent[a] = b
    return freedom


@njit(cache=True, nogil=True)
def _statistics(
    ref: FloatArray, sus: FloatArray, starts: IntArray, i: IntArray, j: IntArray, out: FloatArray
) -> None:
    """Fill ``out`` (N, 2) with G^2 and degrees of freedom for the feature pairs (i[k], j[k])."""
    for k in range(len(i)):
        a0, a1, b0, b1 = starts[i[k]], starts[i[k] + 1], starts[j[k]], starts[j[k] + 1]
        o = np.empty((2, a1 - a0, b1 - b0))
        o[0] = ref[a0:a1, b0:b1]
        o[1] = sus[a0:a1, b0:b1]
        e = np.empty_like(o)
        _fit(o, e)
        g = 0.0
        for x in range(o.shape[1]):
            for y in range(o.shape[2]):
                for s in range(2):
                    if o[s, x, y] > 0.0 and e[s, x, y] > 0.0:
                        g += o[s, x, y] * np.log(o[s, x, y] / e[s, x, y])
        out[k, 0] = max(0.0, 2.0 * g)
        out[k, 1] = _freedom(o[0] + o[1])


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


def pooled(ref: FloatArray, sus: FloatArray, layout: Layout) -> tuple[FloatArray, FloatArray, IntArray]:
    """Pool both (K, K) matrices alike; returns them with the starts (m + 1,) of the pooled features."""
    margin_ref, margin_sus = np.diag(ref), np.diag(sus)
    columns, starts = np.empty(layout.planes, np.int64), np.zeros(layout.features + 1, np.int64)
    for f in range(layout.features):
        part = slice(layout.starts[f], layout.starts[f + 1])
        groups = pool_levels(margin_ref[part], margin_sus[part], layout.ordered[f])
        columns[part] = starts[f] + groups
        starts[f + 1] = starts[f] + groups.max() + 1
    gather = np.zeros((starts[-1], layout.planes))
    gather[columns, np.arange(layout.planes)] = 1.0
    return gather @ ref @ gather.T, gather @ sus @ gather.T, starts


def no_interaction(
    ref: FloatArray, sus: FloatArray, layout: Layout, pairs: IntArray
) -> tuple[FloatArray, FloatArray]:
    """G^2 of no three-way interaction for chosen pairs.

    Parameters
    ----------
    ref, sus : pair-count matrices (K, K), float; the suspect's may be scaled to its effective sample size.
    layout : levels and order of the features.
    pairs : positions in ``layout.pairs``, shape (N,).

    Returns
    -------
    (log p, degrees of freedom), each (N,). Where pooling leaves a feature a single level, log p is 0 and df 0.

    Notes
    -----
    Cost: some tens of sweeps over 2 r c cells a pair. Levels with fewer than 20 counts in either sample are pooled.
    """
    ref, sus, starts = pooled(ref, sus, layout)
    i, j = layout.pairs
    out = np.zeros((len(pairs), 2))
    _statistics(ref, sus, starts, i[pairs], j[pairs], out)
    df = out[:, 1].copy()
    log_p = np.where(df > 0, chi2_log_sf(out[:, 0], np.maximum(df, 1.0)), 0.0)
    return log_p, df
