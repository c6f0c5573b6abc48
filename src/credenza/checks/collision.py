"""The chance that two independent rows coincide, and how far coinciding rows exceed it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from credenza.association.counts import PairCounts
from credenza.association.measures import pairwise_mutual_information
from credenza.contracts import FloatArray, IntArray
from credenza.data import Duplicates

LARGEST_RATIO = 2.0


def tree_collision(counts: PairCounts) -> float:
    """Sum of squared probabilities of all rows under the Chow-Liu tree of a table.

    Parameters
    ----------
    counts : pair counts of m features.

    Returns
    -------
    float in (0, 1]: sum over rows x of p(x)^2, p the product of the root's marginal and of p(child | parent).

    Notes
    -----
    Squaring a tree distribution leaves a tree, so the sum is a dynamic programme from the leaves to the root: exact,
    at a cost of m pair tables (Chow & Liu 1968, IEEE Trans. Inf. Theory 14:462, for the tree).

    Examples
    --------
    >>> half = PairCounts.empty((2, 2)).update(np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.uint8))
    >>> tree_collision(half)
    0.25
    """
    starts = np.concatenate(([0], np.cumsum(counts.sizes))).astype(np.int64)
    m = len(counts.sizes)
    if m == 0 or counts.rows == 0:
        return 1.0
    information = pairwise_mutual_information(counts.joint.astype(float), starts)
    order, parent = spanning_tree(information)
    message = [np.ones(size) for size in counts.sizes]
    for child in order[:0:-1]:
        up = int(parent[child])
        table = counts.table(up, int(child)).astype(float)
        given = table / np.maximum(table.sum(axis=1, keepdims=True), 1.0)
        message[up] = message[up] * (given**2 @ message[child])
    root = counts.marginal(int(order[0])) / counts.rows
    return float(np.sum(root**2 * message[int(order[0])]))


def spanning_tree(weights: FloatArray) -> tuple[IntArray, IntArray]:
    """The spanning tree of the largest total weight, by Prim's method (1957).

    Parameters
    ----------
    weights : symmetric (m, m), m > 0.

    Returns
    -------
    (order, parent), each (m,): features from the root on, every one after its parent; the root is its own parent.

    Examples
    --------
    >>> order, parent = spanning_tree(np.array([[0, 1, 5], [1, 0, 2], [5, 2, 0]], float))
    >>> order.tolist(), parent.tolist()
    ([0, 2, 1], [0, 2, 0])
    """
    m = len(weights)
    order, parent = np.zeros(m, np.int64), np.zeros(m, np.int64)
    best = weights[0].astype(float)
    best[0] = -np.inf
    for k in range(1, m):
        new = int(np.argmax(best))
        order[k], best[new] = new, -np.inf
        closer = (best > -np.inf) & (weights[new] > best)
        parent[closer], best[closer] = new, weights[new][closer]
    return order, parent


def coincidence(d: Duplicates) -> tuple[float, float]:
    """(share of coinciding row pairs, its variance as a U-statistic of order two).

    Var = 4 z1 / n + 2 z2 / n^2 with z1 = P3 - U^2, z2 = U - U^2; P3 is the share of coinciding row triples. At least
    one pair is counted in z2, so that a sample without coincidences still has a variance. Where the pairs were
    estimated from a sample of the distinct rows, the variance of that estimate is added.
    """
    n = d.rows
    pairs = n * (n - 1) / 2
    u = d.pairs / pairs
    triples = d.triples / (n * (n - 1) * (n - 2) / 6) if n > 2 else 0.0
    floor = max(u, 1 / pairs)
    within = 4 * max(triples - u**2, 0.0) / n + 2 * max(floor - floor**2, 0.0) / n**2
    return u, within + (d.error / pairs) ** 2


@dataclass(frozen=True)
class Excess:
    """Coinciding row pairs of a suspect beyond the reference's rate.

    Attributes
    ----------
    expected : pairs that the reference's rate gives. pairs : found less expected. z : in standard errors.
    """

    expected: float
    pairs: float
    z: float


def coincidence_excess(found: Duplicates, known: Duplicates, ratio: float) -> Excess:
    """Compare the shares of coinciding row pairs of two tables.

    Parameters
    ----------
    found, known : of the suspect and of the reference; 2 rows or more each.
    ratio : how much likelier two rows of the suspect coincide because its pair counts differ from the reference's:
        the quotient of their :func:`tree_collision`. Cut off at 1/2 and 2, so that copies cannot hide in it.

    Examples
    --------
    >>> clean, copied = Duplicates(1000, 990, 10, 2), Duplicates(1000, 890, 110, 2)
    >>> excess = coincidence_excess(copied, clean, 1.0)
    >>> round(excess.expected, 6), round(excess.pairs, 6), round(excess.z, 1)
    (10.0, 100.0, 9.1)
    """
    (u_s, v_s), (u_r, v_r) = coincidence(found), coincidence(known)
    ratio = float(np.clip(ratio, 1 / LARGEST_RATIO, LARGEST_RATIO))
    expected = ratio * u_r * found.rows * (found.rows - 1) / 2
    error = float(np.sqrt(v_s + ratio**2 * v_r))
    return Excess(expected, found.pairs - expected, (u_s - ratio * u_r) / error)
