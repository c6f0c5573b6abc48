"""Small tables of mixed types for the tabular generators, and how strongly their columns go together."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from credenza.association.counts import PairCounts
from credenza.association.measures import cramers_v, mcc
from credenza.contracts import FloatArray
from credenza.data import encode, fit_schema, sketch

CITIES = ("Bern", "Oslo", "Rome", "Graz", "Lima")


def mixed_table(rows: int, seed: int = 0) -> pa.Table:
    """Bool, int, float, string, dictionary and time columns, two with nulls; all lean on one hidden number."""
    rng = np.random.default_rng(seed)
    hidden = rng.standard_normal(rows)
    lean = hidden[:, None] + rng.standard_normal((rows, 6))
    place = np.clip((lean[:, 0] + 2.5).astype(int), 0, 4)
    return pa.table(
        {
            "owner": pa.array(lean[:, 1] > 0.5),
            "rooms": pa.array(np.clip(np.round(3 + lean[:, 2]), 1, 9).astype(np.int16)),
            "rent": pa.array(np.exp(6 + 0.4 * lean[:, 3]), mask=rng.random(rows) < 0.1),
            "city": pa.array(np.array(CITIES)[place]),
            "class": pa.array(
                np.array(["low", "mid", "high"])[np.digitize(hidden, [-0.6, 0.6])]
            ).dictionary_encode(),
            "since": pa.array((18_000 + 300 * lean[:, 4]).astype(np.int32), pa.int32()).view(pa.date32()),
            "pets": pa.array(
                np.array(["cat", "dog"])[(lean[:, 5] > 0).astype(int)], mask=rng.random(rows) < 0.2
            ),
            "country": pa.array(["x"] * rows),
        }
    )


def binary_table(rows: int, seed: int = 0, columns: int = 6) -> pa.Table:
    """Bool columns, each a copy of the one before with a fifth of its values drawn anew."""
    rng = np.random.default_rng(seed)
    values = [rng.random(rows) < 0.5]
    for _ in range(columns - 1):
        values.append(np.where(rng.random(rows) < 0.2, rng.random(rows) < 0.4, values[-1]))
    return pa.table({f"c{place}": column for place, column in enumerate(values)})


def associations(table: pa.Table, like: pa.Table) -> FloatArray:
    """MCC (binary pairs) or Cramer's V of all pairs, with levels fitted to ``like``."""
    schema = fit_schema(sketch(like), bins=6, min_share=0.0)
    counts = PairCounts.empty(schema.sizes).update(encode(table, schema))
    found = []
    for i in range(len(schema.features)):
        for j in range(i + 1, len(schema.features)):
            pair = counts.table(i, j)
            found.append(mcc(pair) if pair.shape == (2, 2) else cramers_v(pair))
    return np.array(found)
