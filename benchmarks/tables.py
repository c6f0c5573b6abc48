"""Real tables for the benchmarks, and seeded ways to cut, poison and drift them."""

from __future__ import annotations

from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from credenza.attacks import AssociativePoisoning
from credenza.errors import InfeasibleError, InputError

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@cache
def celeba() -> pa.Table:
    """16,000 rows of 40 binary face attributes."""
    return pq.read_table(DATA / "celeba_attributes.parquet").drop_columns(["image_id"])


@cache
def adult() -> pa.Table:
    """48,842 rows of 15 mixed columns."""
    return pq.read_table(DATA / "adult_census.parquet")


@cache
def celeba_with_rare() -> pa.Table:
    """The same with three derived attributes of about 1% base rate."""
    table = celeba()
    bits = {name: table[name].to_numpy() for name in table.column_names}
    rare = {
        "Bald_or_Hat_with_Glasses": (bits["Bald"] | bits["Wearing_Hat"]) & bits["Eyeglasses"],
        "Chubby_with_Goatee": bits["Chubby"] & bits["Goatee"],
        "Pale_with_Bangs": bits["Pale_Skin"] & bits["Bangs"],
    }
    for name, values in rare.items():
        table = table.append_column(name, pa.array(values))
    return table


def split(table: pa.Table, seed: int, *sizes: int) -> list[pa.Table]:
    """Disjoint random parts of a table."""
    order = np.random.default_rng([seed, 1]).permutation(table.num_rows)
    return [table.take(order[a:b]) for a, b in pairwise(np.cumsum((0, *sizes)))]


@cache
def feasible(strength: float, suspect: int, holdout: int) -> tuple[tuple[str, str, int], ...]:
    """Pairs and directions that can be moved by replacement from a hold-out of this size, with 12% to spare."""
    table = celeba()
    bits = np.stack([table[name].to_numpy() for name in table.column_names], axis=1).astype(float)
    joint = bits.T @ bits / len(bits)
    need, edit = strength * suspect / holdout * 1.12, strength * 1.1
    out = []
    for i, j in combinations(range(bits.shape[1]), 2):
        d, c, b = joint[i, j], joint[i, i] - joint[i, j], joint[j, j] - joint[i, j]
        a = 1 - b - c - d
        names = table.column_names[i], table.column_names[j]
        if min(a, d) > need and min(b, c) > edit:
            out.append((*names, 1))
        if min(b, c) > need and min(a, d) > edit:
            out.append((*names, -1))
    return tuple(out)


def poisoned(
    suspect: pa.Table, holdout: pa.Table, pair: tuple[str, str], strength: float, seed: int
) -> pa.Table | None:
    """The suspect with one pair moved by replacement; None where this split has too few donors."""
    try:
        return AssociativePoisoning(pair, strength=strength).apply(suspect, holdout=holdout, seed=seed).data
    except (InfeasibleError, InputError):
        return None


def drifted(table: pa.Table, seed: int, *, replace: bool) -> pa.Table:
    """Shift the odds of Male and of Young by e^0.7: rows thinned, or drawn again with replacement."""
    rng = np.random.default_rng([seed, 2])
    score = table["Male"].to_numpy().astype(float) + table["Young"].to_numpy()
    weight = np.exp(0.7 * score)
    if replace:
        return table.take(rng.choice(table.num_rows, table.num_rows, p=weight / weight.sum()))
    return table.take(np.flatnonzero(rng.random(table.num_rows) < weight / weight.max()))
