"""Probabilities of the classes by models that have not seen the row that they judge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from credenza.checks.samples.evidence import Labels
from credenza.checks.samples.logistic import fit_softmax
from credenza.contracts import FloatArray, IntArray
from credenza.data.matrix import Numbers

FOLDS = 5
TRAIN_ROWS = 50_000  # that one model learns from, at most


@dataclass(frozen=True)
class CrossFit:
    """Out-of-sample probabilities of n rows, of which those in small classes are left out.

    Attributes
    ----------
    rows : int64 (r,), the rows that were looked at, ascending.
    labels : int64 (r,), their labels as positions in ``kept``. kept : codes of the k classes that were looked at.
    probabilities : float64 (r, k), rows sum to 1.
    """

    rows: IntArray
    labels: IntArray
    kept: tuple[int, ...]
    probabilities: FloatArray

    @cached_property
    def own(self) -> FloatArray:
        """Probability of each row's own label, (r,)."""
        return np.asarray(self.probabilities[np.arange(len(self.rows)), self.labels])

    @cached_property
    def losses(self) -> FloatArray:
        """Cross-entropy of each row's own label in nats, (r,), at most 60."""
        return -np.log(np.maximum(self.own, np.exp(-60.0)))

    @property
    def accuracy(self) -> float:
        """Share of rows whose label is the most probable one."""
        return float((self.probabilities.argmax(axis=1) == self.labels).mean())

    def spread(self, values: FloatArray, rows: int) -> FloatArray:
        """Values of the rows that were looked at in an array of all rows; NaN elsewhere."""
        out = np.full(rows, np.nan)
        out[self.rows] = values
        return out


def cross_fit(embeddings: Numbers, labels: Labels, *, seed: int = 0, folds: int = FOLDS) -> CrossFit:
    """Fit logistic regressions of the label on the embeddings, each without the part of the rows that it then judges.

    Parameters
    ----------
    embeddings : (n, d). labels : of the n rows. seed : of the parts, and of the rows that are learnt from.
    folds : parts, 2 or more; the rows of each class are spread over them evenly.

    Returns
    -------
    CrossFit

    Notes
    -----
    Cost: O(folds iterations n d k); each model learns from at most 50,000 rows, so that time grows with n only where
    rows are judged. Memory: those rows in float64, and n k probabilities. Left out: nearest neighbours, which cost
    more and know less in many dimensions, and a search for the penalty (1, on standardised columns).

    Examples
    --------
    >>> x = np.repeat([[-1.0], [1.0]], 30, axis=0)
    >>> found = cross_fit(x, Labels(np.repeat([0, 1], 30), ("a", "b")))
    >>> found.accuracy, found.probabilities.shape
    (1.0, (60, 2))
    """
    kept = labels.kept
    place = np.full(len(labels.classes), -1, np.int64)
    place[list(kept)] = np.arange(len(kept))
    rows = np.flatnonzero(place[labels.codes] >= 0)
    codes = place[labels.codes[rows]]
    out = np.empty((len(rows), len(kept)))
    for inside, outside in parts(codes, folds, seed):
        model = fit_softmax(np.asarray(embeddings[rows[outside]]), codes[outside], len(kept))
        out[inside] = model.probabilities(np.asarray(embeddings[rows[inside]]))
    return CrossFit(rows, codes, kept, out)


def parts(codes: IntArray, folds: int, seed: int) -> Iterator[tuple[IntArray, IntArray]]:
    """(rows to judge, rows to learn from, at most ``TRAIN_ROWS``) of each part, the values of ``codes`` spread evenly.

    >>> [inside.tolist() for inside, _ in parts(np.array([0, 0, 1, 1]), 2, 0)]
    [[1, 2], [0, 3]]
    """
    rng = np.random.default_rng((seed, folds))
    order = rng.permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    part = np.empty(len(codes), np.int64)
    part[order] = np.arange(len(codes)) % folds
    for k in range(folds):
        outside = np.flatnonzero(part != k)
        if len(outside) > TRAIN_ROWS:
            outside = np.sort(rng.choice(outside, TRAIN_ROWS, replace=False))
        yield np.flatnonzero(part == k), outside
