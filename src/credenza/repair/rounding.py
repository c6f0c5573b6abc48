"""Whole rows for every cell, so that all sums over cells that matter come out right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from credenza.contracts import FloatArray, IntArray

MOST, MANY = 4096, 2**16  # cells that are rounded by a program in whole numbers; in fractions first
WHOLE = 1e-6  # a cell this near to a whole number is one
NODES = 2000  # of the search for whole numbers
HARD, SOFT = 1e4, 1e2  # price of a row too many or too few in a total or margin, in a cell of a cure


@dataclass(frozen=True)
class Family:
    """Sums over cells that are each to be rounded to a neighbour.

    ``sums`` (C,) is the number of the sum that each cell belongs to, from 0, or -1; ``price`` is that of a row too
    many or too few in one of them.
    """

    sums: IntArray
    price: float


def rounded(
    expected: FloatArray, families: Sequence[Family], rng: np.random.Generator, slack: float
) -> IntArray:
    """Round every cell up or down so that the sums are rounded up or down, too.

    Parameters
    ----------
    expected : rows of each cell, not whole; shape (C,). families : sums that are to come out right. rng : draws which
        of the solutions. slack : a sum this near to a whole number is one; below 0.5.

    Returns
    -------
    int64 (C,), each within 1 of ``expected``; larger fractions are rounded up with a greater chance.

    Notes
    -----
    For the cells and margins of one table this is controlled rounding, and always possible (Cox 1987). With sums over
    more than two ways it need not be: then the cheapest sums are off by a row. Cost: an integer program of one variable
    a cell with a fraction; above ``MOST`` of them first a linear one, which leaves few fractions; above ``MANY`` a
    systematic sample of the fractions in the order of the cells, which keeps sums over neighbouring cells.

    Examples
    --------
    >>> table = np.array([[1.5, 2.5], [2.5, 1.5]])
    >>> margins = [Family(np.array(sums), HARD) for sums in ([0, 0, 1, 1], [0, 1, 0, 1])]
    >>> out = rounded(table.ravel(), margins, np.random.default_rng(0), 1e-6).reshape(2, 2)
    >>> out.sum(axis=0).tolist(), out.sum(axis=1).tolist()
    ([4, 4], [4, 4])
    """
    low = np.floor(expected + WHOLE).astype(np.int64)
    open_ = np.flatnonzero(expected - low > WHOLE)
    if MOST < len(open_) <= MANY:
        up = _program(expected, low, open_, families, rng, slack, whole=False)
        low[open_] += up > 1 - WHOLE
        open_ = open_[(up > WHOLE) & (up <= 1 - WHOLE)]
    if len(open_) > MOST:
        low[open_] += _one_by_one((expected - low)[open_], rng)
    elif len(open_):
        low[open_] += _program(expected, low, open_, families, rng, slack, whole=True) > 0.5
    return low


def _one_by_one(part: FloatArray, rng: np.random.Generator) -> NDArray[np.bool_]:
    return np.asarray(np.diff(np.floor(np.cumsum([rng.random(), *part]))) > 0)


def _program(
    expected: FloatArray,
    low: IntArray,
    open_: IntArray,
    families: Sequence[Family],
    rng: np.random.Generator,
    slack: float,
    *,
    whole: bool,
) -> FloatArray:
    """How far to round cells up: keep the bounds of all sums, at a price for leaving them, and prefer larger parts."""
    from scipy import sparse
    from scipy.optimize import Bounds, LinearConstraint, milp

    cells, blocks, least, most, prices = np.arange(len(open_)), [], [], [], []
    for family in families:
        used = family.sums >= 0
        count = int(family.sums.max(initial=-1)) + 1
        totals = np.bincount(family.sums[used], expected[used], count)
        have = np.bincount(family.sums[used], low[used], count)
        own = family.sums[open_]
        entries = (np.ones((own >= 0).sum()), (own[own >= 0], cells[own >= 0]))
        blocks.append(sparse.csr_array(entries, shape=(count, len(open_))))
        least.append(np.floor(totals + slack) - have)
        most.append(np.ceil(totals - slack) - have)
        prices.append(np.full(count, family.price))
    matrix = sparse.vstack([sparse.csr_array((0, len(open_))), *blocks])
    slacks = sparse.eye_array(matrix.shape[0])
    part = (expected - low)[open_]
    solution = milp(
        np.concatenate([rng.random(len(part)) - part, *prices, *prices]),
        integrality=np.concatenate([np.full(len(part), float(whole)), np.zeros(2 * matrix.shape[0])]),
        bounds=Bounds(0.0, np.concatenate([np.ones(len(part)), np.full(2 * matrix.shape[0], np.inf)])),
        constraints=LinearConstraint(
            sparse.hstack([matrix, slacks, -slacks], format="csr"),
            np.concatenate([np.empty(0), *least]),
            np.concatenate([np.empty(0), *most]),
        ),
        options={"node_limit": NODES},
    )
    if solution.x is None:  # no whole numbers were met on the way
        return _one_by_one(part, rng).astype(float)
    return np.asarray(solution.x[: len(part)])
