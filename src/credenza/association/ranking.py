"""The strongest pairs of a whole table, whatever its width: tested a tile at a time, the rest counted and let go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf, log
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from credenza.association.counts import PairCounts
from credenza.association.estimate import Power, detectable, strengths
from credenza.association.multiplicity import adjust
from credenza.association.pair_blocks import Tile, dense_tile, scaled, wide_tiles
from credenza.association.planes import PlaneStore
from credenza.association.probes import Layout
from credenza.association.tails import normal_log_sf
from credenza.contracts import FloatArray, IntArray
from credenza.errors import UsageError

SPARE = 10  # times as many pairs are held while testing as are kept when few are significant
BINS = 1_000  # of the histogram of log p, BIN_WIDTH each; the last one is open
BIN_WIDTH = 0.05
PIECE = 2**18  # pairs whose tables are looked at together
Counts = PairCounts | PlaneStore
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Ranking:
    """The strongest of all pairs of a table, smallest p-value first (then by position).

    Attributes
    ----------
    i, j : features, i < j, (N,).
    log_p, z, probe_a, probe_b : as in :class:`credenza.association.shift.PairShift`, (N,); probes are numbered as in
        the whole layout.
    q : FDR-adjusted p-values over all tested pairs, (N,).
    tested : pairs that had something to test. pairs : P, all pairs.
    exact_below : which pairs have a q-value below any level up to this one is known exactly; infinite when all
        tested pairs are here. See :func:`rank`.
    """

    i: IntArray
    j: IntArray
    log_p: FloatArray
    z: FloatArray
    probe_a: IntArray
    probe_b: IntArray
    q: FloatArray
    tested: int
    pairs: int
    exact_below: float

    def significant(self, fdr: float) -> IntArray:
        """Positions of the pairs with q <= fdr: the first ones."""
        return np.flatnonzero(self.q <= fdr).astype(np.int64)

    def complete(self, fdr: float) -> bool:
        """Whether :meth:`significant` lists all pairs that a list of all tested pairs would have made significant."""
        return fdr < self.exact_below


def floored(log_p: FloatArray, tables: FloatArray, min_strength: float) -> FloatArray:
    """The log p-value that a strength is not beyond a floor, where that is larger.

    Parameters
    ----------
    log_p : (N,), of the tests that nothing moved. tables : (N, 8), the strongest 2x2 tables of the same pairs.
    min_strength : delta >= 0; 0 leaves ``log_p`` as it is.

    Returns
    -------
    (N,): max(log_p, ln P(Z > (|eps| - delta) / se)), eps and se by :func:`credenza.association.estimate.strengths`.

    Examples
    --------
    >>> tables = np.array([[250, 500, 500, 1000, 300, 500, 500, 1000]], float)
    >>> floored(np.array([-9.0]), tables, 0.04).round(2).tolist()
    [-1.68]
    """
    if min_strength <= 0:
        return log_p
    eps, error = strengths(tables)
    excess = (np.abs(eps) - min_strength) / np.maximum(error, 1e-12)
    return np.maximum(log_p, normal_log_sf(excess))


@dataclass
class _Held:
    """The strongest pairs so far, and how many pairs were tested with what p-values."""

    features: int
    capacity: int
    min_strength: float
    tested: int = 0
    cut: tuple[float, int] = (0.0, 2**62)
    histogram: IntArray = field(default_factory=lambda: np.zeros(BINS, np.int64))
    columns: tuple[NDArray[Any], ...] = ()

    def add(self, tile: Tile) -> None:
        """Take in the pairs of a tile that may be among the strongest."""
        tested = np.flatnonzero(tile.tested)
        log_p = tile.log_p[tested]
        near = np.flatnonzero(log_p <= self.cut[0])
        log_p[near] = _floored_at(tile, log_p[near], tested[near], self.min_strength)
        self.tested += len(tested)
        bins = np.minimum(log_p * (-1.0 / BIN_WIDTH), BINS - 1).astype(np.int64)
        self.histogram += np.bincount(bins, minlength=BINS)
        i, j = tile.pairs_at(tested[near])
        key = i * self.features + j
        kept = (log_p[near] < self.cut[0]) | ((log_p[near] == self.cut[0]) & (key < self.cut[1]))
        at = tested[near[kept]]
        new = (log_p[near[kept]], key[kept], tile.z[at], tile.probe_a[at], tile.probe_b[at])
        self.columns = tuple(map(_joined, self.columns, new)) if self.columns else new
        if len(self.columns[0]) > 2 * self.capacity:
            self.shrink()

    def shrink(self) -> None:
        """Put the strongest first and let go of what is beyond the capacity."""
        if not self.columns:
            return
        order = np.lexsort((self.columns[1], self.columns[0]))[: self.capacity]
        self.columns = tuple(column[order] for column in self.columns)
        if len(order) == self.capacity:
            self.cut = float(self.columns[0][-1]), int(self.columns[1][-1])

    def bound(self, correction: str) -> float:
        """A lower bound of the q-values that the pairs let go would give rise to; see :func:`rank`."""
        kept = len(self.columns[0]) if self.columns else 0
        if kept == self.tested:
            return inf
        upto = np.cumsum(self.histogram[::-1])
        least = -BIN_WIDTH * np.arange(BINS, 0, -1)
        least[0] = -inf
        least = np.maximum(least, self.cut[0])[upto > kept]
        log_q = least + log(self.tested) - np.log(upto[upto > kept])
        return float(np.exp(min(log_q.min() + log_penalty(self.tested, correction), 0.0)))


def log_penalty(count: int, correction: str) -> float:
    """Log of c: 1 + 1/2 + ... + 1/count for "by", else 1."""
    return log(float(digamma(count + 1)) + np.euler_gamma) if correction == "by" else 0.0


def _joined(old: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([old, new])


def _floored_at(tile: Tile, log_p: FloatArray, at: IntArray, min_strength: float) -> FloatArray:
    """:func:`floored` for the pairs at some positions of a tile, a piece at a time."""
    if min_strength <= 0 or not len(at):
        return log_p
    pieces = [slice(k, k + PIECE) for k in range(0, len(at), PIECE)]
    return np.concatenate([floored(log_p[p], tile.tables_at(at[p]), min_strength) for p in pieces])


def rank(
    reference: Counts,
    suspect: Counts,
    layout: Layout,
    *,
    correction: str = "bh",
    fdr: float = 0.05,
    keep: int = 10_000,
    design_effect: float = 1.0,
    min_strength: float = 0.0,
    progress: Progress | None = None,
) -> Ranking:
    """Test all pairs of features and keep the strongest.

    Parameters
    ----------
    reference, suspect : both :class:`PairCounts`, or both :class:`PlaneStore` (more than ``DENSE_PLANES`` levels), with
        the levels of ``layout``.
    layout : levels and order of the features.
    correction, fdr : of the q-values, see :func:`credenza.association.multiplicity.adjust`.
    keep : pairs to keep; when more are significant at ``fdr``, all of these, up to ``SPARE`` times as many.
    design_effect : how many rows of the suspect are worth one independent row; >= 1.
    min_strength : see :func:`floored`.
    progress : called with (pairs done, P) after every tile.

    Returns
    -------
    Ranking

    Raises
    ------
    UsageError : the two are not of one kind, or have other levels than the layout; ``keep`` below 1.

    Notes
    -----
    Why the q-values of the kept pairs are right though the others are gone: with N pairs tested and p_1 <= p_2 <= ...,
    q_k is the minimum over l >= k of p_l N c / l, where c is 1 ("bh") or 1 + 1/2 + ... + 1/N ("by"). Of the B
    strongest held while testing, p_l is known for l <= B. For the others a histogram of all N log p-values gives, for
    each bin with values from e^lo on and the ranks l up to its cumulated count C, p_l N c / l >= e^lo N c / C. The
    least of these bounds over the bins that reach beyond rank B is beta = ``exact_below``. Where the minimum over
    k <= l <= B is below beta it is q_k itself. At a level below beta no pair that was let go is significant, nor makes
    another one so: the decisions are those of all N pairs. At a level of beta or more
    :meth:`Ranking.complete` is False, what is listed as significant is so (q is never too small), and there
    may be more. With SPARE keep = 100,000 pairs held of 50 million, that takes tens of thousands of pairs that moved.

    Cost: P tests, and for wide tables R^2 n / 128 AND + population counts a side. Memory beside the inputs: dense, some
    copies of K^2 numbers; wide, about 150 ``BLOCK_PLANES``^2 bytes (150 MB) plus 100 bytes for each of 2 SPARE keep
    pairs (20 MB), whatever m.

    Examples
    --------
    >>> from credenza.association.planes import PlaneStore
    >>> before = np.repeat(np.array([[0, 0, 0], [0, 1, 1], [1, 0, 0], [1, 1, 1]], np.uint8), 50, axis=0)
    >>> after = np.repeat(np.array([[0, 0, 0], [0, 0, 1], [1, 1, 0], [1, 1, 1]], np.uint8), 50, axis=0)
    >>> layout = Layout((2, 2, 2), (0, 0, 0))
    >>> found = rank(*(PlaneStore(layout.sizes, 200).add(codes) for codes in (before, after)), layout)
    >>> [(int(i), int(j)) for i, j in zip(found.i, found.j)], found.q.round(3).tolist(), found.tested
    ([(0, 1), (1, 2), (0, 2)], [0.0, 0.0, 1.0], 3)
    """
    _reject_misfits(reference, suspect, layout, keep)
    held = _Held(layout.features, SPARE * keep, min_strength)
    pairs, done = layout.features * (layout.features - 1) // 2, 0
    for tile in _tiles(reference, suspect, layout, design_effect):
        held.add(tile)
        done += len(tile.log_p)
        if progress is not None:
            progress(done, pairs)
    held.shrink()
    return _ranking(held, pairs, correction, fdr, keep)


def _tiles(reference: Counts, suspect: Counts, layout: Layout, design_effect: float) -> Iterator[Tile]:
    if isinstance(reference, PlaneStore) and isinstance(suspect, PlaneStore):
        yield from wide_tiles(reference, suspect, layout, design_effect)
    elif isinstance(reference, PairCounts) and isinstance(suspect, PairCounts):
        yield dense_tile(scaled(reference), scaled(suspect, design_effect), layout)


def _ranking(held: _Held, pairs: int, correction: str, fdr: float, keep: int) -> Ranking:
    """Adjust the p-values and keep what is asked for."""
    none = (np.empty(0), *(np.empty(0, np.int64),), np.empty(0), *(np.empty(0, np.int64),) * 2)
    log_p, key, z, a, b = held.columns or none
    q = adjust(log_p, correction, total=held.tested)
    bound = held.bound(correction)
    kept = slice(0, max(keep, int((q <= fdr).sum())))
    if len(q) > kept.stop:
        bound = min(bound, float(q[kept.stop]))
    i, j = key[kept] // held.features, key[kept] % held.features
    return Ranking(i, j, log_p[kept], z[kept], a[kept], b[kept], q[kept], held.tested, pairs, bound)


def _reject_misfits(reference: Counts, suspect: Counts, layout: Layout, keep: int) -> None:
    if isinstance(reference, PlaneStore) is not isinstance(suspect, PlaneStore):
        raise UsageError(
            f"reference is a {type(reference).__name__}, suspect a {type(suspect).__name__}: count both in one way"
        )
    for name, counts in (("reference", reference), ("suspect", suspect)):
        if counts.sizes != layout.sizes:
            raise UsageError(
                f"{name} has {sum(counts.sizes)} levels of {len(counts.sizes)} features, the layout "
                f"{layout.planes} of {layout.features}: count with the layout's levels"
            )
    if keep < 1:
        raise UsageError(f"keep is {keep}: keep 1 pair or more")


def typical_power(
    reference: Counts,
    suspect: Counts,
    layout: Layout,
    *,
    alpha: float,
    power: float = 0.8,
    design_effect: float = 1.0,
    features: int = 200,
    seed: int = 0,
) -> Power:
    """The smallest detectable strengths of the pairs among a seeded random choice of features.

    Parameters
    ----------
    reference, suspect, layout, design_effect : as for :func:`rank`.
    alpha, power : see :func:`credenza.association.estimate.detectable`.
    features : how many to choose; all where there are no more.
    seed : of the choice.

    Returns
    -------
    Power over the pairs of the chosen features, with the Bonferroni share of all P pairs. Its median estimates that of
    all pairs; its largest value is the largest of the choice only.
    """
    chosen: Sequence[int] = range(layout.features)
    if features < layout.features:
        rng = np.random.default_rng(seed)
        chosen = sorted(rng.choice(layout.features, features, replace=False).tolist())
    part = Layout(tuple(layout.sizes[f] for f in chosen), tuple(layout.ordered[f] for f in chosen))
    samples = scaled(reference.part(chosen)), scaled(suspect.part(chosen), design_effect)
    pairs = layout.features * (layout.features - 1) // 2
    return detectable(*samples, part, alpha=alpha, power=power, pairs=pairs)
