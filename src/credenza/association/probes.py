"""Probes: the 0/1 indicators whose 2x2 tables are tested.

A binary feature has one probe, a nominal feature one a level, an ordered feature one a cut ("beyond bin k") and one
for each level outside the order ("(missing)"). A feature of a single level has one as well, whose tables are never
testable. Two probes of two features make one 2x2 table; all of them are sums of entries of the pair-count matrix, so
no row is read again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from credenza.contracts import FloatArray, IntArray


@dataclass(frozen=True)
class Layout:
    """What the statistics need to know of a schema: levels of each feature, and how many of them are ordered.

    Parameters
    ----------
    sizes : L of each feature.
    ordered : for each feature, the number of leading levels that are in order; 0 for nominal ones.

    Examples
    --------
    >>> layout = Layout((2, 3, 4), (0, 0, 3))
    >>> layout.planes, layout.probes
    (9, 7)
    >>> layout.probe_planes.tolist()
    [[1, 2], [2, 3], [3, 4], [4, 5], [6, 8], [7, 8], [8, 9]]
    """

    sizes: tuple[int, ...]
    ordered: tuple[int, ...]

    @property
    def features(self) -> int:
        """m, the number of features."""
        return len(self.sizes)

    @cached_property
    def starts(self) -> IntArray:
        """First plane of each feature, and K at the end; shape (m + 1,)."""
        return np.concatenate(([0], np.cumsum(self.sizes))).astype(np.int64)

    @property
    def planes(self) -> int:
        """K, the number of planes."""
        return int(self.starts[-1])

    @cached_property
    def plane_feature(self) -> IntArray:
        """The feature each plane belongs to; shape (K,)."""
        return np.repeat(np.arange(self.features), self.sizes).astype(np.int64)

    @cached_property
    def _members(self) -> tuple[tuple[int, int, tuple[int, ...]], ...]:
        """Every probe as (feature, level it is named after, levels it holds)."""
        out: list[tuple[int, int, tuple[int, ...]]] = []
        for j, (size, ordered) in enumerate(zip(self.sizes, self.ordered, strict=True)):
            if size <= 2:
                out.append((j, size - 1, (size - 1,)))
                continue
            out += [(j, k, tuple(range(k, ordered))) for k in range(1, ordered)]
            out += [(j, k, (k,)) for k in range(ordered, size)]
        return tuple(out)

    @property
    def probes(self) -> int:
        """R, the number of probes."""
        return len(self._members)

    @cached_property
    def probe_feature(self) -> IntArray:
        """The feature each probe belongs to; shape (R,)."""
        return np.array([j for j, _, _ in self._members], np.int64)

    @cached_property
    def probe_level(self) -> IntArray:
        """The level each probe is named after: the level itself, or the first level beyond the cut; shape (R,)."""
        return np.array([k for _, k, _ in self._members], np.int64)

    @cached_property
    def probe_starts(self) -> IntArray:
        """First probe of each feature, and R at the end; shape (m + 1,)."""
        counts = np.bincount(self.probe_feature, minlength=self.features)
        return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)

    @cached_property
    def probe_planes(self) -> IntArray:
        """The planes each probe sums, as a range: first plane and the one after the last; shape (R, 2)."""
        first = [self.starts[j] + levels[0] for j, _, levels in self._members]
        stop = [self.starts[j] + levels[-1] + 1 for j, _, levels in self._members]
        return np.array([first, stop], np.int64).reshape(2, -1).T.copy()

    def is_cut(self, probe: int) -> bool:
        """Whether a probe is a cut of an ordered feature rather than a single level."""
        j, k, _ = self._members[probe]
        return k < self.ordered[j]

    def gather(self, counts: NDArray[Any], features: slice | None = None) -> NDArray[Any]:
        """Sum the planes of each probe along the last axis: (..., K) to (..., R).

        With ``features``, a range, ``counts`` has only the planes of these, and so has the result their probes.
        """
        first, last = (0, self.features) if features is None else (features.start, features.stop)
        planes = self.probe_planes[self.probe_starts[first] : self.probe_starts[last]] - self.starts[first]
        if np.all(planes[:, 1] - planes[:, 0] == 1):
            steps = np.diff(planes[:, 0])
            if len(steps) and np.all(steps == steps[0]):
                return np.asarray(counts[..., planes[0, 0] :: steps[0]][..., : len(planes)])
            return np.asarray(np.take(counts, planes[:, 0], axis=-1))
        padded = np.concatenate([counts, np.zeros((*counts.shape[:-1], 1), counts.dtype)], axis=-1)
        return np.asarray(np.add.reduceat(padded, planes.ravel(), axis=-1)[..., ::2])

    @cached_property
    def pairs(self) -> tuple[IntArray, IntArray]:
        """Feature indices (i, j), i < j, of all P pairs."""
        i, j = np.triu_indices(self.features, 1)
        return i.astype(np.int64), j.astype(np.int64)

    def block(self, joint: FloatArray, i: int, j: int) -> FloatArray:
        """The L_i x L_j table of a pair, cut out of a (K, K) matrix."""
        s = self.starts
        return joint[s[i] : s[i + 1], s[j] : s[j + 1]]
