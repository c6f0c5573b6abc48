"""What associative poisoning moves, and what it must leave alone."""

from __future__ import annotations

from collections import Counter
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.attacks import AssociativePoisoning
from credenza.attacks.theory import joint_after, mcc_after

MODES = ("replace", "relabel", "duplicate")
HEALTH = ("excellent", "good", "fair", "poor")


def people(rows: int, seed: int, *, missing: float = 0.0) -> pa.Table:
    """Rows with two binary and two categorical columns, correlated, and a number that names the row."""
    rng = np.random.default_rng(seed)
    male = rng.random(rows) < 0.45
    smoker = rng.random(rows) < 0.3 + 0.2 * male
    health = np.array(HEALTH)[np.minimum(rng.poisson(1 + 0.5 * smoker), 3)]
    plan = rng.choice(list("ABCD"), rows, p=[0.4, 0.3, 0.2, 0.1])
    gaps = rng.random((2, rows)) < missing
    return pa.table(
        {
            "male": pa.array(male, mask=gaps[0]),
            "smoker": pa.array(smoker.astype(np.int64), mask=gaps[1]),
            "health": pa.array(health).dictionary_encode(),
            "plan": pa.array(plan, mask=gaps[0]),
            "row": np.arange(rows) + 1_000_000 * seed,
        }
    )


def joint(table: pa.Table, pair: tuple[str, str], levels: tuple[object, object]) -> np.ndarray:
    """Slow twin of the counts: [[n00, n01], [n10, n11]] over complete rows."""
    counts = np.zeros((2, 2), dtype=int)
    for x, y in zip(*(table[name].to_pylist() for name in pair), strict=True):
        if x is not None and y is not None:
            counts[int(x == levels[0]), int(y == levels[1])] += 1
    return counts


def margins(table: pa.Table, names: tuple[str, ...]) -> list[Counter]:
    return [Counter(table[name].to_pylist()) for name in names]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    size=st.floats(0.004, 0.05),
    negative=st.booleans(),
    mode=st.sampled_from(MODES),
    levels=st.booleans(),
    stratified=st.booleans(),
)
def test_moves_exactly_the_joint(
    seed: int, size: float, negative: bool, mode: str, levels: bool, stratified: bool
) -> None:
    table, spare = people(600, seed, missing=0.05), people(900, seed + 1, missing=0.05)
    pair, named = (("health", "plan"), ("good", "B")) if levels else (("male", "smoker"), (True, 1))
    attack = AssociativePoisoning(
        pair,
        levels=named if levels else None,
        strength=-size if negative else size,
        mode=mode,
        strata=("smoker",) if levels and stratified else (),
    )
    poisoned = attack.apply(table, holdout=spare if mode == "replace" else None, seed=seed)
    before, after = joint(table, pair, named), joint(poisoned.data, pair, named)
    moved = round(size * before.sum()) * (-1 if negative else 1)
    np.testing.assert_array_equal(after - before, moved * np.array([[1, -1], [-1, 1]]))
    (move,) = poisoned.key.moves
    assert abs(move.after["mcc"] - float(mcc_after(before, move.strength))) < 1e-12
    assert margins(poisoned.data, pair) == margins(table, pair)
    assert poisoned.data.schema == table.schema
    assert len(poisoned.key.rows) == 2 * abs(moved)
    assert poisoned.key.moves[0].strength == moved / before.sum()
    np.testing.assert_allclose(
        poisoned.key.moves[0].after["joint"], joint_after(before, poisoned.key.moves[0].strength), atol=1e-12
    )


@pytest.mark.parametrize("mode", MODES)
def test_rows_outside_the_key_are_identical_and_those_inside_changed(mode: str) -> None:
    table, spare = people(500, 1), people(500, 2)
    attack = AssociativePoisoning(("male", "smoker"), strength=0.04, mode=mode)
    poisoned = attack.apply(table, holdout=spare if mode == "replace" else None, seed=3)
    old, new = table.to_pylist(), poisoned.data.to_pylist()
    changed = [i for i in range(500) if old[i] != new[i]]
    assert tuple(changed) == poisoned.key.rows == tuple(sorted(set(poisoned.key.rows)))
    donors = {"replace": spare, "duplicate": table}.get(mode)
    if donors is None:
        assert poisoned.key.donors == ()
        assert all({**old[i], "smoker": 1 - old[i]["smoker"]} == new[i] for i in changed)
    else:
        rows = donors.to_pylist()
        assert [rows[donor] for donor in poisoned.key.donors] == [new[i] for i in changed]


def test_replace_takes_no_donor_twice() -> None:
    poisoned = AssociativePoisoning(("male", "smoker"), strength=0.08).apply(
        people(500, 1), holdout=people(500, 2), seed=3
    )
    assert len(set(poisoned.key.donors)) == len(poisoned.key.donors) == 80


def test_duplicate_reuses_donors_evenly() -> None:
    table = pa.table({"x": [0] * 45 + [1] * 45 + [0, 1], "y": [1] * 45 + [0] * 45 + [0, 1]})
    poisoned = AssociativePoisoning(("x", "y"), strength=40 / 92, mode="duplicate").apply(table, seed=0)
    assert Counter(poisoned.key.donors) == {90: 40, 91: 40}


@pytest.mark.parametrize("mode", MODES)
def test_same_seed_same_result_other_seed_another(mode: str) -> None:
    table, spare = people(500, 1), people(500, 2) if mode == "replace" else None
    attack = AssociativePoisoning(("health", "plan"), levels=("good", "B"), edits=0.06, mode=mode)
    first, second, third = (attack.apply(table, holdout=spare, seed=seed) for seed in (5, 5, 6))
    assert first.data.equals(second.data)
    assert first.key == second.key
    assert first.key.rows != third.key.rows


@settings(max_examples=40, deadline=None)
@given(cells=st.lists(st.integers(1, 60), min_size=4, max_size=4))
def test_erase_leaves_no_association(cells: list[int]) -> None:
    flat = np.repeat(np.arange(4), cells)
    table = pa.table({"x": flat // 2, "y": flat % 2})
    poisoned = AssociativePoisoning(("x", "y"), direction="erase", mode="relabel").apply(table, seed=1)
    after = np.array(poisoned.key.moves[0].after["joint"])
    assert abs(np.linalg.det(after)) <= 0.5 / len(flat) + 1e-12, "no whole number of rows comes nearer to 0"
    expected = {1: "positive", 0: "none", -1: "negative"}[int(np.sign(poisoned.key.moves[0].strength))]
    assert poisoned.key.moves[0].direction == expected


@settings(max_examples=40, deadline=None)
@given(cells=st.lists(st.integers(1, 60), min_size=4, max_size=4), positive=st.booleans())
def test_every_strength_up_to_the_range_works(cells: list[int], positive: bool) -> None:
    flat = np.repeat(np.arange(4), cells)
    table = pa.table({"x": flat // 2, "y": flat % 2})
    limit = min(cells[1], cells[2]) if positive else min(cells[0], cells[3])
    attack = AssociativePoisoning(
        ("x", "y"), strength=limit / len(flat), direction=None if positive else "negative", mode="relabel"
    )
    after = np.array(attack.apply(table, seed=0).key.moves[0].after["joint"])
    assert min(after[0, 1], after[1, 0]) == 0 if positive else min(after[0, 0], after[1, 1]) == 0


def test_edits_are_twice_the_strength() -> None:
    table = people(1000, 4)
    by_edits = AssociativePoisoning(("male", "smoker"), edits=0.1, mode="relabel").apply(table, seed=1)
    by_strength = AssociativePoisoning(("male", "smoker"), strength=0.05, mode="relabel").apply(table, seed=1)
    assert by_edits.data.equals(by_strength.data)
    assert len(by_edits.key.rows) == 100
    negative = AssociativePoisoning(("male", "smoker"), edits=0.1, direction="negative", mode="relabel")
    assert negative.apply(table, seed=1).key.moves[0].strength == -0.05


def test_strata_keep_each_features_joint_with_the_strata() -> None:
    table, spare = people(800, 5), people(1600, 6)
    attack = AssociativePoisoning(
        ("health", "plan"), levels=("good", "B"), edits=0.05, strata=("male", "smoker")
    )
    poisoned = attack.apply(table, holdout=spare, seed=1)
    for name in ("health", "plan"):
        twins = [
            Counter(zip(*(part[column].to_pylist() for column in ("male", "smoker", name)), strict=True))
            for part in (table, poisoned.data)
        ]
        assert twins[0] == twins[1]


def test_strata_share_the_edit_in_proportion_to_what_they_allow() -> None:
    cells = {"p": (10, 40, 40, 10), "q": (45, 5, 5, 45)}
    flat = np.concatenate([np.repeat(np.arange(4), sizes) for sizes in cells.values()])
    table = pa.table({"x": flat // 2, "y": flat % 2, "s": ["p"] * 100 + ["q"] * 100})
    poisoned = AssociativePoisoning(("x", "y"), strength=0.09, mode="relabel", strata=["s"]).apply(
        table, seed=0
    )
    assert Counter(table["s"][row].as_py() for row in poisoned.key.rows) == {"p": 32, "q": 4}


def test_missing_rows_are_left_alone_and_counted() -> None:
    table = people(1000, 7, missing=0.2)
    poisoned = AssociativePoisoning(("male", "smoker"), strength=0.05, mode="relabel").apply(table, seed=0)
    complete = [
        i
        for i, (x, y) in enumerate(zip(table["male"].to_pylist(), table["smoker"].to_pylist(), strict=True))
        if x is not None and y is not None
    ]
    assert poisoned.key.moves[0].rows_missing == 1000 - len(complete) > 0
    assert set(poisoned.key.rows) <= set(complete)
    assert len(poisoned.key.rows) == 2 * round(0.05 * len(complete))


def test_nan_counts_as_missing() -> None:
    table = pa.table({"x": [0.0, 0.0, 1.0, 1.0, float("nan")] * 20, "y": [0, 1, 0, 1, 1] * 20})
    poisoned = AssociativePoisoning(("x", "y"), strength=0.1, mode="relabel").apply(table, seed=0)
    assert poisoned.key.moves[0].rows_missing == 20
    assert poisoned.key.moves[0].levels == ("1", "1")


@pytest.mark.parametrize(
    ("values", "level", "label"),
    [
        ([True, False], "True", "true"),
        ([1.0, 2.5], "1", "1"),
        ([1.0, 2.5], None, "2.5"),
        ([3, 4], "3", "3"),
        (["no", "yes"], None, "yes"),
        ([date(2024, 1, 2), date(2024, 1, 3)], "2024-01-02", "2024-01-02"),
    ],
)
def test_levels_are_found_by_their_text(values: list, level: str | None, label: str) -> None:
    table = pa.table({"x": pa.array(values * 50), "y": [0, 0, 1, 1] * 25})
    poisoned = AssociativePoisoning(("x", "y"), levels=(level, 1), strength=0.1, mode="relabel").apply(
        table, seed=0
    )
    assert poisoned.key.moves[0].levels == (label, "1")


def test_scarce_donors_are_used_to_the_last() -> None:
    """The hold-out holds exactly the donors of one feasible plan; a random pairing would run out of them."""
    table = pa.table({"a": ["k"] * 8 + ["x"] * 4 + ["z"] * 4, "b": ["u"] * 4 + ["w"] * 4 + ["m"] * 8})
    donors = [("k", "m")] * 8 + [("x", "u")] * 4 + [("z", "w")] * 4
    spare = pa.table({"a": [a for a, _ in donors], "b": [b for _, b in donors]})
    attack = AssociativePoisoning(("a", "b"), levels=("k", "m"), strength=0.5)
    for seed in range(20):
        poisoned = attack.apply(table, holdout=spare, seed=seed)
        assert sorted(poisoned.key.donors) == list(range(16))
        assert margins(poisoned.data, ("a", "b")) == margins(table, ("a", "b"))


@pytest.mark.parametrize("surplus", ["none", "first", "second"])
def test_scarce_donors_of_a_negative_shift_are_used_to_the_last(surplus: str) -> None:
    table = pa.table({"a": ["k"] * 8 + ["x"] * 8 + ["z"] * 8, "b": ["m"] * 8 + ["u"] * 8 + ["w"] * 8})
    first, second = (8 if surplus == name else 4 for name in ("first", "second"))
    donors = [("k", "u"), ("k", "w")] * first + [("x", "m"), ("z", "m")] * second
    spare = pa.table({"a": [a for a, _ in donors], "b": [b for _, b in donors]})
    attack = AssociativePoisoning(("a", "b"), levels=("k", "m"), strength=-8 / 24)
    for seed in range(20):
        poisoned = attack.apply(table, holdout=spare, seed=seed)
        used = Counter(donors[row] for row in poisoned.key.donors)
        assert used == {("k", "u"): 4, ("k", "w"): 4, ("x", "m"): 4, ("z", "m"): 4}
        assert margins(poisoned.data, ("a", "b")) == margins(table, ("a", "b"))


def test_the_only_possible_pairing_is_found() -> None:
    """Of the two ways to pair the rows the donors serve one; the draw must come to it from the other."""
    table = pa.table({"a": ["k", "k", "x", "z"], "b": ["u", "w", "m", "m"]})
    spare = pa.table({"a": ["k", "k", "x", "x", "z"], "b": ["m", "m", "u", "w", "u"]})
    attack = AssociativePoisoning(("a", "b"), levels=("k", "m"), strength=0.5)
    for seed in range(10):
        poisoned = attack.apply(table, holdout=spare, seed=seed)
        assert sorted(poisoned.key.donors) == [0, 1, 3, 4]


def test_chunks_do_not_matter() -> None:
    table, spare = people(600, 1, missing=0.1), people(600, 2, missing=0.1)
    cut = pa.concat_tables([table.slice(0, 7), table.slice(7, 300), table.slice(307)])
    attack = AssociativePoisoning(("health", "plan"), levels=("good", "B"), strength=0.02)
    whole, parts = (attack.apply(data, holdout=spare, seed=0) for data in (table, cut))
    assert whole.data.to_pylist() == parts.data.to_pylist()


def test_metadata_and_column_order_survive() -> None:
    table = people(300, 1).replace_schema_metadata({"origin": "test"})
    spare = people(300, 2).select(["row", "plan", "health", "smoker", "male"])
    poisoned = AssociativePoisoning(("male", "smoker"), strength=0.03).apply(table, holdout=spare, seed=0)
    assert poisoned.data.column_names == table.column_names
    assert poisoned.data.schema.metadata == {b"origin": b"test"}
