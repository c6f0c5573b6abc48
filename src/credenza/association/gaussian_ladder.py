"""The ladder on normal scores: what it would name, for many samples at once, without a row being drawn.

In large samples the scores z of all 2x2 tables are normal with the covariance of the tables' influence functions. To
explain a pair is to weigh the suspect so that the pair's tables agree, which takes from every other score its
regression on those of the pair (weights of maximum entropy are regression weights to first order: Deville & Sarndal
1992, JASA 87:376). So the climb of :class:`credenza.association.ladder.Ladder` is a matter of matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from credenza.association.tails import chi2_log_sf
from credenza.contracts import FloatArray, IntArray

MOST_STEPS = 4  # culprits that are followed in one draw
LEAST_SHARE = 0.004  # of the draws; sets of culprits that fewer arrive at are not followed further
FLAT = 0.03  # least share of the variance of a pair's tables in a direction: in others scores agree to first order only
BoolArray = NDArray[np.bool_]
Key = tuple[int, ...]


@dataclass(frozen=True)
class GaussianLadder:
    """Pairs of features by their tables' scores.

    Parameters
    ----------
    correlation : (C, C), of all scores: first those of tables, then those of margins.
    tables : for each pair the places of its tables' scores. larger : whether the pair has a table beyond 2x2, so that
        it is asked in two ways; both as long as there are pairs.
    margins : for each pair the places of the scores of its features' own levels.
    shifted : places of the scores of margins that are explained before any pair is.
    tested : hypotheses of the whole table; pairs that are not here count as p = 1.
    fdr : false discovery rate. penalty : log of what the correction multiplies p-values by (0 for "bh").

    Examples
    --------
    >>> ladder = GaussianLadder(np.array([[1.0, 0.5], [0.5, 1.0]]), ([0], [1]), (False, False), ([], []), [], 10, 0.05)
    >>> ladder.climb(np.array([[0.0, 1.0], [6.0, 4.0], [6.0, -4.0]]))
    [(), (0,), (0, 1)]
    """

    correlation: FloatArray
    tables: Sequence[Sequence[int]]
    larger: Sequence[bool]
    margins: Sequence[Sequence[int]]
    shifted: Sequence[int]
    tested: int
    fdr: float
    penalty: float = 0.0

    def climb(
        self, z: FloatArray, least: FloatArray | None = None, caused: FloatArray | None = None
    ) -> list[Key]:
        """The pairs that the ladder names in each draw, strongest first.

        Parameters
        ----------
        z : (D, C), scores of each draw.
        least : (D, pairs), log p-values that a strength is not beyond a floor; None without a floor.
        caused : (C,), the part of the scores that pair 0 has brought about, so that it is gone once that is explained;
            None: only what regression takes away is.

        Notes
        -----
        Cost: a product of (D, C) with (C, places) for every set of culprits that occurs, and D C tail probabilities.
        """
        found: list[Key] = [()] * len(z)
        few = LEAST_SHARE * len(z)
        work: list[tuple[Key, IntArray]] = [((), np.arange(len(z)))]
        while work:
            key, rows = work.pop()
            log_p, left = self._left(z, least, caused, key, rows)
            any_left = left.any(axis=1) & (len(key) < MOST_STEPS) & (not key or len(rows) >= few)
            for row in rows[~any_left]:
                found[row] = key
            strongest = np.argmin(np.where(left, log_p, np.inf), axis=1)
            named = np.unique(strongest[any_left]).tolist()
            work += [((*key, k), rows[any_left & (strongest == k)]) for k in named]
        return self._pruned(z, least, caused, found)

    def _pruned(
        self, z: FloatArray, least: FloatArray | None, caused: FloatArray | None, found: list[Key]
    ) -> list[Key]:
        """Take out, last named first, every culprit without which nothing is left."""
        several = [row for row, key in enumerate(found) if len(key) > 1]
        for place in reversed(range(MOST_STEPS)):
            groups: dict[Key, list[int]] = {}
            for row in several:
                key = found[row]
                if len(key) > max(place, 1):
                    groups.setdefault(key[:place] + key[place + 1 :], []).append(row)
            for rest, members in groups.items():
                rows = np.array(members)
                _, left = self._left(z, least, caused, rest, rows)
                for row in rows[~left.any(axis=1)]:
                    found[row] = rest
        return found

    def _left(
        self, z: FloatArray, least: FloatArray | None, caused: FloatArray | None, key: Key, rows: IntArray
    ) -> tuple[FloatArray, BoolArray]:
        """(log p, significant and not explained) of the pairs in some draws, both (rows, pairs)."""
        here = z[rows] if caused is None or 0 not in key else z[rows] - caused
        log_p = self._log_p(self._residual(here, key))
        if least is not None:
            log_p = np.maximum(log_p, least[rows])
        log_p[:, list(key)] = 0.0
        ranks = np.arange(1, log_p.shape[1] + 1)
        ordered = np.sort(log_p, axis=1)
        passed = ordered <= np.log(self.fdr * ranks / self.tested) - self.penalty
        last = np.where(passed.any(axis=1), log_p.shape[1] - 1 - np.argmax(passed[:, ::-1], axis=1), -1)
        cut = np.where(last >= 0, ordered[np.arange(len(rows)), last], -np.inf)
        return log_p, log_p <= cut[:, None]

    def _residual(self, z: FloatArray, key: Key) -> FloatArray:
        """The scores under weights that explain these pairs."""
        places = {p for k in key for p in (*self.tables[k], *self.margins[k])} | set(self.shifted)
        if not places:
            return z
        known = tuple(sorted(key))
        if known not in self._kept:
            chosen = sorted(places)
            inner = np.linalg.pinv(self.correlation[np.ix_(chosen, chosen)], rcond=FLAT, hermitian=True)
            self._kept[known] = np.array(chosen), inner @ self.correlation[chosen]
        at, slopes = self._kept[known]
        return np.asarray(z - z[:, at] @ slopes)

    def _log_p(self, z: FloatArray) -> FloatArray:
        out = np.empty((len(z), len(self.tables)))
        size = np.abs(z)
        for k, places in enumerate(self.tables):
            largest = size[:, list(places)].max(axis=1)
            best = special.log_ndtr(-largest) + np.log(2.0 * len(places))
            if self.larger[k]:
                axes = self._axes[k]
                g_log_p = chi2_log_sf(((z[:, list(places)] @ axes) ** 2).sum(axis=1), axes.shape[1])
                best = np.minimum(best, g_log_p) + np.log(2.0)
            out[:, k] = best
        return np.minimum(out, 0.0)

    @cached_property
    def _kept(self) -> dict[Key, tuple[IntArray, FloatArray]]:
        """Regressions that were worked out: places of what is explained, and the slopes of all scores on it."""
        return {}

    @cached_property
    def _axes(self) -> list[FloatArray]:
        """For each pair the axes along which its tables' scores are independent with variance 1."""
        out = []
        for places, larger in zip(self.tables, self.larger, strict=True):
            if not larger:
                out.append(np.empty((len(places), 0)))
                continue
            values, vectors = np.linalg.eigh(self.correlation[np.ix_(list(places), list(places))])
            kept = values > FLAT * values.max()
            out.append(vectors[:, kept] / np.sqrt(values[kept]))
        return out
