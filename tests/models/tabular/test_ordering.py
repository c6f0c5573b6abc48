"""Levels of names are put in the order that their associations give them; bins keep theirs."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from credenza.association.counts import PairCounts
from credenza.data import Schema, encode, fit_schema, sketch
from credenza.models.tabular.ordering import level_orders

GRADES = ["none", "some", "half", "most", "all"]


def orders(table: pa.Table, **options: float) -> tuple[Schema, dict[str, list[int]]]:
    schema = fit_schema(sketch(table), **options)
    joint = PairCounts.empty(schema.sizes).update(encode(table, schema)).joint.astype(float)
    return schema, dict(zip(schema.names, (o.tolist() for o in level_orders(joint, schema)), strict=True))


def graded(rows: int = 3_000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    hidden = rng.integers(0, 5, rows)
    return hidden, rng.normal(size=rows) + hidden


def test_names_are_ordered_by_what_goes_with_them() -> None:
    hidden, number = graded()
    schema, found = orders(pa.table({"grade": np.array(GRADES)[hidden], "x": number, "up": number > 2}))
    ordered = [schema.features[0].levels[code] for code in found["grade"]]
    assert ordered == GRADES
    assert found["x"] == list(range(len(found["x"])))
    assert found["up"] == [0, 1]


def test_two_columns_of_names_are_ordered_alike() -> None:
    hidden, number = graded()
    other = np.clip(np.round(number), 0, 4).astype(int)
    names = np.array(["q", "a", "z", "k", "c"])
    schema, found = orders(pa.table({"grade": np.array(GRADES)[hidden], "code": names[other]}))
    one = [GRADES.index(schema.features[0].levels[code]) for code in found["grade"]]
    two = [names.tolist().index(schema.features[1].levels[code]) for code in found["code"]]
    assert one == two
    assert one in (list(range(5)), list(range(5))[::-1])


@pytest.mark.parametrize("high", [True, False])
def test_missing_values_go_to_the_side_they_are_like(high: bool) -> None:
    hidden, number = graded()
    lost = (hidden == 4) if high else (hidden == 0)
    gone = lost & (np.random.default_rng(1).random(len(hidden)) < 0.8)
    schema, found = orders(pa.table({"x": pa.array(hidden + 0.0, mask=gone), "y": number}))
    missing = schema.features[0].missing
    assert found["x"].index(missing) == (len(found["x"]) - 1 if high else 0)
    assert [code for code in found["x"] if code != missing] == list(range(len(found["x"]) - 1))


def test_orders_are_permutations_of_any_levels() -> None:
    rng = np.random.default_rng(2)
    table = pa.table({"a": rng.choice(list("abcd"), 60), "b": rng.choice(list("xyz"), 60)})
    for columns in (["a"], ["a", "b"]):
        schema, found = orders(table.select(columns))
        assert all(sorted(found[f.name]) == list(range(f.size)) for f in schema.features)
