"""Which rows of a cell are taken: drawn with chances that follow what the rest of the row says.

An over-filled cell of a pair's table is a mixture. If values of one feature were edited in place, the rest of such a
row still looks like the cell that it came from; with p_o the density of the rest of a row in the over-filled cell and
p_t in the cell that it is moved to, rows are drawn with chances proportional to p_t / p_o, so that those drawn are
distributed as p_t and the rest is left as it was. If genuine rows were put in, no row is more suspicious than another;
yet editing a value in rows of the one kind tears it from all that it goes with. Rows that are distributed half-way,
as (p_o + p_t) / 2, err on both sides alike: what goes with either value then loses nothing, to first order.
"""

from __future__ import annotations

import numpy as np

from credenza.contracts import FloatArray, IntArray

STEEPEST = 30.0  # largest log ratio that is believed
STEPS = 60  # towards the numbers that are known


def posterior(here: FloatArray, there: FloatArray, counts: FloatArray) -> FloatArray:
    """Chances that rows come from each of T other places, such that so many come from each.

    Formula: r_kt = c_t p_t(k) / (p_o(k) + sum_s c_s p_s(k)), with the c_t that make sum_k r_kt = ``counts[t]``, found
    by fixed-point steps (expectation maximisation over the shares of a mixture, with their totals known).

    Parameters
    ----------
    here : log density of the rest of each row in the place where it is, shape (k,).
    there : the same in the other places, shape (k, T); up to a constant for each place and row.
    counts : how many come from each, shape (T,), fewer than k in all.

    Examples
    --------
    >>> posterior(np.zeros(3), np.array([[0.0], [0.0], [9.0]]), np.array([1.0])).round(3).ravel().tolist()
    [0.009, 0.009, 0.986]
    """
    rows = len(here)
    if rows == 0 or counts.sum() <= 0:
        return np.zeros(there.shape)
    if counts.sum() >= rows:
        return np.tile(counts / counts.sum(), (rows, 1))
    gap = there - here[:, None]
    gap = gap - np.where(np.isfinite(gap), gap, 0.0).mean(axis=0)
    ratio = np.exp(np.clip(gap, -STEEPEST, STEEPEST))
    factor = counts / rows
    for _ in range(STEPS):
        chances = ratio * factor
        chances /= 1.0 + chances.sum(axis=1, keepdims=True)
        factor = factor * counts / np.maximum(chances.sum(axis=0), 1e-300)
    return np.asarray(chances)


def half_way(gap: FloatArray) -> FloatArray:
    """Weights of rows, mean 1, under which they are distributed half as here and half as elsewhere; see ``gap`` above.

    Examples
    --------
    >>> half_way(np.log([0.5, 1.5])).tolist()
    [0.75, 1.25]
    """
    if not len(gap):
        return np.asarray(gap)
    ratio = np.exp(np.clip(gap - np.median(gap), -STEEPEST, STEEPEST))
    return np.asarray((1.0 + ratio / ratio.mean()) / 2.0)


def drawn_rows(rows: IntArray, weights: FloatArray | None, count: int, rng: np.random.Generator) -> IntArray:
    """Draw ``count`` rows, each with chance min(1, c w), by systematic sampling in random order; ascending.

    Parameters
    ----------
    rows : to draw from. weights : positive, one a row; None: all alike. count : at most len(rows).

    Notes
    -----
    The chances are met exactly (Madow 1949), which drawing one row after another would not do.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> drawn_rows(np.arange(4), np.array([1e-9, 1e-9, 5.0, 9.0]), 2, rng).tolist()
    [2, 3]
    """
    if weights is None or count == len(rows):
        return np.sort(rng.choice(rows, count, replace=False))
    order = rng.permutation(len(rows))
    chances = _chances(weights[order], count)
    ends = np.cumsum(chances)
    ends *= count / ends[-1]
    picked = np.floor(ends + rng.random()).astype(np.int64)
    first = np.diff(picked, prepend=0) > 0
    taken = order[first]
    spare = np.setdiff1d(order, taken, assume_unique=True)
    taken = np.concatenate([taken[:count], spare[: count - len(taken)]])  # rounding may miss by one
    return np.sort(rows[taken])


def apportioned(total: int, shares: FloatArray, most: IntArray) -> IntArray:
    """Whole parts of ``total`` in proportion to ``shares``, none above its ``most``; less where there is no more room.

    Examples
    --------
    >>> apportioned(10, np.array([1.0, 1.0, 2.0]), np.array([9, 1, 4])).tolist()
    [5, 1, 4]
    """
    out = np.zeros(len(most), dtype=np.int64)
    left = min(total, int(most.sum()))
    while left:
        room = most - out
        share = np.where(room > 0, np.maximum(shares, 1e-12), 0.0)
        even = left * share / share.sum()
        step = np.minimum(np.floor(even).astype(np.int64), room)
        if not step.any():
            step = np.zeros_like(out)
            step[np.argsort(-even, kind="stable")[:left]] = 1
            step = np.minimum(step, room)
        out += step
        left -= int(step.sum())
    return out


def _chances(weights: FloatArray, count: int) -> FloatArray:
    """min(1, c w) with c such that they sum to ``count``."""
    w = np.maximum(weights, 1e-12 * float(weights.max(initial=1.0)))
    falling = np.sort(w)[::-1]
    rest = np.cumsum(falling[::-1])[::-1]  # sum from each place on
    certain = np.arange(len(w))
    with np.errstate(divide="ignore", invalid="ignore"):
        fits = (count - certain) * falling <= rest
    sure = int(np.argmax(fits[:count])) if fits[:count].any() else count - 1
    factor = (count - sure) / rest[sure]
    return np.asarray(np.minimum(1.0, factor * w))
