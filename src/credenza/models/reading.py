"""Two attributes read by an imperfect classifier: what their joint table and covariance were before it erred.

Read attributes understate association: each classifier's errors mix the cells of the joint table. Where the errors
are known from held-out pictures the mixing can be undone. Nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from credenza.association.measures import covariance
from credenza.contracts import FloatArray
from credenza.errors import InfeasibleError, InputError, UsageError

LEAST_INFORMEDNESS = 0.05  # below it the inverse multiplies noise by more than twenty


@dataclass(frozen=True)
class Reader:
    """How well one binary attribute is read.

    Attributes
    ----------
    sensitivity : P(read true | is true), in [0, 1]. specificity : P(read false | is false), in [0, 1].

    Raises
    ------
    UsageError : a share is outside [0, 1].
    """

    sensitivity: float
    specificity: float

    def __post_init__(self) -> None:
        for name in ("sensitivity", "specificity"):
            if not 0.0 <= (value := getattr(self, name)) <= 1.0:
                raise UsageError(f"a {name} is a share in [0, 1]; found {value}")

    @property
    def informedness(self) -> float:
        """Youden's J = sensitivity + specificity - 1, in [-1, 1]: the determinant of the confusion matrix.

        >>> round(Reader(0.9, 0.8).informedness, 6)
        0.7
        """
        return self.sensitivity + self.specificity - 1.0

    @property
    def confusion(self) -> FloatArray:
        """(2, 2): P(read as i | is j), columns summing to one.

        >>> Reader(0.9, 0.75).confusion.tolist()
        [[0.75, 0.1], [0.25, 0.9]]
        """
        rows = [
            [self.specificity, round(1.0 - self.sensitivity, 15)],
            [round(1.0 - self.specificity, 15), self.sensitivity],
        ]
        return np.array(rows)


@dataclass(frozen=True)
class AttributeQuality(Reader):
    """How well one attribute is read, measured on held-out images.

    Attributes
    ----------
    sensitivity, specificity : see :class:`Reader`, which this is one of.
    name : of the attribute. positives, negatives : held-out images with it, without it.
    sensitivity_interval, specificity_interval : 95% Wilson intervals.
    """

    name: str
    positives: int
    negatives: int
    sensitivity_interval: tuple[float, float]
    specificity_interval: tuple[float, float]

    @property
    def accuracy(self) -> float:
        """Share of the held-out images that are read right."""
        right = self.sensitivity * self.positives + self.specificity * self.negatives
        return right / (self.positives + self.negatives)


def measure_quality(
    names: Sequence[str], read: NDArray[np.bool_], truth: NDArray[np.bool_]
) -> dict[str, AttributeQuality]:
    """Sensitivity and specificity of each attribute, with 95% Wilson intervals, by name.

    Parameters
    ----------
    names : k different ones. read, truth : bool (n, k); each attribute is true in some rows and false in others.

    Examples
    --------
    >>> truth = np.array([[True], [True], [False], [False]])
    >>> found = measure_quality(["hat"], np.array([[True], [False], [False], [False]]), truth)["hat"]
    >>> found.sensitivity, found.specificity, [round(x, 3) for x in found.sensitivity_interval]
    (0.5, 1.0, [0.095, 0.905])
    """
    from scipy.stats import binomtest

    qualities = {}
    for name, found, true in zip(names, read.T, truth.T, strict=True):
        shares, ends, sizes = [], [], []
        for value in (True, False):
            runs = int((true == value).sum())
            hits = int((found[true == value] == value).sum())
            interval = binomtest(hits, runs).proportion_ci(method="wilson")
            sizes.append(runs)
            shares.append(hits / runs)
            ends.append((float(interval.low), float(interval.high)))
        qualities[name] = AttributeQuality(shares[0], shares[1], name, sizes[0], sizes[1], ends[0], ends[1])
    return qualities


def joint_table(a: ArrayLike, b: ArrayLike) -> FloatArray:
    """Shares (2, 2) of two binary attributes: [0, 0], [0, 1], [1, 0], [1, 1] are P00, P01, P10, P11.

    Parameters
    ----------
    a, b : (n,) boolean, n >= 1.

    Raises
    ------
    InputError : the attributes differ in length, or have no rows.

    Examples
    --------
    >>> joint_table([True, True, False, False], [True, False, False, False]).tolist()
    [[0.5, 0.0], [0.25, 0.25]]
    """
    x, y = np.asarray(a, bool), np.asarray(b, bool)
    if x.ndim != 1 or x.shape != y.shape:
        raise InputError(f"two attributes of the same rows are needed; found shapes {x.shape} and {y.shape}")
    if not len(x):
        raise InputError("a joint table needs at least one row; found none")
    return np.asarray(np.bincount(2 * x + y, minlength=4).reshape(2, 2) / len(x))


def read_joint(joint: ArrayLike, a: Reader, b: Reader) -> FloatArray:
    """The joint table that imperfect reading makes of a true one: C_a P C_b^T.

    Parameters
    ----------
    joint : (2, 2) true counts or shares. a, b : how the attribute of the rows, of the columns is read.

    Returns
    -------
    (2, 2) shares, given that the errors are independent of each other once the truth is known.

    Examples
    --------
    >>> read_joint([[0.5, 0.0], [0.0, 0.5]], Reader(0.9, 0.9), Reader(1.0, 1.0)).round(3).tolist()
    [[0.45, 0.05], [0.05, 0.45]]
    """
    return np.asarray(a.confusion @ _shares(joint) @ b.confusion.T)


def corrected_joint(joint: ArrayLike, a: Reader, b: Reader) -> FloatArray:
    """The joint table behind one that was read with errors.

    With C_a and C_b the confusion matrices, the read table is R = C_a P C_b^T, or vec R = (C_a (x) C_b) vec P with
    the Kronecker product. So P = C_a^-1 R C_b^-T. Chance can carry that out of the simplex (a cell below zero); the
    nearest point of the simplex, in Euclidean distance, is returned then (Duchi et al. 2008, "Efficient projections
    onto the l1-ball", Figure 1).

    Parameters
    ----------
    joint : (2, 2) read counts or shares. a, b : how the attribute of the rows, of the columns is read.

    Returns
    -------
    (2, 2) shares, non-negative, summing to one.

    Raises
    ------
    InputError : the table is not 2x2, has a negative or infinite entry, or is empty.
    InfeasibleError : an attribute is read no better than chance (informedness below ``LEAST_INFORMEDNESS``).

    Notes
    -----
    Limits. The errors must be independent given the truth: a hat that hides the hair breaks that for the two. The
    error rates must hold for the pictures that are read: those measured on clean held-out pictures flatter the
    reading of blurred generated ones. Sampling error grows by about 1 / (J_a J_b), with J the informedness, and the
    error rates' own uncertainty is not carried on. Clipping keeps the table valid at the price of a bias near the
    edge. Comparing two samples that one classifier read needs no correction to have a valid test, only to have an
    effect in true units. Left out: readers whose errors depend on each other, which need a joint 4x4 confusion.

    Source: matrix method for misclassified counts, Barron 1977, Biometrics 33:414.

    Examples
    --------
    >>> seen = read_joint([[0.4, 0.1], [0.2, 0.3]], Reader(0.9, 0.95), Reader(0.8, 0.99))
    >>> corrected_joint(seen, Reader(0.9, 0.95), Reader(0.8, 0.99)).round(6).tolist()
    [[0.4, 0.1], [0.2, 0.3]]
    """
    _require_informed(a, b)
    left, right = np.linalg.inv(a.confusion), np.linalg.inv(b.confusion)
    return _nearest_shares(left @ _shares(joint) @ right.T)


def corrected_covariance(joint: ArrayLike, a: Reader, b: Reader) -> float:
    """Covariance P11 - P1. P.1 behind a joint table that was read with errors.

    cov(read) = J_a J_b cov(true), with J = sensitivity + specificity - 1; so it is the read one over J_a J_b. It is
    not clipped: unbiased, at the price that chance can carry it out of what the margins allow
    (:func:`corrected_joint` clips).

    Parameters
    ----------
    joint : (2, 2) read counts or shares. a, b : how the attribute of the rows, of the columns is read.

    Returns
    -------
    float, in [-0.25, 0.25] but for chance.

    Raises
    ------
    InputError, InfeasibleError : as :func:`corrected_joint`.

    Examples
    --------
    >>> seen = read_joint([[0.4, 0.1], [0.2, 0.3]], Reader(0.9, 0.95), Reader(0.8, 0.99))
    >>> round(covariance(seen), 4), round(corrected_covariance(seen, Reader(0.9, 0.95), Reader(0.8, 0.99)), 4)
    (0.0672, 0.1)
    """
    _require_informed(a, b)
    return float(covariance(_shares(joint)) / (a.informedness * b.informedness))


def _shares(joint: ArrayLike) -> FloatArray:
    """A checked 2x2 table as shares."""
    table = np.asarray(joint, float)
    if table.shape != (2, 2):
        raise InputError(f"a joint table of two binary attributes has shape (2, 2); found {table.shape}")
    if not np.isfinite(table).all() or (table < 0).any() or table.sum() <= 0:
        raise InputError(
            f"a joint table has finite entries of at least 0, not all 0; found {table.ravel().tolist()}"
        )
    return np.asarray(table / table.sum())


def _require_informed(*readers: Reader) -> None:
    for reader in readers:
        if reader.informedness < LEAST_INFORMEDNESS:
            raise InfeasibleError(
                f"an attribute read with sensitivity {reader.sensitivity:.3g} and specificity "
                f"{reader.specificity:.3g} is hardly better than chance; they must sum to at least "
                f"{1 + LEAST_INFORMEDNESS:.2f} for a correction"
            )


def _nearest_shares(table: FloatArray) -> FloatArray:
    """The nearest point of the probability simplex, in Euclidean distance."""
    values = np.sort(table.ravel())[::-1]
    excess = (np.cumsum(values) - 1.0) / np.arange(1, len(values) + 1)
    cut = excess[np.flatnonzero(values > excess)[-1]]
    return np.asarray(np.maximum(table - cut, 0.0))
