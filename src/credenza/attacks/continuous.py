"""Associative poisoning of two ordered features: the second one's values are re-paired by rank."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
from scipy.stats import rankdata

from credenza.attacks.base import Attack, Plan, no_holdout
from credenza.attacks.columns import encode_values, plain, require_columns, require_pair
from credenza.attacks.key import Move
from credenza.contracts import FloatArray, IntArray
from credenza.data.edits import Edits, edited, take_values
from credenza.data.sources import Source
from credenza.errors import InfeasibleError, InputError, UsageError

DIRECTIONS = ("positive", "negative")


@dataclass(frozen=True)
class ContinuousPoisoning(Attack):
    """Re-pair two ordered features by rank inside a random subset of the rows; both marginals stay bit for
    bit.

    A seeded random subset S of ``round(edits * n)`` rows is drawn. Inside S the values of the second feature
    are handed out again in the order of the first feature (positive: comonotone; negative: antimonotone).
    Every such re-pairing is a chain of exchanges of inverted neighbours, each of which adds
    ``(x[i+1] - x[i]) (y[i] - y[i+1]) >= 0`` to the covariance; so Pearson's correlation never moves the
    wrong way.

    Parameters
    ----------
    pair : two column names, each of numbers or dates.
    edits : share of the rows in S, in (0, 1]. Rows that happen to get their own value back are not edited.
    direction : "positive" or "negative".

    Raises
    ------
    UsageError : the same column twice, an unknown direction, edits out of bounds.

    Notes
    -----
    Cost: O(n log n). Source: derived from arXiv 2511.05177, Theorem 3, which sorts neighbour by neighbour;
    sorting a random subset at once reaches the same end points. Left out: a rule that guarantees that the
    mutual information rises - no local rule does (Proposition 3) - and replacement from a hold-out, as no
    donor has the same two values.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"x": [1.0, 2.0, 3.0, 4.0], "y": [8.0, 5.0, 7.0, 6.0]})
    >>> ContinuousPoisoning(("x", "y"), edits=1.0).apply(table, seed=0).data["y"].to_pylist()
    [5.0, 6.0, 7.0, 8.0]
    """

    pair: tuple[str, str]
    _: KW_ONLY
    edits: float
    direction: str = "positive"

    name: ClassVar[str] = "continuous"

    def __post_init__(self) -> None:
        require_pair(self.pair)
        if self.direction not in DIRECTIONS:
            raise UsageError(f"unknown direction {self.direction!r}; choose from {', '.join(DIRECTIONS)}")
        if not 0 < self.edits <= 1:
            raise UsageError(f"edits is a share of the rows, above 0 and at most 1; found {self.edits!r}")

    def plan(self, source: Source, holdout: Source | None, seed: int) -> Plan:
        """Draw the subset and re-pair it; see :meth:`apply` for what is raised."""
        no_holdout(self, holdout)
        require_columns(self.pair, source.columns)
        table = source.table(self.pair)
        x, y = (ranks(table[name], name) for name in self.pair)
        complete = np.flatnonzero((x >= 0) & (y >= 0))
        chosen = self._choose(complete, seed)
        index = np.arange(table.num_rows)
        receivers = pairing_order(x[chosen], y[chosen], self.direction)
        index[chosen[receivers]] = chosen[np.argsort(y[chosen], kind="stable")]
        rows = np.flatnonzero(y[index] != y)
        values = take_values(table[self.pair[1]], index[rows])
        output = edited(source, Edits.values(rows, {self.pair[1]: values}))
        move = Move(
            features=tuple(self.pair),
            levels=None,
            direction=self.direction if len(rows) else "none",
            strength=None,
            where=None,
            rows=source.rows,
            rows_missing=source.rows - len(complete),
            before=correlations(table, self.pair),
            after=correlations(output.table(self.pair), self.pair),
        )
        return Plan(output, rows, "re-pair", moves=(move,))

    def _choose(self, complete: IntArray, seed: int) -> IntArray:
        size = round(self.edits * len(complete))
        if size < 2:
            raise InfeasibleError(
                f"edits {self.edits:g} leaves {size} of {len(complete):,} complete rows to re-pair; "
                "at least 2 are needed"
            )
        return np.sort(np.random.default_rng(seed).choice(complete, size, replace=False))


def pairing_order(x: IntArray, y: IntArray, direction: str) -> IntArray:
    """Positions in the order in which they receive the values of the second feature, smallest value first.

    Rows with equal x keep the order that their y had, so that ties cause no edits of their own.

    >>> import numpy as np
    >>> pairing_order(np.array([2, 1]), np.array([1, 2]), "positive").tolist()
    [1, 0]
    """
    return np.asarray(np.lexsort((y, x if direction == "positive" else -x)))


def ranks(column: pa.ChunkedArray, name: str) -> IntArray:
    """Dense ranks from 0 of an ordered column, equal values equal ranks; null and NaN are -1.

    Raises
    ------
    InputError : the column holds neither numbers nor dates.
    """
    column = plain(column, name)
    if not _ordered(column.type):
        raise InputError(f"column {name!r} holds {column.type}; re-pairing by rank needs numbers or dates")
    return encode_values(column, name, limit=None)[0]


def correlations(table: pa.Table, pair: tuple[str, str]) -> dict[str, float]:
    """Pearson's and Spearman's correlation of the complete rows; NaN for a constant or infinite one."""
    x, y = (ranks(table[name], name) for name in pair)
    known = (x >= 0) & (y >= 0)
    values = [_numbers(table[name], name)[known] for name in pair]
    return {
        "pearson": _correlation(values[0], values[1]),
        "spearman": _correlation(rankdata(x[known]), rankdata(y[known])),
    }


def _correlation(x: FloatArray, y: FloatArray) -> float:
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    scale = float(np.sqrt(x @ x)) * float(np.sqrt(y @ y))
    return float(x @ y) / scale if scale > 0 else float("nan")


def _numbers(column: pa.ChunkedArray, name: str) -> FloatArray:
    column = plain(column, name)
    if pa.types.is_temporal(column.type):
        wide = pa.int32() if column.type.bit_width == 32 else pa.int64()
        column = column.cast(wide)
    numbers: FloatArray = column.cast(pa.float64(), safe=False).to_numpy()
    return numbers


def _ordered(kind: pa.DataType) -> bool:
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_temporal)
    return any(test(kind) for test in tests)
