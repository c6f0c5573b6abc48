"""What each kind of attack is expected to do to the pair counts, worked out from the clean rows.

All changes are linear in the strength: a strength of eps moves eps n rows out of each of two cells. Which rows those
are is drawn uniformly, so the expected change of the counts follows from the rows of the cells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from credenza.association.probes import Layout
from credenza.association.weighted import Weigher
from credenza.contracts import FloatArray, IntArray

BoolArray = NDArray[np.bool_]


def emptied(
    a: IntArray, b: IntArray, levels: tuple[int, int], *, positive: bool
) -> tuple[BoolArray, BoolArray]:
    """Rows of the two cells that an attack empties, (n,) each: the first has A's level, the second has not.

    Parameters
    ----------
    a, b : codes of the values of the two features, -1 for missing, (n,).
    levels : codes of the two levels that are moved together (``positive``) or apart.
    """
    complete = (a >= 0) & (b >= 0)
    partner = (b == levels[1]) != positive
    return complete & (a == levels[0]) & partner, complete & (a != levels[0]) & ~partner


def exchanged_weights(a: IntArray, b: IntArray, levels: tuple[int, int], *, positive: bool) -> FloatArray:
    """How much whole-row attacks add to the share of each clean row, for a strength of 1 among the complete rows.

    Rows of the emptied cells are taken out evenly. Two of them, i of the first and j of the second cell, make room for
    a row with the values (a_i, b_j) and one with (a_j, b_i), which is any row with these values.

    Parameters
    ----------
    As for :func:`emptied`.

    Returns
    -------
    (n,), of sum 0; for 2x2 tables +-1 over the rows of each cell.

    Examples
    --------
    >>> a, b = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    >>> exchanged_weights(a, b, (1, 1), positive=True).tolist()
    [1.0, -1.0, -1.0, 1.0]
    """
    first, second = emptied(a, b, levels, positive=positive)
    weights = -(first / max(first.sum(), 1)) - second / max(second.sum(), 1)
    height, width = int(a.max()) + 1, int(b.max()) + 1
    present = np.flatnonzero((a >= 0) & (b >= 0))
    cell = a[present] * width + b[present]
    rows = np.bincount(cell, minlength=height * width)
    a_of = [np.bincount(a[k], minlength=height) / max(k.sum(), 1) for k in (first, second)]
    b_of = [np.bincount(b[k], minlength=width) / max(k.sum(), 1) for k in (first, second)]
    wanted = (np.outer(a_of[0], b_of[1]) + np.outer(a_of[1], b_of[0])).ravel()
    wanted[rows == 0] = 0.0
    weights[present] += (wanted / np.maximum(rows, 1))[cell]
    return np.asarray(weights - weights.sum() / len(weights))


def exchanged_change(
    codes: NDArray[np.uint8],
    layout: Layout,
    a: IntArray,
    b: IntArray,
    levels: tuple[int, int],
    *,
    positive: bool,
) -> FloatArray:
    """Change (K, K) of the shares by whole-row attacks, for a strength of 1; see :func:`exchanged_weights`."""
    complete = float(((a >= 0) & (b >= 0)).mean())
    weights = exchanged_weights(a, b, levels, positive=positive)
    return np.asarray(Weigher(codes, layout.sizes).joint(weights) * complete)


def relabelled_change(
    codes: NDArray[np.uint8],
    layout: Layout,
    edited: int,
    a: IntArray,
    b: IntArray,
    levels: tuple[int, int],
    *,
    positive: bool,
) -> FloatArray:
    """Change (K, K) of the shares when rows of the emptied cells exchange their values of the second feature.

    With the edited feature's levels y and any other level k: the share of (y, k) changes by
    P(y | second) P(k | first) + P(y | first) P(k | second) - P(y, k | first) - P(y, k | second).

    Parameters
    ----------
    codes, layout : the clean rows. edited : position of the second feature.
    a, b, levels, positive : as for :func:`emptied`.
    """
    complete = float(((a >= 0) & (b >= 0)).mean())
    weigher, own = Weigher(codes, layout.sizes), slice(*layout.starts[edited : edited + 2])
    cells = emptied(a, b, levels, positive=positive)
    joints = [weigher.joint(cell / max(int(cell.sum()), 1)) for cell in cells]
    margins = [np.diag(joint) for joint in joints]
    rows = np.outer(margins[1][own], margins[0]) + np.outer(margins[0][own], margins[1])
    rows -= joints[0][own] + joints[1][own]
    rows[:, own] = 0.0
    change = np.zeros_like(joints[0])
    change[own], change[:, own] = rows, rows.T
    return np.asarray(change * complete)


def repaired_change(
    codes: NDArray[np.uint8], layout: Layout, edited: int, values: NDArray[np.uint8]
) -> FloatArray:
    """Change (K, K) of the shares when all rows are re-paired, half of it for a strength of 1 being all rows.

    A strength is half the share of the rows that are drawn, so a strength of 1 stands for twice the whole change.

    Parameters
    ----------
    codes, layout : the clean rows. edited : position of the second feature.
    values : its codes after all rows were re-paired, (n,).
    """
    after = np.array(codes, order="F")
    after[:, edited] = values
    even = np.full(len(codes), 1.0 / max(len(codes), 1))
    before, moved = (Weigher(rows, layout.sizes).joint(even) for rows in (codes, after))
    return np.asarray(2.0 * (moved - before))
