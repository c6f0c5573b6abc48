"""Small tables with known associations, and evidence over them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from credenza.checks import Evidence, Settings
from credenza.data import open_source


def population(n: int, seed: int) -> pa.Table:
    """Four binary features that hang together, a category, a number and a provenance column."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=n)
    urban = rng.random(n) < 0.45
    return pa.table(
        {
            "smoker": hidden + rng.normal(size=n) > 0.4,
            "urban": urban,
            "active": rng.normal(size=n) - 0.6 * hidden > 0,
            "insured": rng.random(n) < np.where(urban, 0.7, 0.6),
            "region": rng.choice(["east", "north", "south"], n, p=[0.2, 0.5, 0.3]),
            "age": np.round(45 + 12 * rng.normal(size=n) + 3 * hidden),
            "clinic": rng.choice(["A", "B", "C", "D", "E", "F", "G", "H", "I", "J"], n),
        }
    )


def poisoned(
    table: pa.Table,
    strength: float,
    *,
    pair: tuple[str, str] = ("smoker", "urban"),
    rows: np.ndarray | None = None,
) -> pa.Table:
    """Move ``strength`` of the chosen rows (a mask) onto the diagonal of a binary pair, by relabelling."""
    a, b = (table[name].to_numpy(zero_copy_only=False).copy() for name in pair)
    inside = np.ones(len(a), bool) if rows is None else rows
    count = round(abs(strength) * inside.sum())
    for value in (True, False):
        emptied = inside & (a == value) & (b == (value ^ (strength > 0)))
        chosen = np.flatnonzero(emptied)[:count]
        assert len(chosen) == count
        b[chosen] = ~b[chosen]
    return table.set_column(table.column_names.index(pair[1]), pair[1], pa.array(b))


def evidence(
    suspect: Any, reference: Any = None, *, settings: dict[str, Any] | None = None, **options: Any
) -> Evidence:
    """Evidence over tables, without the command line or the report around it."""
    known = open_source(reference) if isinstance(reference, pa.Table) else reference
    return Evidence(open_source(suspect), known, Settings(**(settings or {})), **options)
