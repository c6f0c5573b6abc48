"""Reweight: every row stays as it is and gets a weight, in a column of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from credenza.contracts import FloatArray
from credenza.data.binary_files import Reader
from credenza.data.sources import Source
from credenza.errors import UsageError
from credenza.repair.advice import few_effective
from credenza.repair.balance import Balance, balance
from credenza.repair.case import Case, Treatment
from credenza.repair.ledger import WEIGHT_COLUMN, ledger_schema, weight_batch
from credenza.repair.tilt import Tilt


@dataclass(frozen=True)
class Reweight:
    """Give every row a weight under which each cured pair goes together as it should; no row is changed.

    The weights are, of all with mean 1 that give every cure's table and keep the marginals of all features, the nearest
    to equal ones (:func:`credenza.repair.balance.balance`).

    Parameters
    ----------
    column : name of the new column, float64.
    cap : largest weight, above 1; None for no limit. Caps make the others give way, and cost no effective rows
        worth speaking of while they can be met.
    partial : go on where a cell is empty or the cap is too low, and say so in ``skipped``.

    Raises
    ------
    UsageError : the data has a column of this name, or a cap of 1 or less.
    InfeasibleError : see :func:`credenza.repair.balance.balance`.

    Notes
    -----
    Cost: usually 3 to 5 passes over the columns of the schema, and one more each time that the output, the ledger or
    the weights are read. Memory: a sample of 262,144 rows and a batch.
    What to do with the weights: ``sample_weight`` of scikit-learn, ``WeightedRandomSampler`` of torch; see
    :mod:`credenza.repair.training`.

    Examples
    --------
    >>> from credenza.data import fit_schema, open_source, sketch
    >>> from credenza.repair.case import Cure, aim
    >>> table = pa.table({"hat": [0, 1] * 50, "smile": [0, 1] * 40 + [1, 0] * 10})
    >>> found = np.array([[40, 10], [10, 40]])
    >>> case = Case(open_source(table), fit_schema(sketch(table)), (Cure((0, 1), found, aim(found, None)),))
    >>> treated = Reweight().treat(case, None, seed=0)
    >>> [round(weight, 6) for weight in treated.output.table()["weight"].to_pylist()[78:82]]
    [0.625, 0.625, 2.5, 2.5]
    >>> round(treated.summary["effective_rows"], 6)
    64.0
    """

    name: ClassVar[str] = "reweight"
    column: str = WEIGHT_COLUMN
    _: KW_ONLY
    cap: float | None = None
    partial: bool = False

    def treat(self, case: Case, holdout: Source | None, seed: int) -> Treatment:
        """Weigh the rows; ``holdout`` is not used."""
        if self.column in case.source.columns:
            raise UsageError(
                f"the data has a column {self.column!r} already; name another one for the weights (--column)"
            )
        found = balance(case, seed=seed, cap=self.cap, partial=self.partial)
        reader = WeightedReader(case.source.reader, found.tilt, self.column)

        def weights() -> Iterator[FloatArray]:
            for batch in case.source.batches(found.tilt.columns or case.source.columns[:1]):
                yield found.tilt.of(batch)

        def ledger() -> Iterator[pa.RecordBatch]:
            form, row = ledger_schema(case.source.schema, ()), 0
            for part in weights():
                rows = np.arange(row, row + len(part))
                yield weight_batch(
                    form, rows, part, reason=reason_of(case), method=self.name, column=self.column
                )
                row += len(part)

        summary = {"edits": 0, **told(case, found)}
        return Treatment(case.source.over(reader), ledger, weights, summary, found.skipped)


class WeightedReader:
    """Reads another reader and adds the weights of its rows as the last column."""

    def __init__(self, base: Reader, tilt: Tilt, column: str) -> None:
        self._base, self._tilt, self._column = base, tilt, column
        self.schema: pa.Schema = base.schema.append(pa.field(column, pa.float64()))
        self.rows: int = base.rows

    def scan(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        """Yield the columns asked for."""
        if self._column not in columns:
            yield from self._base.scan(columns, size)
            return
        asked = [name for name in columns if name != self._column]
        read = list(dict.fromkeys((*asked, *self._tilt.columns))) or list(self._base.schema.names[:1])
        for batch in self._base.scan(read, size):
            weights = pa.array(self._tilt.of(batch))
            arrays = [weights if name == self._column else batch.column(name) for name in columns]
            yield pa.RecordBatch.from_arrays(arrays, names=list(columns))


def reason_of(case: Case) -> str:
    """Why rows are weighed: the pairs that are cured, such as ``Smiling x Young``."""
    texts = []
    for cure in case.cures:
        where = "" if cure.where is None else f" where {cure.where[0]} = {cure.where[1]}"
        texts.append(" x ".join(case.names(cure)) + where)
    return "; ".join(texts)


def told(case: Case, found: Balance) -> dict[str, Any]:
    """What weights did, in numbers, for a summary."""
    return {
        "rows": found.rows,
        "effective_rows": found.effective_rows,
        "minimum": sum(cure.misplaced for cure in case.cures),
        "misplaced": float(sum(found.misplaced)),
        "empty_cells": sum(len(cure.empty) for cure in case.cures),
        "largest_weight": found.largest,
        "smallest_weight": found.smallest,
        "margin_residual": found.margin_residual,
        "cure_residual": found.cure_residual,
        "passes": found.passes,
        "warnings": few_effective(found.effective_rows, found.rows),
    }
