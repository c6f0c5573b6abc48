"""Triple counts of rows that have weights, and how many independent rows they are worth, table by table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from credenza.association.kernels import inner_counts
from credenza.association.triple_counts import TripleCounts, Words, shared_by_three
from credenza.association.triples import Threes
from credenza.contracts import FloatArray, IntArray

DIGITS = 16  # binary digits of a weight: rounded to 2^-17 of the range of the weights


def weighted_counts(planes: Words, weights: FloatArray, threes: Threes) -> TripleCounts:
    """Sum the weights of the rows that three probes share, and two.

    Parameters
    ----------
    planes : of n rows. weights : (n,), of any sign.

    Returns
    -------
    TripleCounts of floats; ``rows`` is the sum of the weights.

    Notes
    -----
    Weights are rounded to ``DIGITS`` binary digits of their range; the rows whose weight has a digit are a mask, and
    what shares a mask is counted in whole numbers: ``DIGITS`` + 1 unweighted counts, the same on every machine.

    Examples
    --------
    >>> from credenza.association.probes import Layout
    >>> from credenza.association.triple_counts import probe_planes
    >>> layout = Layout((2, 2, 2), (0, 0, 0))
    >>> planes = probe_planes(np.array([[1, 1, 1], [1, 1, 1], [1, 0, 1]], np.uint8), layout)
    >>> weighted_counts(planes, np.array([0.5, 2.0, 1.0]), Threes(layout)).triples.round(3).tolist()
    [2.5]
    """
    low, span = float(weights.min(initial=np.inf)), float(np.ptp(weights)) if len(weights) else 0.0
    plain = TripleCounts.of(threes).update_planes(planes, len(weights))
    if not len(weights):
        return plain
    pairs, triples, rows = low * plain.pairs, low * plain.triples, low * len(weights)
    if span == 0.0:
        return TripleCounts(threes, rows, pairs, triples)
    unit = span / (2.0**DIGITS - 1.0)
    scaled = np.rint((weights - low) / unit).astype(np.uint32)
    mask = np.zeros(planes.shape[1], np.uint64)
    for digit in range(DIGITS):
        bits = np.packbits((scaled & np.uint32(1 << digit)) != 0, bitorder="little")
        mask.view(np.uint8)[: len(bits)] = bits
        masked = planes & mask
        pairs = pairs + unit * (1 << digit) * inner_counts(masked)
        triples = triples + unit * (1 << digit) * shared_by_three(masked, threes)
    return TripleCounts(threes, rows + unit * float(scaled.sum(dtype=np.int64)), pairs, triples)


class Tables(Protocol):
    """What a test of triples is given of each sample: the cells of its 2x2x2 tables, see :class:`TripleCounts`."""

    @property
    def threes(self) -> Threes:
        """The triples."""
        ...

    def tables(self, probe: int) -> FloatArray:
        """Those with this first probe, (8, M)."""
        ...

    def table(self, probes: IntArray) -> FloatArray:
        """Chosen ones, (8, M)."""
        ...


@dataclass(frozen=True)
class WeightedTriples:
    """Weighted counts, each table scaled to the number of independent rows that it is worth.

    Weights that hardly vary over all rows may vary much over the few rows of a rare cell, so there is no one effective
    size. With c the weighted count of a cell and v its variance, the contrast of a table has variance sum v / c^2; a
    table of plain counts f c has sum 1 / (f c), so f = sum (1 / c) / sum (v / c^2), with half a row added to c and v.

    Attributes
    ----------
    counts, variances : of all cells; equal for weights of 1, where f = 1.
    design_effect : rows that are worth one independent row; >= 1.

    Examples
    --------
    >>> from credenza.association.probes import Layout
    >>> layout = Layout((2, 2, 2), (0, 0, 0))
    >>> rows = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)] * 80, np.uint8)
    >>> counts = TripleCounts.empty(layout).update(rows)
    >>> WeightedTriples(counts, counts.scaled(1280.0)).tables(0)[:, 0].round(1).tolist()
    [40.1, 40.1, 40.1, 40.1, 40.1, 40.1, 40.1, 40.1]
    """

    counts: TripleCounts
    variances: TripleCounts
    design_effect: float = 1.0

    @property
    def threes(self) -> Threes:
        """The triples."""
        return self.counts.threes

    def tables(self, probe: int) -> FloatArray:
        """As :meth:`TripleCounts.tables`, scaled."""
        return self._scaled(self.counts.tables(probe), self.variances.tables(probe))

    def table(self, probes: IntArray) -> FloatArray:
        """As :meth:`TripleCounts.table`, scaled."""
        return self._scaled(self.counts.table(probes), self.variances.table(probes))

    def _scaled(self, counts: FloatArray, variances: FloatArray) -> FloatArray:
        c = counts + 0.5
        factor = (1.0 / c).sum(axis=0) / ((variances + 0.5) / c**2).sum(axis=0)
        return np.asarray(counts * (factor / self.design_effect))
