"""CZ404: do the representations of a class split into two clusters?"""

from __future__ import annotations

from typing import ClassVar

from credenza.checks.heaps import Heaps, Scorer
from credenza.checks.samples.clusters import cluster_scores


class ActivationClusters(Heaps):
    """Is a class made of two clusters?

    Detects: the rows of each class, whitened on their 10 largest principal components, are split by 2-means (activation
    clustering, Chen 2018). Every class can be cut in two; it is flagged when the places of rows along the line
    between both centres, which other rows gave, have two modes: a test without a model of their distribution, at the
    false discovery rate by Holm's correction over the classes. The report shows the smaller cluster's size and the
    silhouette, which the paper decides by.

    Cannot see: planted rows that share a cluster with others; half of a class or more; classes of fewer than 40 rows. A
    class that is honestly made of two kinds is flagged, too.
    """

    code: ClassVar[str] = "CZ404"
    title: ClassVar[str] = "Activation clusters"
    scorer: ClassVar[Scorer] = staticmethod(cluster_scores)
    apart: ClassVar[str] = "a cluster of their own"
    measure: ClassVar[str] = "silhouette"
