"""Private trees: near the plain tree where epsilon is large, consistent, honest about what is public."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mixed_tables import associations, binary_table, mixed_table

from credenza.association.counts import PairCounts
from credenza.contracts import FloatArray
from credenza.errors import InputError
from credenza.models.tabular import ChowLiu, PrivateChowLiu, TableCodec
from credenza.models.tabular.coarse import GRID, LEAST, coarsened
from credenza.models.tabular.privacy import Budget
from credenza.models.tabular.private_tree import Spending, nearest_table, private_tree, raked


def test_much_budget_gives_nearly_the_plain_tree() -> None:
    table = binary_table(4_000)
    made = PrivateChowLiu(epsilon=1_000, noise_seed=0).fit(table, seed=0).sample(20_000, seed=1)
    assert np.abs(associations(made, table) - associations(table, table)).max() < 0.03


@pytest.mark.parametrize("delta", [0.0, 1e-6])
def test_less_budget_costs_accuracy(delta: float) -> None:
    table = binary_table(4_000)
    wanted = associations(table, table)
    errors = []
    for epsilon in (0.02, 20.0):
        made = PrivateChowLiu(epsilon=epsilon, delta=delta, noise_seed=0).fit(table, seed=0)
        errors.append(np.abs(associations(made.sample(20_000, seed=1), table) - wanted).mean())
    assert errors[1] < 0.02 < 0.1 < errors[0]


def test_noise_does_not_follow_from_the_seed_of_the_fit() -> None:
    table = binary_table(400)
    first, second = (PrivateChowLiu(epsilon=0.5).fit(table, seed=0).sample(200, seed=1) for _ in range(2))
    assert not first.equals(second)
    again = [
        PrivateChowLiu(epsilon=0.5, noise_seed=3).fit(table, seed=seed).sample(200, seed=1) for seed in (0, 9)
    ]
    assert again[0].equals(again[1])


def test_all_kinds_of_columns_come_out_in_their_types() -> None:
    table = mixed_table(2_000)
    model = PrivateChowLiu(epsilon=4, noise_seed=0).fit(table, seed=0)
    made = model.sample(3_000, seed=1)
    assert made.schema.equals(table.schema)
    assert abs(made["rent"].null_count / 3_000 - 0.1) < 0.03
    assert set(made["city"].to_pylist()) <= set(table["city"].to_pylist())
    assert pc.max(made["rent"]).as_py() < pc.max(table["rent"]).as_py()


def test_a_saved_model_samples_the_same(tmp_path: Path) -> None:
    model = PrivateChowLiu(epsilon=2, delta=1e-5, noise_seed=0).fit(mixed_table(300), seed=0)
    model.save(tmp_path / "m")
    again = PrivateChowLiu.load(tmp_path / "m")
    assert again.sample(50, seed=3).equals(model.sample(50, seed=3))
    assert again.account == model.account


def test_the_account_says_what_is_public() -> None:
    table = mixed_table(300)
    own = PrivateChowLiu(epsilon=1, noise_seed=0).fit(table, seed=0).account
    told = PrivateChowLiu(epsilon=1, noise_seed=0, public=table).fit(table, seed=0).account
    assert own["taken_as_public"].startswith("columns, types, levels and values, read from the reference")
    assert told["taken_as_public"] == "columns, types, levels and values, from a public table"
    assert [question["times"] for question in own["questions"]] == [7, 6, 6]
    assert own["neighbours"] == "one row added or removed"


def test_nothing_but_counts_is_taken_from_the_rows_when_levels_are_public() -> None:
    public = pa.table({"a": ["x", "y", "x"], "n": [1.5, 2.5, 3.5]})
    private = pa.table({"a": ["x"] * 300 + ["y"] * 100, "n": [1.5] * 350 + [2.25] * 50})
    made = PrivateChowLiu(epsilon=5, public=public, noise_seed=0).fit(private, seed=0).sample(2_000, seed=1)
    assert set(made["n"].to_pylist()) <= {1.5, 2.5, 3.5}
    assert abs(np.mean(np.array(made["a"]) == "x") - 0.75) < 0.08


@pytest.mark.parametrize(
    ("public", "message"),
    [
        ({"a": ["x", "y"]}, "the public table has no column 'n'; give both the same columns"),
        (
            {"a": ["x", "y"], "n": [1, 2], "z": [1, 2]},
            "the reference has no column 'z'; give both the same columns",
        ),
        (
            {"a": ["x", "z"], "n": [1, 2]},
            "the public table does not cover the reference: column 'a' has new values and no level for them; "
            "add rows that do to the public table",
        ),
    ],
)
def test_a_public_table_that_does_not_fit_is_one_line(public: dict[str, list[object]], message: str) -> None:
    private = pa.table({"a": ["x", "y"] * 10, "n": [1, 2] * 10})
    with pytest.raises(InputError) as found:
        PrivateChowLiu(epsilon=1, public=pa.table(public)).fit(private, seed=0)
    assert str(found.value) == message


def test_columns_without_levels_are_kept() -> None:
    table = pa.table({"a": ["x"] * 20, "b": pa.nulls(20)})
    made = PrivateChowLiu(epsilon=1).fit(table, seed=0).sample(3, seed=0)
    assert made.to_pydict() == {"a": ["x"] * 3, "b": [None] * 3}


def test_one_column_takes_the_whole_budget() -> None:
    model = PrivateChowLiu(epsilon=3, noise_seed=0).fit(pa.table({"a": [True] * 300 + [False] * 100}), seed=0)
    assert [question["epsilon"] for question in model.account["questions"]] == [3.0]
    assert abs(np.mean(model.sample(4_000, seed=0)["a"].to_numpy()) - 0.75) < 0.04


def test_a_column_of_rare_texts_comes_out_missing() -> None:
    table = pa.table({"t": list("aabbccdd") * 2, "n": range(16)})
    made = PrivateChowLiu(epsilon=1, noise_seed=0).fit(table, seed=0).sample(5, seed=0)
    assert made["t"].null_count == 5


def test_rare_texts_and_extremes_stay_behind() -> None:
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "pay": np.append(rng.integers(1_000, 5_000, 499), 9_000_000),
            "city": ["Rome"] * 300 + ["Oslo"] * 195 + ["Atlantis"] * 5,
            "kind": pa.array(["p"] * 400 + ["q"] * 97 + ["secret"] * 3).dictionary_encode(),
            "day": pa.array(np.append(rng.integers(10_000, 10_400, 499), 99_999).astype(np.int32)).view(
                pa.date32()
            ),
            "cost": pa.array([Decimal(i) / 100 for i in range(500)], pa.decimal128(8, 2)),
        }
    )
    model = PrivateChowLiu(epsilon=8, noise_seed=0).fit(table, seed=0)
    made = model.sample(2_000, seed=1)
    assert pc.max(made["pay"]).as_py() < 5_000
    assert set(made["city"].to_pylist()) == {"Rome", "Oslo"}
    assert set(made["kind"].to_pylist()) == {"p", "q"}
    assert "secret" not in made["kind"].combine_chunks().dictionary.to_pylist()
    assert pc.max(made["day"]).cast(pa.int32()).as_py() < 10_400
    assert pc.max(made["cost"]).as_py() <= Decimal("4.90")
    assert made.schema.equals(table.schema)


@given(st.integers(1, 300), st.integers(0, 1_000))
@settings(max_examples=20, deadline=None)
def test_coarse_pools_hold_few_values_and_say_which_levels_are_empty(rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = pa.table(
        {
            "n": rng.integers(0, 50, rows + 1),
            "x": pa.array(rng.normal(size=rows + 1), mask=rng.random(rows + 1) < 0.2),
            "t": np.array(list("abcdefgh"))[rng.integers(0, 8, rows + 1)],
        }
    )
    try:
        codec = TableCodec.fit(table, bins=4)
    except InputError:  # texts that all differ
        return
    coarse, closed = coarsened(codec)
    for place, (before, after) in enumerate(zip(codec.modelled, coarse.modelled, strict=True)):
        assert before.size == after.size
        ends = np.concatenate(([0], after.ends))
        for level in range(after.size):
            values = after.values[ends[level] : ends[level + 1]]
            assert 1 <= len(values) <= max(GRID, len(before.values))
            if int(codec.schema.offsets[place]) + level in closed:
                assert values.to_pylist() == [None]
                assert pa.types.is_large_string(after.values.type) or before.marginal[level] < LEAST
    shown = coarse.sampled(np.zeros((3, len(codec.schema.features)), np.uint8), rng)
    assert shown.schema.equals(table.schema)


TABLES = arrays(float, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.floats(-50, 50))


@given(TABLES, st.floats(1, 100))
@settings(max_examples=30)
def test_the_nearest_table_is_one_and_none_is_nearer(noisy: FloatArray, total: float) -> None:
    found = nearest_table(noisy, total)
    assert found.min() >= 0
    assert found.sum() == pytest.approx(total)
    rng = np.random.default_rng(0)
    for _ in range(20):
        other = rng.dirichlet(np.ones(noisy.size)).reshape(noisy.shape) * total
        assert ((found - noisy) ** 2).sum() <= ((other - noisy) ** 2).sum() + 1e-6


def test_raking_meets_the_margins_and_keeps_odds() -> None:
    table = np.array([[30.0, 5.0, 1.0], [4.0, 50.0, 10.0]])
    above, own = np.array([40.0, 60.0]), np.array([30.0, 50.0, 20.0])
    found = raked(table, above, own)
    assert np.allclose(found.sum(axis=0), own)
    assert np.allclose(found.sum(axis=1), above, rtol=1e-3)
    odds = [t[0, 0] * t[1, 1] / (t[0, 1] * t[1, 0]) for t in (table, found)]
    assert odds[0] == pytest.approx(odds[1], rel=1e-3)


@given(st.integers(0, 1_000), st.integers(2, 5), st.floats(0.01, 5))
@settings(max_examples=12)
def test_any_tree_is_a_tree_of_distributions(seed: int, m: int, epsilon: float) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 5, m)
    codes = np.stack([rng.integers(0, size, 30) for size in sizes], axis=1).astype(np.uint8)
    counts = PairCounts.empty(sizes).update(np.asfortranarray(codes))
    tree = private_tree(counts, Spending.of(Budget(epsilon), m), np.array([1]), rng)
    assert sorted(tree.order.tolist()) == list(range(m))
    assert (tree.parents < 0).sum() == 1
    for table in tree.tables:
        assert (table[:, -1] == 1).all()
        assert (np.diff(table, axis=1) >= 0).all()
    drawn = tree.sampled(200, rng)
    assert (drawn < sizes).all()
    assert not (drawn[:, 0] == 1).any()  # closed


def test_the_plain_tree_is_not_much_better() -> None:
    table = binary_table(8_000)
    wanted = associations(table, table)
    errors = [
        np.abs(associations(model.fit(table, seed=0).sample(20_000, seed=1), table) - wanted).mean()
        for model in (ChowLiu(), PrivateChowLiu(epsilon=8, noise_seed=1))
    ]
    assert errors[1] < errors[0] + 0.01
