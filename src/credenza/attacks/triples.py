"""Associative poisoning of three features: every marginal and every pair stays, their interaction moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from credenza.attacks.base import Attack, Plan, require_rate, require_where, spelled
from credenza.attacks.columns import cast_column, require_columns
from credenza.attacks.key import Move
from credenza.attacks.triple_plan import Triple, erasing_count, plan_quadruples, triple_measures
from credenza.contracts import IntArray
from credenza.data.edits import Edits, edited, gather, take_values
from credenza.data.sources import Source
from credenza.errors import InfeasibleError, UsageError

MODES = ("relabel", "replace", "duplicate")
DIRECTIONS = ("positive", "negative", "erase")


@dataclass(frozen=True)
class TriplePoisoning(Attack):
    """Move only the three-way interaction of three features: rung 3 of the ladder, and nothing below it.

    With ``P[a, b, c]`` the joint of level (1) against rest (0) of the three, the poisoned joint is
    ``P[a, b, c] + e (-1)^(a+b+c)``. ``k = round(|e| n)`` rows are edited in each of the four emptied cells,
    ``4k`` in all. Edits come in fours (see :mod:`credenza.attacks.triple_swaps`), and keep the full table of
    every two of the three features, with all their values.

    Parameters
    ----------
    triple : three column names; the third is edited in mode "relabel".
    levels : one level of each; the strength refers to these levels against the rest. None (the whole argument
        or an entry) takes the higher value of a binary column.
    strength : epsilon, in [-0.25, 0.25]; its sign is the direction.
    edits : share of the rows that is edited, ``4 |epsilon|``, in (0, 1].
    direction : "positive" (default): the contrast ``sum (-1)^(a+b+c) ln P[a, b, c]`` rises, and *fewer* rows
        have all three levels. "negative": the opposite (a positive strength is negated). "erase": the
        strength that makes the contrast zero, to the nearest row; it takes neither ``strength`` nor
        ``edits``.
    mode : "relabel": the values of the third feature are edited in the row, nothing else. "replace": genuine
        rows of the hold-out with the wanted three values, drawn without replacement, take the place of the
        edited rows. "duplicate": copies of the data's own rows do, evenly reused when they must be.
    strata : columns inside whose combinations of values the edit is carried out; so the joint of any two of
        the three features with the strata stays too. The range shrinks to the sum of the strata's ranges.
    where : a value by column: only rows of this slice are edited, sizes refer to its rows, and whole rows that
        are put in get its values.

    Raises
    ------
    UsageError : not three different columns, no or several sizes, an unknown mode or direction, a size out
        of bounds.

    Notes
    -----
    Pairs of one of the three with a *fourth* feature move a little: in mode "relabel" pairs of the third, in
    the others all that goes with the rows. Strata hold those that they name.
    Range: the smallest of the four emptied cells, exact for binary features and without strata. With more
    values the fours are packed greedily, and the range that a refusal names may fall a few per cent short.

    Cost: O(n log n). Memory: some numbers for each row, and the rows that are put in. Source: derived; see
    :mod:`credenza.attacks.theory_triples`. Left out: several triples in one call, and optimising which rows
    are edited (they are drawn at random).
    Known defence: the triple's joint table pays for it, which CZ301 tests; no check of single features or
    pairs can see it.

    Examples
    --------
    >>> table = pa.table({"a": [0, 0, 0, 0, 1, 1, 1, 1] * 10, "b": [0, 0, 1, 1] * 20, "c": [0, 1] * 40})
    >>> poisoned = TriplePoisoning(("a", "b", "c"), strength=0.025).apply(table, seed=0)
    >>> poisoned.key.moves[0].after["joint"]
    [[[0.15, 0.1], [0.1, 0.15]], [[0.1, 0.15], [0.15, 0.1]]]
    >>> len(poisoned.key.rows)
    8
    """

    triple: tuple[str, str, str]
    _: KW_ONLY
    levels: tuple[Any, Any, Any] | None = None
    strength: float | None = None
    edits: float | None = None
    direction: str | None = None
    mode: str = "relabel"
    strata: Sequence[str] = ()
    where: Mapping[str, Any] | None = None

    name: ClassVar[str] = "triple"

    def __post_init__(self) -> None:
        _require_triple(self.triple)
        for what, given in (("strata", self.strata), ("where", tuple(self.where or ()))):
            if isinstance(given, str) or (both := [name for name in given if name in self.triple]):
                found = given if isinstance(given, str) else both[0]
                raise UsageError(
                    f"{what} are other columns than the triple, given as a list; found {found!r}"
                )
        if self.levels is not None and (isinstance(self.levels, str) or len(self.levels) != 3):
            raise UsageError(f"levels name one level of each of the three columns; found {self.levels!r}")
        if self.mode not in MODES:
            raise UsageError(f"unknown mode {self.mode!r}; choose from {', '.join(MODES)}")
        if self.direction not in (None, *DIRECTIONS):
            raise UsageError(f"unknown direction {self.direction!r}; choose from {', '.join(DIRECTIONS)}")
        require_where(self.where)
        _require_one_size(self)

    def plan(self, source: Source, holdout: Source | None, seed: int) -> Plan:
        """Draw the rows that are edited and their donors; see :meth:`apply` for what is raised."""
        _require_fitting(self.mode, source, holdout)
        require_columns((*self.triple, *self.strata, *(self.where or {})), source.columns)
        triple = Triple.read(
            source, holdout, self.triple, self.levels or (None,) * 3, self.strata, self.where, self.mode
        )
        count = self._count(triple.counts())
        places, sources = plan_quadruples(triple, count, self._asked(), np.random.default_rng(seed))
        index = np.arange(source.rows)
        index[places] = sources
        rows = np.sort(places)
        donors = np.zeros(0, np.int64)
        if self.mode == "relabel":
            third = self.triple[2]
            edits = Edits.values(rows, {third: take_values(source.table([third])[third], index[rows])})
        else:
            donors = index[rows] - (source.rows if self.mode == "replace" else 0)
            edits = Edits.donated(rows, _donors(source, holdout, donors), keep=tuple(self.where or ()))
        move = self._move(triple, triple.edited(index, third_only=self.mode == "relabel"), count)
        return Plan(
            edited(source, edits), rows, self.mode, donors, (move,), details={"quadruples": abs(count)}
        )

    def _count(self, counts: IntArray) -> int:
        """Signed number of rows that leave each of the four emptied cells."""
        total = int(counts.sum())
        if total == 0:
            names = ", ".join(map(repr, self.triple))
            raise InfeasibleError(f"no row has all of {names}; a triple needs complete rows")
        if self.direction == "erase":
            return erasing_count(counts)
        if count := round(self._size() * total):
            return -count if self._downwards() else count
        raise InfeasibleError(
            f"{self._asked()} rounds to no edited row among {total:,}; "
            f"ask for at least {1 / total:.2g} of strength"
        )

    def _size(self) -> float:
        return abs(self.strength) if self.strength is not None else (self.edits or 0.0) / 4

    def _downwards(self) -> bool:
        return self.direction == "negative" or (self.strength or 0.0) < 0

    def _asked(self) -> str:
        if self.direction == "erase":
            return "erasing"
        strength = f"strength {-self._size() if self._downwards() else self._size():g}"
        return strength if self.edits is None else f"edits {self.edits:g} ({strength})"

    def _move(self, before: Triple, after: Triple, count: int) -> Move:
        counts = before.counts()
        total, inside = int(counts.sum()), int((before.strata[: before.rows] >= 0).sum())
        return Move(
            features=tuple(self.triple),
            levels=tuple(column.level_label for column in before.columns),
            direction="positive" if count > 0 else "negative" if count < 0 else "none",
            strength=count / total,
            where=spelled(self.where),
            rows=inside,
            rows_missing=inside - total,
            before=triple_measures(counts),
            after=triple_measures(after.counts()),
        )


def _donors(source: Source, holdout: Source | None, donors: IntArray) -> pa.Table:
    """The donors, in the data's kinds."""
    table = gather(source if holdout is None else holdout, donors, source.columns)
    arrays = [cast_column(table[field.name], field) for field in source.schema]
    return pa.table(arrays, names=source.schema.names)


def _require_triple(triple: Sequence[str]) -> None:
    if isinstance(triple, str) or len(triple) != 3:
        raise UsageError(f"a triple is three column names; found {triple!r}")
    for position, name in enumerate(triple):
        if name in triple[:position]:
            raise UsageError(f"the triple names column {name!r} twice; give three different columns")


def _require_fitting(mode: str, source: Source, holdout: Source | None) -> None:
    if mode == "replace" and holdout is None:
        raise UsageError(
            "mode 'replace' draws genuine rows from a hold-out and none was given; "
            "give one, or use mode='relabel' or mode='duplicate'"
        )
    if mode != "replace" and holdout is not None:
        raise UsageError(
            f"mode {mode!r} uses no hold-out and one was given; leave it out or use mode='replace'"
        )
    if holdout is not None and holdout.fingerprint() == source.fingerprint():
        raise UsageError(
            "the hold-out is the data itself; give further rows of the table, or use mode='duplicate'"
        )


def _require_one_size(attack: TriplePoisoning) -> None:
    sizes = {"strength": attack.strength, "edits": attack.edits}
    given = [f"{name}={value!r}" for name, value in sizes.items() if value is not None]
    found = " and ".join(given) or "none of them"
    if attack.direction == "erase":
        if given:
            raise UsageError(f"direction='erase' sets its own strength; found {found}; leave that out")
        return
    if len(given) != 1:
        raise UsageError(f"give exactly one of strength, edits and direction='erase'; found {found}")
    if attack.edits is not None:
        require_rate(attack.edits, "edits")
    if attack.strength is not None and not 0 < abs(attack.strength) <= 0.25:
        found = repr(attack.strength)
        raise UsageError(f"strength is a probability mass between -0.25 and 0.25, not 0; found {found}")
    if attack.direction == "positive" and attack.strength is not None and attack.strength < 0:
        raise UsageError(f"direction='positive' contradicts strength={attack.strength!r}; drop one of them")
