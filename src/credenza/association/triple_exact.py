"""Exact conditional test that two 2x2x2 tables have the same three-way interaction.

A 2x2x2 table with given pair tables has one degree of freedom: all such tables differ by t (-1)^(a + b + c) in every
cell. Two samples side by side, with the pair tables of each and the sum of both given, have one as well: what one moves
by t, the other moves by -t. If both have the same three-way odds ratio, and whatever it is, P(t) is proportional to
1 / (product of the factorials of all 16 cells) (Zelen 1971, Biometrika 58:129, one dimension up; the parameters of all
pair tables drop out by conditioning, Agresti 2013, Categorical Data Analysis, section 7.3). The tails are summed
outward from what was observed, as in :mod:`credenza.association.exact`; effective counts may be fractions, and
factorials are gamma functions then.
"""

from __future__ import annotations

from math import exp, log, log1p

import numpy as np
from numba import njit

from credenza.contracts import FloatArray

NEGLIGIBLE = 1e-17
LARGE = 1e20  # sums are rescaled beyond this
SIGNS = np.array([1.0, -1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0])  # (-1)^(a + b + c) of cell 4 a + 2 b + c


@njit(cache=True, nogil=True, error_model="numpy")
def _walk(tables, k, fall, rise):  # type: ignore[no-untyped-def]
    """Sum P(x) / P(observed) over all x beyond the observed one in one direction: (mantissa, log scale).

    A step takes one row from the 8 cells ``fall`` of table k and adds it to the 8 cells ``rise``. The ratio of
    neighbouring probabilities falls along the walk, and is zero once a falling cell is empty.
    """
    total, term, point, log_scale, x = 0.0, 1.0, 1.0, 0.0, 0.0
    room = tables[fall[0], k]
    for i in range(1, 8):
        room = min(room, tables[fall[i], k])
    while x < room:
        ratio = 1.0
        for i in range(8):
            ratio *= (tables[fall[i], k] - x) / (tables[rise[i], k] + 1.0 + x)
        term *= ratio
        total += term
        x += 1.0
        if term > LARGE:
            log_scale += log(term)
            total /= term
            term, point = 1.0, exp(-log_scale)
        elif ratio < 1.0 and term < NEGLIGIBLE * (total + point):
            break
    return total, log_scale


@njit(cache=True, nogil=True, error_model="numpy")
def _log_p_values(tables, plus, minus, out):  # type: ignore[no-untyped-def]
    """Twice the smaller tail, half of the observed point in each, of every table (a column of ``tables``)."""
    for k in range(len(out)):
        lower, lower_scale = _walk(tables, k, plus, minus)
        upper, upper_scale = _walk(tables, k, minus, plus)
        # Tails are joined by their logarithms: next to a tail beyond the peak of P the other one would underflow.
        low = lower_scale + log(lower + 0.5 * exp(-lower_scale))
        high = upper_scale + log(upper + 0.5 * exp(-upper_scale))
        apart = -abs(high - low)
        out[k] = log(2.0) + apart - log1p(exp(apart))


def same_interaction(reference: FloatArray, suspect: FloatArray) -> FloatArray:
    """Two-sided exact mid-p values (natural log) that pairs of 2x2x2 tables share one three-way odds ratio.

    Parameters
    ----------
    reference, suspect : cells of the tables, (8, M), in the order of :func:`credenza.association.triples.cells_of`;
        counts, or effective counts that need not be whole.

    Returns
    -------
    float array (M,), log of p in (0, 1].

    Notes
    -----
    Cost: about 17 standard deviations of t a table and the distance of what was observed from the peak, some ten
    nanoseconds a step; the standard deviation is at most the root of the smallest cell. Mid-p (Lancaster 1961) removes
    most of the conservatism of the discrete test.

    Examples
    --------
    >>> even, moved = np.full((8, 1), 40.0), 40.0 + 8.0 * SIGNS[:, None]
    >>> np.exp(same_interaction(even, even)).round(3).tolist(), np.exp(same_interaction(even, moved)).round(5).tolist()
    ([1.0], [0.01411])
    """
    both = np.ascontiguousarray(np.concatenate([reference, suspect]), np.float64)
    up, down = np.flatnonzero(SIGNS > 0), np.flatnonzero(SIGNS < 0)
    out = np.empty(both.shape[1])
    _log_p_values(both, np.concatenate([up, down + 8]), np.concatenate([down, up + 8]), out)
    return np.minimum(out, 0.0)
