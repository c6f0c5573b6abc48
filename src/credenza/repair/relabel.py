"""Relabel: values of one feature change places among rows until the pair goes together as it should."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from credenza.contracts import FloatArray, IntArray
from credenza.data.edits import Edits, edited, gather, take_values
from credenza.data.sources import Source
from credenza.errors import InfeasibleError, UsageError
from credenza.repair.board import Board, Groups, combinations
from credenza.repair.case import Case, Cure, Treatment
from credenza.repair.content import content_array
from credenza.repair.ledger import edit_batch, ledger_schema
from credenza.repair.merging import merged
from credenza.repair.picker import Picker
from credenza.repair.retable import CLOSE, STILL, TOLERANCE, capped, closest, goal, larger, routes, spread
from credenza.repair.suspicion import informed
from credenza.repair.ties import weaker

CHOICES = ("content", "random")
BATCH = 65_536


@dataclass(frozen=True)
class Relabel:
    """Restore each pair's joint by the fewest edits of cells; both features keep every value they have.

    Rows of over-filled cells hand their values of one feature to rows of other over-filled cells, so that all cells
    reach the wanted counts: ``sum |wanted - found| / 2`` edits, 2 n |epsilon| for two binary features. Values are
    exchanged, never computed: sorted, the column is the same before and after, to the bit. In tables larger than 2x2,
    cells within one standard error are left alone (:func:`credenza.repair.retable.goal`); missing values, which often
    tell of other columns, within 2.8. Not so of an ``exact`` cure, whose cells are all restored.

    Parameters
    ----------
    feature : the feature to edit, of every cure that has it. None, and other cures: the one that the audit, or else the
        reference's rows (:func:`credenza.repair.suspicion.informed`), say was edited in place; else the one that goes
        less with the rest of the data, because edits tear a value from all that it goes with.
    embeddings : content to choose the rows by: array (n, d), path of a .npy file, or a table of numbers.
    partial : go on where a cell cannot be restored without disturbing another cure, and say so in ``skipped``.
    rows : "content": draw rows by how well the rest of the row (the other features, or ``embeddings``) goes with the
        value that it gets, as :mod:`credenza.repair.choice` says; "random": all rows of a cell alike.

    Raises
    ------
    UsageError : ``feature`` is in no cure, an unknown choice of rows, embeddings with random rows.

    Notes
    -----
    Cures are done one after the other, strongest first. One whose edited feature is also in another cure is done inside
    strata of that cure's other feature, so that the other table stays as it is.

    Left out: the rest of the joint distribution. Where whole rows were exchanged, they brought along what goes with
    either value; no edit of one column takes that back (reweighting does, and so does reversing).

    Cost: a pass over the cures' features, one over all features for each cure that is done by content, one over the
    edited rows. Memory: a byte for each row and feature of a cure, 8 for each row and edited feature, 4 for each
    level and row of an over-filled cell where rows are chosen by content.

    Examples
    --------
    >>> from credenza.data import fit_schema, open_source, sketch
    >>> from credenza.repair.case import aim
    >>> table = pa.table({"hat": [0, 1] * 50, "smile": [0, 1] * 40 + [1, 0] * 10})
    >>> found = np.array([[40, 10], [10, 40]])
    >>> case = Case(open_source(table), fit_schema(sketch(table)), (Cure((0, 1), found, aim(found, None)),))
    >>> treated = Relabel("smile").treat(case, None, seed=0)
    >>> treated.summary["edits"], treated.summary["minimum"]
    (30, 30.0)
    >>> treated.output.table().group_by(["hat", "smile"]).aggregate([([], "count_all")])["count_all"].to_pylist()
    [25, 25, 25, 25]
    """

    feature: str | None = None
    _: KW_ONLY
    embeddings: Any = None
    partial: bool = False
    rows: str = "content"

    name: ClassVar[str] = "relabel"

    def __post_init__(self) -> None:
        if self.rows not in CHOICES:
            raise UsageError(f"unknown choice of rows {self.rows!r}; choose from {', '.join(CHOICES)}")
        if self.embeddings is not None and self.rows == "random":
            raise UsageError("rows='random' looks at no embeddings; leave them out, or use rows='content'")

    def treat(self, case: Case, holdout: Source | None, seed: int) -> Treatment:
        """Plan the edits; ``seed`` is of every random draw.

        Raises
        ------
        UsageError : a hold-out, which this method has no use for. InputError : embeddings that do not fit.
        InfeasibleError : a cell cannot be restored inside the strata of the other cures, and not ``partial``.
        """
        if holdout is not None:
            raise UsageError("relabelling takes no hold-out and one was given; leave it out, or use reverse")
        self._require_feature(case)
        content = None if self.embeddings is None else content_array(self.embeddings, case.source.rows)
        if self.rows == "content" and content is None:
            case = informed(case, seed)
        work = _Work(case, Board.read(case), self, content, seed)
        for number, cure in enumerate(case.cures):
            work.cure(number, cure)
        return work.treatment()

    def _require_feature(self, case: Case) -> None:
        names = list(dict.fromkeys(name for cure in case.cures for name in case.names(cure)))
        if self.feature is not None and self.feature not in names:
            known = ", ".join(map(repr, names)) or "none"
            raise UsageError(f"{self.feature!r} is in no pair that is to be repaired; choose from {known}")


@dataclass
class _Work:
    """``taken``: by edited feature, the row that each row has its value from; ``why``: the cure that edited it."""

    case: Case
    board: Board
    method: Relabel
    content: FloatArray | None
    seed: int
    taken: dict[int, IntArray] = field(default_factory=dict)
    why: dict[int, IntArray] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)

    def cure(self, number: int, cure: Cure) -> None:
        """Exchange values until the cure's table is as it should be."""
        axis = self._axis(cure)
        feature = cure.features[axis]
        self.edited.append(self.case.feature(feature).name)
        found = self.board.table(cure)
        change = self._goal(cure, axis, found) - found
        if not change.any():
            return
        strata = self._strata(cure, feature)
        origins = [(int(i), int(j)) for i, j in np.argwhere(change < 0)]
        groups = self.board.groups(cure, origins, strata)
        rng = np.random.default_rng((self.seed, number))
        by_content = self.method.rows == "content"
        picker = Picker.of(
            self.case, self.board, cure, axis, change, groups, by_content, self.seed, rng, self.content
        )
        left, parts = change.copy(), []
        for stratum, part in _shared(change, groups, int(strata.max(initial=0)) + 1):
            parts.append(_exchanged(picker, groups, stratum, part, rng))
            left -= part
        self._require_done(cure, found + change - left, left)
        if parts:
            rows, givers = (np.concatenate(side) for side in zip(*parts, strict=True))
            self._carry_out(number, feature, rows, givers)

    def _axis(self, cure: Cure) -> int:
        for feature in (self.method.feature, cure.edited):
            position = self.case.schema.index(feature) if isinstance(feature, str) else feature
            if position in cure.features:
                return cure.features.index(position)
        return weaker(self.case, cure, self.board, self.seed)

    def _goal(self, cure: Cure, axis: int, found: IntArray) -> IntArray:
        """The table to reach."""
        if cure.exact:
            return closest(cure.wanted, found)
        return goal(cure.wanted, found, self._tolerance(cure, axis, found))

    def _tolerance(self, cure: Cure, axis: int, found: IntArray) -> FloatArray | None:
        """Standard errors that cells are left alone by; None: as usual."""
        missing = self.case.feature(cure.features[axis]).missing
        if missing is None or not larger(found):
            return None
        tolerance = np.full(found.shape, TOLERANCE)
        tolerance[(missing, slice(None)) if axis == 0 else (slice(None), missing)] = STILL
        return tolerance

    def _strata(self, cure: Cure, feature: int) -> IntArray:
        """What the edited feature may not be moved against: the partners that other cures give it."""
        partners = {f for other in self.case.cures if feature in other.features for f in other.features}
        kept = sorted(partners - set(cure.features))
        return combinations([self.board.codes[f] for f in kept], self.case.source.rows)

    def _require_done(self, cure: Cure, table: IntArray, left: IntArray) -> None:
        near = np.maximum(CLOSE * spread(cure.wanted, table), 1.0)
        apart = np.where(left == 0, 0.0, np.abs(table - cure.wanted) - near)
        if not left.any() or apart.max() <= 0:
            return
        i, j = np.unravel_index(int(apart.argmax()), apart.shape)
        told = (
            f"{table[i, j]:,} rows with {self.case.cell(cure, (int(i), int(j)))} instead of {cure.wanted[i, j]:,.0f} "
            "can be had without disturbing another pair that is repaired"
        )
        if not self.method.partial:
            raise InfeasibleError(f"{told}; name another feature to edit, or allow a partial repair")
        self.skipped.append(told)

    def _carry_out(self, number: int, feature: int, rows: IntArray, givers: IntArray) -> None:
        """Give each of ``rows`` what stands in the row of ``givers``."""
        n = self.case.source.rows
        taken = self.taken.setdefault(feature, np.arange(n))
        why = self.why.setdefault(feature, np.full(n, -1, dtype=np.int16))
        codes = self.board.codes[feature]
        taken[rows], codes[rows] = taken[givers], codes[givers]
        why[rows] = number

    def treatment(self) -> Treatment:
        """The edits, as a table that is rewritten as it is read."""
        source = self.case.source
        changed = {f: np.flatnonzero(t != np.arange(len(t))) for f, t in self.taken.items()}
        rows = np.unique(np.concatenate([np.zeros(0, np.int64), *changed.values()]))
        names = {f: self.case.feature(f).name for f in changed}
        held = gather(source, rows, list(names.values())) if names else pa.table({})
        before = {f: held[name] for f, name in names.items()}
        after = {f: take_values(before[f], np.searchsorted(rows, self.taken[f][rows])) for f in names}

        def ledger() -> Iterator[pa.RecordBatch]:
            form = ledger_schema(source.schema, list(names.values()))
            streams = []
            for f, touched in changed.items():
                at = np.searchsorted(rows, touched)
                sides = take_values(before[f], at), take_values(after[f], at)
                streams.append(self._entries(form, f, touched, *sides))
            return merged(streams)

        edits = Edits.values(rows, {names[f]: values for f, values in after.items()})
        return Treatment(
            edited(source, edits) if len(rows) else source,
            ledger,
            summary={
                "edits": sum(map(len, changed.values())),
                "rows": len(rows),
                "minimum": float(sum(cure.misplaced for cure in self.case.cures)),
                "effective_rows": float(source.rows),
                "features": list(self.edited),
                "chosen_by": "embeddings" if self.content is not None else self.method.rows,
            },
            skipped=tuple(self.skipped),
        )

    def _entries(
        self, form: pa.Schema, feature: int, touched: IntArray, before: Any, after: Any
    ) -> Iterator[pa.RecordBatch]:
        """Entries of one column in the order of the rows; ``before`` and ``after`` are the values of ``touched``."""
        reasons = pa.array([" x ".join(self.case.names(cure)) for cure in self.case.cures], pa.string())
        for start in range(0, len(touched), BATCH):
            at = np.arange(start, min(start + BATCH, len(touched)))
            why = reasons.take(pa.array(self.why[feature][touched[at]]))
            sides = take_values(before, at), take_values(after, at)
            name = self.case.feature(feature).name
            yield edit_batch(form, touched[at], name, *sides, reason=why, method=Relabel.name)


def _exchanged(
    picker: Picker, groups: Groups, stratum: int, change: IntArray, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """(rows that get another value, rows that they get it from), for a change of one stratum's cells."""
    moved, into = [], []
    for route in routes(change, picker.axis):
        drawn = picker.drawn(groups.of_cell(stratum, route.origin), route)
        moved.append(drawn)
        into.append(np.tile((route.origin[picker.axis], route.target[picker.axis]), (len(drawn), 1)))
    mixed = rng.permutation(sum(map(len, moved)))
    touched, levels = np.concatenate(moved)[mixed], np.concatenate(into)[mixed]
    gets, gives = (np.argsort(levels[:, end], kind="stable") for end in (1, 0))
    return touched[gets], touched[gives]


def _shared(change: IntArray, groups: Groups, strata: int) -> Iterator[tuple[int, IntArray]]:
    """Parts of a change, one stratum each, as large as its rows allow: in proportion first, then what is left."""
    if strata == 1:
        yield 0, change
        return
    cells = [(int(i), int(j)) for i, j in np.argwhere(change < 0)]
    room = np.zeros((strata, *change.shape), dtype=np.int64)
    for cell in cells:
        room[(slice(None), *cell)] = groups.sizes(cell, strata)
    share = room.sum(axis=(1, 2)) / max(room.sum(), 1)
    done = np.zeros_like(room)
    left = change.copy()
    for fair in (True, False):
        for s in np.argsort(-share, kind="stable"):
            most = np.abs(left) if not fair else np.ceil(np.abs(change) * share[s]).astype(np.int64)
            part = capped(left, np.minimum(room[s] + np.minimum(done[s], 0), most), most)
            done[s] += part
            left -= part
    for s in range(strata):
        if done[s].any():
            yield s, done[s]
