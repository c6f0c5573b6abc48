"""Several attacks on one table, and their dilution in clean rows: what a pipeline that was got at delivers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, ClassVar

import numpy as np

from credenza.attacks.base import Attack, Plan, no_holdout, parameters
from credenza.attacks.key import Part
from credenza.attacks.pairs import require_same_columns
from credenza.contracts import IntArray
from credenza.data.edits import appended
from credenza.data.sources import Source, open_source
from credenza.errors import InfeasibleError, UsageError


@dataclass(frozen=True)
class Combined(Attack):
    """Attacks that are carried out one after the other, each on what the one before it left.

    Parameters
    ----------
    attacks : one attack or more, in order, such as an association and a backdoor trigger.
    dilute : clean rows of the same table, which are appended to the poisoned ones; anything
        :func:`credenza.data.open_source` opens. None appends nothing.
    dilute_rows : how many of these rows, from the first on; None for all.

    Raises
    ------
    UsageError : no attack, something that is not one, ``dilute_rows`` without ``dilute`` or below 1.

    Notes
    -----
    Attacks that put in genuine rows share the hold-out; each draws from all of it, so a row may come in twice. Later
    attacks may edit rows of earlier ones: ``parts`` of the key say what each did at its turn, ``rows`` lists all of
    them. Seeds of later attacks are derived from the seed. Dilution with m rows turns a strength e among n rows into
    e n / (n + m) (``details`` of the key); a share of poisoned rows likewise. Cost: that of its attacks.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from credenza.attacks import AssociativePoisoning
    >>> table = pa.table({"smoker": [0, 0, 1, 1] * 25, "urban": [0, 1, 0, 1] * 25})
    >>> attack = AssociativePoisoning(("smoker", "urban"), strength=0.1, mode="relabel")
    >>> key = Combined([attack], dilute=table).apply(table, seed=0).key
    >>> key.rows_total, key.details["strengths"]
    (200, [0.05])
    """

    attacks: Sequence[Attack]
    _: KW_ONLY
    dilute: Any = None
    dilute_rows: int | None = None

    name: ClassVar[str] = "combined"

    def __post_init__(self) -> None:
        if not isinstance(self.attacks, (list, tuple)) or not self.attacks:
            raise UsageError(f"attacks is a list of one attack or more; found {self.attacks!r}")
        for attack in self.attacks:
            if not isinstance(attack, Attack):
                raise UsageError(f"attacks holds attacks; found {attack!r}")
        if self.dilute_rows is not None and (self.dilute is None or self.dilute_rows < 1):
            reason = "give dilute, the rows to append" if self.dilute is None else "give 1 or more"
            raise UsageError(f"dilute_rows is {self.dilute_rows!r}; {reason}")

    @property
    def takes_holdout(self) -> bool:
        return any(attack.takes_holdout for attack in self.attacks)

    def plan(self, source: Source, holdout: Source | None, seed: int) -> Plan:
        """Plan the attacks in turn; see :meth:`apply` for what is raised."""
        if not self.takes_holdout:
            no_holdout(self, holdout)
        plans, now = [], source
        for number, attack in enumerate(self.attacks):
            plan = attack.plan(now, holdout if attack.takes_holdout else None, _seed_of(seed, number))
            plans.append(plan)
            now = plan.output
        parts = tuple(map(_part, self.attacks, plans))
        whole = Plan(
            now,
            np.unique(np.concatenate([plan.rows for plan in plans])),
            "+".join(part.mode for part in parts),
            moves=tuple(move for plan in plans for move in plan.moves),
            parts=parts,
        )
        return whole if self.dilute is None else self._diluted(whole, source.rows)

    def _diluted(self, plan: Plan, rows: int) -> Plan:
        clean = open_source(self.dilute, role="dilution")
        require_same_columns(plan.output, clean, "dilution")
        more = clean.rows if self.dilute_rows is None else self.dilute_rows
        if more > clean.rows:
            raise InfeasibleError(f"dilute_rows is {more:,}; the dilution has {clean.rows:,} rows")
        strengths = [
            None if move.strength is None else move.strength * move.rows / (move.rows + more)
            for move in plan.moves
        ]
        details = {
            "appended": more,
            "dilution": clean.fingerprint(),
            "strengths": strengths,
            "share_edited": len(plan.rows) / (rows + more),
        }
        return replace(plan, output=appended(plan.output, clean, more), details=details)


def _part(attack: Attack, plan: Plan) -> Part:
    def numbers(rows: IntArray) -> tuple[int, ...]:
        return tuple(rows.tolist())

    return Part(
        attack.name,
        plan.mode,
        parameters(attack),
        numbers(plan.rows),
        numbers(plan.donors),
        plan.moves,
        plan.labels,
        plan.details,
    )


def _seed_of(seed: int, number: int) -> int:
    """The seed itself for the first attack, one derived from it for the others."""
    return seed if number == 0 else int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
