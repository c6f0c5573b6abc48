"""The chance that an attack on one pair is named by the ladder, and the smallest strength that is.

An attack of strength eps changes the expected pair counts of the suspect by eps times a matrix. From the changed
tables follow the means of all scores, from the influence functions of the log odds ratios their covariance, and from
both what the ladder names (:mod:`credenza.association.gaussian_ladder`). Nothing is sampled but normal numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil, inf, sqrt

import numpy as np
from numpy.typing import NDArray

from credenza.association.followed import Followed, nearby_features
from credenza.association.gaussian_ladder import GaussianLadder
from credenza.association.probes import Layout
from credenza.association.ranking import log_penalty
from credenza.association.tails import normal_isf, normal_log_sf
from credenza.contracts import FloatArray, IntArray
from credenza.errors import UsageError

MOST_ROWS = 10_000  # rows that covariances are read from
PRECISION = 4e-3  # of a strength that is searched for, relative
MOST_REFERENCE = 2**40


@dataclass(frozen=True)
class Chances:
    """Chances that the attacked pair is among the culprits (``named``), and that there is any (``alarm``)."""

    named: float
    alarm: float


@dataclass(frozen=True)
class AttackPower:
    """What becomes of an attack on one pair, by its strength.

    Parameters
    ----------
    codes : uint8 (S, m), rows of the clean population; the first ``MOST_ROWS`` are used for covariances.
    joint : (K, K), its pair counts as shares of the rows; usually of more rows than ``codes``.
    change : (K, K), what a strength of 1 adds to the suspect's shares (linear in the strength).
    layout : levels and order of the features.
    pair : positions of the attacked features.
    reference_rows, suspect_rows : sizes of the two samples.
    keeps_rest : whether all other features are distributed as before among rows of equal values of the pair, as in
        attacks with whole rows; then weights that undo the pair undo everything.
    copies : share of the suspect's rows that a strength of 1 makes copies of others; copies carry nothing new.
    limit : the largest strength that the attack can have.
    fdr, correction, min_strength : of the audit. pairs_tested : pairs of the whole table; None: those of ``layout``.
    draws, seed : of the normal numbers; the same serve all strengths. With 2,000 independent ones a chance of one half
        would have a standard error of .011; evenly spread scores of the attacked pair make it much smaller.

    Raises
    ------
    UsageError : ``pair`` is not two different positions.

    Notes
    -----
    For the table with cells P_c of two probes, the log odds ratio L has influence function +-1 / P_c and variance
    sum 1 / P_c for one row. The score z, by the likelihood ratio of two odds ratios, has the mean that the expected
    shares P' = P + eps change give. An edit of a fixed number of
    rows adds no chance, so L_s has the variance of its gradient over clean rows:
    (sum P_c / P'_c^2 - (sum +-P_c / P'_c)^2) / n_s.

    Followed are the attacked pair and those whose expected scores are notable; all others are taken for null and not
    significant, so that ``alarm`` is without false alarms. Margins that the attack shifts so far that rung 1 would
    more likely than not explain them are explained first. Left out: the discreteness of the exact test, and the loss
    of effective rows to the weights.

    Cost: S C^2 for C scores once, then a climb of ``draws`` draws at each strength (about ten milliseconds).

    Examples
    --------
    >>> codes = np.array([[a, b] for a in (0, 1) for b in (0, 1)] * 500, np.uint8)
    >>> joint = np.array([[0.5, 0, 0.25, 0.25], [0, 0.5, 0.25, 0.25], [0.25, 0.25, 0.5, 0], [0.25, 0.25, 0, 0.5]])
    >>> change = np.array([[0, 0, 1, -1], [0, 0, -1, 1], [1, -1, 0, 0], [-1, 1, 0, 0]], float)
    >>> one = AttackPower(codes, joint, change, Layout((2, 2), (0, 0)), (0, 1), 2_000, 2_000)
    >>> round(one.strength_for(0.8), 3), one.at(0.05).named
    (0.022, 1.0)
    """

    codes: NDArray[np.uint8]
    joint: FloatArray
    change: FloatArray
    layout: Layout
    pair: tuple[int, int]
    reference_rows: float
    suspect_rows: float
    keeps_rest: bool = False
    copies: float = 0.0
    limit: float = 0.5
    fdr: float = 0.05
    correction: str = "bh"
    min_strength: float = 0.0
    pairs_tested: int | None = None
    draws: int = 2_000
    seed: int = 0

    def __post_init__(self) -> None:
        i, j = self.pair
        if i == j or not {i, j} <= set(range(self.layout.features)):
            raise UsageError(f"a pair is two of {self.layout.features} features; found {self.pair}")

    def at(self, strength: float, reference_rows: float | None = None) -> Chances:
        """Chances at a strength, perhaps with another number of reference rows."""
        followed, sizes = self._followed, self._sizes(strength, reference_rows)
        mean, spread = followed.tables.moments(strength, sizes)
        shift = self._margin_scores(strength, sizes)
        z = np.concatenate([mean, shift]) + np.concatenate([spread, np.ones_like(shift)]) * self._noise
        least = None if self.min_strength <= 0 else self._floored(strength, sizes, z[:, : len(mean)], mean)
        found = self._ladder(shift).climb(
            z, least, np.concatenate([mean, shift]) if self.keeps_rest else None
        )
        return Chances(
            float(np.mean([0 in key for key in found])), float(np.mean([key != () for key in found]))
        )

    def strength_for(self, power: float, reference_rows: float | None = None) -> float:
        """The smallest strength that is named with this chance; infinite where none up to ``limit`` is."""
        low, high = 0.0, min(self._followed.typical, self.limit)
        while self.at(high, reference_rows).named < power:
            if high >= self.limit:
                return inf
            low, high = high, min(1.5 * high, self.limit)
        while high - low > PRECISION * high:
            middle = (low + high) / 2
            enough = self.at(middle, reference_rows).named >= power
            low, high = (low, middle) if enough else (middle, high)
        return high

    def reference_rows_for(self, strength: float, power: float) -> float:
        """The fewest reference rows with which this strength is named with this chance, to 1%.

        Infinite where no number is enough: then the suspect's own rows bind, or pairs that the attack drags along look
        as strong.
        """
        if self.at(strength, MOST_REFERENCE).named < power:
            return inf
        low, high = 1.0, float(MOST_REFERENCE)
        while high > low * 1.01:
            middle = sqrt(low * high)
            enough = self.at(strength, middle).named >= power
            low, high = (low, middle) if enough else (middle, high)
        return float(ceil(high))

    def _sizes(self, strength: float, reference_rows: float | None) -> tuple[float, float]:
        reference = self.reference_rows if reference_rows is None else reference_rows
        return float(reference), self.suspect_rows / (1.0 + 2.0 * self.copies * strength)

    @cached_property
    def _features(self) -> list[int]:
        return nearby_features(self.change, self.layout, self.pair)

    @cached_property
    def _part(self) -> tuple[Layout, FloatArray, FloatArray]:
        """Layout, shares and change of the features that are looked at."""
        whole, features = self.layout, self._features
        layout = Layout(tuple(whole.sizes[f] for f in features), tuple(whole.ordered[f] for f in features))
        planes = np.concatenate([np.arange(*whole.starts[f : f + 2]) for f in features])
        part = np.ix_(planes, planes)
        return layout, self.joint[part], self.change[part]

    @cached_property
    def _followed(self) -> Followed:
        layout, joint, change = self._part
        pair = self._features.index(self.pair[0]), self._features.index(self.pair[1])
        return Followed.choose(joint, change, layout, pair, self._sizes(0.0, None), self.limit)

    @cached_property
    def _correlation(self) -> FloatArray:
        return self._followed.correlation(self.codes[:MOST_ROWS, self._features])

    @cached_property
    def _noise(self) -> FloatArray:
        """Scores (draws, C) of no attack; those of the attacked pair's first table are evenly spread quantiles."""
        values, vectors = np.linalg.eigh(self._correlation)
        normal = np.random.default_rng(self.seed).standard_normal((self.draws, len(values)))
        noise = (normal * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
        even = np.empty(self.draws)
        even[np.argsort(noise[:, 0])] = -normal_isf((np.arange(self.draws) + 0.5) / self.draws)
        return np.asarray(noise + np.outer(even - noise[:, 0], self._correlation[0]))

    def _margin_scores(self, strength: float, sizes: tuple[float, float]) -> FloatArray:
        """Expected scores (R,) of the shares of all probes."""
        layout, joint, change = self._part
        u, du = layout.gather(np.diag(joint)), layout.gather(np.diag(change))
        error = np.sqrt(np.maximum(u * (1 - u), 1e-12) * (1 / sizes[0] + 1 / sizes[1]))
        return np.asarray(strength * du / error)

    def _ladder(self, shift: FloatArray) -> GaussianLadder:
        followed = self._followed
        layout, first = followed.layout, int(followed.starts[-1])
        places = [list(range(*layout.probe_starts[f : f + 2] + first)) for f in range(layout.features)]
        least = float(normal_isf(self.fdr / (2 * max(layout.probes, 1))))
        shifted = tuple(np.unique(layout.probe_feature[np.abs(shift) > least]).tolist())
        if shifted in self._ladders:
            return self._ladders[shifted]
        tested = self.pairs_tested or self.layout.features * (self.layout.features - 1) // 2
        self._ladders[shifted] = GaussianLadder(
            self._correlation,
            [range(p, q) for p, q in zip(followed.starts[:-1], followed.starts[1:], strict=True)],
            [max(layout.sizes[i], layout.sizes[j]) > 2 for i, j in followed.pairs],
            [places[i] + places[j] for i, j in followed.pairs],
            [place for f in shifted for place in places[f]],
            tested,
            self.fdr,
            log_penalty(tested, self.correction),
        )
        return self._ladders[shifted]

    @cached_property
    def _ladders(self) -> dict[tuple[int, ...], GaussianLadder]:
        """Ladders by the features whose margins are explained first."""
        return {}

    def _floored(
        self, strength: float, sizes: tuple[float, float], z: FloatArray, mean: FloatArray
    ) -> FloatArray:
        """Log p-values (draws, pairs) that the strength of a pair's strongest table is not beyond the floor."""
        expected, error = self._followed.tables.strengths(strength, sizes)
        estimated = expected + (z - mean) * error
        log_p = normal_log_sf((np.abs(estimated) - self.min_strength) / np.maximum(error, 1e-12))
        out: list[FloatArray] = []
        for p, q in zip(self._followed.starts[:-1], self._followed.starts[1:], strict=True):
            strongest: IntArray = np.abs(z[:, p:q]).argmax(axis=1)
            out.append(log_p[np.arange(len(z)), p + strongest])
        return np.stack(out, axis=1)
