"""Two-sample tests of every pair: did the association move from the reference to the suspect?

Each pair is asked in two ways and the smaller p-value is doubled (Bonferroni over the two):

* probes: the odds ratios of its 2x2 tables (levels of nominal features, cuts of ordered ones) by the exact conditional
  test, Bonferroni over the tables that could reach significance. Strong where mass was moved between two levels, and
  where ordered values were re-paired.
* G^2 of no three-way interaction over the whole table. Strong where many cells moved a little.

A pair of binary features has one table and one question.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from credenza.association.counts import PairCounts
from credenza.association.exact import homogeneity
from credenza.association.gsquare import no_interaction, pool_levels
from credenza.association.multiplicity import adjust
from credenza.association.probes import Layout
from credenza.association.tails import chi2_log_sf, normal_log_sf, normal_score
from credenza.contracts import FloatArray, IntArray

MIN_MARGIN = 5.0  # a table is tested when each of its margins has this many counts in both samples
ASYMPTOTIC_CELL = 20.0  # tables with fewer counts in any cell always go to the exact test
ASYMPTOTIC_LOG_P = np.log(0.1)  # and so do all whose asymptotic p-value is below this


@dataclass(frozen=True)
class Sample:
    """Pair counts of one sample, scaled to the number of independent rows that they are worth.

    Parameters
    ----------
    joint : float (K, K). Counts, or weighted counts scaled so that the total is ``size``.
    size : rows, or the effective sample size (sum w)^2 / sum w^2.
    """

    joint: FloatArray
    size: float

    @classmethod
    def of(cls, counts: PairCounts) -> Sample:
        """A sample of independent rows."""
        return cls(counts.joint.astype(float), float(counts.rows))


@dataclass(frozen=True)
class PairShift:
    """Result of :func:`pair_shift`; arrays of shape (P,), in the order of ``layout.pairs``.

    ``probe_a``, ``probe_b`` name the strongest 2x2 table; ``z`` is its signed normal score (positive: the association
    rose from reference to suspect). Pairs with nothing to test have log_p 0 and ``tested`` False.
    """

    log_p: FloatArray
    z: FloatArray
    probe_a: IntArray
    probe_b: IntArray
    tested: np.ndarray

    def q(self, correction: str = "bh") -> FloatArray:
        """FDR-adjusted p-values over the tested pairs; 1 for the others."""
        out = np.ones(len(self.log_p))
        out[self.tested] = adjust(self.log_p[self.tested], correction)
        return out


def probe_tables(reference: Sample, suspect: Sample, layout: Layout) -> FloatArray:
    """All 2x2 tables as (T, 8): x, u, v, n of the reference, then of the suspect (x: both probes, u, v: each)."""
    a, b = layout.probe_pairs
    columns = []
    for sample in (reference, suspect):
        counts = layout.read(sample.joint)
        margin = np.diag(counts)
        columns += [counts[a, b], margin[a], margin[b], np.full(len(a), float(sample.size))]
    return np.stack(columns, axis=1)


def cells(tables: FloatArray) -> FloatArray:
    """The four cells (11, 10, 01, 00) of both tables; (T, 8) -> (T, 2, 4). Rounding below zero is cut off."""
    x, u, v, n = (tables[:, [k, k + 4]] for k in range(4))
    return np.maximum(np.stack([x, u - x, v - x, n - u - v + x], axis=2), 0.0)


def log_odds_shift(tables: FloatArray) -> FloatArray:
    """Normal score of the difference of log odds ratios, half a count added to each cell (Woolf 1955; Haldane 1956)."""
    c = cells(tables) + 0.5
    log_or = np.log(c[:, :, 0]) + np.log(c[:, :, 3]) - np.log(c[:, :, 1]) - np.log(c[:, :, 2])
    return np.asarray((log_or[:, 1] - log_or[:, 0]) / np.sqrt((1.0 / c).sum(axis=(1, 2))))


def table_log_p(tables: FloatArray) -> tuple[FloatArray, FloatArray, np.ndarray]:
    """(log p, signed z, testable) of each 2x2 comparison; exact wherever it could matter."""
    u, v, n = tables[:, [1, 5]], tables[:, [2, 6]], tables[:, [3, 7]]
    testable = np.minimum(np.minimum(u, n - u), np.minimum(v, n - v)).min(axis=1) >= MIN_MARGIN
    z = log_odds_shift(tables)
    log_p = np.log(2.0) + normal_log_sf(np.abs(z))
    sparse = cells(tables).min(axis=(1, 2)) < ASYMPTOTIC_CELL
    exact = testable & (sparse | (log_p < ASYMPTOTIC_LOG_P))
    log_p[exact] = homogeneity(tables[exact])
    log_p = np.where(testable, np.minimum(log_p, 0.0), 0.0)
    z = np.where(testable, np.sign(z) * normal_score(log_p), 0.0)
    return log_p, z, testable


def pair_shift(reference: Sample, suspect: Sample, layout: Layout) -> PairShift:
    """Test every pair of features for a change of association between two samples.

    Parameters
    ----------
    reference, suspect : pair counts and sizes of the two samples.
    layout : levels and order of the features.

    Returns
    -------
    PairShift

    Notes
    -----
    Cost: T 2x2 tables (T = probe pairs), each some arithmetic or, near significance, an exact sum; plus iterative
    fitting for pairs larger than 2x2. The null distribution of the exact test does not depend on the margins, so drift
    of a margin alone does not move it when the odds ratio stays.

    Examples
    --------
    >>> import numpy as np
    >>> layout = Layout((2, 2), (0, 0))
    >>> same = np.array([[50, 0, 30, 20], [0, 50, 20, 30], [30, 20, 50, 0], [20, 30, 0, 50]], float)
    >>> pair_shift(Sample(10 * same, 1000), Sample(10 * same, 1000), layout).log_p
    array([0.])
    """
    tables = probe_tables(reference, suspect, layout)
    log_p, z, testable = table_log_p(tables)
    count = len(layout.pairs[0])
    index = layout.probe_pair_index
    tests = np.bincount(index, weights=testable, minlength=count)
    best = _first_smallest(log_p - 1e-9 * np.abs(z), index, count)
    a, b = layout.probe_pairs
    pair_log_p = np.minimum(log_p[best] + np.log(np.maximum(tests, 1.0)), 0.0)
    larger = np.flatnonzero(np.bincount(index, minlength=count) > 1)
    if larger.size:
        g_log_p, df = no_interaction(reference.joint, suspect.joint, layout, larger)
        asked = (tests[larger] > 0).astype(float) + (df > 0)
        joined = np.minimum(pair_log_p[larger], g_log_p) + np.log(np.maximum(asked, 1.0))
        pair_log_p[larger] = np.minimum(joined, 0.0)
        tests[larger] += df > 0
    return PairShift(pair_log_p, z[best], a[best], b[best], tests > 0)


def _first_smallest(values: FloatArray, group: IntArray, groups: int) -> IntArray:
    """Position of the smallest value in each group (the first, on ties); every group has a member."""
    order = np.lexsort((np.arange(len(values)), values, group))
    first = np.searchsorted(group[order], np.arange(groups))
    return order[first].astype(np.int64)


def comparable_levels(reference: FloatArray, suspect: FloatArray, ordered: int) -> IntArray:
    """Pool the levels of one feature that fewer than 20 rows are expected in on either side.

    Expected means under one common distribution: a level that one side lacks altogether stands alone, since its absence
    is what there is to see. Returns the pooled level of each level, as :func:`pool_levels`.

    Examples
    --------
    >>> comparable_levels(np.array([60.0, 40.0]), np.array([100.0, 0.0]), 0).tolist()
    [0, 1]
    """
    sizes = reference.sum(), suspect.sum()
    expected = (reference + suspect) * (min(sizes) / max(sum(sizes), 1.0))
    return pool_levels(expected, expected, ordered)


def marginal_shift(reference: Sample, suspect: Sample, layout: Layout) -> tuple[FloatArray, FloatArray]:
    """Test every feature for a change of its own frequencies.

    Returns
    -------
    (log p, largest absolute change of a level's share), each (m,). Pearson's chi-square of homogeneity over the levels
    of :func:`comparable_levels`.
    """
    log_p, change = np.zeros(layout.features), np.zeros(layout.features)
    margin_r, margin_s = np.diag(reference.joint), np.diag(suspect.joint)
    for f in range(layout.features):
        part = slice(layout.starts[f], layout.starts[f + 1])
        r, s = margin_r[part], margin_s[part]
        change[f] = np.abs(s / suspect.size - r / reference.size).max(initial=0.0)
        groups = comparable_levels(r, s, layout.ordered[f])
        counts = np.stack([np.bincount(groups, weights=r), np.bincount(groups, weights=s)])
        counts = counts[:, counts.sum(axis=0) > 0]
        if counts.shape[1] < 2:
            continue
        expected = counts.sum(axis=0) * counts.sum(axis=1, keepdims=True) / counts.sum()
        log_p[f] = chi2_log_sf(((counts - expected) ** 2 / expected).sum(), counts.shape[1] - 1)
    return log_p, change
