"""Small cases for weights: tables whose associations were moved, and what they should be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.data import Schema, encode, fit_schema, open_source, sketch
from credenza.repair.case import Case, Cure, aim

Codes = NDArray[np.uint8]


def counted(codes: Codes, sizes: Sequence[int], pair: tuple[int, int]) -> NDArray[np.int64]:
    """Rows by the levels of two features."""
    a, b = pair
    out = np.zeros((sizes[a], sizes[b]), np.int64)
    np.add.at(out, (codes[:, a], codes[:, b]), 1)
    return out


def case_of(table: pa.Table, *pairs: tuple[str, str], where: tuple[str, str] | None = None) -> Case:
    """Cures that make these pairs independent, in all rows or in one slice."""
    schema = fit_schema(sketch(table))
    return Case(open_source(table), schema, cures_of(table, schema, *pairs, where=where))


def cures_of(
    table: pa.Table, schema: Schema, *pairs: tuple[str, str], where: tuple[str, str] | None = None
) -> tuple[Cure, ...]:
    rows = table
    if where is not None:
        rows = table.filter(pa.array([str(value) == where[1] for value in table[where[0]].to_pylist()]))
    codes, sizes = encode(rows, schema), tuple(map(int, schema.sizes))
    cures = []
    for pair in pairs:
        places = (schema.index(pair[0]), schema.index(pair[1]))
        found = counted(codes, sizes, places)
        cures.append(Cure(places, found, aim(found, None), where=where))
    return tuple(cures)


def moved(n: int = 600, features: int = 5, seed: int = 0) -> pa.Table:
    """Binary features that share a cause; the first two go together more than that."""
    rng = np.random.default_rng(seed)
    cause = rng.random(n)
    columns = {f"f{k}": rng.random(n) < 0.15 + 0.1 * k + 0.3 * cause for k in range(features)}
    columns["f1"] = np.where(rng.random(n) < 0.4, columns["f0"], columns["f1"])
    return pa.table(columns)


def mixed(n: int = 900, seed: int = 0) -> pa.Table:
    """Categories, a number, missing values, a constant, a copy of a column, and who gave the rows."""
    rng = np.random.default_rng(seed)
    cause = rng.normal(size=n)
    plan = np.where(cause + rng.normal(size=n) > 0, "paid", rng.choice(["free", "trial"], n))
    age: list[float | None] = np.round(40 + 12 * cause + 4 * rng.normal(size=n)).tolist()
    for row in rng.choice(n, n // 20, replace=False):
        age[row] = None
    return pa.table(
        {
            "plan": plan,
            "copy": plan,
            "age": pa.array(age, pa.float64()),
            "urban": rng.random(n) < 0.4,
            "world": np.full(n, "earth"),
            "contributor": rng.choice(["c1", "c2", "c3"], n),
        }
    )
