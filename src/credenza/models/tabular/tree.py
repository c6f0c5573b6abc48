"""The tree of features that keeps most of their mutual information, and the tables along it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from credenza.association.counts import PairCounts
from credenza.association.measures import pairwise_mutual_information
from credenza.contracts import FloatArray, IntArray


def maximum_tree(weights: FloatArray) -> tuple[IntArray, IntArray]:
    """The spanning tree of largest total weight (Prim 1957), grown from feature 0.

    Parameters
    ----------
    weights : (m, m), symmetric; the diagonal is not read.

    Returns
    -------
    order : (m,) features such that each stands after its parent. parents : (m,) parent of each feature, -1 for the
        root.

    Notes
    -----
    Cost O(m^2). Of equal weights the feature of smaller number is taken.

    Examples
    --------
    >>> order, parents = maximum_tree(np.array([[0, 1, 3], [1, 0, 2], [3, 2, 0]], float))
    >>> order.tolist(), parents.tolist()
    ([0, 2, 1], [-1, 2, 0])
    """
    m = len(weights)
    order, parents = np.zeros(m, np.int64), np.full(m, -1, np.int64)
    best = np.full(m, -np.inf)
    waiting = np.ones(m, bool)
    chosen = 0
    for step in range(m):
        order[step] = chosen
        waiting[chosen] = False
        nearer = waiting & (weights[chosen] > best)
        best[nearer], parents[nearer] = weights[chosen][nearer], chosen
        chosen = int(np.argmax(np.where(waiting, best, -np.inf)))
    return order, parents


def corrected_information(counts: PairCounts) -> FloatArray:
    """Mutual information of all pairs in nats less the bias of the plug-in estimate; shape (m, m), at least 0.

    The bias is (L_a - 1)(L_b - 1) / (2 n) to first order (Miller 1955), over levels that occur; without the
    correction two features of many levels look linked.
    """
    starts = np.concatenate(([0], np.cumsum(counts.sizes))).astype(np.int64)
    present = np.array([np.count_nonzero(counts.marginal(j)) for j in range(len(counts.sizes))])
    freedom = np.outer(present - 1, present - 1)
    raw = pairwise_mutual_information(counts.joint.astype(float), starts)
    return np.asarray(np.maximum(raw - freedom / (2 * max(counts.rows, 1)), 0.0))


@dataclass(frozen=True)
class DependencyTree:
    """A tree over m features: a marginal at the root and a conditional table along every edge.

    Attributes
    ----------
    order, parents : see :func:`maximum_tree`.
    tables : of each feature the cumulative conditional shares (L_parent, L), rows ending in 1; of the root (1, L).
    """

    order: IntArray
    parents: IntArray
    tables: tuple[FloatArray, ...]

    @classmethod
    def of(cls, counts: PairCounts, smoothing: float) -> DependencyTree:
        """The tree of maximum mutual information of these counts, with smoothed conditionals.

        P(child = c | parent = p) = (n_pc + s n_c / n) / (n_p + s): s pseudo-rows spread as the child's marginal, so
        that no level becomes likelier than it is, and levels that never occur stay so.
        """
        order, parents = maximum_tree(corrected_information(counts))
        tables = []
        for child, parent in enumerate(parents):
            margin = counts.marginal(child) / counts.rows
            if parent < 0:
                tables.append(cumulative_shares(margin[None, :]))
                continue
            pair = counts.table(int(parent), child)
            shares = (pair + smoothing * margin) / np.maximum(
                pair.sum(axis=1, keepdims=True) + smoothing, 1e-12
            )
            shares[shares.sum(axis=1) <= 0] = margin
            tables.append(cumulative_shares(shares))
        return cls(order, parents, tuple(tables))

    def sampled(self, rows: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Codes (rows, m) in Fortran order, drawn from the root outwards; cost O(rows m log L)."""
        codes = np.zeros((rows, len(self.order)), np.uint8, order="F")
        for child in self.order:
            table, parent = self.tables[child], self.parents[child]
            above = np.zeros(rows, np.int64) if parent < 0 else codes[:, parent].astype(np.int64)
            codes[:, child] = drawn_levels(table, above, rng.random(rows))
        return codes

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The tree as arrays by name; :meth:`of_arrays` reads them back."""
        tables = {f"tree.{place}": table for place, table in enumerate(self.tables)}
        return {"tree.order": self.order, "tree.parents": self.parents, **tables}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> DependencyTree:
        """Read what :meth:`arrays` returned; other arrays may lie beside them."""
        order, parents = arrays["tree.order"], arrays["tree.parents"]
        return cls(order, parents, tuple(arrays[f"tree.{place}"] for place in range(len(order))))


def drawn_levels(table: FloatArray, given: IntArray, uniform: FloatArray) -> NDArray[np.uint8]:
    """The level in which ``uniform`` falls, by the row of cumulative shares that ``given`` names.

    Parameters
    ----------
    table : (rows of the table, L), each ascending to 1. given : int64 (n,). uniform : (n,) in [0, 1).

    Examples
    --------
    >>> drawn_levels(np.array([[0.5, 1.0], [0.0, 1.0]]), np.array([0, 0, 1]), np.array([0.4, 0.5, 0.0])).tolist()
    [0, 1, 1]
    """
    levels = table.shape[1]
    if levels == 2:
        return np.asarray((uniform >= table[given, 0]).astype(np.uint8))
    steps = (table + np.arange(len(table))[:, None]).ravel()
    found = np.searchsorted(steps, given + uniform, side="right") - given * levels
    return np.asarray(np.minimum(found, levels - 1), np.uint8)


def cumulative_shares(shares: FloatArray) -> FloatArray:
    """Cumulative shares of every row, ending in exactly 1 from the last level that occurs on."""
    sums = np.cumsum(shares, axis=1)
    sums /= sums[:, -1:]
    return np.where(sums >= 1.0 - 1e-12, 1.0, sums)
