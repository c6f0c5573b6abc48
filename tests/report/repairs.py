"""Repairs of small tables, each made once, that the tests of their views look at."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

import credenza
from credenza.attacks import AssociativePoisoning
from credenza.report.repaired import Repaired
from credenza.report.repairing import repair

REPAIRS = ("reweight", "resample", "relabel", "reverse", "drop", "slices", "mixed", "independence")


def people(rows: int, seed: int) -> pa.Table:
    """Four binary columns that go together, a nominal one of four levels that goes with them, and a number."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=rows)
    columns: dict[str, Any] = {f"x{k}": rng.normal(size=rows) + 0.8 * hidden > 0.2 * k for k in range(4)}
    towns = np.array(["east", "north", "south", "west"])
    columns["town"] = towns[np.clip(np.round(rng.normal(size=rows) + hidden + 1.5), 0, 3).astype(int)]
    return pa.table(columns | {"age": rng.normal(50, 9, rows).round()})


@cache
def tables() -> tuple[pa.Table, pa.Table]:
    """A reference, and a suspect in which two columns no longer go together."""
    clean, spare = people(4000, 2), people(4000, 3)
    attack = AssociativePoisoning(("x0", "x3"), strength=-0.06)
    return people(4000, 1), attack.apply(clean, holdout=spare, seed=1).data


@cache
def audited() -> credenza.Audit:
    """The audit of the suspect."""
    reference, suspect = tables()
    return credenza.audit(suspect, reference)


@cache
def made(name: str) -> Repaired:
    """A repair by name."""
    if name == "slices":
        return sliced()
    if name == "mixed":
        return mixed()
    reference, suspect = tables()
    if name == "independence":
        return repair(suspect, audited(), method="relabel", target="independence")
    options: dict[str, Any] = {}
    if name == "reverse":
        options = {"holdout": people(4000, 5)}
    if name == "drop":
        options = {"scores": pa.table({"score": np.random.default_rng(0).random(4000)}), "share": 0.05}
    return repair(suspect, audited(), method=name, reference=reference, seed=3, **options)


def sliced() -> Repaired:
    """One contributor's rows, put right against the others'."""
    whole = people(5000, 4).append_column("who", pa.array(["a", "b", "c", "d", "e"] * 1000))
    attack = AssociativePoisoning(("x0", "x3"), strength=-0.15, mode="duplicate", where={"who": "b"})
    bad = attack.apply(whole, seed=0).data
    found = credenza.audit(bad, slices="who", checks=("CZ202",))
    return repair(bad, found, method="relabel", seed=1)


def mixed() -> Repaired:
    """A pair of more than two levels: town and x0."""
    reference, suspect = people(4000, 1), people(4000, 2)
    rng, town = np.random.default_rng(0), np.array(suspect["town"].to_pylist(), dtype=object)
    moved = rng.permutation(4000)[:1200]
    town[moved] = town[rng.permutation(moved)]
    bad = suspect.set_column(4, "town", pa.array(town.tolist()))
    found = credenza.audit(bad, reference)
    return repair(bad, found, method="reweight", reference=reference)
