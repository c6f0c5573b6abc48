"""Associative poisoning of pairs: the association moves, the marginals stay exactly as they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from fractions import Fraction
from typing import Any, ClassVar

from credenza.attacks.base import Attack, Plan, require_where
from credenza.attacks.columns import as_pairs, require_columns, require_pair
from credenza.attacks.pairs import Board
from credenza.contracts import IntArray
from credenza.data.sources import Source
from credenza.errors import InfeasibleError, UsageError

MODES = ("replace", "relabel", "duplicate")
DIRECTIONS = ("positive", "negative", "erase")
Pair = tuple[str, str]
Levels = tuple[Any, Any]


@dataclass(frozen=True)
class AssociativePoisoning(Attack):
    """Move probability mass epsilon onto each on-diagonal cell of a pair's 2x2 table, marginals unchanged.

    With ``a, b, c, d = P00, P01, P10, P11`` of the pair (level against rest), the poisoned joint is
    ``a + e, b - e, c - e, d + e`` (arXiv 2511.05177, Definition 1). ``k = round(|e| n)`` rows are edited in
    each of the two emptied cells, ``2k`` in all. The edits come in twos that exchange their values of the
    second feature, so the number of rows with each value of either feature is kept exactly, for any number
    of values.

    Parameters
    ----------
    pair : two column names, or several such pairs, which are all moved. Both columns binary, or any columns of
        numbers, dates or text with ``levels``. Pairs may share features.
    levels : one level of each column (of each pair, when there are several); the strength refers to these levels
        against the rest. None (the whole argument or an entry) takes the higher value of a binary column: True, 1,
        or the last in alphabetical order.
    strength : epsilon, in [-0.5, 0.5]; its sign is the direction. Of every pair.
    edits : share of the rows that is edited for each pair, ``2 |epsilon|``, in (0, 1].
    direction : "positive" (default), "negative" (a positive strength is negated), or "erase": ``e = bc - ad``
        makes the pair independent (Theorem 2); it takes neither ``strength`` nor ``edits``.
    mode : "replace": genuine rows of the hold-out, drawn without replacement, take the place of the edited
        rows. "relabel": the values of the second feature are edited in the row, nothing else.
        "duplicate": copies of the data's own rows take the place of the edited rows, evenly reused when they
        must be.
    strata : columns inside whose combinations of values the edit is carried out, in proportion to what each
        combination allows; so the joints of either feature with the strata stay exact too. The range shrinks
        to the sum of the strata's ranges.
    where : a value by column: only rows of this slice are edited, sizes refer to its rows, and whole rows that are
        put in get its values. ``{"shard": NAME}`` is one file of a folder.

    Raises
    ------
    UsageError : the same column twice, no or several sizes, an unknown mode or direction, a size out of
        bounds.

    Notes
    -----
    Several pairs are moved one after the other. So that none disturbs another, whole rows are exchanged inside strata
    of the other pairs' features, and values are edited inside strata of the features that theirs is also paired with.

    Cost: O(n log n) a pair. Memory: some numbers for each row, and the rows that are put in.
    Source: arXiv 2511.05177, Definition 1, Theorems 1 and 2. Left out: optimising which rows of a cell are edited
    (they are drawn uniformly). Known defence: every edit is paid for in the pair's joint table, which
    :func:`credenza.audit` tests (CZ201).

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"smoker": [0, 0, 1, 1] * 25, "urban": [0, 1, 0, 1] * 25})
    >>> attack = AssociativePoisoning(("smoker", "urban"), strength=0.1, mode="relabel")
    >>> poisoned = attack.apply(table, seed=0)
    >>> poisoned.key.moves[0].after["joint"]
    [[0.35, 0.15], [0.15, 0.35]]
    >>> len(poisoned.key.rows)
    20
    """

    pair: Pair | Sequence[Pair]
    _: KW_ONLY
    levels: Levels | Sequence[Levels | None] | None = None
    strength: float | None = None
    edits: float | None = None
    direction: str | None = None
    mode: str = "replace"
    strata: Sequence[str] = ()
    where: Mapping[str, Any] | None = None

    name: ClassVar[str] = "associative"

    def __post_init__(self) -> None:
        for pair in as_pairs(self.pair):
            require_pair(pair)
        for number, pair in enumerate(self.pairs):
            if set(pair) in map(set, self.pairs[:number]):
                raise UsageError(f"the pair {pair[0]!r} x {pair[1]!r} is named twice; name it once")
        self._require_other_columns()
        _require_levels(self)
        if self.mode not in MODES:
            raise UsageError(f"unknown mode {self.mode!r}; choose from {', '.join(MODES)}")
        if self.direction not in (None, *DIRECTIONS):
            raise UsageError(f"unknown direction {self.direction!r}; choose from {', '.join(DIRECTIONS)}")
        require_where(self.where)
        _require_one_size(self)

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The pairs, one or several."""
        return as_pairs(self.pair)

    @property
    def takes_holdout(self) -> bool:
        """Whether genuine rows are put in."""
        return self.mode == "replace"

    def plan(self, source: Source, holdout: Source | None, seed: int) -> Plan:
        """Draw the rows that are edited and their donors; see :meth:`apply` for what is raised."""
        self._require_fitting(source, holdout)
        features = tuple(dict.fromkeys(name for pair in self.pairs for name in pair))
        require_columns((*features, *self.strata), source.columns)
        board = Board.read(source, holdout, features, tuple(self.strata), self.where, self.mode)
        levels = (self.levels,) if len(self.pairs) == 1 and not _nested(self.levels) else self.levels
        for number, (pair, level) in enumerate(
            zip(self.pairs, levels or [None] * len(self.pairs), strict=True)
        ):
            coded = board.pair(pair, level or (None, None), self.pairs)
            board.move(
                coded, self._count(coded.counts(), pair), self._asked(), (seed, number) if number else seed
            )
        return board.plan()

    def _require_other_columns(self) -> None:
        used = {name for pair in self.pairs for name in pair}
        for what, given in (("strata", self.strata), ("where", tuple(self.where or ()))):
            if isinstance(given, str) or (both := [name for name in given if name in used]):
                found = given if isinstance(given, str) else both[0]
                raise UsageError(f"{what} are other columns than the pair, given as a list; found {found!r}")

    def _require_fitting(self, source: Source, holdout: Source | None) -> None:
        if self.mode == "replace" and holdout is None:
            raise UsageError(
                "mode 'replace' draws genuine rows from a hold-out and none was given; "
                "give one, or use mode='relabel' or mode='duplicate'"
            )
        if self.mode != "replace" and holdout is not None:
            found = f"mode {self.mode!r} uses no hold-out and one was given"
            raise UsageError(f"{found}; leave it out or use mode='replace'")
        if holdout is not None and holdout.fingerprint() == source.fingerprint():
            raise UsageError(
                "the hold-out is the data itself; give further rows of the table, or use mode='duplicate'"
            )

    def _count(self, counts: IntArray, pair: Pair) -> int:
        """Signed number of rows that leave each of the two emptied cells."""
        total = int(counts.sum())
        if total == 0:
            first, second = pair
            raise InfeasibleError(f"no row has both {first!r} and {second!r}; a pair needs complete rows")
        if self.direction == "erase":
            (a, b), (c, d) = counts.tolist()
            return round(Fraction(b * c - a * d, total))
        size = abs(self.strength) if self.strength is not None else (self.edits or 0.0) / 2
        if count := round(size * total):
            return -count if self._downwards() else count
        raise InfeasibleError(
            f"{self._asked()} rounds to no edited row among {total:,}; "
            f"ask for at least {1 / total:.2g} of strength"
        )

    def _downwards(self) -> bool:
        return self.direction == "negative" or (self.strength or 0.0) < 0

    def _asked(self) -> str:
        if self.direction == "erase":
            return "erasing"
        size = abs(self.strength) if self.strength is not None else (self.edits or 0.0) / 2
        strength = f"strength {-size if self._downwards() else size:g}"
        return strength if self.edits is None else f"edits {self.edits:g} ({strength})"


def _nested(levels: Any) -> bool:
    return isinstance(levels, Sequence) and len(levels) > 0 and isinstance(levels[0], (list, tuple))


def _require_levels(attack: AssociativePoisoning) -> None:
    levels, several = attack.levels, len(attack.pairs) > 1
    if levels is None:
        return
    each = levels if several or _nested(levels) else [levels]
    if isinstance(each, str) or len(each) != len(attack.pairs):
        raise UsageError(f"levels of {len(attack.pairs)} pairs are a list of as many; found {levels!r}")
    for level in each:
        if level is not None and (
            isinstance(level, str) or not isinstance(level, Sequence) or len(level) != 2
        ):
            raise UsageError(f"levels name one level of each of the two columns; found {level!r}")


def _require_one_size(attack: AssociativePoisoning) -> None:
    sizes = {"strength": attack.strength, "edits": attack.edits}
    given = [f"{name}={value!r}" for name, value in sizes.items() if value is not None]
    if attack.direction == "erase":
        if given:
            found = " and ".join(given)
            raise UsageError(f"direction='erase' sets its own strength; found {found}; leave that out")
        return
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        raise UsageError(f"give exactly one of strength, edits and direction='erase'; found {found}")
    if attack.strength is not None and not 0 < abs(attack.strength) <= 0.5:
        found = repr(attack.strength)
        raise UsageError(f"strength is a probability mass between -0.5 and 0.5, not 0; found {found}")
    if attack.edits is not None and not 0 < attack.edits <= 1:
        raise UsageError(f"edits is a share of the rows, above 0 and at most 1; found {attack.edits!r}")
    if attack.direction == "positive" and attack.strength is not None and attack.strength < 0:
        raise UsageError(f"direction='positive' contradicts strength={attack.strength!r}; drop one of them")
