"""The chance that two independent rows coincide, under a tree of pairwise dependences."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from credenza.association.counts import PairCounts
from credenza.association.measures import pairwise_mutual_information


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
    edges = minimum_spanning_tree(csr_matrix(np.triu(-information - 1e-9, 1)))
    order, parent = breadth_first_order(edges, 0, directed=False)
    message = [np.ones(size) for size in counts.sizes]
    for child in order[:0:-1]:
        up = int(parent[child])
        table = counts.table(up, int(child)).astype(float)
        given = table / np.maximum(table.sum(axis=1, keepdims=True), 1.0)
        message[up] = message[up] * (given**2 @ message[child])
    root = counts.marginal(int(order[0])) / counts.rows
    return float(np.sum(root**2 * message[int(order[0])]))
