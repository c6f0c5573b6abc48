"""Associative poisoning of two ordered features: the second one's values are re-paired by rank."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np

from credenza.attacks.base import Attack, Plan, no_holdout, require_rate, require_where
from credenza.attacks.columns import as_pairs, require_columns, require_pair
from credenza.attacks.ordered_board import OrderedBoard, OrderedPair
from credenza.attacks.ordered_pairing import Pairing, correlation_of_size, size_for
from credenza.contracts import IntArray
from credenza.data.sources import Source
from credenza.errors import InfeasibleError, InputError, UsageError

DIRECTIONS = ("positive", "negative")
Pair = tuple[str, str]


@dataclass(frozen=True)
class ContinuousPoisoning(Attack):
    """Re-pair two ordered features by rank; both columns keep every value, bit for bit.

    The values of the second feature are handed out again in the order of the first (positive) or in the
    opposite order (negative). Every such re-pairing is a chain of exchanges of neighbours that are out of
    order, each of which adds ``(x[i+1] - x[i]) (y[i] - y[i+1]) >= 0`` to the covariance (arXiv 2511.05177,
    Theorem 3), so Pearson's correlation never moves the wrong way.

    Parameters
    ----------
    pair : two column names, each of numbers or dates, or several such pairs, done one after the other. The
        second feature of a pair is edited, so it may not be part of an earlier pair.
    edits : share of the complete rows, in (0, 1], that is drawn and re-paired among itself, at once. Rows that
        happen to get their own value back are not edited.
    correlation : Pearson's correlation that the rows are to have in the end, in [-1, 1]. A subset as for
        ``edits`` is re-paired; its size is searched for, and comes within 1e-3 of the target or as near as
        whole rows allow.
    passes : passes of neighbour exchanges over all complete rows in the order of the first feature, 1 or
        more: Theorem 3 to the letter. ``p`` passes move a value down by at most p places.
    direction : "positive" (default) or "negative". It follows from ``correlation``, which may not contradict
        it.
    strata : columns inside whose combinations of values rows are re-paired, so that the joint of the second
        feature with the strata stays too.
    where : a value by column: only rows of this slice are re-paired, and sizes and correlations refer to it.

    Raises
    ------
    UsageError : the same column twice, no or several sizes, a size out of bounds, an unknown direction, a
        pair that edits a feature of an earlier one.

    Notes
    -----
    Rows with equal values of the first feature are ordered by the second one, so ties cause no edits; equal
    values of the second feature keep their order. Rows with a missing value of either feature stay as they
    are. Subsets are nested: for one seed a larger one holds all rows of a smaller one, so that the target is
    found by false position on the size.

    Cost: O(n log n) once, then O(n) a step of the search; passes O(n log p). Memory: some numbers for each
    row. A million rows come to a target correlation in about a second.
    Source: arXiv 2511.05177, Theorem 3; sorting a random subset at once reaches the end point of its
    exchanges. Left out: a rule that guarantees that the mutual information rises - no local rule does
    (Proposition 3) - and replacement from a hold-out, as no donor has the same two values.
    Known defence: the pair's joint table pays for it, which :func:`credenza.audit` tests (CZ201).

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"x": [1.0, 2.0, 3.0, 4.0], "y": [8.0, 5.0, 7.0, 6.0]})
    >>> ContinuousPoisoning(("x", "y"), edits=1.0).apply(table, seed=0).data["y"].to_pylist()
    [5.0, 6.0, 7.0, 8.0]
    >>> ContinuousPoisoning(("x", "y"), passes=1).apply(table, seed=0).data["y"].to_pylist()
    [5.0, 7.0, 6.0, 8.0]
    """

    pair: Pair | Sequence[Pair]
    _: KW_ONLY
    edits: float | None = None
    correlation: float | None = None
    passes: int | None = None
    direction: str | None = None
    strata: Sequence[str] = ()
    where: Mapping[str, Any] | None = None

    name: ClassVar[str] = "continuous"

    def __post_init__(self) -> None:
        require_pairs(self.pairs)
        if self.direction not in (None, *DIRECTIONS):
            raise UsageError(f"unknown direction {self.direction!r}; choose from {', '.join(DIRECTIONS)}")
        _require_one_size(self)
        require_where(self.where)
        used = {name for pair in self.pairs for name in pair}
        for what, given in (("strata", self.strata), ("where", tuple(self.where or ()))):
            if isinstance(given, str) or (both := [name for name in given if name in used]):
                found = given if isinstance(given, str) else both[0]
                raise UsageError(f"{what} are other columns than the pair, given as a list; found {found!r}")

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The pairs, one or several."""
        return as_pairs(self.pair)

    def plan(self, source: Source, holdout: Source | None, seed: int) -> Plan:
        """Re-pair one pair after the other; see :meth:`apply` for what is raised."""
        no_holdout(self, holdout)
        names = (name for pair in self.pairs for name in pair)
        require_columns((*names, *self.strata, *(self.where or {})), source.columns)
        board = OrderedBoard.read(source, tuple(self.strata), self.where)
        rng = np.random.default_rng(seed)
        for pair in self.pairs:
            rows = board.pair(pair)
            direction, size, index = self._pairing(rows, rng)
            board.move(rows, direction, size, index)
            if self.correlation is not None and board.moved[-1].direction == "none":
                raise InfeasibleError(
                    f"the correlation is {rows.pearson:.4f}, as near to {self.correlation:g} as whole rows allow; "
                    "ask for another"
                )
        return board.plan()

    def _pairing(self, rows: OrderedPair, rng: np.random.Generator) -> tuple[str, int, IntArray]:
        """Direction, number of rows that take part, and who receives whose value."""
        size = rows.require(self.edits)
        priority = rng.permutation(len(rows.complete))
        if self.correlation is not None:
            return self._towards_target(rows, priority)
        direction = self.direction or "positive"
        pairing = Pairing.of(rows.x, rows.y, direction, rows.strata)
        if self.passes is not None:
            return direction, size, pairing.passes(rows.y, self.passes)
        return direction, size, pairing.subset(priority, size)

    def _towards_target(self, rows: OrderedPair, priority: IntArray) -> tuple[str, int, IntArray]:
        """The subset that takes the correlation nearest to the target."""
        target, now = float(self.correlation or 0.0), rows.pearson
        if math.isnan(now):
            found = f"columns {rows.names[0]!r} and {rows.names[1]!r} have no correlation to move"
            raise InputError(f"{found}: one is constant or holds an infinity; give edits or passes")
        direction = "positive" if target >= now else "negative"
        if self.direction not in (None, direction):
            raise UsageError(
                f"direction={self.direction!r} contradicts correlation={target:g}, as the data's is {now:.4f}; "
                "drop one of them"
            )
        pairing = Pairing.of(rows.x, rows.y, direction, rows.strata)
        curve = correlation_of_size(pairing, rows.x.scores, rows.y.scores, priority)
        reach = curve(len(priority))
        if abs(target - now) > abs(reach - now) + 1e-9:
            raise InfeasibleError(self._out_of_reach(rows, target))
        size = size_for(curve, target, len(priority))
        return direction, size, pairing.subset(priority, size)

    def _out_of_reach(self, rows: OrderedPair, target: float) -> str:
        everyone = np.arange(len(rows.complete))
        low, high = (
            rows.x.scores
            @ rows.y.scores[Pairing.of(rows.x, rows.y, way, rows.strata).subset(everyone, len(everyone))]
            for way in ("negative", "positive")
        )
        inside = " inside these strata" if self.strata else ""
        lowest, highest = math.ceil(low * 1e4 - 1e-6) / 1e4, math.floor(high * 1e4 + 1e-6) / 1e4
        return (
            f"correlation {target:g} is beyond what re-pairing {rows.names[0]!r} and {rows.names[1]!r} reaches"
            f"{inside}; ask for one from {lowest:g} to {highest:g}"
        )


def require_pairs(pairs: Sequence[Pair]) -> None:
    """Raise UsageError unless all are pairs, and none edits a feature that an earlier one has."""
    earlier: set[str] = set()
    for pair in pairs:
        require_pair(pair)
        if pair[1] in earlier:
            raise UsageError(
                f"the pair {tuple(pair)!r} edits {pair[1]!r}, which an earlier pair has; "
                "name a feature last that no earlier pair has"
            )
        earlier.update(pair)


def _require_one_size(attack: ContinuousPoisoning) -> None:
    sizes = {"edits": attack.edits, "correlation": attack.correlation, "passes": attack.passes}
    given = [f"{name}={value!r}" for name, value in sizes.items() if value is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        raise UsageError(f"give exactly one of edits, correlation and passes; found {found}")
    if attack.edits is not None:
        require_rate(attack.edits, "edits")
    target, passes = attack.correlation, attack.passes
    if target is not None and not (isinstance(target, (int, float, np.number)) and -1 <= target <= 1):
        raise UsageError(f"correlation is a number between -1 and 1; found {target!r}")
    if passes is not None and (
        isinstance(passes, bool) or not isinstance(passes, (int, np.integer)) or passes < 1
    ):
        raise UsageError(f"passes is a whole number of at least 1; found {passes!r}")
