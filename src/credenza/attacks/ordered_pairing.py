"""Who receives whose value when two ordered columns are re-paired: at once, up to a target, or pass by pass.

Rows are positions among the workable (complete) rows, 0 to n - 1. A re-pairing is an ``index`` of shape (n,):
row r receives the second column's value of row ``index[r]``. It is always a permutation, so both columns keep
their values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heapify, heappushpop

import numpy as np

from credenza.attacks.ordered_columns import Ordered, stable_order, stratum_ends, stratum_order
from credenza.contracts import FloatArray, IntArray

CHUNK = 65_536  # rows that pass through the heap as Python integers at a time
CLOSE = 1e-5  # a search ends when it is this near to its target


@dataclass(frozen=True)
class Pairing:
    """Two orders of the same n rows, each stratum by stratum.

    Attributes
    ----------
    receivers : rows in the order in which they receive values, smallest value first: by the first column,
        ascending (positive) or descending (negative). Rows with equal values there come in the order of the
        second column, so that ties cause no edits of their own.
    givers : rows in ascending order of the second column.
    strata : stratum of each row, or None.
    """

    receivers: IntArray
    givers: IntArray
    strata: IntArray | None

    @classmethod
    def of(cls, x: Ordered, y: Ordered, direction: str, strata: IntArray | None = None) -> Pairing:
        """The two orders, for direction "positive" or "negative"; cost O(n log n)."""
        if direction == "positive":
            receivers = y.order[stable_order(x.ranks[y.order])]
        else:
            falling = y.order[::-1]
            receivers = falling[stable_order(x.ranks[falling])][::-1]
        return cls(stratum_order(receivers, strata), stratum_order(y.order, strata), strata)

    def subset(self, priority: IntArray, size: int) -> IntArray:
        """Re-pair the rows whose priority is below ``size`` by rank, inside each stratum; cost O(n)."""
        index = np.arange(len(priority))
        chosen = priority < size
        index[self.receivers[chosen[self.receivers]]] = self.givers[chosen[self.givers]]
        return index

    def passes(self, y: Ordered, count: int) -> IntArray:
        """The re-pairing that ``count`` passes of neighbour exchanges make; see :func:`bubble`."""
        index = np.empty(len(self.receivers), dtype=np.int64)
        for start, stop in stratum_ends(self.strata, len(self.receivers)):
            rows = self.receivers[start:stop]
            index[rows] = rows[bubble(y.ranks[rows], count)]
        return index


def bubble(values: IntArray, passes: int) -> IntArray:
    """Where each position's value comes from after some passes of bubble sort: without making the exchanges.

    One pass walks from left to right and exchanges neighbours with ``v[i] > v[i + 1]``. It carries one value
    along: at each step it drops the smaller of the carried and the next value (the carried one when equal)
    and carries the other on. Let p passes run at once, each fed with what the one before drops, and let
    c_1 .. c_p be what they carry. A new value v enters the first pass, which drops the smaller of v and c_1;
    that meets c_2, and so on; the last one drops the least of v, c_1 .. c_p, and the others are carried on.
    So p passes drop, at every step, the least of a buffer of p + 1 values: *replacement selection* with a
    heap. The first p values only fill it; when the input ends, the passes drop what they carry in ascending
    order. Equal values never change their order.

    Parameters
    ----------
    values : shape (n,).
    passes : p, 0 or more; n - 1 passes or more sort.

    Returns
    -------
    array of shape (n,), a permutation: after the passes position i holds ``values[result[i]]``. Cost
    O(n log p), where exchanging neighbours costs O(n p).

    Notes
    -----
    Source: the passes are those of arXiv 2511.05177, Theorem 3; replacement selection is Knuth, The Art of
    Computer Programming 3, section 5.4.1. Left out: the number of exchanges, which the heap never sees.

    Examples
    --------
    >>> values = np.array([3, 1, 2, 0])
    >>> values[bubble(values, 1)].tolist(), values[bubble(values, 2)].tolist()
    ([1, 2, 0, 3], [1, 0, 2, 3])
    """
    ascending = np.argsort(values, kind="stable")  # values need not be dense: ranks of a whole column
    n = len(values)
    if passes >= n - 1:
        return ascending
    turn = np.empty(n, dtype=np.int64)
    turn[ascending] = np.arange(n)  # distinct and in the order of the values, so that equal ones keep theirs
    heap = turn[:passes].tolist()
    heapify(heap)
    dropped = np.empty(n, dtype=np.int64)
    for start in range(passes, n, CHUNK):
        entering = turn[start : start + CHUNK].tolist()
        dropped[start - passes : start - passes + len(entering)] = [heappushpop(heap, v) for v in entering]
    dropped[n - passes :] = sorted(heap)
    return ascending[dropped]


def correlation_of_size(
    pairing: Pairing, x: FloatArray, y: FloatArray, priority: IntArray
) -> Callable[[int], float]:
    """Pearson's correlation after re-pairing the first m rows by priority, as a function of m.

    Parameters
    ----------
    x, y : scores of the two columns, see :class:`Ordered`; shape (n,).
    priority : a permutation of 0 .. n - 1; shape (n,). The subset of size m is the rows below m.

    Returns
    -------
    function of m in 0 .. n. All orders are sorted once, so that each call costs O(n).
    """
    by_receiver, by_giver = priority[pairing.receivers], priority[pairing.givers]
    received, handed = x[pairing.receivers], y[pairing.givers]
    products = np.empty(len(x) + 1)
    products[0] = 0.0
    products[1 + priority] = x * y
    before = np.cumsum(products)

    def correlation(size: int) -> float:
        inside = np.dot(received[by_receiver < size], handed[by_giver < size])
        return float(before[-1] - before[size] + inside)

    return correlation


def size_for(correlation: Callable[[int], float], target: float, rows: int) -> int:
    """Size of the nested subset whose correlation is nearest to the target: false position, then halving.

    ``correlation(0)`` and ``correlation(rows)`` bracket the target. In between the correlation follows the
    size closely but not strictly, so the bracket closes on *a* crossing and the nearest size seen is
    returned. Every third step halves the bracket, so it never takes more than about 3 log2(rows) steps; it
    mostly takes 5.

    >>> size_for(lambda size: (size / 100) ** 2, 0.3, 100)
    55
    """
    low, high = 0, rows
    gap = {size: correlation(size) - target for size in (low, high)}
    step = 0
    while high - low > 1 and min(map(abs, gap.values())) > CLOSE:
        step += 1
        share = 0.5 if step % 3 == 0 else gap[low] / (gap[low] - gap[high])
        middle = min(max(round(low + share * (high - low)), low + 1), high - 1)
        gap[middle] = correlation(middle) - target
        if (gap[middle] < 0) == (gap[low] < 0):
            low = middle
        else:
            high = middle
    return min(gap, key=lambda size: (abs(gap[size]), size))
