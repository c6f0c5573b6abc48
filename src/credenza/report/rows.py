"""Scores of the suspect's rows, a batch at a time, so that they need no array of all rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from credenza.contracts import FloatArray
from credenza.errors import UsageError

_ROWS = pa.schema([("row", pa.int64()), ("weight", pa.float64()), ("score", pa.float64())])


class RowWeights(Protocol):
    """The final maximum-entropy weights of all rows, in row order; they can be streamed again and again."""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        ...

    def batches(self) -> Iterator[FloatArray]:
        """The weights, in pieces of any length."""
        ...


@dataclass(frozen=True)
class HeldWeights:
    """Weights that are in memory already."""

    weights: FloatArray

    @property
    def rows(self) -> int:
        return len(self.weights)

    def batches(self) -> Iterator[FloatArray]:
        yield self.weights


def require_weights(weights: RowWeights | None) -> RowWeights:
    """The weights, or why there are none.

    Raises
    ------
    UsageError : no weights, because CZ201 did not run.
    """
    if weights is None:
        raise UsageError(
            "row scores come from CZ201, which did not run: give a reference, and leave CZ201 among the checks"
        )
    return weights


def row_batches(weights: RowWeights) -> Iterator[Any]:
    """One row for each row of the suspect: its number, its weight and its score; as Arrow record batches.

    The weight is the share of such rows in the reference over their share in the suspect, given what was explained; the
    score max(0, 1 - weight) is then the share of foreign rows among the rows like it, in [0, 1]. High is suspicious.
    Memory: one batch.

    Examples
    --------
    >>> [batch.to_pydict() for batch in row_batches(HeldWeights(np.array([0.75, 1.25])))]
    [{'row': [0, 1], 'weight': [0.75, 1.25], 'score': [0.25, 0.0]}]
    """
    first = 0
    for batch in weights.batches():
        numbers = np.arange(first, first + len(batch))
        yield pa.record_batch([numbers, batch, np.maximum(0.0, 1.0 - batch)], schema=_ROWS)
        first += len(batch)


def row_table(weights: RowWeights) -> Any:
    """All batches of :func:`row_batches` as one Arrow table; 24 bytes a row."""
    return pa.Table.from_batches(row_batches(weights), schema=_ROWS)


def all_weights(weights: RowWeights) -> FloatArray:
    """The weights as one array, shape (n,); 8 bytes a row."""
    return weights.weights if isinstance(weights, HeldWeights) else np.concatenate(list(weights.batches()))
