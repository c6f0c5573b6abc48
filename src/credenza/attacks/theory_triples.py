"""Closed forms of associative poisoning for three binary features: only their three-way interaction moves.

The joint is an array P[a, b, c] of shape (2, 2, 2). A *strength* epsilon adds ``e (-1)^(a+b+c)`` to it. Summed
over any one feature the additions cancel, so every pair table, and with them every marginal, stays as it is.
``000, 011, 101, 110`` are filled and ``111, 100, 010, 001`` are emptied by a positive strength; a negative one
does the opposite. Source: derived; the tables with fixed two-way margins are a line in this direction
(Bartlett 1935, J. Royal Stat. Soc. Suppl. 2:248).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from credenza.contracts import FloatArray
from credenza.errors import InputError

SIGNS = np.array([[[1.0, -1.0], [-1.0, 1.0]], [[-1.0, 1.0], [1.0, -1.0]]])


def joint_after_triple(joint: ArrayLike, strength: ArrayLike) -> FloatArray:
    """Joint of three binary features after a three-way shift of the given strength.

    Formula: ``P'abc = Pabc + e (-1)^(a+b+c)``.

    Parameters
    ----------
    joint : array of shape (2, 2, 2), probabilities or counts; it is divided by its sum.
    strength : float or array of any shape S, in ``triple_strength_range(joint)``; values beyond it give
        negative cells.

    Returns
    -------
    array of shape S + (2, 2, 2); all pair tables are those of ``joint``. Cost O(size of ``strength``).

    Raises
    ------
    InputError : the joint is not a 2x2x2 table of non-negative numbers with a positive sum.

    Examples
    --------
    >>> joint_after_triple(np.ones((2, 2, 2)), 0.125).tolist()
    [[[0.25, 0.0], [0.0, 0.25]], [[0.0, 0.25], [0.25, 0.0]]]
    """
    table = _probabilities(joint)
    return np.asarray(table + np.asarray(strength, dtype=np.float64)[..., None, None, None] * SIGNS)


def triple_strength_range(joint: ArrayLike) -> tuple[float, float]:
    """Smallest and largest strength that leaves no cell negative.

    Formula: ``-min(P000, P011, P101, P110)`` to ``min(P111, P100, P010, P001)``; always within -1/4 and 1/4.

    Parameters
    ----------
    joint : array of shape (2, 2, 2), probabilities or counts.

    Raises
    ------
    InputError : the joint is not a 2x2x2 table of non-negative numbers with a positive sum.

    Examples
    --------
    >>> triple_strength_range(np.ones((2, 2, 2)))
    (-0.125, 0.125)
    """
    table = _probabilities(joint)
    return -float(table[SIGNS > 0].min()), float(table[SIGNS < 0].min())


def three_way_contrast(joint: ArrayLike) -> float:
    """Three-way interaction of the log-linear model: how the log odds ratio of two features hangs on the third.

    Formula: ``sum (-1)^(a+b+c) ln Pabc``, the log odds ratio of the first two features where the third is 0
    less that where it is 1. It does not depend on the order of the features, is 0 without three-way
    interaction, and rises with the strength.

    Parameters
    ----------
    joint : array of shape (2, 2, 2), probabilities or counts; nothing is added to the cells.

    Returns
    -------
    float; plus or minus infinity where empty cells are all of one sign, NaN where they are of both.

    Raises
    ------
    InputError : the joint is not a 2x2x2 table of non-negative numbers with a positive sum.

    Examples
    --------
    >>> three_way_contrast(np.ones((2, 2, 2)))
    0.0
    >>> round(three_way_contrast(joint_after_triple(np.ones((2, 2, 2)), 0.025)), 4)
    1.6219
    """
    table = _probabilities(joint)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(table)
        return float(logs[SIGNS > 0].sum() - logs[SIGNS < 0].sum())


def interaction_information(joint: ArrayLike) -> float:
    """Interaction information of three features, in nats: what the third adds to the link of the other two.

    Formula: ``I(A; B | C) - I(A; B) = H(AB) + H(AC) + H(BC) - H(A) - H(B) - H(C) - H(ABC)`` (McGill 1954);
    the co-information is its negative. It does not depend on the order of the features. It is positive for
    features that say more together (exclusive or: ln 2) and negative for redundant ones (three copies of a
    coin: -ln 2).

    Parameters
    ----------
    joint : array of three dimensions of any lengths, probabilities or counts.

    Returns
    -------
    float, within plus and minus the logarithm of the smallest number of levels. Only H(ABC) moves under an
    attack that keeps the pair tables.

    Raises
    ------
    InputError : the joint has not three dimensions, a negative number, or no positive sum.

    Examples
    --------
    >>> exclusive_or = [[[1, 0], [0, 1]], [[0, 1], [1, 0]]]
    >>> round(interaction_information(exclusive_or), 4)
    0.6931
    """
    table = _probabilities(joint, shape=None)
    pairs = sum(_entropy(table.sum(axis=axis)) for axis in range(3))
    single = sum(_entropy(table.sum(axis=axes)) for axes in ((0, 1), (0, 2), (1, 2)))
    return pairs - single - _entropy(table)


def erasing_triple_strength(joint: ArrayLike) -> float:
    """Strength that makes the three-way contrast zero: the table of no three-way interaction with these pairs.

    The contrast rises from minus to plus infinity over the feasible range, so there is exactly one; it is the
    root of a cubic equation, found by bracketing to 1e-15.

    Parameters
    ----------
    joint : array of shape (2, 2, 2), probabilities or counts.

    Returns
    -------
    float inside the feasible range; 0 where the range is a single point.

    Raises
    ------
    InputError : the joint is not a 2x2x2 table of non-negative numbers with a positive sum.

    Examples
    --------
    >>> round(erasing_triple_strength(joint_after_triple(np.ones((2, 2, 2)), 0.02)), 6)
    -0.02
    """
    table = _probabilities(joint)
    low, high = triple_strength_range(table)

    def balance(strength: float) -> float:
        """Product of the filled cells less that of the emptied ones: the sign of the contrast, also at 0."""
        shifted = np.maximum(table + strength * SIGNS, 0.0)
        return float(shifted[SIGNS > 0].prod() - shifted[SIGNS < 0].prod())

    if high <= low:
        return 0.0
    return float(brentq(balance, low, high, xtol=1e-15))


def _entropy(table: FloatArray) -> float:
    cells = table[table > 0]
    return -float(cells @ np.log(cells))


def _probabilities(joint: ArrayLike, shape: tuple[int, ...] | None = (2, 2, 2)) -> FloatArray:
    table = np.asarray(joint, dtype=np.float64)
    if table.ndim != 3 or shape not in (None, table.shape):
        wanted = "a 2x2x2 table" if shape else "a table of three dimensions"
        raise InputError(f"the joint of a triple is {wanted}; found shape {table.shape}")
    total = table.sum()
    if not np.isfinite(total) or (table < 0).any() or total <= 0:
        raise InputError(f"a joint needs non-negative cells with a positive sum; found {table.tolist()}")
    return np.asarray(table if abs(total - 1) < 1e-12 else table / total)
