"""Logarithms of tail probabilities that stay finite where the probabilities underflow.

A pair that was moved in a large table has p-values far below the smallest float64; the ladder ranks pairs by them, so
their logarithms must be right. Written on scipy.special, which imports ten times faster than scipy.stats.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from credenza.contracts import FloatArray

UNDERFLOW = 1e-280
FAR = -600.0
TERMS = 400


def normal_log_sf(z: ArrayLike) -> FloatArray:
    """ln P(Z > z) of the standard normal.

    Examples
    --------
    >>> normal_log_sf([0.0, 60.0]).round(3).tolist()
    [-0.693, -1805.014]
    """
    return np.asarray(special.log_ndtr(-np.asarray(z, float)))


def normal_isf(p: ArrayLike) -> FloatArray:
    """The z with P(Z > z) = p.

    Examples
    --------
    >>> float(normal_isf(0.025).round(4))
    1.96
    """
    return np.asarray(-special.ndtri(np.asarray(p, float)))


def normal_score(log_p: ArrayLike) -> FloatArray:
    """The |z| whose two-sided p-value has this logarithm.

    Beyond the underflow of p the tail is taken as phi(z) / z, to about 1e-3 in z.

    Examples
    --------
    >>> normal_score([np.log(0.05), -1804.32]).round(2).tolist()
    [1.96, 60.0]
    """
    tail = np.asarray(log_p, float) - np.log(2.0)
    far = np.maximum(-2.0 * tail, 1.0)
    far = np.sqrt(np.maximum(far - np.log(2.0 * np.pi * np.maximum(far - np.log(far), 1.0)), 0.0))
    near = -special.ndtri(np.exp(np.maximum(tail, FAR)))
    return np.asarray(np.where(tail > FAR, near, far))


def chi2_log_sf(statistic: ArrayLike, df: ArrayLike) -> FloatArray:
    """ln P(X > statistic) of a chi-square with df degrees of freedom, shape of the broadcast arguments.

    ln Q(a, x) with a = df / 2, x = statistic / 2. Where Q underflows, by Legendre's continued fraction
    Q = e^-x x^a / Gamma(a) * 1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - ...)), which converges for x > a + 1
    (DLMF 8.9.2).

    Examples
    --------
    >>> chi2_log_sf([10.0, 5000.0], [5, 10]).round(3).tolist()
    [-2.587, -2471.88]
    """
    x, a = np.broadcast_arrays(np.asarray(statistic, float) / 2, np.asarray(df, float) / 2)
    q = special.gammaincc(a, x)
    out = np.log(np.maximum(q, UNDERFLOW))
    far = q < UNDERFLOW
    if np.any(far):
        out = np.array(out)
        out[far] = _far_log_q(a[far], x[far])
    return np.asarray(out)


def _far_log_q(a: FloatArray, x: FloatArray) -> FloatArray:
    """The continued fraction by Lentz's method (Thompson and Barnett 1986)."""
    b = x + 1.0 - a
    c, d = np.full_like(b, 1e300), 1.0 / b
    h = d.copy()
    for k in range(1, TERMS):
        an = -k * (k - a)
        b = b + 2.0
        d = 1.0 / (an * d + b)
        c = b + an / c
        step = c * d
        h = h * step
        if np.all(np.abs(step - 1.0) < 1e-14):
            break
    return np.asarray(-x + a * np.log(x) - special.gammaln(a) + np.log(h))
