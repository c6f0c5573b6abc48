"""Sums of every unit, against the obvious way to count them."""

from __future__ import annotations

import numpy as np
import pytest
from oracles import slow_units

from credenza.checks.checkpoints.predictions import CompareOptions, PairCodes, Predictions
from credenza.checks.checkpoints.units import families


def world(seed: int = 0, rows: int = 300) -> Predictions:
    rng = np.random.default_rng(seed)
    truth, site = rng.integers(0, 3, rows), rng.integers(0, 2, rows)
    predicted = np.where(rng.random((3, rows)) < 0.7, truth, rng.integers(0, 3, (3, rows)))
    known = np.broadcast_to(site, (3, rows))
    pair = PairCodes(("kind", "site"), (("a", "b", "c"), ("l", "r")), (predicted, known))
    return Predictions(
        ("x", "y", "z"), ("a", "b", "c"), truth, predicted, rng.random((3, rows)), "site", ("l", "r"), site,
        (pair,), CompareOptions(min_rows=1),
    )  # fmt: skip


def test_every_unit_is_counted_as_it_says() -> None:
    given = world()
    fast = {
        (family.kind, *subject): (
            family.rows[u], family.total[u].tolist(), family.squares[u].tolist(),
            family.before[u].tolist(), family.after[u].tolist(),
        )
        for family in families(given)
        for u, subject in enumerate(family.subjects)
    }  # fmt: skip
    slow = slow_units(given)
    assert set(fast) == set(slow)
    assert {kind for kind, *_ in slow} == {
        "class", "slice", "class in slice", "predicted", "confusion", "probability", "pair",
    }  # fmt: skip
    for name, values in slow.items():
        for one, other in zip(fast[name], values, strict=True):
            assert one == pytest.approx(other, abs=1e-12), name


def test_the_association_of_a_pair_moves_by_the_mean_of_its_rows() -> None:
    (family,) = (f for f in families(world(3)) if f.kind == "pair")
    change = family.after - family.before
    assert np.allclose(family.total / family.rows[:, None], change, atol=1e-12)
    assert family.subjects[0] == ("kind = a", "site = r")


def test_units_of_few_rows_are_left_out() -> None:
    truth = np.repeat([0, 1, 2], [100, 100, 5])
    given = Predictions(("x", "y"), ("a", "b", "c"), truth, np.stack([truth, truth]))
    (first, *_) = families(given)
    assert first.subjects == (("a",), ("b",))
