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
        if present.all() and len(values):
            return self.merge(self._complete(values))
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

    def _complete(self, values: FloatArray) -> Moments:
        """The moments of rows of which no value is missing: one matrix product instead of four."""
        shape = (len(self.names), len(self.names))
        with np.errstate(invalid="ignore", over="ignore"):
            centre = values.mean(axis=0)
            x = values - centre
            total = x.sum(axis=0)
            product = x.T @ x - np.outer(total, total / len(x))
            mean = np.broadcast_to((centre + total / len(x))[:, None], shape)
        square = np.broadcast_to(np.maximum(np.diag(product), 0.0)[:, None], shape)
        return Moments(self.names, np.full(shape, float(len(x))), mean, square, product)

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

    def pearson(self, a: str, b: str) -> float:
        """The correlation of two columns; NaN where :meth:`correlation` has it, or a column has no moments."""
        if a not in self.names or b not in self.names:
            return float("nan")
        places = [self.names.index(a), self.names.index(b)]
        part = np.ix_(places, places)
        state = (self.count[part], self.mean[part], self.square[part], self.product[part])
        return float(Moments((a, b), *state).correlation()[0, 1])

    def correlation(self) -> FloatArray:
        """Pearson correlations (m, m), each in [-1, 1].

        NaN where a column is constant, too few rows are present, or squares leave the range of float64.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            spread = np.sqrt(self.square) * np.sqrt(self.square.T)
        known = (spread > 0) & (self.count > 1) & np.isfinite(spread) & np.isfinite(self.product)
        return np.where(known, np.clip(self.product / np.where(known, spread, 1.0), -1.0, 1.0), np.nan)
