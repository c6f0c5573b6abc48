"""Links between annotations that content does not explain: the generalised covariance measure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from credenza.checks.samples.crossfit import FOLDS, parts
from credenza.checks.samples.logistic import Scale, fit_binary
from credenza.contracts import FloatArray, IntArray
from credenza.data.matrix import Numbers, blocks

WAVES = 128  # random cosines that stand for what is not linear in the content
RIDGE = 1.0


@dataclass(frozen=True)
class Links:
    """Covariances of the residuals of every pair of annotations.

    Attributes
    ----------
    pairs : (i, j), int64 (P,) each, i < j.
    covariance : float64 (P,), mean product of the two residuals, in units of probability mass.
    error : its standard error, float64 (P,).
    explained : share of the variance of each annotation that content explains out of sample, float64 (m,), at most 1.
    """

    pairs: tuple[IntArray, IntArray]
    covariance: FloatArray
    error: FloatArray
    explained: FloatArray

    def statistic(self, least: float = 0.0) -> FloatArray:
        """How far each covariance is beyond +-``least``, in standard errors, signed; 0 within; (P,)."""
        beyond = np.sign(self.covariance) * np.maximum(np.abs(self.covariance) - least, 0.0)
        return np.asarray(np.divide(beyond, self.error, out=np.zeros_like(beyond), where=self.error > 0))


def residual_links(embeddings: Numbers, annotations: Numbers, *, seed: int = 0, folds: int = FOLDS) -> Links:
    """Test every pair of two-valued annotations for a link that the content does not explain.

    With residuals e = x - f(z) and r = y - g(z), T = sqrt(n) mean(e r) / sd(e r) is N(0, 1) where x and y are
    independent given z and the product of the errors of f and g vanishes faster than 1/sqrt(n).

    Parameters
    ----------
    embeddings : the content z, (n, d). annotations : (n, m) of 0 and 1. seed : of folds and features.
    folds : 2 or more.

    Returns
    -------
    Links

    Notes
    -----
    f and g are logistic regressions on the standardised embeddings and 128 random cosines of them (Rahimi and Recht
    2007, bandwidth: the median distance), fitted on the other folds. Cost: O(folds n d^2 + folds steps n d m), and
    O(n m^2). Memory: rows that are learnt from (50,000 at most) and 8 n m bytes. Left out: gradient boosting, minutes
    for tens of annotations. Content must hold what both annotations share: where the embeddings lose it, real links
    stay in the residuals.

    References
    ----------
    Shah and Peters (2020), The hardness of conditional independence testing and the generalised covariance measure,
    Annals of Statistics 48, sections 3 and 4.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> z = rng.normal(size=(3_000, 2))
    >>> x, y, w = (rng.random((3, 3_000)) < special.expit(2 * z[:, 0])).astype(float)
    >>> w = np.where(rng.random(3_000) < 0.2, x, w)
    >>> abs(residual_links(z, np.stack([x, y, w], axis=1)).statistic()).round() > 3
    array([False,  True, False])
    """
    n, m = annotations.shape
    residuals = np.empty((n, m))
    for inside, outside in parts(np.zeros(n, np.int64), folds, seed):
        features = _Features(np.asarray(embeddings[outside]), seed)
        learnt = np.asarray(annotations[outside], np.float64)
        w = fit_binary(features.of(np.asarray(embeddings[outside])), learnt, ridge=RIDGE)
        start = 0
        for block in blocks(np.asarray(embeddings[inside])):
            rows = inside[start : start + len(block)]
            residuals[rows] = annotations[rows] - special.expit(features.of(block) @ w)
            start += len(block)
    first, second = np.triu_indices(m, 1)
    mean = (residuals.T @ residuals / n)[first, second]
    squares = residuals**2
    variance = (squares.T @ squares / n)[first, second] - mean**2
    spread = np.asarray(annotations, np.float64).var(axis=0)
    explained = 1.0 - np.divide(squares.mean(axis=0), spread, out=np.ones(m), where=spread > 0)
    return Links((first, second), mean, np.sqrt(np.maximum(variance, 0.0) / n), explained)


class _Features:
    """Standardised columns, random cosines of them, and ones."""

    def __init__(self, rows: Numbers, seed: int) -> None:
        rng = np.random.default_rng((seed, WAVES))
        self.scale = Scale.of(rows)
        some = self.scale.apply(rows[rng.integers(0, len(rows), 512)])[:, :-1]
        apart = np.linalg.norm(some[:256] - some[256 : 256 + len(some[:256])], axis=1)
        width = float(np.median(apart[apart > 0])) if (apart > 0).any() else 1.0
        self.directions = rng.normal(size=(rows.shape[1], WAVES)) / width
        self.phases = rng.uniform(0.0, 2.0 * np.pi, WAVES)

    def of(self, rows: Numbers) -> FloatArray:
        """Features of rows, (n, d + WAVES + 1)."""
        plain = self.scale.apply(rows)
        waves = np.sqrt(2.0) * np.cos(plain[:, :-1] @ self.directions + self.phases)
        return np.concatenate([plain[:, :-1], waves, plain[:, -1:]], axis=1)
