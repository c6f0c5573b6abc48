"""Centred second moments of numeric columns, pair by pair over the rows where both are present."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from credenza.contracts import FloatArray
from credenza.errors import InputError


@dataclass(frozen=True)
class Moments:
    """Counts, means and centred products for all pairs of numeric columns.

    Entry (i, j) speaks of the rows where columns i and j are both finite. States merge by the pairwise update of Chan,
    Golub & LeVeque (1979), which stays accurate where sums of squares would cancel.

    Attributes
    ----------
    names : the columns.
    count : (m, m) rows with both present.
    mean : (m, m) mean of column i over those rows (not symmetric).
    square : (m, m) centred sum of squares of column i over those rows (not symmetric).
    product : (m, m) centred sum of products, symmetric.

    Examples
    --------
    >>> state = Moments.empty(("x", "y")).update(np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 7.0]]))
    >>> round(float(state.correlation()[0, 1]), 4)
    0.9934
    """

    names: tuple[str, ...]
    count: FloatArray
    mean: FloatArray
    square: FloatArray
    product: FloatArray

    @classmethod
    def empty(cls, names: tuple[str, ...]) -> Moments:
        """The moments of no rows."""
        zero = np.zeros((len(names), len(names)))
        return cls(names, zero, zero, zero, zero)

    def update(self, values: FloatArray) -> Moments:
        """Add rows: float (n, m), NaN or infinite where missing. Cost n m^2 in matrix products."""
        values = np.asarray(values, float)
        present = np.isfinite(values)
        mask = present.astype(float)
        count = mask.T @ mask
        safe = np.maximum(count, 1.0)
        with np.errstate(invalid="ignore", over="ignore"):
            centre = np.where(present, values, 0.0).sum(axis=0) / np.maximum(mask.sum(axis=0), 1.0)
            x = np.where(present, values - centre, 0.0)
            total = x.T @ mask
            offset = total / safe
            square = (x * x).T @ mask - total * offset
            product = x.T @ x - total * offset.T
        batch = Moments(
            self.names,
            count,
            np.where(count > 0, centre[:, None] + offset, 0.0),
            np.maximum(square, 0.0),
            product,
        )
        return self.merge(batch)

    def merge(self, other: Moments) -> Moments:
        """The moments of both sets of rows.

        Raises
        ------
        InputError : the two speak of other columns.
        """
        if self.names != other.names:
            raise InputError(
                "moments of differing columns: merge states of the same columns in the same order"
            )
        count = self.count + other.count
        safe = np.maximum(count, 1.0)
        weight = self.count * other.count / safe
        with np.errstate(invalid="ignore", over="ignore"):
            delta = other.mean - self.mean
            return Moments(
                self.names,
                count,
                self.mean + delta * other.count / safe,
                self.square + other.square + delta**2 * weight,
                self.product + other.product + delta * delta.T * weight,
            )

    __add__ = merge

    def correlation(self) -> FloatArray:
        """Pearson correlations (m, m), each in [-1, 1].

        NaN where a column is constant, too few rows are present, or squares leave the range of float64.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            spread = np.sqrt(self.square) * np.sqrt(self.square.T)
        known = (spread > 0) & (self.count > 1) & np.isfinite(spread) & np.isfinite(self.product)
        return np.where(known, np.clip(self.product / np.where(known, spread, 1.0), -1.0, 1.0), np.nan)
