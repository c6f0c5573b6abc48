"""The rows a model is trained on: drawn, poisoned, audited, repaired - all before any training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from credenza.attacks import AnswerKey
from credenza.data.sources import open_source
from credenza.errors import InfeasibleError, InputError
from credenza.report import Audit
from credenza.report.repairing import repair
from credenza.studies.associative.conditions import Condition, poison
from credenza.studies.associative.measure import looked_at, measured, told
from credenza.studies.associative.population import Split
from credenza.studies.common.seeds import derived

CURE = "resample"  # tried on every poisoned set, also where the model is trained on the poisoned one


@dataclass(frozen=True)
class TrainingSet:
    """Rows to train on, and what is known of them: ``record`` is plain data."""

    rows: pa.Table
    record: dict[str, Any]


def training_set(
    condition: Condition, parts: Split, features: Sequence[str], *, seed: int, number: int
) -> TrainingSet:
    """Make the training rows of one model.

    Parameters
    ----------
    parts : the rows of this seed. features : the columns that an audit looks at.
    seed, number : of the study, and of the model among those of its condition.

    Notes
    -----
    The audit sees the rows and a reference that no model is trained on, not the answer key. A condition with a repair
    is trained on what the repair gives; of the others it is noted what the repair would give.
    """
    poisoned = poison(condition, parts.train, parts.holdout, seed=derived(seed, "attack", number))
    rows = parts.train if poisoned is None else poisoned.data
    before = looked_at(rows, parts.reference, features, seed=seed)
    record: dict[str, Any] = {
        "rows": rows.num_rows,
        **_edits(poisoned.key if poisoned else None),
        "measures": measured(rows.select(list(features))),
        "audit": told(before, condition.pair),
        "repair": None,
    }
    if poisoned is None:
        return TrainingSet(rows, record)
    cured, record["repair"] = _repaired(condition, rows, before, parts.reference, features, seed)
    return TrainingSet(cured if condition.repair else rows, record)


def _edits(key: AnswerKey | None) -> dict[str, Any]:
    """What the attack did, by its answer key."""
    if key is None:
        return {"edited": 0.0, "mode": None, "strength": 0.0}
    return {
        "edited": len(key.rows) / key.rows_total,
        "mode": key.mode,
        "strength": key.moves[0].strength,
    }


def _repaired(
    condition: Condition,
    rows: pa.Table,
    before: Audit,
    reference: pa.Table,
    features: Sequence[str],
    seed: int,
) -> tuple[pa.Table, dict[str, Any]]:
    """The rows put right as far as the audit says what to do, and what an audit says afterwards."""
    method = condition.repair or CURE
    try:
        done = repair(
            rows,
            before,
            method=method,
            reference=reference,
            holdout=reference if method == "reverse" else None,
            partial=True,
            seed=seed,
        )
    except (InputError, InfeasibleError) as error:
        return rows, {"method": method, "done": False, "reason": str(error)}
    table = open_source(done.data).table()
    again = looked_at(table, reference, features, seed=seed)
    record = {
        "method": method,
        "done": True,
        "rows": table.num_rows,
        "measures": measured(table.select(list(features))),
        "audit": told(again, condition.pair),
        "skipped": list(done.skipped),
    }
    return table, record
