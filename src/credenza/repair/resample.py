"""Resample: rows stand as often as their weights say, so that what cannot take weights can learn from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from credenza.contracts import IntArray
from credenza.data.binary_files import Reader
from credenza.data.edits import flat, take_values
from credenza.data.sources import Source
from credenza.errors import UsageError
from credenza.repair.advice import copies, thinned
from credenza.repair.balance import Balance, balance
from credenza.repair.case import Case, Treatment
from credenza.repair.draw import Draw
from credenza.repair.ledger import drop_batch, ledger_schema, repeat_batch
from credenza.repair.merging import merged
from credenza.repair.reweight import reason_of, told


@dataclass(frozen=True)
class Resample:
    """Repeat or leave out rows so that each cured pair goes together as it should; no value is changed.

    Rows are drawn systematically, with the weights of :class:`credenza.repair.reweight.Reweight`: a row of weight 1.3
    stands once or twice. The rows of each cell of the cured pairs are laid end to end, in random order, and every unit
    of weight takes one; where the cells begin is chosen so that the margins come out right (controlled rounding).

    Parameters
    ----------
    thin : never repeat a row. Rows stay with probability w / largest w, and the rest is lost.
    rows : rows of the output; None for as many as there are (``thin``: as many as can be kept).
    cap : largest weight, above 1; with ``thin`` 1 / cap of the rows are kept at least.
    partial : go on where a cell is empty or the cap is too low, and say so in ``skipped``.

    Raises
    ------
    UsageError : ``rows`` below 1, or more than ``thin`` can keep.
    InfeasibleError : see :func:`credenza.repair.balance.balance`.

    Notes
    -----
    Every cell of the cured pairs is within one row of what was wanted, and so are the margins of their features where
    there is such a rounding: always for one pair. Other marginals vary by chance, by less than in a sample drawn at
    random. Output rows are in the order of the suspect, repeats side by side.
    Cost: the passes of the weights, 2 more, and one a reading. Memory: a byte a row, a sample and a batch.
    Left out: drawing with replacement, which adds noise for nothing; balancing the other marginals too (the cube method
    of Deville and Tille 2004), which needs all rows at once.

    Examples
    --------
    >>> from credenza.data import fit_schema, open_source, sketch
    >>> from credenza.repair.case import Cure, aim
    >>> table = pa.table({"hat": [0, 1] * 50, "smile": [0, 1] * 40 + [1, 0] * 10})
    >>> found = np.array([[40, 10], [10, 40]])
    >>> case = Case(open_source(table), fit_schema(sketch(table)), (Cure((0, 1), found, aim(found, None)),))
    >>> kept = Resample().treat(case, None, seed=0).output.table()
    >>> kept.num_rows, sorted(kept.group_by(["hat", "smile"]).aggregate([([], "count_all")])["count_all"].to_pylist())
    (100, [25, 25, 25, 25])
    >>> Resample(thin=True).treat(case, None, seed=0).summary["rows"]
    40
    """

    name: ClassVar[str] = "resample"
    thin: bool = False
    _: KW_ONLY
    rows: int | None = None
    cap: float | None = None
    partial: bool = False

    def __post_init__(self) -> None:
        if self.rows is not None and self.rows < 1:
            raise UsageError(f"rows is {self.rows}; give the number of rows wanted, 1 or more")

    def treat(self, case: Case, holdout: Source | None, seed: int) -> Treatment:
        """Draw the rows; ``holdout`` is not used."""
        found = balance(case, seed=seed, cap=self.cap, partial=self.partial)
        share = self._share(found)
        most = 1 if self.thin else int(np.ceil(found.largest * share)) + 1
        draw = Draw(case, found, share=share, most=most, seed=seed)
        counts = draw.counts()
        reader = RepeatedReader(case.source.reader, counts)
        output = case.source.over(reader, _shards(case.source, counts))

        def ledger() -> Iterator[pa.RecordBatch]:
            form, texts = ledger_schema(case.source.schema), {"reason": reason_of(case), "method": self.name}
            yield from merged((_drops(case.source, counts, form, texts), _repeats(counts, form, texts)))

        summary = {**told(case, found), **_numbers(counts), **draw.told(), "edits": int((counts != 1).sum())}
        summary["warnings"] = (*summary["warnings"], *self._warnings(summary))
        return Treatment(output, ledger, None, summary, found.skipped)

    def _warnings(self, summary: dict[str, Any]) -> tuple[str, ...]:
        """Copies, and rows that thinning loses unless their number was asked for."""
        kept, before = summary["rows"], summary["rows_before"]
        if self.thin:
            return thinned(kept, before) if self.rows is None else ()
        return copies(summary["repeated"], kept - (before - summary["dropped"]))

    def _share(self, found: Balance) -> float:
        """Rows of the output a unit of weight."""
        if not self.thin:
            return 1.0 if self.rows is None else self.rows / found.rows
        most = int(found.rows / found.largest + 1e-6)
        if self.rows is not None and self.rows > most:
            hint = "give fewer" if self.cap is not None else "give fewer, or a cap"
            raise UsageError(f"rows is {self.rows:,}, without repeats {most:,} can be kept; {hint}")
        return (most if self.rows is None else self.rows) / found.rows


class RepeatedReader:
    """Reads another reader and gives each row as many times as it is told, side by side."""

    def __init__(self, base: Reader, counts: IntArray) -> None:
        self._base, self._counts = base, counts
        self.schema: pa.Schema = base.schema
        self.rows: int = int(counts.sum(dtype=np.int64))

    def scan(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        """Yield the columns asked for, at most ``size`` rows at a time."""
        start = 0
        for batch in self._base.scan(columns, size):
            own = self._counts[start : start + batch.num_rows]
            start += batch.num_rows
            index = np.repeat(np.arange(batch.num_rows), own)
            for first in range(0, len(index), size):
                yield _taken(batch, index[first : first + size])


def _taken(batch: pa.RecordBatch, index: IntArray) -> pa.RecordBatch:
    """Rows of a batch."""
    arrays = [flat(take_values(column, index)) for column in batch.columns]
    return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)


def _shards(source: Source, counts: IntArray) -> tuple[tuple[str, int], ...]:
    """Rows of each file after the drawing."""
    ends = np.cumsum([0, *(rows for _, rows in source.shards)])
    return tuple(
        (name, int(counts[a:b].sum(dtype=np.int64)))
        for (name, _), a, b in zip(source.shards, ends[:-1], ends[1:], strict=True)
    )


def _drops(
    source: Source, counts: IntArray, form: pa.Schema, texts: dict[str, str]
) -> Iterator[pa.RecordBatch]:
    start = 0
    for batch in source.batches():
        lost = np.flatnonzero(counts[start : start + batch.num_rows] == 0)
        if len(lost):
            yield drop_batch(form, lost + start, _taken(batch, lost), **texts)
        start += batch.num_rows


def _repeats(counts: IntArray, form: pa.Schema, texts: dict[str, str]) -> Iterator[pa.RecordBatch]:
    step = 2**16
    for start in range(0, len(counts), step):
        rows = start + np.flatnonzero(counts[start : start + step] > 1)
        if len(rows):
            yield repeat_batch(form, rows, counts[rows], **texts)


def _numbers(counts: IntArray) -> dict[str, Any]:
    """What the drawing did to the rows."""
    total, squares = float(counts.sum(dtype=np.int64)), float(np.square(counts, dtype=np.int64).sum())
    return {
        "rows": int(total),
        "rows_before": len(counts),
        "dropped": int((counts == 0).sum()),
        "repeated": int((counts > 1).sum()),
        "effective_rows": total**2 / max(squares, 1.0),
    }
