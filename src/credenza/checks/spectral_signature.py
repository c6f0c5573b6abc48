"""CZ403: do rows of a class stand apart along the direction of its largest spread?"""

from __future__ import annotations

from typing import ClassVar

from credenza.checks.heaps import Heaps, Scorer
from credenza.checks.samples.spectral import spectral_scores


class SpectralSignature(Heaps):
    """Does a class carry a spectral signature?

    Detects: rows that stand apart along the top singular vector of their class's centred representations (Tran 2018). A
    class is flagged when the projections of rows that the vector was not made of have two modes: a test without a model
    of their distribution, at the false discovery rate by Holm's correction over the classes. The share of planted rows
    is estimated by the smaller mode, and 1.5 times as many rows are picked, as in the paper.

    Cannot see: planted rows within the spread of the others, or apart along another direction only; more than half of a
    class; classes of fewer than 40 rows.
    """

    code: ClassVar[str] = "CZ403"
    title: ClassVar[str] = "Spectral signature"
    scorer: ClassVar[Scorer] = staticmethod(spectral_scores)
    apart: ClassVar[str] = "apart along the direction of the largest spread"
    measure: ClassVar[str] = "share of the variance along it"
