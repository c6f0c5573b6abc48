"""Which rows an associative attack edits, and with which donors.

Every edit is a *swap*: two rows i and j, one from each of the two emptied cells, exchange their values of
the second feature. For a positive shift i has (level, other) and j has (other', level); afterwards i has
(level, level) and j has (other', other). A negative shift is the same exchange the other way round. An
exchange cannot change how often a value occurs, so the full marginals of both features stay exact, however
many levels they have. Relabelling writes the exchanged values; replacing and duplicating put a genuine row
with the wanted pair of values in each place, so they need donors for every pair of values that arises.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import maximum_flow

from credenza.contracts import IntArray

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Cells:
    """The rows of one stratum that an attack can work with.

    Attributes
    ----------
    a, b : codes of the two features over all rows (data, then hold-out), -1 for missing; shape (rows,).
    level_a, level_b : the codes that the strength refers to.
    positive : direction of the shift.
    first, second : rows of the two emptied cells: first has ``level_a``, second has not.
    pool : rows that may serve as donors, or None when no donor is needed (relabelling).
    recycle : donors may be used more than once (duplicating).
    shape : one more than the largest code of each feature among the rows of the stratum.
    """

    a: IntArray
    b: IntArray
    level_a: int
    level_b: int
    positive: bool
    first: IntArray
    second: IntArray
    pool: IntArray | None
    recycle: bool
    shape: tuple[int, int]

    @property
    def width(self) -> int:
        """Number of values of the second feature; pairs of values are coded ``a * width + b``."""
        return self.shape[1]

    def donors(self) -> IntArray:
        """Donor rows for each pair of values, shape (values of a, values of b); none without a pool."""
        pool = np.zeros(0, dtype=np.int64) if self.pool is None else self.pool
        known = pool[(self.a[pool] >= 0) & (self.b[pool] >= 0)]
        shape = self.shape
        code = self.a[known] * self.width + self.b[known]
        counts = np.bincount(code, minlength=shape[0] * shape[1]).reshape(shape)
        return np.where(counts > 0, len(self.a), 0) if self.recycle else counts


def split_cells(
    codes: tuple[IntArray, IntArray],
    levels: tuple[int, int],
    members: IntArray,
    rows: int,
    *,
    positive: bool,
    mode: str,
) -> Cells:
    """Emptied cells and donor pool of one stratum, whose rows are ``members``; those below ``rows`` are the data's."""
    mine = members[(codes[0][members] >= 0) & (codes[1][members] >= 0)]
    a, b = codes[0][mine], codes[1][mine]
    data, has_a = mine < rows, a == levels[0]
    partner = (b == levels[1]) != positive
    pool = {"replace": mine[~data], "duplicate": mine[data]}.get(mode)
    return Cells(
        *codes, *levels, positive,
        mine[data & has_a & partner],
        mine[data & ~has_a & ~partner],
        pool,
        mode == "duplicate",
        (int(a.max(initial=levels[0])) + 1, int(b.max(initial=levels[1])) + 1),
    )  # fmt: skip


def capacity(cells: Cells) -> int:
    """Largest number of swaps that rows and donors allow: a maximum flow between the two features' values."""
    if cells.pool is None:
        return min(len(cells.first), len(cells.second))
    rows, columns, edges, single = _limits(cells)
    return min(single, int(_flow(rows, columns, edges).sum()))


def draw_swaps(cells: Cells, count: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Draw ``count`` swaps; every row takes part in at most one.

    Rows are drawn uniformly. Where the donors of a pair of values run out, the surplus goes to other pairs,
    chosen by a maximum flow, so that any count up to ``capacity(cells)`` succeeds.

    Returns
    -------
    i, j : rows from ``cells.first`` and ``cells.second``, shape (count,) each.
    """
    a, b = cells.a, cells.b
    i = rng.choice(cells.first, count, replace=False)
    j = rng.choice(cells.second, count, replace=False)
    if cells.pool is None or count == 0:
        return i, j
    others = (a[j], b[i]) if cells.positive else (a[j], b[j])
    wish = np.zeros(cells.shape, dtype=np.int64)
    np.add.at(wish, others, 1)
    plan = _fit(wish, cells, count, rng)
    if (plan == wish).all():
        return i, j
    x, y = (np.repeat(index, plan[plan > 0]) for index in np.nonzero(plan))
    if cells.positive:
        i = draw_labelled(cells.first, b[cells.first], y, rng)
        return i, draw_labelled(cells.second, a[cells.second], x, rng)
    code = a[cells.second] * cells.width + b[cells.second]
    return i, draw_labelled(cells.second, code, x * cells.width + y, rng)


def draw_donors(cells: Cells, i: IntArray, j: IntArray, rng: np.random.Generator) -> IntArray:
    """Donor rows for the swaps: for every i a row with (a[i], b[j]), for every j a row with (a[j], b[i])."""
    if cells.pool is None:
        return np.concatenate([j, i])
    wanted = np.concatenate([cells.a[i] * cells.width + cells.b[j], cells.a[j] * cells.width + cells.b[i]])
    labels = cells.a[cells.pool] * cells.width + cells.b[cells.pool]
    return draw_labelled(cells.pool, labels, wanted, rng, recycle=cells.recycle)


def draw_labelled(
    rows: IntArray, labels: IntArray, wanted: IntArray, rng: np.random.Generator, *, recycle: bool = False
) -> IntArray:
    """For each wanted label a random row that carries it, without replacement (or evenly recycled).

    Parameters
    ----------
    rows, labels : shape (r,); a row and the label it carries.
    wanted : shape (k,); no label more often than it occurs unless ``recycle``.

    Returns
    -------
    array of shape (k,). Cost O(r log r + k log k).
    """
    shuffled = rng.permutation(len(rows))
    order = shuffled[np.argsort(labels[shuffled], kind="stable")]
    ranked = labels[order]
    start = np.searchsorted(ranked, wanted)
    size = np.searchsorted(ranked, wanted, side="right") - start
    by_label = np.argsort(wanted, kind="stable")
    turn = np.empty(len(wanted), dtype=np.int64)
    turn[by_label] = np.arange(len(wanted)) - np.searchsorted(wanted[by_label], wanted[by_label])
    return np.asarray(rows[order[start + (turn % size if recycle else turn)]])


def apportion(total: int, capacities: IntArray) -> IntArray:
    """Split ``total`` over strata in proportion to their capacities, by largest remainders.

    >>> apportion(5, np.array([10, 10, 0])).tolist()
    [3, 2, 0]
    """
    if total == 0:
        return np.zeros_like(capacities)
    exact = total * capacities / capacities.sum()
    share: IntArray = np.minimum(np.floor(exact).astype(np.int64), capacities)
    remainder = np.where(share < capacities, exact - share, -1.0)
    share[np.argsort(-remainder, kind="stable")[: total - share.sum()]] += 1
    return share


def _limits(cells: Cells) -> tuple[IntArray, IntArray, IntArray, int]:
    """Limits on T[x, y], the swaps with values x and y: on its row sums, column sums, entries, and total."""
    donors, a, b = cells.donors(), cells.a, cells.b
    if cells.positive:
        rows = np.bincount(a[cells.second], minlength=donors.shape[0])
        columns = np.bincount(b[cells.first], minlength=donors.shape[1])
        return rows, columns, donors, int(min(donors[cells.level_a, cells.level_b], len(cells.first)))
    edges = np.zeros_like(donors)
    np.add.at(edges, (a[cells.second], b[cells.second]), 1)
    return donors[:, cells.level_b], donors[cells.level_a], edges, len(cells.first)


def _fit(wish: IntArray, cells: Cells, count: int, rng: np.random.Generator) -> IntArray:
    """Table of ``count`` swaps close to the wish within all limits."""
    rows, columns, edges, _ = _limits(cells)
    plan = np.minimum(wish, edges)
    for x in np.flatnonzero(plan.sum(axis=1) > rows):
        plan[x] = _thin(plan[x], int(rows[x]), rng)
    for y in np.flatnonzero(plan.sum(axis=0) > columns):
        plan[:, y] = _thin(plan[:, y], int(columns[y]), rng)
    if missing := count - int(plan.sum()):
        extra = _flow(rows - plan.sum(axis=1), columns - plan.sum(axis=0), edges - plan)
        if extra.sum() >= missing:
            return np.asarray(plan + _thin(extra.ravel(), missing, rng).reshape(plan.shape))
        plan = _thin(_flow(rows, columns, edges).ravel(), count, rng).reshape(plan.shape)
    return plan


def _thin(counts: IntArray, keep: int, rng: np.random.Generator) -> IntArray:
    kept = rng.multivariate_hypergeometric(counts, min(keep, int(counts.sum())), method="marginals")
    return np.asarray(kept, dtype=np.int64)


def _flow(rows: IntArray, columns: IntArray, edges: IntArray) -> IntArray:
    """Largest table with row sums, column sums and entries within the limits (source -> x -> y -> sink)."""
    height, width = edges.shape
    x, y = np.nonzero(edges)
    tail = np.concatenate([np.zeros(height, np.int64), 1 + x, 1 + height + np.arange(width)])
    head = np.concatenate([1 + np.arange(height), 1 + height + y, np.full(width, 1 + height + width)])
    limit = np.concatenate([rows, edges[x, y], columns]).astype(np.int32)
    nodes = height + width + 2
    graph = coo_array((limit, (tail.astype(np.int32), head.astype(np.int32))), shape=(nodes, nodes)).tocsr()
    solved = maximum_flow(graph, 0, nodes - 1).flow.tocsr()
    return np.asarray(solved[1 : 1 + height, 1 + height : 1 + height + width].toarray(), dtype=np.int64)
