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

from credenza.association.gsquare import MIN_COUNT, no_interaction, pool_levels
from credenza.association.multiplicity import adjust
from credenza.association.probes import Layout
from credenza.association.rectangle import Rectangle
from credenza.association.samples import BlockSample as BlockSample
from credenza.association.samples import Counts
from credenza.association.samples import Sample as Sample
from credenza.association.tails import chi2_log_sf
from credenza.association.twobytwo import strongest_tables
from credenza.contracts import FloatArray, IntArray


@dataclass(frozen=True)
class PairShift:
    """Result of :func:`pair_shift`, arrays of shape (P,) in the order of ``layout.pairs``; or of :func:`block_shift`.

    ``probe_a``, ``probe_b`` name the strongest 2x2 table; ``z`` is its signed normal score (positive: the association
    rose from reference to suspect). Pairs with nothing to test have log_p 0 and ``tested`` False.
    """

    log_p: FloatArray
    z: FloatArray
    probe_a: IntArray
    probe_b: IntArray
    tested: np.ndarray

    def q(self, correction: str = "bh", total: int | None = None) -> FloatArray:
        """FDR-adjusted p-values over the tested pairs; 1 for the others.

        ``total`` is the number of pairs tested in the whole table, where these are a part of them. Weights may make
        more pairs testable than there were without; then these count.
        """
        out = np.ones(self.log_p.shape)
        count = None if total is None else max(total, int(self.tested.sum()))
        out[self.tested] = adjust(self.log_p[self.tested], correction, count)
        return out


def tables_at(
    reference: Sample, suspect: Sample, layout: Layout, probe_a: IntArray, probe_b: IntArray
) -> FloatArray:
    """The 2x2 tables of chosen pairs of probes.

    Parameters
    ----------
    reference, suspect : pair counts of the two samples.
    layout : levels and order of the features.
    probe_a, probe_b : probe numbers, (N,); of two different features in each pair.

    Returns
    -------
    float (N, 8): x, u, v, n of the reference, then of the suspect (x: rows with both probes; u, v: with each).

    Notes
    -----
    Cost: the levels of a probe times K for each probe that occurs in ``probe_a``.

    Examples
    --------
    >>> counts = np.array([[50, 0, 30, 20], [0, 50, 20, 30], [30, 20, 50, 0], [20, 30, 0, 50]], float)
    >>> both = Sample(counts, 100), Sample(2 * counts, 200)
    >>> tables_at(*both, Layout((2, 2), (0, 0)), np.array([0]), np.array([1])).tolist()
    [[30.0, 50.0, 50.0, 100.0, 60.0, 100.0, 100.0, 200.0]]
    """
    out = np.empty((len(probe_a), 8))
    distinct, at = np.unique(probe_a, return_inverse=True)
    order = np.argsort(at, kind="stable")
    stops = np.cumsum(np.bincount(at, minlength=len(distinct)))
    for k, sample in enumerate((reference, suspect)):
        margin = layout.gather(np.diag(sample.joint))
        for probe, part in zip(distinct, np.split(order, stops[:-1]), strict=False):
            first, last = layout.probe_planes[probe]
            both = layout.gather(sample.joint[first:last].sum(axis=0))
            out[part, 4 * k] = both[probe_b[part]]
        out[:, 4 * k + 1], out[:, 4 * k + 2], out[:, 4 * k + 3] = (
            margin[probe_a],
            margin[probe_b],
            sample.size,
        )
    return out


def cells(tables: FloatArray) -> FloatArray:
    """The four cells (11, 10, 01, 00) of both tables; (T, 8) -> (T, 2, 4). Rounding below zero is cut off."""
    x, u, v, n = (tables[:, [k, k + 4]] for k in range(4))
    return np.maximum(np.stack([x, u - x, v - x, n - u - v + x], axis=2), 0.0)


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
    Cost: the 2x2 tables of all pairs of probes, each some arithmetic or, near significance, an exact sum; plus
    iterative fitting for pairs larger than 2x2; in threads. Memory: 40 bytes a pair.

    The null distribution of the exact test does not depend on the margins, so drift of a margin alone does not move it
    when the odds ratio stays.

    Examples
    --------
    >>> import numpy as np
    >>> layout = Layout((2, 2), (0, 0))
    >>> same = np.array([[50, 0, 30, 20], [0, 50, 20, 30], [30, 20, 50, 0], [20, 30, 0, 50]], float)
    >>> pair_shift(Sample(10 * same, 1000), Sample(10 * same, 1000), layout).log_p
    array([0.])
    """
    return _shift(Rectangle.of(layout), reference.block(), suspect.block())


def block_shift(
    reference: BlockSample, suspect: BlockSample, layout_i: Layout, layout_j: Layout
) -> PairShift:
    """Test every pair of a feature of I with a feature of J; the two have no feature in common.

    Parameters
    ----------
    reference, suspect : counts of the levels of I with those of J, margins and sizes.
    layout_i, layout_j : levels and order of the m_I and m_J features.

    Returns
    -------
    PairShift of arrays (m_I, m_J); ``probe_a`` counts the probes of ``layout_i``, ``probe_b`` those of ``layout_j``.

    Notes
    -----
    The same tests as :func:`pair_shift` on a table too wide for one matrix of pair counts. Cost and memory likewise.

    Examples
    --------
    >>> layout = Layout((2,), (0,))
    >>> block = BlockSample(np.array([[300, 200], [200, 300]]), np.array([500, 500]), np.array([500, 500]), 1000)
    >>> block_shift(block, block, layout, layout).log_p
    array([[0.]])
    """
    found = _shift(Rectangle(layout_i, layout_j), reference, suspect)
    shape = layout_i.features, layout_j.features
    return PairShift(
        log_p=found.log_p.reshape(shape),
        z=found.z.reshape(shape),
        probe_a=found.probe_a.reshape(shape),
        probe_b=found.probe_b.reshape(shape),
        tested=found.tested.reshape(shape),
    )


def _shift(pairs: Rectangle, reference: BlockSample, suspect: BlockSample) -> PairShift:
    """Both questions of every pair of a rectangle."""
    best = strongest_tables(pairs, reference, suspect)
    log_p, tested = best.log_p + np.log(np.maximum(best.tests, 1)), best.tests > 0
    np.minimum(log_p, 0.0, out=log_p)
    k, i, j = pairs.larger()
    if len(k):
        g_log_p, df = no_interaction(pairs, reference, suspect, i, j)
        asked = tested[k].astype(float) + (df > 0)
        log_p[k] = np.minimum(np.minimum(log_p[k], g_log_p) + np.log(np.maximum(asked, 1.0)), 0.0)
        tested[k] |= df > 0
    return PairShift(log_p, best.z, best.probe_a, best.probe_b, tested)


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
    """Test every feature for a change of its own frequencies: :func:`margin_shift` of the diagonals."""
    return margin_shift(
        np.diag(reference.joint), reference.size, np.diag(suspect.joint), suspect.size, layout
    )


def margin_shift(
    reference: Counts,
    reference_size: float,
    suspect: Counts,
    suspect_size: float,
    layout: Layout,
) -> tuple[FloatArray, FloatArray]:
    """Test every feature for a change of its own frequencies.

    Parameters
    ----------
    reference, suspect : counts of the levels, (K,). reference_size, suspect_size : rows of each sample.
    layout : levels and order of the m features.

    Returns
    -------
    (log p, largest absolute change of a level's share), each (m,). Pearson's chi-square of homogeneity over the levels
    of :func:`comparable_levels`.

    Examples
    --------
    >>> log_p, change = margin_shift(np.array([60, 40]), 100, np.array([80, 20]), 100, Layout((2,), (0,)))
    >>> np.exp(log_p).round(4).tolist(), change.round(2).tolist()
    ([0.002], [0.2])
    """
    r, s, m = np.asarray(reference, float), np.asarray(suspect, float), layout.features
    statistic, df, starts = np.zeros(m), np.zeros(m), layout.starts
    two = np.flatnonzero(np.asarray(layout.sizes) == 2)
    at = starts[two][:, None] + np.arange(2)
    statistic[two], df[two] = _two_levels(r[at], s[at])
    for f in np.flatnonzero(np.asarray(layout.sizes) > 2):
        part = slice(starts[f], starts[f + 1])
        groups = comparable_levels(r[part], s[part], layout.ordered[f])
        counts = np.stack([np.bincount(groups, weights=r[part]), np.bincount(groups, weights=s[part])])
        counts = counts[:, counts.sum(axis=0) > 0]
        if counts.shape[1] < 2:
            continue
        expected = counts.sum(axis=0) * counts.sum(axis=1, keepdims=True) / counts.sum()
        statistic[f], df[f] = ((counts - expected) ** 2 / expected).sum(), counts.shape[1] - 1
    moved = np.abs(s / suspect_size - r / reference_size)
    change = np.maximum.reduceat(moved, starts[:-1]) if m else np.zeros(0)
    return np.where(df > 0, chi2_log_sf(statistic, np.maximum(df, 1.0)), 0.0), change


def _two_levels(r: FloatArray, s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(statistic, degrees of freedom) of features of two levels, counts (N, 2); 0 where one of them is too rare."""
    rows = np.stack([r.sum(axis=1), s.sum(axis=1)], axis=1)
    total = np.maximum(rows.sum(axis=1), 1.0)
    expected = (r + s)[:, None, :] * (rows / total[:, None])[:, :, None]
    usable = expected.min(axis=(1, 2), initial=np.inf) >= MIN_COUNT
    deviation = (np.stack([r, s], axis=1) - expected) ** 2 / np.where(usable[:, None, None], expected, 1.0)
    return np.where(usable, deviation.sum(axis=(1, 2)), 0.0), usable.astype(float)
