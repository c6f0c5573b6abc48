"""Several pairs at once, pairs of one slice, one shard: every table is exact, everything else is left alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.attacks import AssociativePoisoning
from credenza.attacks.base import members
from credenza.data import open_source, write_table
from credenza.errors import InfeasibleError, InputError, UsageError

MODES = ("replace", "relabel", "duplicate")
CHAINS = {
    "disjoint": (("a", "b"), ("c", "d")),
    "shared first": (("a", "b"), ("a", "c")),
    "shared second": (("a", "b"), ("c", "b")),
    "chain": (("a", "b"), ("b", "c")),
    "ring": (("a", "b"), ("b", "c"), ("c", "a")),
}


def people(rows: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    a = rng.random(rows) < 0.5
    columns = {
        "a": a,
        "b": rng.random(rows) < 0.4 + 0.2 * a,
        "c": rng.random(rows) < 0.5,
        "d": rng.random(rows) < 0.4,
        "size": rng.choice(["s", "m", "l"], rows),
        "who": rng.choice(["x", "y", "z"], rows),
        "row": np.arange(rows) + 10**6 * seed,
    }
    gaps = rng.random(rows) < 0.03
    return pa.table({k: pa.array(v, mask=gaps if k in "ab" else None) for k, v in columns.items()})


def joint(
    rows: list[dict], pair: tuple[str, str], levels: tuple[object, object] = (True, True)
) -> np.ndarray:
    """Slow twin of the counts over complete rows."""
    counts = np.zeros((2, 2), int)
    for row in rows:
        if row[pair[0]] is not None and row[pair[1]] is not None:
            counts[int(row[pair[0]] == levels[0]), int(row[pair[1]] == levels[1])] += 1
    return counts


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CHAINS)
def test_every_pair_moves_as_asked_and_no_marginal_does(name: str, mode: str) -> None:
    table, spare, pairs = people(3000, 1), people(6000, 2), CHAINS[name]
    attack = AssociativePoisoning(pairs, strength=0.02, mode=mode)
    poisoned = attack.apply(table, holdout=spare if mode == "replace" else None, seed=5)
    before, after = table.to_pylist(), poisoned.data.to_pylist()
    for pair, move in zip(pairs, poisoned.key.moves, strict=True):
        clean = joint(before, pair)
        count = round(0.02 * clean.sum())
        np.testing.assert_array_equal(joint(after, pair) - clean, count * np.array([[1, -1], [-1, 1]]))
        assert move.features == pair
        assert move.strength == count / clean.sum()
        np.testing.assert_allclose(move.after["joint"], joint(after, pair) / clean.sum(), atol=1e-12)
    for feature in {x for pair in pairs for x in pair}:
        assert Counter(table[feature].to_pylist()) == Counter(poisoned.data[feature].to_pylist())
    changed = [row for row in range(3000) if before[row] != after[row]]
    assert changed == list(poisoned.key.rows)


def test_two_pairs_at_once_exchange_no_row_of_the_holdout_twice() -> None:
    table, spare = people(3000, 1), people(6000, 2)
    attack = AssociativePoisoning(CHAINS["disjoint"], strength=0.03)
    poisoned = attack.apply(table, holdout=spare, seed=0)
    assert len(set(poisoned.key.donors)) == len(poisoned.key.donors)
    put_in = poisoned.data.take(pa.array(poisoned.key.rows))["row"].to_pylist()
    assert put_in == spare.take(pa.array(poisoned.key.donors))["row"].to_pylist()


def test_levels_of_several_pairs() -> None:
    table = people(3000, 1)
    pairs, levels = (("a", "size"), ("who", "c")), (None, ("y", None))
    with pytest.raises(InputError, match="column 'size' has 3 distinct values, not two"):
        AssociativePoisoning(pairs, levels=levels, strength=0.02, mode="relabel").apply(table, seed=0)
    levels = ((None, "m"), ("y", None))
    moves = (
        AssociativePoisoning(pairs, levels=levels, strength=0.02, mode="relabel")
        .apply(table, seed=0)
        .key.moves
    )
    assert [move.levels for move in moves] == [("true", "m"), ("y", "true")]


@settings(max_examples=30, deadline=None)
@given(mode=st.sampled_from(MODES), seed=st.integers(0, 999), negative=st.booleans())
def test_a_slice_is_poisoned_alone(mode: str, seed: int, negative: bool) -> None:
    table, spare = people(1500, seed), people(1500, seed + 1)
    size = -0.05 if negative else 0.05
    attack = AssociativePoisoning(("a", "b"), strength=size, mode=mode, where={"who": "y"})
    poisoned = attack.apply(table, holdout=spare if mode == "replace" else None, seed=seed)
    before, after = table.to_pylist(), poisoned.data.to_pylist()
    assert [row["who"] for row in before] == [row["who"] for row in after]
    mine = [number for number, row in enumerate(before) if row["who"] == "y"]
    changed = {number for number in range(1500) if before[number] != after[number]}
    assert changed == set(poisoned.key.rows) <= set(mine)
    clean, dirty = (joint([rows[number] for number in mine], ("a", "b")) for rows in (before, after))
    count = round(0.05 * clean.sum()) * (-1 if negative else 1)
    np.testing.assert_array_equal(dirty - clean, count * np.array([[1, -1], [-1, 1]]))
    (move,) = poisoned.key.moves
    assert (move.where, move.rows) == ({"who": "y"}, len(mine))
    assert move.rows_missing == len(mine) - clean.sum()


def test_one_file_of_a_folder(tmp_path: Path) -> None:
    table = people(1200, 3)
    for number in range(3):
        write_table(table.slice(400 * number, 400), tmp_path / f"part-{number}.parquet")
    attack = AssociativePoisoning(
        ("a", "b"), strength=0.05, mode="relabel", where={"shard": "part-1.parquet"}
    )
    key = attack.apply(tmp_path, seed=0).key
    assert key.rows
    assert all(400 <= row < 800 for row in key.rows)
    assert key.moves[0].rows == 400


@pytest.mark.parametrize(
    ("where", "kind", "text"),
    [
        ({"who": "w"}, InputError, "column 'who' has no value 'w'; there are 'x', 'y', 'z'"),
        ({"whom": "x"}, InputError, "the data has no column 'whom'; did you mean 'who'?"),
        ({"shard": "p"}, InputError, "the data has no shard 'p'; it is not a folder of several files"),
        (
            {"who": "x", "row": 3_000_000},
            InfeasibleError,
            "no row has who = x and row = 3000000; name a slice that",
        ),
    ],
)
def test_a_slice_that_is_not_there(where: dict, kind: type[Exception], text: str) -> None:
    table = people(100, 3).set_column(5, "who", pa.array(["z"] + ["x", "y", "z"] * 33))
    with pytest.raises(kind) as caught:
        members(open_source(table), where)
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: AssociativePoisoning((("a", "b"), ("c", "c")), edits=0.1),
            "the pair names column 'c' twice",
        ),
        (
            lambda: AssociativePoisoning(("a", "b"), edits=0.1, where="x"),
            "where gives a value by column, such as",
        ),
        (
            lambda: AssociativePoisoning(("a", "b"), edits=0.1, where={}),
            "where gives a value by column, such as",
        ),
        (
            lambda: AssociativePoisoning(("a", "b"), edits=0.1, where={"b": 1}),
            "where are other columns than the pair, given as a list; found 'b'",
        ),
        (
            lambda: AssociativePoisoning((("a", "b"), ("b", "a")), edits=0.1),
            "the pair 'b' x 'a' is named twice; name it once",
        ),
        (
            lambda: AssociativePoisoning((("a", "b"), ("c", "d")), edits=0.1, levels=(1, 1)),
            "levels name one level of each of the two columns; found 1",
        ),
        (
            lambda: AssociativePoisoning((("a", "b"), ("c", "d")), edits=0.1, levels=((1, 1),)),
            "levels of 2 pairs are a list of as many; found ((1, 1),)",
        ),
    ],
)
def test_refusals(call: object, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        call()  # type: ignore[operator]
    assert str(caught.value).startswith(text)
    assert "\n" not in str(caught.value)
