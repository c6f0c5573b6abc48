"""Expected changes of the counts, against attacks that are really carried out."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from drill.tables import people

from credenza.association.counts import PairCounts
from credenza.association.profile import layout_of
from credenza.attacks import Attack
from credenza.data import encode, fit_schema, open_source, sketch
from credenza.drill.effects import emptied, exchanged_weights
from credenza.drill.forecast import change_of
from credenza.drill.kinds import KINDS, Kind
from credenza.drill.pool import Pool
from credenza.drill.settings import DrillSettings
from credenza.drill.target import Scout

NAMES = ["smoker", "urban", "active", "region", "age", "income"]


def missing(table: pa.Table, name: str) -> pa.Table:
    holes = pa.array(np.arange(table.num_rows) % 9 == 0)
    column = pa.compute.if_else(holes, None, table[name])
    return table.set_column(table.column_names.index(name), name, column)


def shares(table: pa.Table, pool: Pool) -> np.ndarray:
    counts = PairCounts.empty(pool.layout.sizes).update(encode(table, pool.schema))
    return np.asarray(counts.joint / counts.rows)


def carried_out(pool: Pool, attack: Attack, mode: str, seed: int) -> np.ndarray:
    """Mean change of the shares over some attacks on the whole pool."""
    source, found = open_source(pool.table), []
    spare = open_source(pa.concat_tables([pool.table, pool.table])) if mode == "replace" else None
    for k in range(12):
        output = attack.plan(source, spare, seed + k).output.table()
        found.append(shares(output, pool) - shares(pool.table, pool))
    return np.asarray(np.mean(found, axis=0))


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("name", KINDS)
def test_expected_changes_are_those_of_attacks(name: str, holes: bool) -> None:
    kind = Kind.of(name)
    table = people(3_000, 0).select(NAMES)
    pair = ("age", "income") if kind.mode == "continuous" else ("smoker", "region")
    if kind.direction == "erase":
        pair = ("smoker", "active")
    if holes:
        table = missing(table, pair[1])
    schema = fit_schema(sketch(table))
    pool = Pool(table.select(schema.names), schema, 1_500, 1_500, None)
    i, j = (schema.index(x) for x in pair)
    target = Scout(pool, DrillSettings()).target(i, j, kind)
    strength = target.limit if kind.direction == "erase" else 0.08
    expected = change_of(pool, target, pool.codes()) * strength
    found = carried_out(pool, target.kind.attack(pair, target.levels, strength), kind.mode, 5)
    assert np.abs(expected).max() > 0.01
    assert np.abs(found - expected).max() < 0.006
    assert np.abs(expected.sum()) < 1e-9
    starts = layout_of(schema).starts
    for k in (i, j):
        own = slice(starts[k], starts[k + 1])
        assert np.abs(np.diag(expected)[own]).max() < 1e-9  # marginals of the pair stay


def test_emptied_cells_have_one_level_each() -> None:
    a, b = np.array([0, 0, 1, 1, -1, 1]), np.array([0, 1, 0, 1, 1, -1])
    assert emptied(a, b, (1, 1), positive=True)[0].tolist() == [False, False, True, False, False, False]
    assert emptied(a, b, (1, 1), positive=False)[1].tolist() == [True, False, False, False, False, False]


def test_a_value_that_no_row_can_give_is_left_out() -> None:
    a, b = np.array([0, 0, 1, 2]), np.array([0, 1, 0, 1])
    weights = exchanged_weights(a, b, (0, 0), positive=True)
    assert weights.sum() == pytest.approx(0)
    assert np.isfinite(weights).all()
