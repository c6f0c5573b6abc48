"""The first entries of a ledger in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from credenza.repair.ledger import DROP, EDIT, REPEAT, REPLACE, WEIGHT

SHOWN = 20
VALUES = 4  # columns of a row that are shown


@dataclass(frozen=True)
class Entry:
    """One entry: the ``row`` of the suspect, from 0, the ``action``, the ``change`` in words, and the ``reason``."""

    row: int
    action: str
    change: str
    reason: str


def extract(batches: Iterable[pa.RecordBatch], shown: int = SHOWN) -> tuple[Entry, ...]:
    """The first ``shown`` entries of a ledger; no more of it is read than that takes.

    Values are as the ledger has them, unescaped; bytes are told by their number. Of whole rows the first four columns
    are shown, of replaced ones those that changed.

    Examples
    --------
    >>> from credenza.repair.ledger import ledger_schema, weight_batch
    >>> import numpy as np
    >>> form = ledger_schema(pa.schema([("a", pa.int64())]), ())
    >>> batch = weight_batch(form, np.arange(2), np.array([0.5, 1.5]), reason="a x b", method="reweight")
    >>> extract([batch])[1]
    Entry(row=1, action='weight', change='weight 1.5', reason='a x b')
    """
    out: list[Entry] = []
    for batch in batches:
        out += [
            Entry(entry["row"], entry["action"], _change(entry), entry["reason"] or "")
            for entry in batch.slice(0, shown - len(out)).to_pylist()
        ]
        if len(out) >= shown:
            break
    return tuple(out)


def _change(entry: Mapping[str, Any]) -> str:
    action, before, after = entry["action"], entry["before"] or {}, entry["after"] or {}
    if action == EDIT:
        name = entry["column"]
        return f"{name}: {_value(before.get(name))} → {_value(after.get(name))}"
    if action == REPLACE:
        moved = [name for name in before if before[name] != after.get(name)]
        return _some([f"{name}: {_value(before[name])} → {_value(after.get(name))}" for name in moved])
    if action == DROP:
        return _some([f"{name} = {_value(value)}" for name, value in before.items()])
    if action == REPEAT:
        return f"stands {entry['count']} times"
    if action == WEIGHT:
        return f"weight {entry['weight']:.4g}"
    return ""


def _some(parts: list[str]) -> str:
    rest = len(parts) - VALUES
    shown = ", ".join(parts[:VALUES])
    return shown if rest <= 0 else f"{shown} and {rest:,} more"


def _value(value: Any) -> str:
    """A value in words; at most 60 characters of it."""
    if value is None:
        return "(missing)"
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    shown = f"{value:.6g}" if isinstance(value, float) else str(value)
    return shown if len(shown) <= 60 else f"{shown[:59]}…"
