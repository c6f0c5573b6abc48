"""Reverse poisoning: genuine rows of a trusted hold-out take the place of rows in over-filled cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar

import numpy as np
import pyarrow as pa

from credenza.contracts import IntArray
from credenza.data.edits import Edits, edited, gather, take_values
from credenza.data.encode import Codes
from credenza.data.sources import Source
from credenza.errors import InfeasibleError, UsageError
from credenza.repair.board import Board, Groups, combinations, counted, features_of
from credenza.repair.case import Case, Cure, Treatment, aim
from credenza.repair.holdout import cast_rows, holdout_codes, require_same_columns
from credenza.repair.ledger import ledger_schema, replace_batch
from credenza.repair.picker import Picker
from credenza.repair.retable import CLOSE, capped, closest, goal, spread
from credenza.repair.shares import Free, cells_of
from credenza.repair.suspicion import informed
from credenza.repair.together import exchange

BATCH = 4_096


@dataclass(frozen=True)
class Reverse:
    """Undo an exchange of rows by an exchange of rows: the mirror of the attack.

    For each cure, rows of over-filled cells are replaced by as many rows of the hold-out from under-filled ones, until
    the cells hold what is wanted (in tables larger than 2x2 to within one standard error,
    :func:`credenza.repair.retable.goal`): ``sum |wanted - found| / 2`` rows, 2 n |epsilon| for two binary features.
    Margins of the cure's features are exactly kept. What goes with the features comes back with the rows, because
    the rest of a genuine row is distributed as it should be, given its cell.

    Parameters
    ----------
    partial : go on where the hold-out runs out, with as many rows as it has, and say so in ``skipped``.

    Notes
    -----
    No row of the hold-out is put in twice. Several cures are done by one exchange (:mod:`credenza.repair.together`).
    Where there is none, and where values were edited, they are done one after the other: a row is replaced by one with
    the same levels of all other cures' features, so that no cure disturbs another. In a slice (``where``) rows of the
    slice only are replaced, and those put in take on its name.

    Which rows of a cell go is drawn with ``seed``: all alike, or, where the audit says that values of one feature were
    edited, those in which the rest of the row speaks for another value (:mod:`credenza.repair.choice`).

    Cost: a pass over the cures' features of data and hold-out, two over the hold-out to learn its levels and fetch its
    rows. Memory: a byte for each row and feature, 8 for each row, and the rows that are put in.

    Examples
    --------
    >>> from credenza.data import fit_schema, open_source, sketch
    >>> from credenza.repair.case import aim
    >>> table = pa.table({"hat": [0, 1] * 50, "smile": [0, 1] * 40 + [1, 0] * 10})
    >>> spare = open_source(pa.table({"hat": [0, 0, 1, 1] * 20, "smile": [0, 1, 0, 1] * 20}))
    >>> found = np.array([[40, 10], [10, 40]])
    >>> case = Case(open_source(table), fit_schema(sketch(table)), (Cure((0, 1), found, aim(found, None)),))
    >>> treated = Reverse().treat(case, spare, seed=0)
    >>> treated.summary["edits"], treated.summary["minimum"]
    (30, 30.0)
    >>> treated.output.table().group_by(["hat", "smile"]).aggregate([([], "count_all")])["count_all"].to_pylist()
    [25, 25, 25, 25]
    """

    _: KW_ONLY
    partial: bool = False

    name: ClassVar[str] = "reverse"

    def treat(self, case: Case, holdout: Source | None, seed: int) -> Treatment:
        """Draw the rows that go and those that come.

        Raises
        ------
        UsageError : no hold-out, or the data itself as the hold-out. InputError : a hold-out of other columns or kinds.
        InfeasibleError : the hold-out has too few rows of a cell, and not ``partial``.
        """
        if holdout is None:
            raise UsageError(
                "reverse poisoning puts in rows of a trusted hold-out and none was given; give one, or relabel"
            )
        require_same_columns(case.source, holdout)
        if holdout.fingerprint() == case.source.fingerprint():
            raise UsageError("the hold-out is the suspect itself; give trusted rows that are not in it")
        spare = holdout_codes(holdout, case.schema, features_of(case.cures)) if case.cures else {}
        case = informed(case, seed)
        work = _Work(case, Board.read(case), holdout, spare, self.partial, seed)
        work.together()
        for number, cure in enumerate(case.cures):
            work.cure(number, cure)
        return work.treatment()


@dataclass
class _Work:
    """``donor``: by row, the row of the hold-out that takes its place, or -1; ``why``: the reason, by its place."""

    case: Case
    board: Board
    holdout: Source
    spare: dict[int, Codes]
    partial: bool
    seed: int
    donor: IntArray = field(init=False)
    why: IntArray = field(init=False)
    unspent: np.ndarray = field(init=False)
    skipped: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.donor = np.full(self.case.source.rows, -1, dtype=np.int64)
        self.why = np.full(self.case.source.rows, -1, dtype=np.int16)
        self.unspent = np.ones(self.holdout.rows, dtype=bool)
        self.reasons = [" x ".join(self.case.names(cure)) for cure in self.case.cures]

    def together(self) -> None:
        """Exchange rows for all cures of a slice at once, where whole rows were exchanged."""
        slices = dict.fromkeys(cure.where for cure in self.case.cures)
        for number, where in enumerate(slices):
            cures = [c for c in self.case.cures if c.where == where and c.edited is None]
            if len(cures) < 2:
                continue
            goals = []
            for cure in cures:
                found = self.board.table(cure)
                goals.append((cure.features, self._goal(cure, found, self._there(cure))))
            features, inside = features_of(cures), self.board.inside(cures[0])
            rows, donors = exchange(
                {f: self.board.codes[f] for f in features},
                {f: self.spare[f] for f in features},
                inside,
                self.unspent,
                goals,
                np.random.default_rng((self.seed, number, 1)),
            )
            self.reasons.append(", ".join(" x ".join(self.case.names(cure)) for cure in cures))
            self._put(len(self.reasons) - 1, rows, donors)

    def cure(self, number: int, cure: Cure) -> None:
        """Exchange rows until the cure's table is as it should be."""
        found = self.board.table(cure)
        there = self._there(cure)
        asked = self._goal(cure, found, there) - found
        axis = 1 if cure.edited is None else cure.features.index(cure.edited)
        rng = np.random.default_rng((self.seed, number))
        strata, other = self._strata(cure)
        goers = self.board.groups(cure, cells_of(asked < 0), strata)
        comers = self._comers(cure, cells_of(asked > 0), other)
        free = Free(goers, comers, int(max(strata.max(initial=0), other.max(initial=0))) + 1)
        possible = self._possible(cure, asked, there)
        told = cure.edited is not None
        picker = Picker.of(self.case, self.board, cure, axis, possible, goers, told, self.seed, rng)
        change, plan = free.planned(possible, picker)
        self._require_done(cure, found + change, possible - change)
        for stratum, route in plan:
            rows = picker.drawn(goers.of_cell(stratum, route.origin), route)
            pool = comers.of_cell(stratum, route.target)
            donors = rng.permutation(pool[self.unspent[pool]])[: len(rows)]
            self._put(number, rows, donors)

    def _there(self, cure: Cure) -> IntArray:
        """Rows that the hold-out still has of each cell."""
        a, b = (self.spare[f] for f in cure.features)
        return counted(a, b, self.unspent, cure.found.shape)

    @staticmethod
    def _goal(cure: Cure, found: IntArray, there: IntArray) -> IntArray:
        """The table to reach, by way of what the hold-out has if that can be.

        The margins are those of the table as it now stands: an exchange of rows for other pairs may have moved them a
        little.
        """
        wanted = aim(found, cure.wanted)
        if cure.exact:
            return closest(wanted, found)
        try:
            return goal(wanted, found, entering=there)
        except InfeasibleError:
            return goal(wanted, found)

    def _possible(self, cure: Cure, change: IntArray, there: IntArray) -> IntArray:
        """The change that the hold-out has rows for."""
        short = np.maximum(change, 0) - there
        if short.max(initial=0) <= 0:
            return change
        cell = np.unravel_index(int(short.argmax()), short.shape)
        place = int(cell[0]), int(cell[1])
        told = (
            f"the hold-out has {there[place]:,} rows with {self.case.cell(cure, place)}, "
            f"{change[place]:,} are needed"
        )
        if not self.partial:
            raise InfeasibleError(f"{told}; give a larger hold-out, allow a partial repair, or relabel")
        self.skipped.append(told)
        return capped(change, np.maximum(-change, 0), there)

    def _strata(self, cure: Cure) -> tuple[IntArray, IntArray]:
        """Levels of all other cures' features, numbered alike in the data and the hold-out."""
        kept = [f for f in features_of(self.case.cures) if f not in cure.features]
        n = self.case.source.rows
        both = [np.concatenate([self.board.codes[f], self.spare[f]]) for f in kept]
        numbers = combinations(both, n + self.holdout.rows)
        return numbers[:n], numbers[n:]

    def _comers(self, cure: Cure, cells: list[tuple[int, int]], strata: IntArray) -> Groups:
        a, b = (self.spare[f].astype(np.int64) for f in cure.features)
        width = cure.found.shape[1]
        cell = a * width + b
        known = self.unspent & (a < cure.found.shape[0]) & (b < width)
        rows = np.flatnonzero(known & np.isin(cell, [i * width + j for i, j in cells]))
        return Groups.of(rows, cell, strata, width)

    def _put(self, number: int, rows: IntArray, donors: IntArray) -> None:
        self.donor[rows], self.why[rows] = donors, number
        self.unspent[donors] = False
        for f, codes in self.board.codes.items():
            codes[rows] = self.spare[f][donors]

    def _require_done(self, cure: Cure, table: IntArray, left: IntArray) -> None:
        apart = left - CLOSE * spread(cure.wanted, table)
        if not left.any() or apart.max() <= 0:
            return
        i, j = np.unravel_index(int(apart.argmax()), apart.shape)
        told = (
            f"the hold-out has too few rows with {self.case.cell(cure, (int(i), int(j)))} that are like those replaced "
            f"in the other repaired features: {left[i, j]:,} are missing"
        )
        if not self.partial:
            raise InfeasibleError(f"{told}; give a larger hold-out, or allow a partial repair")
        self.skipped.append(told)

    def treatment(self) -> Treatment:
        """The edits, as a table that is rewritten as it is read."""
        source, rows = self.case.source, np.flatnonzero(self.donor >= 0)
        keep = tuple({c.where[0]: 0 for c in self.case.cures if c.where is not None})
        donors = cast_rows(gather(self.holdout, self.donor[rows], source.columns), source.schema)
        output = edited(source, Edits.donated(rows, donors, keep=keep)) if len(rows) else source
        return Treatment(
            output,
            lambda: self._ledger(rows, donors, keep),
            summary={
                "edits": len(rows),
                "minimum": float(sum(cure.misplaced for cure in self.case.cures)),
                "effective_rows": float(source.rows),
                "holdout_rows_left": int(self.unspent.sum()),
            },
            skipped=tuple(self.skipped),
        )

    def _ledger(self, rows: IntArray, donors: pa.Table, keep: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        form = ledger_schema(self.case.source.schema)
        reasons = pa.array(self.reasons, pa.string())
        for at, before in _held(self.case.source, rows):
            after = {
                name: before[name] if name in keep else take_values(donors[name], at)
                for name in before.column_names
            }
            why = reasons.take(pa.array(self.why[rows[at]]))
            yield replace_batch(form, rows[at], before, pa.table(after), reason=why, method=Reverse.name)


def _held(source: Source, rows: IntArray) -> Iterator[tuple[IntArray, pa.Table]]:
    """Some rows of a source, so many at a time, with their places among ``rows``."""
    start = done = 0
    for batch in source.batches():
        upto = int(np.searchsorted(rows, start + batch.num_rows))
        for first in range(done, upto, BATCH):
            at = np.arange(first, min(first + BATCH, upto))
            yield (
                at,
                pa.table(
                    [take_values(column, rows[at] - start) for column in batch.columns],
                    names=batch.schema.names,
                ),
            )
        start, done = start + batch.num_rows, upto
