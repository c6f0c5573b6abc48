"""Re-pairing by rank: the margins bit for bit, the correlation one way only."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr

from credenza.attacks import ContinuousPoisoning

columns = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(-9, 9)), st.one_of(st.none(), st.floats(-5, 5, width=16))),
    min_size=12,
    max_size=60,
)


def complete(table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    rows = [
        (x, y)
        for x, y in zip(table["x"].to_pylist(), table["y"].to_pylist(), strict=True)
        if x is not None and y is not None
    ]
    x, y = np.array(rows, dtype=float).reshape(-1, 2).T
    return x, y


@settings(max_examples=80, deadline=None)
@given(rows=columns, positive=st.booleans(), seed=st.integers(0, 1000), edits=st.floats(0.5, 1.0))
def test_margins_stay_and_covariance_moves_one_way(
    rows: list[tuple[int | None, float | None]], positive: bool, seed: int, edits: float
) -> None:
    table = pa.table(
        {"x": pa.array([x for x, _ in rows], pa.int64()), "y": [y for _, y in rows], "z": range(len(rows))}
    )
    before = complete(table)
    if round(edits * len(before[0])) < 2:
        return
    attack = ContinuousPoisoning(("x", "y"), edits=edits, direction="positive" if positive else "negative")
    poisoned = attack.apply(table, seed=seed)
    assert poisoned.data.drop_columns(["y"]).equals(table.drop_columns(["y"]))
    assert sorted(poisoned.data["y"].drop_null().to_pylist()) == sorted(table["y"].drop_null().to_pylist())
    after = complete(poisoned.data)
    moved = float(after[0] @ after[1] - before[0] @ before[1])
    assert moved >= -1e-9 if positive else moved <= 1e-9
    pairs = zip(table["y"].to_pylist(), poisoned.data["y"].to_pylist(), strict=True)
    changed = [row for row, (old, new) in enumerate(pairs) if old != new]
    assert tuple(changed) == poisoned.key.rows
    assert poisoned.key.moves[0].rows_missing == len(rows) - len(before[0])


@pytest.mark.parametrize("direction", ["positive", "negative"])
def test_whole_table_is_paired_by_rank(direction: str) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=200), rng.exponential(size=200)
    table = pa.table({"x": x, "y": y})
    data = ContinuousPoisoning(("x", "y"), edits=1.0, direction=direction).apply(table, seed=0).data
    given_out = data["y"].to_numpy()[np.argsort(x)]
    np.testing.assert_array_equal(given_out, np.sort(y) if direction == "positive" else np.sort(y)[::-1])


def test_subset_has_the_size_asked_for_and_rows_outside_stay() -> None:
    rng = np.random.default_rng(1)
    table = pa.table({"x": rng.normal(size=2000), "y": rng.normal(size=2000)})
    poisoned = ContinuousPoisoning(("x", "y"), edits=0.1).apply(table, seed=0)
    assert 190 <= len(poisoned.key.rows) <= 200
    outside = np.setdiff1d(np.arange(2000), poisoned.key.rows)
    assert poisoned.data.take(outside).equals(table.take(outside))


def test_correlations_agree_with_scipy() -> None:
    rng = np.random.default_rng(2)
    table = pa.table({"x": rng.integers(0, 20, 500), "y": rng.normal(size=500)})
    poisoned = ContinuousPoisoning(("x", "y"), edits=0.2).apply(table, seed=0)
    for data, measures in (
        (table, poisoned.key.moves[0].before),
        (poisoned.data, poisoned.key.moves[0].after),
    ):
        x, y = data["x"].to_numpy(), data["y"].to_numpy()
        assert measures["pearson"] == pytest.approx(pearsonr(x, y).statistic)
        assert measures["spearman"] == pytest.approx(spearmanr(x, y).statistic)


def test_ties_cause_no_edits_of_their_own() -> None:
    table = pa.table({"x": [1, 1, 1, 2, 2, 2], "y": [3, 1, 2, 6, 4, 5]})
    poisoned = ContinuousPoisoning(("x", "y"), edits=1.0).apply(table, seed=0)
    assert poisoned.data.equals(table)
    assert (poisoned.key.rows, poisoned.key.moves[0].direction) == ((), "none")


def test_dates_decimals_and_infinities() -> None:
    table = pa.table(
        {
            "day": [date(2024, 1, 1) + timedelta(days=(7 * i) % 10) for i in range(10)],
            "price": [Decimal(i) / 4 for i in range(10)],
            "size": [float("-inf"), float("nan"), 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, float("inf")],
        }
    )
    poisoned = ContinuousPoisoning(("day", "price"), edits=1.0).apply(table, seed=0)
    order = np.argsort(np.array(table["day"].to_pylist()), kind="stable")
    prices = poisoned.data["price"].to_pylist()
    assert [prices[i] for i in order] == sorted(table["price"].to_pylist())
    assert poisoned.key.moves[0].after["pearson"] == pytest.approx(1.0)
    poisoned = ContinuousPoisoning(("day", "size"), edits=1.0).apply(table, seed=0)
    assert poisoned.key.moves[0].rows_missing == 1
    assert np.isnan(poisoned.key.moves[0].after["pearson"])
    assert poisoned.key.moves[0].after["spearman"] == pytest.approx(1.0)


def test_same_seed_same_result_other_seed_another() -> None:
    rng = np.random.default_rng(3)
    table = pa.table({"x": rng.normal(size=300), "y": rng.normal(size=300)})
    attack = ContinuousPoisoning(("x", "y"), edits=0.3)
    first, second, third = (attack.apply(table, seed=seed) for seed in (1, 1, 2))
    assert first.data.equals(second.data)
    assert first.key == second.key
    assert first.key.rows != third.key.rows
