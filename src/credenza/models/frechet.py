"""The Fréchet distance between two sets of features, as in the Fréchet inception distance."""

from __future__ import annotations

from typing import Any

import numpy as np

from credenza.association.moments import Moments
from credenza.contracts import FloatArray
from credenza.errors import InputError


def feature_moments(features: Any) -> Moments:
    """Means and centred products of features, mergeable over batches; shape (n, d).

    Raises
    ------
    InputError : not a table of finite numbers.
    """
    values = np.asarray(features, float)
    if values.ndim != 2 or values.shape[1] == 0:
        raise InputError(f"features are an array of shape (n, d); found shape {values.shape}")
    if not np.isfinite(values).all():
        raise InputError("features must be finite; found NaN or infinity")
    names = tuple(f"f{k}" for k in range(values.shape[1]))
    return Moments.empty(names).update(values) if len(values) else Moments.empty(names)


def frechet_distance(features_a: Any, features_b: Any) -> float:
    """Squared Fréchet distance of the Gaussians that have the moments of two samples.

    ``|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a^(1/2) C_b C_a^(1/2))^(1/2))`` with means m and covariances C (divisor
    n - 1). It is what the Fréchet inception distance computes, of any features.

    Parameters
    ----------
    features_a, features_b : arrays of shape (n_a, d) and (n_b, d), at least two rows each; or the
        :func:`feature_moments` of them.

    Returns
    -------
    float, 0 or more; 0 for equal moments. In squared units of the features.

    Raises
    ------
    InputError : other shapes, differing numbers of features, fewer than two rows, or values that are not finite.

    Notes
    -----
    The root is taken of a symmetric matrix by its eigenvalues, negative ones by rounding set to 0, so nothing turns
    complex where a covariance is singular. The estimate is biased upwards by about 1/n: compare samples of one size.
    Cost O(n d^2 + d^3). Source: Heusel et al. 2017, arXiv 1706.08500, section 2; Dowson & Landau 1982, J.
    Multivariate Analysis 12:450. Left out: the extrapolation to infinitely many samples (arXiv 1911.07023).

    Examples
    --------
    >>> points = np.array([[0.0], [2.0]])
    >>> frechet_distance(points, points + 3.0)
    9.0
    """
    a, b = _moments(features_a), _moments(features_b)
    if len(a.names) != len(b.names):
        raise InputError(
            f"features of {len(a.names)} and of {len(b.names)} numbers a row; both must come from one reader"
        )
    (mean_a, cov_a), (mean_b, cov_b) = _gaussian(a), _gaussian(b)
    root = _root(cov_a)
    crossed = np.linalg.eigvalsh(root @ cov_b @ root)
    cross = float(np.sqrt(np.maximum(crossed, 0.0)).sum())
    gap = float(((mean_a - mean_b) ** 2).sum())
    return max(gap + float(np.trace(cov_a) + np.trace(cov_b)) - 2.0 * cross, 0.0)


def _moments(features: Any) -> Moments:
    return features if isinstance(features, Moments) else feature_moments(features)


def _gaussian(moments: Moments) -> tuple[FloatArray, FloatArray]:
    rows = int(moments.count.flat[0])
    if rows < 2:
        raise InputError(f"a covariance needs two rows of features or more; found {rows}")
    return moments.mean.diagonal().copy(), moments.product / (rows - 1)


def _root(matrix: FloatArray) -> FloatArray:
    """Symmetric square root of a positive semidefinite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)
