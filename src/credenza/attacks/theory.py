"""Closed forms of associative poisoning for one binary pair.

The joint of a binary pair is written ``[[a, b], [c, d]]`` with ``a = P00``, ``b = P01``, ``c = P10``, ``d =
P11`` (first index: first feature). A *strength* epsilon moves probability mass onto the diagonal:
``a + e, b - e, c - e, d + e``. Row sums and column sums do not depend on it, so no marginal ever moves.

Source: "associative poisoning", arXiv 2511.05177, Definition 1 and Theorems 1 and 2. General measures of
tables of any size live in :mod:`credenza.association.measures`; here is only what is specific to the attack.
The closed forms of three features are in :mod:`credenza.attacks.theory_triples`, and can be had from here too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from credenza.attacks.theory_triples import (
    erasing_triple_strength,
    interaction_information,
    joint_after_triple,
    three_way_contrast,
    triple_strength_range,
)
from credenza.contracts import FloatArray
from credenza.errors import InputError

__all__ = [
    "erasing_strength",
    "erasing_triple_strength",
    "interaction_information",
    "joint_after",
    "joint_after_triple",
    "mcc_after",
    "mi_derivative",
    "mutual_information_after",
    "strength_range",
    "three_way_contrast",
    "triple_strength_range",
]

_SIGNS = np.array([[1.0, -1.0], [-1.0, 1.0]])


def joint_after(joint: ArrayLike, strength: ArrayLike) -> FloatArray:
    """Joint of a binary pair after a shift of the given strength.

    Formula: ``P'00 = a + e, P'01 = b - e, P'10 = c - e, P'11 = d + e`` (Definition 1).

    Parameters
    ----------
    joint : array of shape (2, 2), probabilities or counts; it is divided by its sum.
    strength : float or array of any shape S, in ``strength_range(joint)``. Values beyond it are computed all
        the same and give negative cells: this function is arithmetic, :class:`AssociativePoisoning` is what
        refuses.

    Returns
    -------
    array of shape S + (2, 2); every table sums to 1. Cost O(size of ``strength``).

    Raises
    ------
    InputError : the joint is not a 2x2 table of non-negative numbers with a positive sum.

    Examples
    --------
    >>> joint_after([[0.3, 0.2], [0.2, 0.3]], 0.1).round(3).tolist()
    [[0.4, 0.1], [0.1, 0.4]]
    """
    table = _probabilities(joint)
    return np.asarray(table + np.asarray(strength, dtype=np.float64)[..., None, None] * _SIGNS)


def mcc_after(joint: ArrayLike, strength: ArrayLike) -> FloatArray:
    """Matthews correlation after a shift: linear in the strength.

    Formula: ``(ad - bc + e) / sqrt(u (1-u) v (1-v))`` with ``u = c + d``, ``v = b + d``.

    Parameters
    ----------
    joint : array of shape (2, 2), probabilities or counts.
    strength : float or array of any shape S.

    Returns
    -------
    array of shape S, in [-1, 1] within the feasible range; 0 when a feature is constant, as in
    :func:`credenza.association.measures.mcc`.

    Raises
    ------
    InputError : the joint is not a 2x2 table of non-negative numbers with a positive sum.

    Examples
    --------
    >>> float(mcc_after([[0.25, 0.25], [0.25, 0.25]], 0.1).round(3))
    0.4
    """
    table = _probabilities(joint)
    u, v = table[1].sum(), table[:, 1].sum()
    scale = np.sqrt(u * (1 - u) * v * (1 - v))
    shifted = -erasing_strength(table) + np.asarray(strength, dtype=np.float64)
    return np.asarray(shifted / scale if scale > 0 else np.zeros_like(shifted))


def mutual_information_after(joint: ArrayLike, strength: ArrayLike) -> FloatArray:
    """Mutual information of a binary pair after a shift, in nats.

    Formula: ``sum P'ij ln(P'ij / (Pi. P.j))`` with ``0 ln 0 = 0``. It is convex in the strength, with its
    minimum 0 at ``erasing_strength(joint)``; from independence it rises with the strength in both directions
    (Theorem 1).

    Parameters
    ----------
    joint : array of shape (2, 2), probabilities or counts.
    strength : float or array of any shape S, in ``strength_range(joint)``.

    Returns
    -------
    array of shape S, in [0, ln 2] within the feasible range; NaN beyond it.

    Raises
    ------
    InputError : the joint is not a 2x2 table of non-negative numbers with a positive sum.

    Examples
    --------
    >>> mutual_information_after([[0.3, 0.2], [0.2, 0.3]], [-0.05, 0.0, 0.1]).round(4).tolist()
    [0.0, 0.0201, 0.1927]
    """
    table = joint_after(joint, strength)
    expected = table.sum(axis=-1, keepdims=True) * table.sum(axis=-2, keepdims=True)
    inside = (table > -1e-12).all(axis=(-1, -2))
    positive = table > 1e-15
    logs = np.log(table, where=positive, out=np.zeros_like(table))
    logs -= np.log(expected, where=positive & (expected > 0), out=np.zeros_like(table))
    total = np.where(positive, table * logs, 0.0).sum(axis=(-1, -2))
    return np.asarray(np.where(inside, np.maximum(total, 0.0), np.nan))


def mi_derivative(joint: ArrayLike, strength: ArrayLike = 0.0) -> FloatArray:
    """Slope of the mutual information in the strength, nats per unit of probability mass.

    Formula: ``dMI/de = ln[(a+e)(d+e) / ((b-e)(c-e))]``, the log odds ratio of the shifted table: positive
    where a further positive shift makes the pair more informative, negative where it first erases what is
    there.

    Parameters
    ----------
    joint : array of shape (2, 2), probabilities or counts.
    strength : float or array of any shape S, in ``strength_range(joint)``.

    Returns
    -------
    array of shape S; plus or minus infinity where a cell is empty, NaN where both a diagonal and an
    off-diagonal cell are.

    Raises
    ------
    InputError : the joint is not a 2x2 table of non-negative numbers with a positive sum.

    Examples
    --------
    >>> float(mi_derivative([[0.25, 0.25], [0.25, 0.25]]))
    0.0
    """
    table = joint_after(joint, strength)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(table)
        return np.asarray(logs[..., 0, 0] + logs[..., 1, 1] - logs[..., 0, 1] - logs[..., 1, 0])


def strength_range(joint: ArrayLike) -> tuple[float, float]:
    """Smallest and largest strength that leaves no cell negative: ``(max(-a, -d), min(b, c))``.

    Parameters
    ----------
    joint : array of shape (2, 2), probabilities or counts.

    Raises
    ------
    InputError : the joint is not a 2x2 table of non-negative numbers with a positive sum.

    Examples
    --------
    >>> strength_range([[0.302, 0.219], [0.227, 0.252]])
    (-0.252, 0.219)
    """
    (a, b), (c, d) = _probabilities(joint).tolist()
    return -min(a, d), min(b, c)


def erasing_strength(joint: ArrayLike) -> float:
    """Strength that makes the pair independent: ``bc - ad`` (Theorem 2), always inside the feasible range.

    Parameters
    ----------
    joint : array of shape (2, 2), probabilities or counts.

    Raises
    ------
    InputError : the joint is not a 2x2 table of non-negative numbers with a positive sum.

    Examples
    --------
    >>> round(erasing_strength([[0.3, 0.2], [0.2, 0.3]]), 3)
    -0.05
    """
    (a, b), (c, d) = _probabilities(joint).tolist()
    return float(b * c - a * d)


def _probabilities(joint: ArrayLike) -> FloatArray:
    table = np.asarray(joint, dtype=np.float64)
    if table.shape != (2, 2):
        raise InputError(f"the joint of a binary pair is a 2x2 table; found shape {table.shape}")
    total = table.sum()
    if not np.isfinite(total) or (table < 0).any() or total <= 0:
        raise InputError(f"a joint needs non-negative cells with a positive sum; found {table.tolist()}")
    return np.asarray(table if abs(total - 1) < 1e-12 else table / total)
