"""Triples of probes, and the 2x2x2 tables that they make.

Letters beyond those of :mod:`credenza.contracts`: R probes of the features that are looked at in threes (see
:class:`credenza.association.probes.Layout`), N = m (m - 1) (m - 2) / 6 triples of features, T triples of probes of
three different features. A 2x2x2 table follows from how often its three probes are true: together, in twos, and alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from credenza.association.probes import Layout
from credenza.contracts import FloatArray, IntArray

Numbers = NDArray[Any]


@dataclass(frozen=True)
class Threes:
    """All triples of probes of three different features, numbered by first probe, then second, then third.

    Parameters
    ----------
    layout : levels and order of the m features.

    Attributes
    ----------
    second, third : probes (Q,) of two different features, the feature of the second before that of the third; ordered
        by the two features, then by the probes.

    Examples
    --------
    >>> threes = Threes(Layout((2, 2, 3, 2), (0, 0, 0, 0)))
    >>> threes.count, threes.features.tolist()
    (10, [[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]])
    >>> threes.second[threes.begin(1) :].tolist(), threes.third[threes.begin(1) :].tolist()
    ([2, 3, 4], [5, 5, 5])
    """

    layout: Layout

    @cached_property
    def _pairs(self) -> tuple[IntArray, IntArray]:
        of, probes = self.layout.probe_feature, self.layout.probes
        b, c = (k.astype(np.int64) for k in np.triu_indices(probes, 1))
        b, c = b[of[b] < of[c]], c[of[b] < of[c]]
        order = np.lexsort((c, b, of[c], of[b]))
        return b[order], c[order]

    @property
    def second(self) -> IntArray:
        """See the class."""
        return self._pairs[0]

    @property
    def third(self) -> IntArray:
        """See the class."""
        return self._pairs[1]

    def begin(self, feature: int) -> int:
        """Position in ``second`` and ``third`` of the first pair of probes of features beyond this one."""
        of = self.layout.probe_feature[self.second]
        return int(np.searchsorted(of, feature, side="right"))

    @cached_property
    def _stops(self) -> IntArray:
        """Number of the first triple of each probe, and T: (R + 1,)."""
        begins = np.array([self.begin(f) for f in range(self.layout.features)], np.int64)
        lengths = (len(self.second) - begins)[self.layout.probe_feature]
        return np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)

    @property
    def count(self) -> int:
        """T."""
        return int(self._stops[-1])

    def span(self, probe: int) -> slice:
        """The triples whose first probe this is; they belong to ``second[begin:]``, ``third[begin:]``."""
        return slice(int(self._stops[probe]), int(self._stops[probe + 1]))

    @cached_property
    def features(self) -> IntArray:
        """The N triples of features (i, j, k), i < j < k: (N, 3)."""
        m = self.layout.features
        j, k = np.triu_indices(m, 1)
        blocks = [np.stack([np.full((j > i).sum(), i), j[j > i], k[j > i]], axis=1) for i in range(m)]
        return np.concatenate([np.empty((0, 3), np.int64), *blocks]).astype(np.int64)

    def blocks(self) -> Iterator[tuple[slice, slice, slice, IntArray]]:
        """Feature by feature i: its probes, its triples of features, its pairs of probes, and where in those each pair
        of features begins.
        """
        of, start = self.layout.probe_feature, 0
        for i in range(self.layout.features - 2):
            begin = self.begin(i)
            pair = of[self.second[begin:]] * self.layout.features + of[self.third[begin:]]
            heads = np.flatnonzero(np.diff(pair, prepend=-1)).astype(np.int64)
            probes = slice(int(self.layout.probe_starts[i]), int(self.layout.probe_starts[i + 1]))
            yield probes, slice(start, start + len(heads)), slice(begin, len(self.second)), heads
            start += len(heads)


def cells_of(
    all_: Numbers, twos: tuple[Numbers, Numbers, Numbers], ones: tuple[Numbers, Numbers, Numbers], rows: float
) -> FloatArray:
    """Cells of 2x2x2 tables from how often their probes are true together.

    Parameters
    ----------
    all_ : rows with all three, (M,). twos : rows with a and b, a and c, b and c. ones : rows with each.
    rows : total of each table.

    Returns
    -------
    float64 (8, M): cell 4 a + 2 b + c. Rounding below zero is cut off.

    Examples
    --------
    >>> three = np.array([2.0]), np.array([3.0]), np.array([4.0])
    >>> cells_of(np.array([1.0]), (np.array([1.0]),) * 3, three, 10)[:, 0].tolist()
    [3.0, 3.0, 2.0, 0.0, 1.0, 0.0, 0.0, 1.0]
    """
    (ab, ac, bc), (a, b, c) = twos, ones
    none = rows - a - b - c + ab + ac + bc - all_
    cells = none, c - ac - bc + all_, b - ab - bc + all_, bc - all_, a - ab - ac + all_, ac - all_, ab - all_
    return np.maximum(np.stack([*cells, np.asarray(all_)]).astype(np.float64), 0.0)
