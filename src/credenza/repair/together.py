"""Several pairs at once: which rows go and which come, so that one exchange meets all of their tables.

Replacing rows for one pair inside strata of the others keeps the others' tables, and distorts what goes with both. An
attack that moves one pair after the other multiplies the joint of all their features by a factor for each cell of each
pair's table, and keeps P(all else | pairs). Its mirror is the exchange that takes that joint to the one of this form
(the nearest in Kullback-Leibler divergence) that has the tables wanted. The tables between the pairs follow: what the
attack dragged along in them goes back too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from credenza.contracts import FloatArray, IntArray
from credenza.data.encode import Codes
from credenza.repair.board import combinations
from credenza.repair.slices import BoolArray

SWEEPS = 200
NEAR = 0.05  # rows by which a raked table may be off
LARGEST = 5_000  # combinations of levels beyond which pairs are better done one by one
NODES = 200  # of the search for whole counts
GAP = 0.01  # how far from the best they may be
SNAP = 1e-9
Pair = tuple[int, int]


def exchange(
    codes: dict[int, Codes],
    spare: dict[int, Codes],
    inside: BoolArray,
    unspent: BoolArray,
    goals: Sequence[tuple[Pair, IntArray]],
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray]:
    """Rows that go and rows of the hold-out that take their places.

    Parameters
    ----------
    codes, spare : codes of all features of the pairs, of the data (n,) and the hold-out (h,).
    inside, unspent : rows of either that may be exchanged.
    goals : ((a, b), whole counts wanted) of each pair, all with the same total.
    rng : of the draws.

    Returns
    -------
    rows, donors, shape (k,) each, by which all tables are met exactly; empty where the hold-out allows no such
    exchange, or the features have more than 5,000 combinations.

    Notes
    -----
    Raking of the counts of all combinations that occur, then an integer program for the nearest whole ones. Cost:
    O(sweeps x combinations), and the program: milliseconds for hundreds of combinations, seconds for thousands.

    Examples
    --------
    >>> data = {0: np.array([0, 0, 1, 1] * 5, np.uint8), 1: np.array([0, 0, 1, 1] * 5, np.uint8)}
    >>> other = {0: np.array([0, 0, 1, 1] * 5, np.uint8), 1: np.array([0, 1, 0, 1] * 5, np.uint8)}
    >>> every = np.ones(20, bool)
    >>> even = [((0, 1), np.array([[8, 2], [2, 8]]))]
    >>> rows, donors = exchange(data, other, every, every, even, np.random.default_rng(0))
    >>> len(rows), (other[0][donors] != other[1][donors]).all()
    (4, np.True_)
    """
    features = sorted(codes)
    n = len(inside)
    stacked = {f: np.concatenate([codes[f], spare[f]]) for f in features}
    usable = np.concatenate([inside, unspent])
    for (a, b), wanted in goals:
        usable &= (stacked[a] < wanted.shape[0]) & (stacked[b] < wanted.shape[1])
    at = np.flatnonzero(usable)
    numbers = combinations([stacked[f][at] for f in features], len(at))
    first = np.unique(numbers, return_index=True)[1]
    cells = [
        stacked[a][at[first]].astype(np.int64) * wanted.shape[1] + stacked[b][at[first]]
        for (a, b), wanted in goals
    ]
    own, others = numbers[at < n], numbers[at >= n]
    found = np.bincount(own, minlength=len(first))
    there = np.bincount(others, minlength=len(first))
    targets = [wanted.ravel() for _, wanted in goals]
    none = np.zeros(0, dtype=np.int64)
    if len(first) > LARGEST:
        return none, none
    whole = _whole(_raked(found, there, cells, targets), found + there, cells, targets)
    if whole is None:
        return none, none
    rows = _drawn(at[at < n], own, np.maximum(found - whole, 0), rng)
    donors = _drawn(at[at >= n] - n, others, np.maximum(whole - found, 0), rng)
    return rows, rng.permutation(donors)


def _raked(
    found: IntArray, there: IntArray, cells: Sequence[IntArray], targets: Sequence[IntArray]
) -> FloatArray:
    """Counts of combinations with the pair tables wanted, as the hold-out goes where the data has no row at all."""
    out = found.astype(np.float64)
    for cell, target in zip(cells, targets, strict=True):
        empty = (np.bincount(cell, out, len(target)) == 0) & (target > 0)
        out += np.where(empty[cell], there, 0.0)
    most = (found + there).astype(np.float64)
    for _ in range(SWEEPS):
        off = 0.0
        for cell, target in zip(cells, targets, strict=True):
            sums = np.bincount(cell, out, len(target))
            off = max(off, float(np.abs(sums - target).max()))
            out *= np.divide(target, sums, out=np.ones(len(target)), where=sums > 0)[cell]
        out = np.minimum(out, most)
        if off < NEAR:
            break
    return out


def _whole(
    wanted: FloatArray, most: IntArray, cells: Sequence[IntArray], targets: Sequence[IntArray]
) -> IntArray | None:
    """Whole counts with exactly the tables wanted, at the least total distance; None where there are none."""
    low, width = np.floor(wanted + SNAP), len(wanted)
    tables = [
        sparse.csr_array((np.ones(width), (cell, np.arange(width))), shape=(len(target), width))
        for cell, target in zip(cells, targets, strict=True)
    ]
    both = sparse.vstack(tables, format="csr")
    needed = np.concatenate(targets) - both @ low
    over = wanted - low
    solved = milp(  # a rise of one, cheap where the count was nearly one more; a further rise; a fall
        np.concatenate([1.0 - 2.0 * over, np.ones(width), 1.0 + 2.0 * over]),
        constraints=LinearConstraint(sparse.hstack([both, both, -both]), needed, needed),
        integrality=np.ones(3 * width),
        bounds=Bounds(0, np.concatenate([np.minimum(1, most - low), np.maximum(most - low - 1, 0), low])),
        options={"node_limit": NODES, "mip_rel_gap": GAP},
    )
    if solved.x is None:
        return None
    one, more, fall = np.rint(solved.x).astype(np.int64).reshape(3, width)
    return np.asarray(low.astype(np.int64) + one + more - fall)


def _drawn(rows: IntArray, numbers: IntArray, counts: IntArray, rng: np.random.Generator) -> IntArray:
    """So many rows of each combination, at random."""
    mixed = rng.permutation(len(rows))
    order = mixed[np.argsort(numbers[mixed], kind="stable")]
    starts = np.concatenate([[0], np.cumsum(np.bincount(numbers, minlength=len(counts)))])
    rank = np.arange(len(order)) - starts[numbers[order]]
    return np.asarray(rows[order[rank < counts[numbers[order]]]])
