"""Scores of the suspect's rows, a batch at a time, so that they need no array of all rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from credenza.contracts import FloatArray, IntArray, Outcome, RowSummary
from credenza.errors import UsageError

PIECE = 65_536  # rows of a batch where there are no weights


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


def scores_of(
    outcomes: Sequence[Outcome], together: RowSummary | None = None
) -> dict[str, FloatArray | IntArray]:
    """Scores of the suspect's rows by the code of the check that gave them; empty where none did.

    With what the checks of single rows say together, ``combined`` and ``agreement`` come last.
    """
    found: dict[str, FloatArray | IntArray] = {
        outcome.code: outcome.scores for outcome in outcomes if outcome.scores is not None
    }
    if together is not None and together.combined is not None and together.agreement is not None:
        found |= {"combined": together.combined, "agreement": together.agreement}
    return found


def row_batches(
    weights: RowWeights | None, scores: Mapping[str, FloatArray | IntArray] | None = None
) -> Iterator[Any]:
    """One row for each row of the suspect, as Arrow record batches: its number and what was found out about it.

    Where there are weights, the weight and the score: the weight is the share of such rows in the reference over their
    share in the suspect, given what was explained; the score max(0, 1 - weight) is then the share of foreign rows among
    the rows like it, in [0, 1]. Then a column for each check that scored rows, named by its code, and of the checks of
    single rows ``combined``, their scores joined (:func:`credenza.checks.samples.combine.combine`), and ``agreement``,
    how many of them have the row among their top 5%. High is suspicious; NaN where a row was not looked at. Memory: one
    batch.

    Raises
    ------
    UsageError : neither weights nor scores.

    Examples
    --------
    >>> [batch.to_pydict() for batch in row_batches(HeldWeights(np.array([0.75, 1.25])))]
    [{'row': [0, 1], 'weight': [0.75, 1.25], 'score': [0.25, 0.0]}]
    >>> [batch.to_pydict() for batch in row_batches(None, {"CZ401": np.array([0.0, 0.9])})]
    [{'row': [0, 1], 'CZ401': [0.0, 0.9]}]
    """
    known = scores or {}
    first = 0
    for batch in _pieces(len(next(iter(known.values())))) if weights is None and known else _held(weights):
        rows = len(batch)
        columns: dict[str, Any] = {"row": np.arange(first, first + rows)}
        if weights is not None:
            columns |= {"weight": batch, "score": np.maximum(0.0, 1.0 - batch)}
        columns |= {code: values[first : first + rows] for code, values in known.items()}
        yield pa.RecordBatch.from_pydict(columns, schema=_schema(weights is not None, known))
        first += rows


def row_table(weights: RowWeights | None, scores: Mapping[str, FloatArray | IntArray] | None = None) -> Any:
    """All batches of :func:`row_batches` as one Arrow table; 8 bytes a row and column."""
    return pa.Table.from_batches(
        row_batches(weights, scores), schema=_schema(weights is not None, scores or {})
    )


def _schema(weighed: bool, scores: Mapping[str, FloatArray | IntArray]) -> pa.Schema:
    kinds = dict.fromkeys(("weight", "score") if weighed else (), pa.float64())
    kinds |= {name: pa.from_numpy_dtype(values.dtype) for name, values in scores.items()}
    return pa.schema([("row", pa.int64()), *kinds.items()])


def _held(weights: RowWeights | None) -> Iterator[FloatArray]:
    return require_weights(weights).batches()


def _pieces(rows: int) -> Iterator[FloatArray]:
    """Stand-ins for weights that say only how many rows are in a piece."""
    for start in range(0, rows, PIECE):
        yield np.empty(min(PIECE, rows - start))


def all_weights(weights: RowWeights) -> FloatArray:
    """The weights as one array, shape (n,); 8 bytes a row."""
    return weights.weights if isinstance(weights, HeldWeights) else np.concatenate(list(weights.batches()))
