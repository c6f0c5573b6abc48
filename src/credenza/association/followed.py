"""The scores that are followed to work out an attack's chances: which tables, their covariance, their moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from credenza.association.estimate import covariance_and_spread
from credenza.association.probes import Layout
from credenza.association.twobytwo import MIN_MARGIN
from credenza.contracts import FloatArray, IntArray

MOST_PLANES = (
    400  # levels of the features that are followed: the pair's, then those that the attack drags along most
)
MOST_PAIRS = 80  # pairs that are followed
MOST_TABLES = 500  # and their 2x2 tables
NOTABLE = 1.0  # pairs whose expected score reaches this where the attacked pair's is STRONG are followed
STRONG = 6.0
SIGNS = np.array([1.0, -1.0, -1.0, 1.0])
HALF = 0.5  # counts that are added to each cell where variances are read off it
BISECTIONS = 40


@dataclass(frozen=True)
class Tables:
    """2x2 tables of pairs of probes, and what a strength of 1 adds to them.

    Attributes
    ----------
    a, b : the probes, (T,). x, u, v : shares of rows with both, with a, with b; dx, du, dv : what is added to them.
    """

    a: IntArray
    b: IntArray
    x: FloatArray
    u: FloatArray
    v: FloatArray
    dx: FloatArray
    du: FloatArray
    dv: FloatArray

    @classmethod
    def of(cls, joint: FloatArray, change: FloatArray, layout: Layout) -> Tables:
        """All tables of two different features: from shares (K, K), and what is added to them."""
        (x, u), (dx, du) = ((of_probes(m, layout), layout.gather(np.diag(m))) for m in (joint, change))
        a, b = np.triu_indices(layout.probes, 1)
        apart = layout.probe_feature[a] != layout.probe_feature[b]
        a, b = a[apart].astype(np.int64), b[apart].astype(np.int64)
        return cls(a, b, x[a, b], u[a], u[b], dx[a, b], du[a], du[b])

    def at(self, places: IntArray | NDArray[np.bool_]) -> Tables:
        """Some of the tables."""
        index, share = (self.a, self.b), (self.x, self.u, self.v, self.dx, self.du, self.dv)
        a, b = (part[places] for part in index)
        return Tables(a, b, *(part[places] for part in share))

    def cells(self, strength: float) -> FloatArray:
        """Shares (T, 4) of the cells 11, 10, 01, 00 at a strength; below zero cut off."""
        x, u, v = self.x + strength * self.dx, self.u + strength * self.du, self.v + strength * self.dv
        return np.maximum(np.stack([x, u - x, v - x, 1 - u - v + x], axis=1), 0.0)

    def usable(self, strength: float, sizes: tuple[float, float]) -> NDArray[np.bool_]:
        """Whether a table can be tested: enough rows in each of its margins, on both sides."""
        clean, moved = self.cells(0.0) * sizes[0], self.cells(strength) * sizes[1]
        least = np.minimum(_least_margin(clean), _least_margin(moved))
        return np.asarray(least >= MIN_MARGIN)

    def moments(self, strength: float, sizes: tuple[float, float]) -> tuple[FloatArray, FloatArray]:
        """(mean, standard deviation) of the scores; 0 where there is nothing to test."""
        n_r, n_s = sizes
        clean = self.cells(0.0)
        before, after = clean + HALF / n_r, self.cells(strength) + HALF / n_s
        tested = (1 / before).sum(axis=1) / n_r + (1 / after).sum(axis=1) / n_s
        mean = signed_root(clean * n_r, self.cells(strength) * n_s)
        gradient = SIGNS / after
        own = (clean * gradient**2).sum(axis=1) - (clean * gradient).sum(axis=1) ** 2
        spread = np.sqrt(((1 / before).sum(axis=1) / n_r + own / n_s) / tested)
        usable = self.usable(strength, sizes)
        return np.where(usable, mean, 0.0), np.where(usable, spread, 0.0)

    def strengths(self, strength: float, sizes: tuple[float, float]) -> tuple[FloatArray, FloatArray]:
        """(expected change of the covariance, its standard error), (T,), of what the audit estimates."""
        clean, moved = self.cells(0.0), self.cells(strength)
        (c_r, s_r), (c_s, s_s) = (
            covariance_and_spread(p[:, 0], p[:, 0] + p[:, 1], p[:, 0] + p[:, 2]) for p in (clean, moved)
        )
        return c_s - c_r, np.sqrt(s_r**2 / sizes[0] + np.maximum(s_r, s_s) ** 2 / sizes[1])


def signed_root(reference: FloatArray, suspect: FloatArray) -> FloatArray:
    """Signed root of the likelihood ratio of two odds ratios, which is what the exact test comes to in small cells too.

    Parameters
    ----------
    reference, suspect : counts (T, 4) of the cells 11, 10, 01, 00; need not be whole.

    Returns
    -------
    (T,): sign sqrt(2 sum O ln(O / E)), where E has the margins of O, the same total of the two first cells, and one
    odds ratio for both (found by bisection).

    Examples
    --------
    >>> signed_root(np.array([[250.0, 250, 250, 250]]), np.array([[300.0, 200, 200, 300]])).round(2).tolist()
    [4.5]
    """
    low = np.maximum(-np.minimum(reference[:, 0], reference[:, 3]), -np.minimum(suspect[:, 1], suspect[:, 2]))
    high = np.minimum(np.minimum(reference[:, 1], reference[:, 2]), np.minimum(suspect[:, 0], suspect[:, 3]))
    for _ in range(BISECTIONS):
        middle = ((low + high) / 2)[:, None] * SIGNS
        above = _odds(reference + middle) > _odds(suspect - middle)
        low, high = np.where(above, low, middle[:, 0]), np.where(above, middle[:, 0], high)
    moved = ((low + high) / 2)[:, None] * SIGNS
    total = special.rel_entr(reference, np.maximum(reference + moved, 1e-12)).sum(axis=1)
    total += special.rel_entr(suspect, np.maximum(suspect - moved, 1e-12)).sum(axis=1)
    return np.asarray(np.sign(moved[:, 0]) * np.sqrt(np.maximum(2 * total, 0.0)))


def _odds(cells: FloatArray) -> FloatArray:
    """Log odds ratio (T,), finite."""
    return np.asarray(np.log(np.maximum(cells, 1e-300)) @ SIGNS)


def of_probes(joint: FloatArray, layout: Layout) -> FloatArray:
    """Shares of each two probes (R, R) from those of each two levels (K, K)."""
    half = layout.gather(np.asarray(joint, float))
    return np.asarray(layout.gather(np.ascontiguousarray(half.T)))


def _least_margin(cells: FloatArray) -> FloatArray:
    u, v, n = cells[:, 0] + cells[:, 1], cells[:, 0] + cells[:, 2], cells.sum(axis=1)
    return np.asarray(np.minimum(np.minimum(u, n - u), np.minimum(v, n - v)))


def reach(tables: Tables, sizes: tuple[float, float], limit: float, score: float) -> float:
    """The strength at which some table has this expected score; the limit where none has."""
    low, high = 0.0, limit
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        below = np.abs(tables.moments(middle, sizes)[0]).max(initial=0.0) < score
        low, high = (middle, high) if below else (low, middle)
    return high


def nearby_features(change: FloatArray, layout: Layout, pair: tuple[int, int]) -> list[int]:
    """The attacked features, then those whose tables the attack changes most, up to ``MOST_PLANES`` levels; sorted."""
    starts = layout.starts[:-1]
    weight = np.add.reduceat(np.abs(change).sum(axis=1), starts)
    chosen, room = set(pair), MOST_PLANES - sum(layout.sizes[f] for f in pair)
    for f in np.argsort(-weight, kind="stable").tolist():
        if f not in chosen and layout.sizes[f] <= room:
            chosen.add(f)
            room -= layout.sizes[f]
    return sorted(chosen)


@dataclass(frozen=True)
class Followed:
    """The pairs that are followed, the attacked one first.

    Attributes
    ----------
    layout : of the features that are looked at. tables : of the pairs, one pair's after another's.
    starts : place of each pair's first table, and their number at the end. pairs : features of each pair.
    typical : the strength at which the attacked pair's expected score is ``STRONG``, or the limit.
    """

    layout: Layout
    tables: Tables
    starts: IntArray
    pairs: tuple[tuple[int, int], ...]
    typical: float

    @classmethod
    def choose(
        cls,
        joint: FloatArray,
        change: FloatArray,
        layout: Layout,
        pair: tuple[int, int],
        sizes: tuple[float, float],
        limit: float,
    ) -> Followed:
        """The attacked pair, and the pairs that the attack drags along enough to be seen."""
        every = Tables.of(joint, change, layout)
        code = layout.probe_feature[every.a] * layout.features + layout.probe_feature[every.b]
        own = min(pair) * layout.features + max(pair)
        typical = reach(every.at(code == own), sizes, limit, STRONG)
        usable = every.usable(typical, sizes) | (code == own)
        score = np.where(usable, np.abs(every.moments(typical, sizes)[0]), 0.0)
        best = np.zeros(layout.features**2)
        np.maximum.at(best, code, score)
        best[own] = np.inf
        order = [k for k in np.argsort(-best, kind="stable")[:MOST_PAIRS].tolist() if best[k] >= NOTABLE]
        members = [np.flatnonzero((code == k) & usable) for k in order]
        ends = np.cumsum([len(m) for m in members])
        members = members[: max(1, int(np.searchsorted(ends, MOST_TABLES, side="right")))]
        starts = np.concatenate(([0], np.cumsum([len(m) for m in members]))).astype(np.int64)
        pairs = tuple((k // layout.features, k % layout.features) for k in order[: len(members)])
        return cls(layout, every.at(np.concatenate(members)), starts, pairs, typical)

    def correlation(self, codes: NDArray[np.uint8]) -> FloatArray:
        """Correlation (T + R, T + R) of the scores of the tables, then of all probes' margins, over clean rows."""
        layout, tables = self.layout, self.tables
        first = layout.probe_planes[:, 0] - layout.starts[layout.probe_feature]
        last = layout.probe_planes[:, 1] - layout.starts[layout.probe_feature]
        mine = codes[:, layout.probe_feature]
        member = (mine >= first) & (mine < last)
        cells = np.maximum(tables.cells(0.0), 1e-12)
        place = 3 - 2 * member[:, tables.a].astype(np.int8) - member[:, tables.b]
        influence = np.take_along_axis(SIGNS / cells, place.T, axis=1).T
        both = np.concatenate([influence, member.astype(float)], axis=1)
        both -= both.mean(axis=0)
        norm = np.sqrt((both**2).sum(axis=0))
        both /= np.where(norm > 0, norm, 1.0)
        out = both.T @ both
        np.fill_diagonal(out, 1.0)
        return np.asarray(out)
