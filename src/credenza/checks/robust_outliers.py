"""CZ405: do rows of a class stand apart once a robust covariance has whitened it?"""

from __future__ import annotations

from typing import ClassVar

from credenza.checks.heaps import Heaps, Scorer
from credenza.checks.samples.spectre import spectre_scores


class RobustOutliers(Heaps):
    """Do rows of a class stand apart from its bulk?

    Detects: up to 20 principal components of a class, whitened by the mean and covariance of their most concentrated
    55%, and scored by quantum entropy with alpha 4 (SPECTRE, Hayase 2021). A class is flagged when the log scores of
    rows that were not fitted to have two modes: a test without a model of their distribution, so that heavy tails
    alone raise no alarm, at the false discovery rate by Holm's correction over the classes. The share of planted rows
    is estimated by the smaller mode, and 1.5 times as many rows are picked.

    Cannot see: planted rows within the bulk, or in directions of less spread than the first 20; 45% of a class or more;
    classes of fewer than 40 rows.
    """

    code: ClassVar[str] = "CZ405"
    title: ClassVar[str] = "Robust outliers"
    scorer: ClassVar[Scorer] = staticmethod(spectre_scores)
    apart: ClassVar[str] = "apart from the bulk, whitened by it"
    measure: ClassVar[str] = "largest variance"
