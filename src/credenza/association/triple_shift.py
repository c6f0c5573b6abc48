"""Two-sample test of every triple: did its three-way interaction move from the reference to the suspect?

Every 2x2x2 table of the triple (two levels, or two cuts of ordered features, a feature) is tested for equal three-way
odds ratios, whatever its pair tables, by the exact conditional test; Bonferroni over the tables of a triple. A table is
tested where each cell of its three pair tables holds ``MIN_PAIR`` rows in both samples: those counts are given in the
test, so choosing by them does not change its level.

What was left out: the likelihood ratio of no four-way interaction over all levels at once. Its chi-square wants several
rows in each of the L_a L_b L_c cells, which three features of eight bins only have beyond some ten thousand rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from credenza.association.multiplicity import adjust
from credenza.association.tails import normal_score
from credenza.association.triple_exact import SIGNS, same_interaction
from credenza.association.triple_weights import Tables
from credenza.association.twobytwo import ASYMPTOTIC_CELL, ASYMPTOTIC_Z
from credenza.contracts import FloatArray, IntArray

MIN_PAIR = 5.0  # rows that each cell of a triple's pair tables needs in both samples
TIE = 1e-9  # tables of a triple whose log p differ by less than this share are equally strong
PAIR_CELLS = ((0, 1), (2, 3), (4, 5), (6, 7), (0, 2), (1, 3), (4, 6), (5, 7), (0, 4), (1, 5), (2, 6), (3, 7))

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class TripleShift:
    """Result of :func:`triple_shift`, arrays (N,) in the order of ``Threes.features``.

    ``log_p`` is corrected for the ``tables`` that were tested; 0 where that is none. ``z`` is the signed normal score
    of the strongest table (positive: mass moved by a positive strength, see
    :mod:`credenza.association.triple_power`) and ``probes`` (N, 3) are its probes.
    """

    log_p: FloatArray
    z: FloatArray
    probes: IntArray
    tables: IntArray

    @property
    def tested(self) -> BoolArray:
        """Which triples had a table to test."""
        return np.asarray(self.tables > 0)

    def q(self, correction: str = "bh") -> FloatArray:
        """FDR-adjusted p-values over the tested triples; 1 for the others."""
        out = np.ones(self.log_p.shape)
        out[self.tested] = adjust(self.log_p[self.tested], correction)
        return out


def comparable(reference: FloatArray, suspect: FloatArray) -> BoolArray:
    """Which tables (8, M) have ``MIN_PAIR`` rows in every cell of their pair tables in both samples.

    Examples
    --------
    >>> table = np.array([[3.0] * 8, [4.0, 0, 9, 9, 9, 9, 9, 9]]).T
    >>> comparable(table, 10 * table).tolist()
    [True, False]
    """
    least = np.full(reference.shape[1], np.inf)
    for one, other in PAIR_CELLS:
        np.minimum(least, reference[one] + reference[other], out=least)
        np.minimum(least, suspect[one] + suspect[other], out=least)
    return np.asarray(least >= MIN_PAIR)


def contrast(tables: FloatArray) -> FloatArray:
    """Three-way interaction of 2x2x2 tables, sum of (-1)^(a + b + c) ln(n + 1/2): (8, M) gives (M,).

    Examples
    --------
    >>> contrast(np.array([[10.0, 10, 10, 10, 10, 10, 10, 10], [20.0, 10, 10, 20, 10, 20, 20, 10]]).T).round(3).tolist()
    [0.0, 2.676]
    """
    return np.asarray(SIGNS @ np.log(tables + 0.5))


def compare(reference: FloatArray, suspect: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Test 2x2x2 tables one by one.

    Parameters
    ----------
    reference, suspect : cells (8, M).

    Returns
    -------
    (log p, signed normal score, whether it could be tested), each (M,); 0 where it could not. The p-value is the exact
    one where a cell holds fewer than ``ASYMPTOTIC_CELL`` rows or the normal score of the contrasts gives p < 0.1; else
    that of the normal score.
    """
    usable = comparable(reference, suspect)
    variance = (1.0 / (reference + 0.5)).sum(axis=0) + (1.0 / (suspect + 0.5)).sum(axis=0)
    z = np.where(usable, (contrast(suspect) - contrast(reference)) / np.sqrt(variance), 0.0)
    log_p = np.log(special.erfc(np.minimum(np.abs(z), ASYMPTOTIC_Z) * np.sqrt(0.5)))
    least = np.minimum(reference.min(axis=0), suspect.min(axis=0))
    exact = np.flatnonzero(usable & ((least < ASYMPTOTIC_CELL) | (np.abs(z) > ASYMPTOTIC_Z)))
    if len(exact):
        log_p[exact] = same_interaction(reference[:, exact], suspect[:, exact])
        z[exact] = np.sign(z[exact]) * normal_score(log_p[exact])
    return np.where(usable, log_p, 0.0), z, usable


def triple_shift(reference: Tables, suspect: Tables) -> TripleShift:
    """Test every triple of features for a change of its three-way interaction between two samples.

    Parameters
    ----------
    reference, suspect : triple counts in one layout; weighted ones scaled to the independent rows that they are worth.

    Returns
    -------
    TripleShift

    Notes
    -----
    Cost: some arithmetic for each of the T tables, about 0.3 microseconds, and where a p-value is exact some
    microseconds. Memory: 500 bytes for each pair of probes.

    The null distribution depends on none of the pair tables, so a pair that moved does not look like a triple that did,
    as long as it is one of the triple's own; :mod:`credenza.association.triple_ladder` explains the others away.

    Examples
    --------
    >>> from credenza.association.probes import Layout
    >>> from credenza.association.triple_counts import TripleCounts
    >>> rows = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)], np.uint8)
    >>> empty = TripleCounts.empty(Layout((2, 2, 2), (0, 0, 0)))
    >>> even = empty.update(np.repeat(rows, 40, axis=0))
    >>> moved = empty.update(np.repeat(rows, (40 + 8 * SIGNS).astype(int), axis=0))
    >>> triple_shift(even, even).log_p.tolist(), triple_shift(even, moved).z.round(2).tolist()
    ([0.0], [2.45])
    """
    count = len(reference.threes.features)
    log_p, z = np.zeros(count), np.zeros(count)
    probes, tables = np.zeros((count, 3), np.int64), np.zeros(count, np.int64)
    for first, at, pairs, heads in reference.threes.blocks():
        best = np.full(len(heads), np.inf)
        for probe in range(first.start, first.stop):
            both = (side.tables(probe) for side in (reference, suspect))
            found, score, usable = compare(*both)
            tables[at] += np.add.reduceat(usable, heads, dtype=np.int64)
            low, where = _strongest(np.where(usable, found, np.inf), heads)
            better = low < np.where(np.isfinite(best), best * (1.0 + TIE), best)
            best[better] = low[better]
            place, where = np.arange(at.start, at.stop)[better], where[better]
            z[place] = score[where]
            probes[place, 0] = probe
            probes[place, 1] = reference.threes.second[pairs][where]
            probes[place, 2] = reference.threes.third[pairs][where]
        log_p[at] = np.where(np.isfinite(best), best, 0.0)
    log_p += np.log(np.maximum(tables, 1))
    return TripleShift(np.minimum(log_p, 0.0), z, probes, tables)


def _strongest(log_p: FloatArray, heads: IntArray) -> tuple[FloatArray, IntArray]:
    """(smallest log p, its place; the first on ties) of each run that begins at ``heads``."""
    low = np.minimum.reduceat(log_p, heads)
    every = np.repeat(low, np.diff(heads, append=len(log_p)))
    place = np.where(
        log_p <= np.where(np.isfinite(every), every * (1.0 - TIE), every), np.arange(len(log_p)), len(log_p)
    )
    return low, np.minimum.reduceat(place, heads).astype(np.int64)
