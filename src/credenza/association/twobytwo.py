"""Comparison of the 2x2 tables of all pairs of features between two samples, a tile of tables at a time.

The tables of a tile are sums of entries of the two samples' pair counts. They are formed, tested and forgotten; only
the strongest table of each pair of features is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from credenza.association.exact import homogeneity
from credenza.association.probes import Layout
from credenza.association.rectangle import Rectangle, Tile, probes_of
from credenza.association.samples import BlockSample, Counts
from credenza.association.tails import normal_score
from credenza.contracts import FloatArray, IntArray

MIN_MARGIN = 5.0  # a table is tested when each of its margins has this many counts in both samples
ASYMPTOTIC_CELL = 20.0  # tables with fewer counts in any cell always go to the exact test
ASYMPTOTIC_Z = 1.6448536269514722  # and so do all whose asymptotic p-value is below 0.1, |z| beyond this
TIE = 1e-9  # tables of a pair whose log p differ by less than this share are equally strong
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Margins:
    """Rows with each probe of one side, in the reference and in the suspect, and whether its tables can be tested."""

    counts: tuple[FloatArray, FloatArray]
    usable: BoolArray

    @classmethod
    def of(cls, layout: Layout, levels: tuple[Counts, Counts], sizes: tuple[float, float]) -> Margins:
        """From the counts (K,) of the levels."""
        r, s = (layout.gather(np.asarray(margin, float)) for margin in levels)
        least = np.minimum(np.minimum(r, sizes[0] - r), np.minimum(s, sizes[1] - s))
        return cls((r, s), least >= MIN_MARGIN)

    def part(self, probes: slice) -> Margins:
        """Those of some probes."""
        return Margins((self.counts[0][probes], self.counts[1][probes]), self.usable[probes])


def _log_odds(x: FloatArray, u: FloatArray, v: FloatArray, n: float) -> tuple[FloatArray, ...]:
    """(products of the cells on and off the diagonal, variance of the log odds ratio, least cell) of each table.

    Half a count is added to each cell (Woolf 1955; Haldane 1956); rounding below zero is cut off.
    """
    b, c, d = u[:, None] - x, v - x, x + ((n - u)[:, None] - v)
    least = np.minimum(x, b)
    for cell in (c, d):
        np.minimum(least, cell, out=least)
    if least.min(initial=0.0) < 0.0:
        x, b, c, d = (np.maximum(cell, 0.0) for cell in (x, b, c, d))
    a = x + 0.5
    for cell in (b, c, d):
        cell += 0.5
    on, off = a * d, b * c
    a += d
    b += c
    a /= on
    b /= off
    a += b
    return on, off, a, least


def _compare(
    x: list[FloatArray], u: Margins, v: Margins, sizes: tuple[float, float], wanted: BoolArray | None
) -> tuple[FloatArray, FloatArray]:
    """(log p, signed normal score) of the tables of a tile, (R_I, R_J); 0 where there is nothing to test.

    ``x`` are the rows with both probes of the reference and of the suspect; ``wanted`` says which tables count.
    """
    on_r, off_r, variance, least = _log_odds(x[0], u.counts[0], v.counts[0], sizes[0])
    on_s, off_s, variance_s, least_s = _log_odds(x[1], u.counts[1], v.counts[1], sizes[1])
    np.minimum(least, least_s, out=least)
    variance += variance_s
    on_s *= off_r
    on_r *= off_s
    on_s /= on_r
    z = np.log(on_s, out=on_s)
    z /= np.sqrt(variance, out=variance)
    usable = np.logical_and.outer(u.usable, v.usable)
    if wanted is not None:
        usable &= wanted
    size = np.abs(z)
    exact = (least < ASYMPTOTIC_CELL) | (size > ASYMPTOTIC_Z)
    np.minimum(size, ASYMPTOTIC_Z, out=size)
    size *= np.sqrt(0.5)
    log_p = np.asarray(special.erfc(size, out=size))
    np.log(log_p, out=log_p)
    if not usable.all():
        log_p[~usable] = z[~usable] = 0.0
        exact &= usable
    at = np.flatnonzero(exact)
    if len(at):
        a, b = np.divmod(at, exact.shape[1])
        columns = [(x[k][a, b], u.counts[k][a], v.counts[k][b], np.full(len(a), sizes[k])) for k in (0, 1)]
        found = homogeneity(np.stack([*columns[0], *columns[1]], axis=1))
        log_p[a, b], z[a, b] = found, np.sign(z[a, b]) * normal_score(found)
    return log_p, z


def _strongest(log_p: FloatArray, rows: IntArray, columns: IntArray) -> tuple[IntArray, IntArray]:
    """Row and column of the strongest table of each feature pair of a tile, (m_I, m_J); the first one, on ties.

    ``rows`` and ``columns`` are the starts of the features.
    """
    low = np.minimum.reduceat(np.minimum.reduceat(log_p, rows, axis=0), columns, axis=1)
    down = np.repeat(low, np.diff(rows, append=log_p.shape[0]), axis=0)
    across = np.repeat(down, np.diff(columns, append=log_p.shape[1]), axis=1)
    number = np.arange(log_p.size).reshape(log_p.shape)
    number[log_p > across * (1.0 - TIE)] = log_p.size
    first = np.minimum.reduceat(np.minimum.reduceat(number, rows, axis=0), columns, axis=1)
    return first // log_p.shape[1], first % log_p.shape[1]


@dataclass(frozen=True)
class Strongest:
    """The strongest 2x2 table of each pair, arrays of shape (P,).

    ``log_p`` is its own, ``z`` its signed normal score, ``probe_a`` and ``probe_b`` its probes; ``tests`` is the number
    of tables of the pair that could be tested. Where there is none, log p and z are 0.
    """

    log_p: FloatArray
    z: FloatArray
    probe_a: IntArray
    probe_b: IntArray
    tests: IntArray


def strongest_tables(pairs: Rectangle, reference: BlockSample, suspect: BlockSample) -> Strongest:
    """Compare all 2x2 tables of all pairs between two samples.

    Parameters
    ----------
    pairs : which features with which. reference, suspect : counts of their levels.

    Notes
    -----
    A table is tested where its margins have ``MIN_MARGIN`` counts in both samples. Its p-value is the exact one where
    a cell has fewer than ``ASYMPTOTIC_CELL`` counts, or where the normal score of the log odds ratios gives p < 0.1.

    Cost: some tens of nanoseconds a table, and about twenty standard deviations of its cell, at some nanoseconds a
    count, where it is exact. Memory: 40 bytes a pair, and some megabytes a thread.
    """
    i, j, sizes = pairs.layout_i, pairs.layout_j, (reference.size, suspect.size)
    side_i = Margins.of(i, (reference.margin_i, suspect.margin_i), sizes)
    side_j = Margins.of(j, (reference.margin_j, suspect.margin_j), sizes)
    reals, whole = np.zeros((2, pairs.count)), np.zeros((3, pairs.count), np.int64)

    def work(tile: Tile) -> None:
        rows, columns = probes_of(i, tile.rows), probes_of(j, tile.columns)
        u, v = side_i.part(rows), side_j.part(columns)
        x = [pairs.sums(sample.joint, tile) for sample in (reference, suspect)]
        log_p, z = _compare(x, u, v, sizes, pairs.above(tile))
        starts = pairs.local_starts(tile)
        if (len(starts[0]), len(starts[1])) == log_p.shape:
            a, b = starts[0][:, None], starts[1]
        else:
            a, b = _strongest(log_p, *starts)
            log_p, z = log_p[a, b], z[a, b]
        usable = (
            np.add.reduceat(side.usable, at, dtype=np.int64) for side, at in zip((u, v), starts, strict=True)
        )
        values = (log_p, z, a + rows.start, b + columns.start, np.multiply.outer(*usable))
        for values_of_tile, out in zip(values, (*reals, *whole), strict=True):
            pairs.spread(tile, values_of_tile, out)

    pairs.run(work)
    return Strongest(reals[0], reals[1], whole[0], whole[1], whole[2])
