"""Ordered columns for re-pairing: exact keys to sort by, dense ranks, and numbers to correlate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from credenza.attacks.columns import plain
from credenza.contracts import FloatArray, IntArray
from credenza.errors import InputError

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Ordered:
    """The workable rows of one ordered column, n of them, none missing.

    Attributes
    ----------
    order : rows by ascending value, equal values in row order; shape (n,).
    ranks : dense ranks from 0, equal values equal ranks; shape (n,).
    scores : the values less their mean, divided by their norm, so that Pearson's correlation of two columns
        is the dot product of their scores; NaN when the column is constant or holds an infinity; shape (n,).
    rank_scores : the same of the mid-ranks, for Spearman's correlation; shape (n,).
    negative_zero : the value is -0.0, which equals 0.0 and is another value all the same; shape (n,).
    """

    order: IntArray
    ranks: IntArray
    scores: FloatArray
    rank_scores: FloatArray
    negative_zero: BoolArray

    def changed(self, index: IntArray) -> BoolArray:
        """Rows whose value is not the one they had once row r gets the value of row ``index[r]``."""
        moved = self.ranks[index] != self.ranks
        return np.asarray(moved | (self.negative_zero[index] != self.negative_zero))


def present(column: pa.ChunkedArray, name: str) -> BoolArray:
    """Rows that have a value, neither null nor NaN; shape (rows,).

    Raises
    ------
    InputError : the column holds neither numbers nor dates.
    """
    return np.asarray(_plain(column, name).is_valid().to_numpy(), dtype=np.bool_)


def ordered(column: pa.ChunkedArray, name: str, rows: IntArray) -> Ordered:
    """Read the given rows, all present, of an ordered column; cost O(n log n).

    Integers, dates and decimals are sorted as they are, so values that float64 cannot tell apart stay apart.

    >>> import numpy as np, pyarrow as pa
    >>> ordered(pa.chunked_array([[2**60 + 1, 7, 2**60]]), "id", np.arange(3)).ranks.tolist()
    [2, 0, 1]
    """
    raw = column.take(pa.array(rows))
    keys = _keys(_plain(raw, name))
    order = np.argsort(keys)
    ranked = keys[order]
    ranks = np.zeros(len(keys), dtype=np.int64)
    ranks[order[1:]] = np.cumsum(ranked[1:] != ranked[:-1])
    counts = np.bincount(ranks)
    if len(counts) < len(keys):
        order = stable_order(ranks)
    middle = np.cumsum(counts) - (counts - 1) / 2
    return Ordered(
        order, ranks, _scores(_numbers(keys, raw, name)), _scores(middle[ranks]), _negative_zero(raw, keys)
    )


def _plain(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Numbers without encoding: integers (dates as such), float64 with NaN as null, or decimals."""
    column = plain(column, name)
    kind, types = column.type, pa.types
    if types.is_temporal(kind):
        return column.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return column
    raise InputError(f"column {name!r} holds {kind}; re-pairing by rank needs numbers or dates")


def _keys(column: pa.ChunkedArray) -> NDArray[Any]:
    """What numpy can sort in the order of the values."""
    if pa.types.is_decimal(column.type):
        column = pc.rank(column.combine_chunks(), tiebreaker="dense")
    keys: NDArray[Any] = column.to_numpy()
    return keys


def _numbers(keys: NDArray[Any], raw: pa.ChunkedArray, name: str) -> FloatArray:
    """Float64 numbers that differ from the values by a constant: integers are counted from their smallest."""
    column = _plain(raw, name)
    if pa.types.is_decimal(column.type):
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy())
    if keys.dtype.kind == "f":
        return np.asarray(keys, dtype=np.float64)
    wide = keys if keys.dtype == np.uint64 else keys.astype(np.int64).view(np.uint64)
    least = wide[int(np.argmin(keys))] if len(keys) else np.uint64(0)
    return np.asarray(wide - least, dtype=np.float64)


def _negative_zero(raw: pa.ChunkedArray, keys: NDArray[Any]) -> BoolArray:
    if keys.dtype.kind != "f":
        return np.zeros(len(keys), dtype=np.bool_)
    if pa.types.is_dictionary(raw.type):
        raw = raw.cast(raw.type.value_type)
    return np.asarray((keys == 0) & np.signbit(raw.to_numpy()))


def _scores(numbers: FloatArray) -> FloatArray:
    """Numbers less their mean over their norm; scaled first, so that no square overflows."""
    largest = float(np.abs(numbers).max(initial=0.0))
    if not np.isfinite(numbers).all() or largest == 0.0 or numbers.min() == numbers.max():
        return np.full(len(numbers), np.nan)
    scaled = numbers / largest
    scaled -= scaled.mean()
    norm = float(np.sqrt(scaled @ scaled))
    return np.asarray(scaled / norm if norm > 0 else np.full(len(numbers), np.nan))


def stable_order(codes: IntArray) -> IntArray:
    """Positions by ascending code, equal codes as they are; several times faster than a stable sort.

    ``codes`` are non-negative integers, shape (n,): code and position together make one integer to sort.

    >>> import numpy as np
    >>> stable_order(np.array([1, 0, 1, 0])).tolist()
    [1, 3, 0, 2]
    """
    n = len(codes)
    return np.asarray(np.sort(codes * n + np.arange(n)) % max(n, 1))


def stratum_order(order: IntArray, strata: IntArray | None) -> IntArray:
    """The same order inside each stratum, strata one after another; unchanged without strata.

    >>> import numpy as np
    >>> stratum_order(np.array([3, 1, 0, 2]), np.array([0, 0, 1, 1])).tolist()
    [1, 0, 3, 2]
    """
    return order if strata is None else order[stable_order(strata[order])]


def stratum_ends(strata: IntArray | None, rows: int) -> Sequence[tuple[int, int]]:
    """First and last position (exclusive) of each stratum in a :func:`stratum_order`.

    >>> import numpy as np
    >>> stratum_ends(np.array([0, 2, 0]), 3)
    [(0, 2), (2, 3)]
    """
    if strata is None:
        return [(0, rows)]
    ends = np.cumsum(np.unique(strata, return_counts=True)[1]).tolist()
    return list(zip([0, *ends[:-1]], ends, strict=True))
