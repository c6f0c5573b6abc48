"""CZ405: do rows of a class stand apart once a robust covariance has whitened it?"""

from __future__ import annotations

from typing import ClassVar

from credenza.checks.evidence import Evidence
from credenza.checks.heaps import heaps_outcome
from credenza.checks.samples.spectre import spectre_scores
from credenza.contracts import Outcome


class RobustOutliers:
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
    needs: ClassVar[tuple[str, ...]] = ("labels", "embeddings")

    def run(self, evidence: Evidence) -> Outcome:
        """Flag classes, and score the rows."""
        samples = evidence.samples
        assert samples is not None
        found = spectre_scores(
            samples.embeddings, samples.labels, level=evidence.settings.fdr, seed=samples.seed
        )
        return heaps_outcome(
            self,
            found,
            samples.classes,
            apart="apart from the bulk, whitened by it",
            measure="largest variance",
        )
