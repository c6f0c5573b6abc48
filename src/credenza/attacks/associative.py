"""Associative poisoning of one pair: the association moves, both marginals stay exactly as they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from credenza.association.measures import mcc, mutual_information
from credenza.attacks import theory
from credenza.attacks.columns import (
    code_column,
    replace_column,
    require_columns,
    require_pair,
    stack_holdout,
    take_rows,
)
from credenza.attacks.key import AnswerKey, Poisoned, fingerprints
from credenza.attacks.plan import Pair, plan_swaps, stratum_codes
from credenza.contracts import IntArray
from credenza.data.sources import Source, open_source
from credenza.errors import InfeasibleError, UsageError

MODES = ("replace", "relabel", "duplicate")
DIRECTIONS = ("positive", "negative", "erase")


@dataclass(frozen=True)
class AssociativePoisoning:
    """Move probability mass epsilon onto each on-diagonal cell of a pair's 2x2 table, marginals unchanged.

    With ``a, b, c, d = P00, P01, P10, P11`` of the pair (level against rest), the poisoned joint is
    ``a + e, b - e, c - e, d + e`` (arXiv 2511.05177, Definition 1). ``k = round(|e| n)`` rows are edited in
    each of the two emptied cells, ``2k`` in all. The edits come in twos that exchange their values of the
    second feature, so the number of rows with each value of either feature is kept exactly, for any number
    of values.

    Parameters
    ----------
    pair : two column names. Both binary, or any columns of numbers, dates or text with ``levels``.
    levels : one level of each column; the strength refers to these levels against the rest. None (the whole
        argument or one entry) takes the higher value of a binary column: True, 1, or the last in
        alphabetical order.
    strength : epsilon, in [-0.5, 0.5]; its sign is the direction.
    edits : share of the rows that is edited, ``2 |epsilon|``, in (0, 1].
    direction : "positive" (default), "negative" (a positive strength is negated), or "erase": ``e = bc - ad``
        makes the pair independent (Theorem 2); it takes neither ``strength`` nor ``edits``.
    mode : "replace": genuine rows of the hold-out, drawn without replacement, take the place of the edited
        rows. "relabel": the values of the second feature are edited in the row, nothing else.
        "duplicate": copies of the data's own rows take the place of the edited rows, evenly reused when they
        must be.
    strata : columns inside whose combinations of values the edit is carried out, in proportion to what each
        combination allows; so the joints of either feature with the strata stay exact too. The range shrinks
        to the sum of the strata's ranges.

    Raises
    ------
    UsageError : the same column twice, no or several sizes, an unknown mode or direction, a size out of
        bounds.

    Notes
    -----
    Cost: O(n log n), and in memory the whole table; the attack is a laboratory tool, not a pipeline.
    Source: arXiv 2511.05177, Definition 1, Theorems 1 and 2. Left out: joint edits of more than one pair in
    one call (apply twice), and optimising which rows of a cell are edited (they are drawn uniformly).
    Known defence: every edit is paid for in the pair's joint table, which :func:`credenza.audit` tests
    (CZ201).

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"smoker": [0, 0, 1, 1] * 25, "urban": [0, 1, 0, 1] * 25})
    >>> attack = AssociativePoisoning(("smoker", "urban"), strength=0.1, mode="relabel")
    >>> poisoned = attack.apply(table, seed=0)
    >>> poisoned.key.after["joint"]
    [[0.35, 0.15], [0.15, 0.35]]
    >>> len(poisoned.key.rows)
    20
    """

    pair: tuple[str, str]
    _: KW_ONLY
    levels: tuple[Any, Any] | None = None
    strength: float | None = None
    edits: float | None = None
    direction: str | None = None
    mode: str = "replace"
    strata: Sequence[str] = ()

    name: ClassVar[str] = "associative"

    def __post_init__(self) -> None:
        require_pair(self.pair)
        if isinstance(self.strata, str) or (both := [name for name in self.strata if name in self.pair]):
            found = self.strata if isinstance(self.strata, str) else both[0]
            raise UsageError(f"strata are other columns than the pair, given as a list; found {found!r}")
        if self.levels is not None and (isinstance(self.levels, str) or len(self.levels) != 2):
            raise UsageError(f"levels name one level of each of the two columns; found {self.levels!r}")
        if self.mode not in MODES:
            raise UsageError(f"unknown mode {self.mode!r}; choose from {', '.join(MODES)}")
        if self.direction not in (None, *DIRECTIONS):
            raise UsageError(f"unknown direction {self.direction!r}; choose from {', '.join(DIRECTIONS)}")
        _require_one_size(self)

    def apply(self, data: Any, *, holdout: Any = None, seed: int) -> Poisoned:
        """Poison ``data``.

        Parameters
        ----------
        data : anything :func:`credenza.data.open_source` opens; n rows.
        holdout : further rows of the same table, for mode "replace" only.
        seed : seed of every random draw, a non-negative integer.

        Returns
        -------
        Poisoned : the data, in the kind that was given (rows in the same order), and the answer key.

        Raises
        ------
        UsageError : a hold-out is missing or superfluous, or the seed is not a non-negative integer.
        InputError : a column is unknown, constant, or not binary without levels; the hold-out has other
            columns.
        InfeasibleError : the strength is beyond the feasible range, rounds to no row, or needs more donors
            than exist.
        """
        source, spare = self._open(data, holdout, seed)
        table = source.table()
        require_columns((*self.pair, *self.strata), table.column_names)
        stacked = table if spare is None else stack_holdout(table, spare.table())
        levels = self.levels or (None, None)
        a, b = (
            code_column(stacked[name], name, level, table.num_rows)
            for name, level in zip(self.pair, levels, strict=True)
        )
        pair = Pair(a, b, stratum_codes(stacked, self.strata), table.num_rows, self.mode)
        count = self._count(pair.counts())
        i, j, donors = plan_swaps(pair, count, self._asked(), seed)
        edited = np.concatenate([i, j])
        index = np.arange(table.num_rows)
        index[edited] = donors
        if self.mode == "relabel":
            output = replace_column(table, self.pair[1], index)
        else:
            output = take_rows(stacked, index, table.schema)
        key = self._key(pair, count, edited, index, seed, (source, spare, output))
        return Poisoned(source.like(output), key)

    def _open(self, data: Any, holdout: Any, seed: int) -> tuple[Source, Source | None]:
        require_seed(seed)
        if self.mode == "replace" and holdout is None:
            raise UsageError(
                "mode 'replace' draws genuine rows from a hold-out and none was given; "
                "give one, or use mode='relabel' or mode='duplicate'"
            )
        if self.mode != "replace" and holdout is not None:
            found = f"mode {self.mode!r} uses no hold-out and one was given"
            raise UsageError(f"{found}; leave it out or use mode='replace'")
        source = open_source(data)
        spare = None if holdout is None else open_source(holdout, role="hold-out")
        if spare is not None and spare.fingerprint() == source.fingerprint():
            raise UsageError(
                "the hold-out is the data itself; give further rows of the table, or use mode='duplicate'"
            )
        return source, spare

    def _count(self, counts: IntArray) -> int:
        """Signed number of rows that leave each of the two emptied cells."""
        total = int(counts.sum())
        if total == 0:
            first, second = self.pair
            raise InfeasibleError(f"no row has both {first!r} and {second!r}; a pair needs complete rows")
        if self.direction == "erase":
            return round(theory.erasing_strength(counts) * total)
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

    def _key(
        self,
        pair: Pair,
        count: int,
        edited: IntArray,
        index: IntArray,
        seed: int,
        inputs: tuple[Source, Source | None, pa.Table],
    ) -> AnswerKey:
        source, spare, output = inputs
        first = np.arange(pair.rows) if self.mode == "relabel" else index
        before, after = pair.counts(), pair.counts(first, index)
        rows = np.sort(edited)
        donors = index[rows] - (pair.rows if self.mode == "replace" else 0)
        return AnswerKey(
            attack=self.name,
            features=(self.pair[0], self.pair[1]),
            levels=(pair.a.level_label, pair.b.level_label),
            direction="positive" if count > 0 else "negative" if count < 0 else "none",
            strength=count / int(before.sum()),
            mode=self.mode,
            parameters=asdict(self),
            seed=seed,
            rows_total=pair.rows,
            rows_missing=pair.rows - int(before.sum()),
            rows=tuple(rows.tolist()),
            donors=() if self.mode == "relabel" else tuple(donors.tolist()),
            before=_measures(before),
            after=_measures(after),
            hashes=fingerprints(source, spare, output),
        )


def require_seed(seed: object) -> None:
    """Raise UsageError unless ``seed`` is a non-negative integer."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise UsageError(f"the seed is a non-negative integer; found {seed!r}")


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


def _measures(counts: IntArray) -> dict[str, Any]:
    joint = counts / counts.sum()
    return {
        "joint": joint.tolist(),
        "marginals": [float(joint[1].sum()), float(joint[:, 1].sum())],
        "mi": mutual_information(joint),
        "mcc": mcc(joint),
    }
