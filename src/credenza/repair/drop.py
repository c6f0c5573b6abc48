"""Drop: rows that a sample-level check finds suspicious are left out; with what no such check can do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from credenza.contracts import FloatArray, IntArray
from credenza.data import open_source
from credenza.data.binary_files import Reader
from credenza.data.columns import Family, as_floats, family
from credenza.data.sources import Source
from credenza.errors import InfeasibleError, InputError, UsageError
from credenza.repair.board import Board, counted
from credenza.repair.case import Case, Cure, Treatment
from credenza.repair.ledger import drop_batch, ledger_schema
from credenza.repair.slices import BoolArray

LEAST = 0.5  # rows too many in a cell, from which on it counts as over-filled


@dataclass(frozen=True)
class Drop:
    """Leave out the rows with the highest scores.

    Where genuine rows were put in, dropping cannot repair: given its cell such a row bears no trace, so in a cell that
    should hold w rows and holds f no score finds them with a precision above (f - w) / f, eps / (d + eps) of two binary
    features. The summary says so, cell by cell, and how many rows of each are lost. Where values were edited, rows do
    bear a trace, and the bound is 1.

    Parameters
    ----------
    scores : table or path with columns ``row`` (0 to n - 1, each once, in any order) and ``score``, high is suspicious:
        what ``credenza audit --rows`` writes, or any other check's. Without ``row`` the scores are in row order.
    threshold : rows with this score or a higher one are dropped.
    share : this share of the rows is dropped, in (0, 1), rounded to whole rows; among equal scores at the boundary
        rows are drawn with the seed. Give one of the two.

    Raises
    ------
    UsageError : both or none of ``threshold`` and ``share``, a share out of range, a threshold that is no number.

    Notes
    -----
    Cost: a pass over the scores, one over the cures' features, one over the data for the ledger. Memory: 8 bytes a row.
    Left out: any balancing of what is left; reweight it if the pair still goes together otherwise.

    Examples
    --------
    >>> from credenza.data import fit_schema, sketch
    >>> table = pa.table({"hat": [0, 1, 1, 0], "smile": [0, 1, 1, 1]})
    >>> case = Case(open_source(table), fit_schema(sketch(table)), ())
    >>> treated = Drop(pa.table({"score": [0.1, 0.9, 0.2, 0.3]}), threshold=0.5).treat(case, None, seed=0)
    >>> treated.output.table()["hat"].to_pylist(), treated.summary["edits"]
    ([0, 1, 0], 1)
    """

    scores: Any
    _: KW_ONLY
    threshold: float | None = None
    share: float | None = None

    name: ClassVar[str] = "drop"

    def __post_init__(self) -> None:
        given = [k for k in ("threshold", "share") if getattr(self, k) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise UsageError(f"dropping takes a threshold or a share; found {found}: give one")
        if self.share is not None and not 0 < self.share < 1:
            raise UsageError(f"share is a part of the rows, above 0 and below 1; found {self.share!r}")
        if self.threshold is not None and not np.isfinite(self.threshold):
            raise UsageError(f"threshold is a number; found {self.threshold!r}")

    def treat(self, case: Case, holdout: Source | None, seed: int) -> Treatment:
        """Choose the rows to leave out; ``seed`` decides among equal scores.

        Raises
        ------
        UsageError : a hold-out, which this method has no use for. InputError : scores that do not fit the data.
        InfeasibleError : no row would be left, or none reaches the threshold.
        """
        if holdout is not None:
            raise UsageError("dropping takes no hold-out and one was given; leave it out, or use reverse")
        scores = row_scores(self.scores, case.source.rows)
        dropped = self._dropped(scores, seed)
        board, source = Board.read(case), case.source
        cells = [_losses(case, cure, board, dropped) for cure in case.cures]
        hits = sum(cell["lost"] * cell["ceiling"] for pair in cells for cell in pair["cells"])
        return Treatment(
            without_rows(source, dropped),
            lambda: _ledger(source, dropped, self._reason()),
            summary={
                "edits": len(dropped),
                "minimum": float(sum(cure.misplaced for cure in case.cures)),
                "effective_rows": float(source.rows - len(dropped)),
                "highest_score_kept": _highest(np.delete(scores, dropped)),
                "pairs": cells,
                "precision_at_most": min(1.0, hits / len(dropped)) if cells else None,
            },
        )

    def _dropped(self, scores: FloatArray, seed: int) -> IntArray:
        n = len(scores)
        if self.threshold is not None:
            rows = np.flatnonzero(scores >= self.threshold)
            if not len(rows):
                raise InfeasibleError(
                    f"no row has a score of {self.threshold:g} or more (the highest is {scores.max():.4g}); "
                    "give a lower threshold, or a share"
                )
        else:
            count = round((self.share or 0.0) * n)
            if not count:
                raise InfeasibleError(
                    f"a share of {self.share:g} rounds to no row among {n:,}; give at least {1 / n:.2g}"
                )
            mixed = np.random.default_rng(seed).permutation(n)
            rows = np.sort(mixed[np.argsort(-scores[mixed], kind="stable")[:count]])
        if len(rows) == n:
            raise InfeasibleError(
                f"all {n:,} rows would be dropped; give a higher threshold or a smaller share"
            )
        return rows

    def _reason(self) -> str:
        return (
            f"score >= {self.threshold:g}"
            if self.threshold is not None
            else f"highest {self.share:.2%} of scores"
        )


def row_scores(scores: Any, rows: int) -> FloatArray:
    """The score of every row, shape (rows,), from a table of ``row`` and ``score``, or of ``score`` in row order.

    Raises
    ------
    InputError : no such columns, another number of rows, a row that is missing or comes twice, no number for a row.

    Examples
    --------
    >>> row_scores(pa.table({"row": [1, 0], "score": [0.5, 0.25]}), 2).tolist()
    [0.25, 0.5]
    """
    source = open_source(scores, role="scores")
    if "score" not in source.columns:
        found = ", ".join(map(repr, source.columns[:5]))
        raise InputError(f"the scores have no column 'score' (found {found}); give one number for each row")
    kind = source.schema.field("score").type
    if family(kind) not in (Family.NUMBER, Family.BOOL):
        raise InputError(f"column 'score' of the scores is {kind}; give numbers, high is suspicious")
    if source.rows != rows:
        raise InputError(
            f"the scores have {source.rows:,} rows and the data has {rows:,}; give one for each row"
        )
    values = as_floats(source.table(["score"])["score"])
    if np.isnan(values).any():
        raise InputError(f"{int(np.isnan(values).sum()):,} rows have no score; give one for each row")
    if "row" not in source.columns:
        return values
    if not pa.types.is_integer(source.schema.field("row").type):
        raise InputError(
            f"column 'row' of the scores is {source.schema.field('row').type}; give whole numbers from 0"
        )
    places = as_floats(source.table(["row"])["row"])
    if not np.array_equal(np.sort(places), np.arange(rows)):
        absent = np.setdiff1d(np.arange(rows), places)
        raise InputError(
            f"{len(absent):,} rows have no score (the first is row {absent[0]:,}); "
            "number the rows from 0 and give each one once"
        )
    out = np.empty(rows)
    out[places.astype(np.int64)] = values
    return out


class WithoutReader:
    """Reads another reader but for some rows."""

    def __init__(self, base: Reader, dropped: IntArray) -> None:
        self._base, self._dropped = base, dropped
        self.schema: pa.Schema = base.schema
        self.rows: int = base.rows - len(dropped)

    def scan(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        start = 0
        for batch in self._base.scan(columns, size):
            first, last = np.searchsorted(self._dropped, [start, start + batch.num_rows])
            if first < last:
                kept = np.ones(batch.num_rows, dtype=bool)
                kept[self._dropped[first:last] - start] = False
                start += batch.num_rows
                batch = batch.filter(pa.array(kept))
            else:
                start += batch.num_rows
            if batch.num_rows:
                yield batch


def without_rows(source: Source, dropped: IntArray) -> Source:
    """The source without some rows, which are ascending and distinct; shards that lose all of theirs are left out.

    Examples
    --------
    >>> without_rows(open_source(pa.table({"a": [1, 2, 3]})), np.array([1])).table()["a"].to_pylist()
    [1, 3]
    """
    shards, start = [], 0
    for name, rows in source.shards:
        lost = int(np.diff(np.searchsorted(dropped, [start, start + rows]))[0])
        start += rows
        if lost < rows:
            shards.append((name, rows - lost))
    return source.over(WithoutReader(source.reader, dropped), tuple(shards))


def _losses(case: Case, cure: Cure, board: Board, dropped: IntArray) -> dict[str, Any]:
    """What a cure's cells lose, and how much of it can at best have been put there."""
    inside: BoolArray = np.zeros(case.source.rows, dtype=bool)
    inside[dropped] = True
    inside &= board.inside(cure)
    a, b = (board.codes[f] for f in cure.features)
    lost = counted(a, b, inside, cure.found.shape)
    surplus = cure.found - cure.wanted
    cells = []
    for i, j in np.argwhere(surplus >= LEAST):
        cell = int(i), int(j)
        share = float(surplus[cell] / cure.found[cell])
        cells.append(
            {
                "cell": case.cell(cure, cell),
                "rows": int(cure.found[cell]),
                "surplus": float(surplus[cell]),
                "lost": int(lost[cell]),
                "ceiling": share if cure.edited is None else 1.0,
            }
        )
    return {"features": list(case.names(cure)), "lost": lost.tolist(), "cells": cells}


def _ledger(source: Source, dropped: IntArray, reason: str) -> Iterator[pa.RecordBatch]:
    form = ledger_schema(source.schema)
    start = done = 0
    for batch in source.batches():
        upto = int(np.searchsorted(dropped, start + batch.num_rows))
        if upto > done:
            kept = np.zeros(batch.num_rows, dtype=bool)
            kept[dropped[done:upto] - start] = True
            yield drop_batch(
                form, dropped[done:upto], batch.filter(pa.array(kept)), reason=reason, method=Drop.name
            )
        start, done = start + batch.num_rows, upto


def _highest(scores: FloatArray) -> float:
    return float(scores.max(initial=-np.inf))
