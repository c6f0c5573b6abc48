"""Measures of association, read from a table of counts or probabilities; none of them sees rows.

All take one table (L_a, L_b) with non-negative entries that need not sum to one, and are symmetric under transposing.
"""

from __future__ import annotations

import numpy as np

from credenza.association.tails import normal_isf
from credenza.contracts import FloatArray, IntArray


def _shares(table: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Joint, row and column shares of a table; all zero when the table is empty."""
    joint = np.asarray(table, float)
    total = joint.sum()
    joint = joint / total if total > 0 else joint
    return joint, joint.sum(axis=1), joint.sum(axis=0)


def mutual_information(table: FloatArray) -> float:
    """Mutual information in nats: sum p_ij ln(p_ij / (p_i. p_.j)).

    Parameters
    ----------
    table : (L_a, L_b) counts or probabilities.

    Returns
    -------
    float in [0, min(H(A), H(B))]; 0 for an empty table. The plug-in estimate: its bias is about
    (L_a - 1)(L_b - 1) / (2 n) and is not removed, so that theory and data can be compared.

    Examples
    --------
    >>> round(mutual_information(np.array([[0.5, 0.0], [0.0, 0.5]])), 6)
    0.693147
    """
    joint, a, b = _shares(table)
    seen = joint > 0
    return float(max(0.0, np.sum(joint[seen] * np.log(joint[seen] / np.outer(a, b)[seen]))))


def pairwise_mutual_information(joint: FloatArray, starts: IntArray) -> FloatArray:
    """Mutual information of every two features at once, in nats; the diagonal holds the entropies.

    Parameters
    ----------
    joint : (K, K) pair counts or shares, the diagonal holding the marginals.
    starts : (m + 1,) first plane of each feature, and K.

    Returns
    -------
    (m, m), the same numbers as :func:`mutual_information` of each block.

    Examples
    --------
    >>> joint = np.array([[2, 0, 2, 0], [0, 2, 0, 2], [2, 0, 2, 0], [0, 2, 0, 2]], float)
    >>> pairwise_mutual_information(joint, np.array([0, 2, 4])).round(4).tolist()
    [[0.6931, 0.6931], [0.6931, 0.6931]]
    """
    if len(starts) < 2:
        return np.zeros((0, 0))
    margin = np.diag(joint).astype(float)
    total = max(float(margin[starts[0] : starts[1]].sum()), 1.0)
    shares, expected = joint / total, np.outer(margin, margin) / total**2
    terms = np.zeros_like(shares)
    seen = shares > 0
    terms[seen] = shares[seen] * np.log(shares[seen] / expected[seen])
    rows = np.add.reduceat(terms, starts[:-1], axis=0)
    return np.asarray(np.maximum(np.add.reduceat(rows, starts[:-1], axis=1), 0.0))


def mcc(table: FloatArray) -> float:
    """Matthews correlation coefficient of a 2x2 table (also phi): (ad - bc) / sqrt(u (1-u) v (1-v)).

    Parameters
    ----------
    table : (2, 2), a = [0, 0], b = [0, 1], c = [1, 0], d = [1, 1].

    Returns
    -------
    float in [-1, 1]; 0 when a margin is empty.

    Examples
    --------
    >>> round(mcc(np.array([[0.302, 0.219], [0.227, 0.252]])), 3)
    0.106
    """
    joint, a, b = _shares(table)
    spread = a[0] * a[1] * b[0] * b[1]
    if spread <= 0:
        return 0.0
    return float(
        np.clip((joint[0, 0] * joint[1, 1] - joint[0, 1] * joint[1, 0]) / np.sqrt(spread), -1.0, 1.0)
    )


def cramers_v(table: FloatArray) -> float:
    """Bias-corrected Cramer's V of a table of counts (Bergsma 2013, J. Korean Stat. Soc. 42:323).

    phi~^2 = max(0, phi^2 - (r-1)(c-1)/(n-1)); V = sqrt(phi~^2 / min(r~ - 1, c~ - 1)) with r~ = r - (r-1)^2/(n-1).

    Returns
    -------
    float in [0, 1]; 0 when a feature has a single level.

    Examples
    --------
    >>> round(cramers_v(np.array([[30, 10], [10, 30]])), 3)
    0.49
    """
    counts = np.asarray(table, float)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    n = counts.sum()
    if min(counts.shape, default=0) < 2 or n <= 1:
        return 0.0
    r, c = counts.shape
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / n
    phi2 = float(((counts - expected) ** 2 / expected).sum() / n)
    phi2 = max(0.0, phi2 - (r - 1) * (c - 1) / (n - 1))
    room = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    return float(min(1.0, np.sqrt(phi2 / room))) if room > 0 else 0.0


def odds_ratio(table: FloatArray, *, level: float = 0.95) -> tuple[float, float, float]:
    """Odds ratio of a 2x2 table of counts with its interval, half a count added to each cell (Haldane 1956).

    Returns
    -------
    (estimate, low, high): exp(ln OR -+ z sqrt(sum 1 / (count + 1/2))); all positive.

    Examples
    --------
    >>> [round(x, 2) for x in odds_ratio(np.array([[30, 10], [10, 30]]))]
    [8.44, 3.13, 22.75]
    """
    c = np.asarray(table, float) + 0.5
    log_or = np.log(c[0, 0] * c[1, 1] / (c[0, 1] * c[1, 0]))
    half = float(normal_isf((1 - level) / 2)) * np.sqrt((1 / c).sum())
    return float(np.exp(log_or)), float(np.exp(log_or - half)), float(np.exp(log_or + half))


def normalised_pmi(table: FloatArray) -> FloatArray:
    """Normalised pointwise mutual information of every cell: ln(p_ij / (p_i. p_.j)) / -ln p_ij (Bouma 2009).

    Returns
    -------
    (L_a, L_b) in [-1, 1]: 1 when the two levels only occur together, 0 when independent, -1 when never together
    (empty cell of non-empty levels), 0 for empty levels.

    Examples
    --------
    >>> normalised_pmi(np.array([[0.25, 0.25], [0.25, 0.25]])).tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    joint, a, b = _shares(table)
    expected = np.outer(a, b)
    out = np.where(expected > 0, -1.0, 0.0)
    seen = (joint > 0) & (joint < 1)
    out[seen] = np.log(joint[seen] / expected[seen]) / -np.log(joint[seen])
    out[joint >= 1] = 1.0
    return np.asarray(np.clip(out, -1.0, 1.0))


def rank_correlation(table: FloatArray) -> float:
    """Spearman correlation of two ordered features from their table: Pearson correlation of mid-ranks.

    Parameters
    ----------
    table : (L_a, L_b), levels in order. Ties within a bin share their mid-rank, so with quantile bins it is
        slightly smaller in absolute value than on the raw values.

    Returns
    -------
    float in [-1, 1]; 0 when a feature has a single level.

    Examples
    --------
    >>> round(rank_correlation(np.eye(4)), 6)
    1.0
    """
    joint, a, b = _shares(table)
    if min(np.count_nonzero(a), np.count_nonzero(b)) < 2:
        return 0.0
    x, y = np.cumsum(a) - a / 2, np.cumsum(b) - b / 2
    x, y = x - a @ x, y - b @ y
    spread = (a @ x**2) * (b @ y**2)
    return float(np.clip(x @ joint @ y / np.sqrt(spread), -1.0, 1.0)) if spread > 0 else 0.0


def covariance(table: FloatArray) -> float:
    """ad - bc of a 2x2 table of shares: P11 - P1. P.1, the quantity that a strength eps moves by eps.

    Examples
    --------
    >>> round(covariance(np.array([[0.302, 0.219], [0.227, 0.252]])), 4)
    0.0264
    """
    joint, _, _ = _shares(table)
    return float(joint[0, 0] * joint[1, 1] - joint[0, 1] * joint[1, 0])
