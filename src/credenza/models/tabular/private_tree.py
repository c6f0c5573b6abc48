"""A dependency tree of which differential privacy is known: which edges, and the tables along them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from credenza.association.counts import PairCounts
from credenza.contracts import FloatArray, IntArray
from credenza.models.tabular.privacy import Budget, Charge, noise_of, noisy_choice
from credenza.models.tabular.tree import DependencyTree, cumulative_shares

MARGINS, EDGES, TABLES = 1 / 3, 1 / 3, 1 / 3  # shares of the budget
RAKINGS = 30
TINY = 1e-300


@dataclass(frozen=True)
class Spending:
    """What the questions about m features cost, in the order in which they are asked."""

    margins: Charge
    edges: Charge | None
    tables: Charge | None

    @classmethod
    def of(cls, budget: Budget, m: int) -> Spending:
        """Split a budget: all of it on the margin of one feature, else by ``MARGINS``, ``EDGES`` and ``TABLES``."""
        if m == 1:
            return cls(budget.counting("levels of the column", 1.0, 1), None, None)
        return cls(
            budget.counting("levels of each column", MARGINS, m),
            budget.choosing("which pair of columns is joined next", EDGES, m - 1),
            budget.counting("table of each pair that was joined", TABLES, m - 1),
        )

    @property
    def charges(self) -> tuple[Charge, ...]:
        """All charges."""
        return tuple(charge for charge in (self.margins, self.edges, self.tables) if charge is not None)


def private_tree(
    counts: PairCounts, spending: Spending, closed: IntArray, rng: np.random.Generator
) -> DependencyTree:
    """A tree over m >= 1 features, chosen and filled under differential privacy.

    1. Noisy margins of all features.
    2. The tree grows from feature 0, by one edge at a time out of those that lead out of it, by the exponential
       mechanism. The score of a pair is sum |n_ab - e_ab|, with e_ab = n_a n_b / n of the noisy margins: how far it
       is from independence. Mutual information would be the tree's own measure, but one row may change it by about
       ln(n) / n, against which the noise is larger. Taken off are what the sum is worth when the two are
       independent, and what noise will add to the table.
    3. A noisy table for each edge; it is moved to the nearest table without negative cells and raked to the margins.

    The score's sensitivity is 1: one row more changes one n_ab by 1, and what is taken off is known from the noisy
    margins alone. All that follows the noise is post-processing, which costs nothing (Dwork & Roth 2014, proposition
    2.1). The steps are those of MST (McKenna, Miklau & Sheldon 2021, arXiv 2108.04978).

    Parameters
    ----------
    counts : of the private rows. spending : see :class:`Spending`.
    closed : levels, numbered among all K, that must not come out. rng : of the noise; who knows its seed can take the
        noise off.

    Notes
    -----
    Cost O(K^2 + m^2). The number of rows is taken from noisy margins.
    """
    starts = np.concatenate(([0], np.cumsum(counts.sizes))).astype(np.int64)
    margins = _noisy_margins(counts, spending.margins, starts, closed, rng)
    m = len(counts.sizes)
    order, parents = np.zeros(m, np.int64), np.full(m, -1, np.int64)
    if spending.edges is not None and spending.tables is not None:
        gaps = _gaps(counts, margins, starts, spending.tables)
        order, parents = _grown(gaps, spending.edges, rng)
    tables = []
    for child, parent in enumerate(parents):
        own = margins[starts[child] : starts[child + 1]]
        if parent < 0 or spending.tables is None:
            tables.append(cumulative_shares(own[None, :]))
            continue
        above = margins[starts[parent] : starts[parent + 1]]
        pair = counts.table(int(parent), child)
        noisy = pair + noise_of(spending.tables)(pair.shape, rng)
        tables.append(cumulative_shares(raked(nearest_table(noisy.astype(float), above.sum()), above, own)))
    return DependencyTree(order, parents, tuple(tables))


def _noisy_margins(
    counts: PairCounts, charge: Charge, starts: IntArray, closed: IntArray, rng: np.random.Generator
) -> FloatArray:
    """Margins (K,) of one total, none negative, 0 at closed levels."""
    noisy = (counts.margins() + noise_of(charge)((int(starts[-1]),), rng)).astype(float)
    total = max(float(np.mean(np.add.reduceat(noisy, starts[:-1]))), 1.0)
    open_ = np.ones(len(noisy), bool)
    open_[closed] = False
    out = np.zeros(len(noisy))
    for first, last in itertools.pairwise(starts):
        own = np.flatnonzero(open_[first:last]) + first
        out[own] = nearest_table(noisy[own], total)
    return out


def _gaps(counts: PairCounts, margins: FloatArray, starts: IntArray, tables: Charge) -> FloatArray:
    """How far every two features are from independence, less what chance and noise are worth; shape (m, m)."""
    total = margins[starts[0] : starts[1]].sum()
    expected = np.outer(margins, margins) / total
    chance = np.sqrt(2 / np.pi * expected)
    noise = tables.scale if tables.mechanism == "discrete Laplace" else tables.scale * np.sqrt(2 / np.pi)
    worth = np.abs(counts.joint - expected) - chance - np.minimum(noise, expected)
    rows = np.add.reduceat(worth, starts[:-1], axis=0)
    return np.asarray(np.add.reduceat(rows, starts[:-1], axis=1))


def _grown(gaps: FloatArray, charge: Charge, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Order and parents of a tree that grows from feature 0 by noisy choices."""
    m = len(gaps)
    order, parents = np.zeros(m, np.int64), np.full(m, -1, np.int64)
    inside = np.zeros(m, bool)
    inside[0] = True
    for step in range(1, m):
        leads_out = inside[:, None] & ~inside[None, :]
        place = noisy_choice(np.where(leads_out, gaps, -np.inf).ravel(), charge, rng)
        parent, child = divmod(place, m)
        order[step], parents[child], inside[child] = child, parent, True
    return order, parents


def nearest_table(noisy: FloatArray, total: float) -> FloatArray:
    """The table without negative cells and with this total that is nearest in squares (Duchi et al. 2008, figure 1).

    What exceeds the total is taken off all cells alike and what falls below 0 is 0, so that noise in empty cells goes.

    Examples
    --------
    >>> nearest_table(np.array([6.0, 5.0, -1.0]), 10.0).tolist()
    [5.5, 4.5, 0.0]
    """
    falling = np.sort(noisy.ravel())[::-1]
    excess = (np.cumsum(falling) - total) / np.arange(1, len(falling) + 1)
    last = int(np.flatnonzero(falling > excess)[-1])
    return np.asarray(np.maximum(noisy - excess[last], 0.0))


def raked(table: FloatArray, above: FloatArray, own: FloatArray) -> FloatArray:
    """The table with these margins, its odds ratios kept (iterative proportional fitting, Deming & Stephan 1940).

    A millionth of independence is mixed in, so that a row without cells has the margin's shares.

    Examples
    --------
    >>> raked(np.array([[3.0, 1.0], [1.0, 3.0]]), np.array([2.0, 2.0]), np.array([2.0, 2.0])).round(3).tolist()
    [[1.5, 0.5], [0.5, 1.5]]
    """
    independent = np.outer(above, own) / max(float(own.sum()), TINY)
    found = table + 1e-6 * np.maximum(independent, 1e-12)
    for _ in range(RAKINGS):
        found *= (above / np.maximum(found.sum(axis=1), TINY))[:, None]
        found *= own / np.maximum(found.sum(axis=0), TINY)
    return np.where(above[:, None] > 0, found, own)
