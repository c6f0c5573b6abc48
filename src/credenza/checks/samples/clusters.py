"""Activation clustering: a class is split in two, and asked whether the halves are two heaps or one cut in two."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from credenza.checks.samples.scores import ClassScores, Fitted, score_classes
from credenza.checks.samples.spectral import line, principal
from credenza.contracts import FloatArray, IntArray
from credenza.errors import UsageError

STARTS = 8  # random pairs of rows that 2-means begins with
STEPS = 50  # of 2-means, at most
TRIED = 2_000  # rows that the runs from different starts are compared on
TAIL = 0.05  # rows at the heavier end of a direction that 2-means begins with, too
SHOWN = 1_000  # rows that the silhouette is taken of


def two_means(rows: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, NDArray[np.bool_]]:
    """The best of several runs of 2-means.

    Parameters
    ----------
    rows : shape (n, d), two different ones or more. rng : picks rows to begin with.

    Returns
    -------
    (centres (2, d), bool (n,) of the rows nearer to the second); the second has fewer rows.

    Notes
    -----
    Lloyd's steps from random pairs of rows, and from the mean beside the mean of the rows at the heavier end of each
    column, on 2,000 rows at most; the smallest sum of squares wins, and its centres are refined on all rows. O(n d) a
    step.

    Examples
    --------
    >>> centres, second = two_means(np.array([[0.0], [1.0], [0.5], [9.0]]), np.random.default_rng(0))
    >>> centres.tolist(), second.tolist()
    ([[0.5], [9.0]], [False, False, False, True])
    """
    first = rows if len(rows) <= TRIED else rows[rng.choice(len(rows), TRIED, replace=False)]
    best: tuple[float, FloatArray] | None = None
    for centres in _starts(first, rng):
        loss, found, _ = _lloyd(first, centres)
        if best is None or loss < best[0]:
            best = loss, found
    assert best is not None
    _, centres, second = _lloyd(rows, best[1])
    return (centres, second) if second.mean() <= 0.5 else (centres[::-1], ~second)


def _starts(rows: FloatArray, rng: np.random.Generator) -> list[FloatArray]:
    """Pairs of centres to begin with, each (2, d)."""
    size, mean = max(1, round(TAIL * len(rows))), rows.mean(axis=0)
    starts = [rows[rng.choice(len(rows), 2, replace=False)] for _ in range(STARTS)]
    centred = rows - mean
    for j, skew in enumerate((centred**3).sum(axis=0)):
        ends = np.argsort(centred[:, j] * (1.0 if skew >= 0 else -1.0))[-size:]
        starts.append(np.stack([mean, rows[ends].mean(axis=0)]))
    return starts


def _lloyd(rows: FloatArray, centres: FloatArray) -> tuple[float, FloatArray, NDArray[np.bool_]]:
    """2-means from given centres: (minus the sum of squares between, centres, nearer to the second)."""
    total, n = rows.sum(axis=0), len(rows)
    second = np.zeros(n, dtype=bool)
    for step in range(STEPS):
        nearer = rows @ (centres[1] - centres[0]) > (centres[1] @ centres[1] - centres[0] @ centres[0]) / 2
        if step and np.array_equal(nearer, second):
            break
        second, count = nearer, int(nearer.sum())
        if count in (0, n):
            return 0.0, centres, second
        far = second.astype(np.float64) @ rows
        centres = np.stack([(total - far) / (n - count), far / count])
    share = second.mean()
    return -float(n * share * (1 - share) * ((centres[1] - centres[0]) ** 2).sum()), centres, second


def silhouette(rows: FloatArray, second: NDArray[np.bool_], rng: np.random.Generator) -> float:
    """Mean silhouette of two clusters, of a sample of 1,000 rows where there are more; in [-1, 1].

    Mean of (b - a) / max(a, b), a the mean distance to the other rows of the own cluster and b to those of the other
    (Rousseeuw 1987); 0 for a row that is alone, and where there is one cluster.

    Examples
    --------
    >>> silhouette(np.array([[0.0], [1.0], [9.0], [10.0]]), np.array([0, 0, 1, 1], bool), np.random.default_rng(0))
    0.888...
    """
    if len(rows) > SHOWN:
        picked = rng.choice(len(rows), SHOWN, replace=False)
        rows, second = rows[picked], second[picked]
    distances = cdist(rows, rows)
    sums = np.stack([distances[:, ~second].sum(axis=1), distances[:, second].sum(axis=1)])
    sizes = np.array([(~second).sum(), second.sum()])
    if sizes.min() == 0:
        return 0.0
    code = second.astype(int)
    at = np.arange(len(rows))
    own, other = sizes[code], sizes[1 - code]
    a, b = sums[code, at] / np.maximum(own - 1, 1), sums[1 - code, at] / other
    widths = np.where(own > 1, (b - a) / np.maximum(np.maximum(a, b), np.finfo(float).tiny), 0.0)
    return float(widths.mean())


def fit_clusters(rows: FloatArray, rng: np.random.Generator, *, dimensions: int = 10) -> Fitted:
    """Places along the line between the centres of two clusters of whitened rows; statistic: their silhouette."""
    mean, variances, directions = principal(rows, dimensions)
    if not len(variances):
        return line(mean, np.zeros(rows.shape[1]), 0.0, "no spread", one_sided=True)
    whiten = directions / np.sqrt(variances)
    white = (rows - mean) @ whiten
    centres, second = two_means(white, rng)
    note = f"the smaller cluster holds {second.mean():.0%}"
    return line(
        mean, whiten @ (centres[1] - centres[0]), silhouette(white, second, rng), note, one_sided=True
    )


def cluster_scores(
    embeddings: NDArray[np.floating],
    labels: IntArray,
    *,
    dimensions: int = 10,
    level: float = 0.05,
    sample: int = 20_000,
    seed: int = 0,
) -> ClassScores:
    """Activation clustering of each class.

    Parameters
    ----------
    embeddings, labels, level, sample, seed : as of :func:`~credenza.checks.samples.scores.score_classes`.
    dimensions : principal components that are kept, 1 or more; 10 in the paper.

    Returns
    -------
    ClassScores : ``statistic`` is the silhouette of the two clusters, in [-1, 1].

    Raises
    ------
    UsageError : labels of another length, a level or a number of dimensions out of range.

    Notes
    -----
    Per class, rows are reduced to 10 independent components and split by 2-means (Chen et al. 2018, section 4). The
    components of an independent component analysis are a rotation of the whitened principal components, and 2-means
    does not see rotations: the rotation is left out. The paper takes a class for poisoned when the smaller cluster is
    small or the silhouette high, without a null; clean classes split unevenly, too. Here both are shown, and the
    verdict asks whether the places of rows along the line between both centres have two modes, the centres found on
    other rows (:func:`~credenza.checks.samples.scores.score_classes`); the rate is the share beyond the cut.
    The score is the distance along that line from the larger cluster's bulk.

    Cannot see: planted rows that share a cluster with others; a class that is planted by half or more.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(2_000, 8))
    >>> rows[:200, 3] += 8.0
    >>> found = cluster_scores(rows, np.arange(2_000) % 2)
    >>> [verdict.flagged_rows for verdict in found.per_class], int(found.flagged[:200].sum())
    ([100, 100], 200)
    """
    if dimensions < 1:
        raise UsageError(f"dimensions is {dimensions}: give 1 or more")

    def fit(rows: FloatArray, rng: np.random.Generator) -> Fitted:
        return fit_clusters(rows, rng, dimensions=dimensions)

    return score_classes(embeddings, labels, fit, level=level, sample=sample, seed=seed)
