"""Small poisoned tables, and the cases that an audit would make of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from credenza.contracts import IntArray
from credenza.data import encode, extend_schema, fit_schema, open_source, sketch
from credenza.repair.case import Case, Cure, aim


def people(rows: int, seed: int) -> pa.Table:
    """Two groups of features that go together: (smoker, cough, tired) and (plan, income), and a contributor."""
    rng = np.random.default_rng(seed)
    smoker = rng.random(rows) < 0.4
    cough = rng.random(rows) < np.where(smoker, 0.85, 0.1)
    tired = rng.random(rows) < np.where(smoker, 0.75, 0.2)
    income = rng.normal(3.0, 1.0, rows)
    plan = np.array(["basic", "full", "none"])[
        np.clip(np.rint(income - 2 + rng.normal(0, 0.7, rows)), 0, 2).astype(int)
    ]
    return pa.table(
        {
            "smoker": smoker,
            "cough": cough,
            "tired": tired,
            "urban": rng.random(rows) < 0.5 + 0.1 * smoker,
            "plan": pa.array(plan).dictionary_encode(),
            "income": income.round(6),
            "contributor": rng.choice(["c1", "c2", "c3"], rows),
        }
    )


def table_of(
    data: pa.Table, case: Case, features: tuple[int, int], where: tuple[str, str] | None = None
) -> IntArray:
    """Counts of two features, row by row."""
    if where is not None:
        data = data.filter(pa.array([str(v) == where[1] for v in data[where[0]].to_pylist()]))
    codes = encode(data, case.schema).astype(int)
    sizes = [case.feature(f).size for f in features]
    counts = np.zeros(sizes, dtype=np.int64)
    np.add.at(counts, (codes[:, features[0]], codes[:, features[1]]), 1)
    return counts


def case_of(
    suspect: pa.Table,
    reference: pa.Table,
    *pairs: tuple[str, str],
    edited: str | None = None,
    where: tuple[str, str] | None = None,
    positions: bool = True,
) -> Case:
    """The case of some pairs, aimed at the reference."""
    schema = extend_schema(fit_schema(sketch(reference)), sketch(suspect))[0]
    bare = Case(open_source(suspect), schema, ())
    cures = []
    for pair in pairs:
        features = schema.index(pair[0]), schema.index(pair[1])
        found = table_of(suspect, bare, features, where)
        wanted = aim(found, table_of(reference, bare, features).astype(float))
        cures.append(Cure(features, found, wanted, schema.index(edited) if edited in pair else None, where))
    return Case(open_source(suspect), schema, tuple(cures))
