"""Spectral signatures: planted rows stand apart along the direction of the largest spread of their class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from credenza.checks.samples.scores import ClassScores, Fitted, score_classes
from credenza.contracts import FloatArray, IntArray


def principal(rows: FloatArray, k: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Centre, variances and directions of the largest spread.

    Parameters
    ----------
    rows : shape (n, d), two rows or more. k : how many; fewer are given where there are no more with a spread.

    Returns
    -------
    (mean (d,), variances (k,) falling, directions (d, k) of length 1, each with its largest entry positive).

    Notes
    -----
    By the covariance where d <= n, else by the inner products of the rows: O(n d min(n, d)).

    Examples
    --------
    >>> mean, variances, directions = principal(np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]]), 2)
    >>> mean.tolist(), variances.round(3).tolist(), directions.tolist()
    ([2.0, 1.0], [2.667], [[1.0], [0.0]])
    """
    mean = rows.mean(axis=0)
    centred = rows - mean
    n, d = rows.shape
    small = centred.T @ centred if d <= n else centred @ centred.T
    count = min(k, len(small))
    values, vectors = eigh(small, subset_by_index=(len(small) - count, len(small) - 1))
    values, vectors = values[::-1], vectors[:, ::-1]
    kept = values > 1e-12 * max(float(np.trace(small)), np.finfo(float).tiny)
    values, vectors = values[kept], vectors[:, kept]
    if d > n:
        vectors = centred.T @ vectors / np.sqrt(values)
    top = vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])] if vectors.size else 1.0
    return mean, np.asarray(values / n), np.asarray(vectors * np.sign(top))


def line(
    mean: FloatArray, direction: FloatArray, statistic: float, note: str = "", **options: bool
) -> Fitted:
    """A model whose values are places along a direction of the rows' space."""

    def values(rows: FloatArray) -> FloatArray:
        return np.asarray((rows - mean) @ direction)

    return Fitted(values, statistic, note=note, **options)


def fit_spectral(rows: FloatArray, _: np.random.Generator) -> Fitted:
    """Projection on the top right singular vector of the centred rows; statistic: its share of the variance."""
    mean, variances, directions = principal(rows, 1)
    if not len(variances):
        return line(mean, np.zeros(rows.shape[1]), 0.0, "no spread")
    total = float(rows.var(axis=0).sum())
    return line(mean, directions[:, 0], float(variances[0] / total))


def spectral_scores(
    embeddings: NDArray[np.floating],
    labels: IntArray,
    *,
    level: float = 0.05,
    factor: float = 1.5,
    sample: int = 20_000,
    seed: int = 0,
) -> ClassScores:
    """Spectral signatures of each class.

    Parameters
    ----------
    embeddings, labels, level, sample, seed : as of :func:`~credenza.checks.samples.scores.score_classes`.
    factor : rows flagged for each that is estimated to be planted, 1 or more; 1.5 in the paper.

    Returns
    -------
    ClassScores : ``statistic`` is the share of a class's variance along its top direction.

    Raises
    ------
    UsageError : labels of another length, a level or factor out of range.

    Notes
    -----
    Per class, the score of a row h is <h - mean, v>^2 with v the top right singular vector of the centred rows (Tran,
    Li & Madry 2018, Algorithm 1); the paper removes the top 1.5 x rate x n rows of every class, and is given the rate.
    Here the rate is estimated, and a class is left alone unless its projections have two modes, both as in
    :func:`~credenza.checks.samples.scores.score_classes`; projections are scaled by the bulk of their class, and in a
    flagged class only the smaller mode's side counts.

    Cannot see: planted rows that are not apart along the one direction; more than half of a class.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(2_000, 8))
    >>> rows[:200, 3] += 8.0
    >>> found = spectral_scores(rows, np.arange(2_000) % 2)
    >>> [verdict.flagged for verdict in found.per_class], round(found.per_class[0].rate, 2)
    ([True, True], 0.1)
    >>> bool(found.scores[:200].min() > np.quantile(found.scores[200:], 0.95))
    True
    """
    return score_classes(
        embeddings, labels, fit_spectral, level=level, factor=factor, sample=sample, seed=seed
    )
