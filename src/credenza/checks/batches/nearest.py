"""How much nearer a row lies to its nearest row of the reference than to the second nearest."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from credenza.contracts import FloatArray, IntArray

BLOCK = 256  # rows that are compared at a time
LEAST = 1e-9  # squared distances below this part of a row's squared length are rounding, and count as none


def distance_ratios(rows: Any, known: Any, own: IntArray | None = None) -> FloatArray:
    """Distance to the nearest row over distance to the second nearest, of every row.

    Parameters
    ----------
    rows : (q, d) float64, dense or sparse. known : (N, d), N >= 3.
    own : (q,) places of the rows in ``known``, which are left out then; None where they are not among them.

    Returns
    -------
    (q,) in [0, 1]: near 0 for a copy of a row of ``known``, or almost one; 1 where both distances are 0, since a row
    that occurs twice singles nobody out.

    Notes
    -----
    Cost: q N d multiplications, BLOCK N numbers in memory. Source: Zhao, Kunar, Birke and Chen (2021), CTAB-GAN,
    section 4.1 (nearest neighbour distance ratio). Left out: a comparison of absolute distances, which differ between
    dense and sparse places of one table.

    Examples
    --------
    >>> known = np.array([[0.0], [1.0], [3.0], [7.0]])
    >>> distance_ratios(np.array([[1.0], [2.0], [3.5]]), known).round(2).tolist()
    [0.0, 1.0, 0.2]
    >>> distance_ratios(known[:2], known, np.arange(2)).round(2).tolist()
    [0.33, 0.5]
    """
    squares = _squares(known)
    out = np.ones(rows.shape[0])
    for start in range(0, rows.shape[0], BLOCK):
        block = rows[start : start + BLOCK]
        lengths = _squares(block)
        between = block @ known.T
        between = between.toarray() if sparse.issparse(between) else np.asarray(between)
        d2 = lengths[:, None] + squares[None, :] - 2.0 * between
        d2[d2 < LEAST * (1.0 + lengths[:, None])] = 0.0
        if own is not None:
            d2[np.arange(len(d2)), own[start : start + BLOCK]] = np.inf
        two = np.partition(d2, 1, axis=1)[:, :2]
        near, far = np.sqrt(two[:, 0]), np.sqrt(two[:, 1])
        out[start : start + BLOCK] = np.where(far > 0.0, near / np.where(far > 0.0, far, 1.0), 1.0)
    return out


def _squares(rows: Any) -> FloatArray:
    squared = rows.multiply(rows) if sparse.issparse(rows) else np.square(rows)
    return np.asarray(squared.sum(axis=1), np.float64).ravel()
