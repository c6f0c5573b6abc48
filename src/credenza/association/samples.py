"""What a two-sample test is given of each sample: pair counts, and the number of independent rows they are worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from credenza.association.counts import PairCounts
from credenza.contracts import FloatArray, IntArray

Counts = FloatArray | IntArray


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

    def block(self) -> BlockSample:
        """The pairs of all features with each other."""
        margin = np.diag(self.joint).astype(float)
        return BlockSample(self.joint, margin, margin, self.size)


@dataclass(frozen=True)
class BlockSample:
    """Pair counts of one sample between features I and other features J, scaled likewise.

    Parameters
    ----------
    joint : (K_I, K_J), int or float. Counts of the levels of I with the levels of J.
    margin_i, margin_j : counts of the levels themselves, (K_I,) and (K_J,).
    size : rows, or the effective sample size.
    """

    joint: Counts
    margin_i: Counts
    margin_j: Counts
    size: float
