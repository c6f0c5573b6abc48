"""Three-way poisoning: all pair tables exactly, the contrast by the strength asked for, in every mode."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import jsonschema
import numpy as np
import oracles
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.attacks import theory
from credenza.attacks.key import AnswerKey, load_schema
from credenza.attacks.triple_plan import erasing_count
from credenza.attacks.triples import TriplePoisoning
from credenza.data.sources import Source, open_source
from credenza.errors import CredenzaError, InfeasibleError, InputError, UsageError


def table_of(seed: int, rows: int) -> pa.Table:
    """Three linked binary features, three with more values, strata, a slice, and a name for every row."""
    rng = np.random.default_rng(seed)
    a, b = rng.random(rows) < 0.5, rng.random(rows) < 0.4
    c = rng.random(rows) < np.where(a ^ b, 0.6, 0.3)
    return pa.table(
        {
            "a": a,
            "b": np.where(b, "yes", "no"),
            "c": pa.array(c.astype(int)).cast(pa.int8()),
            "u": rng.choice(["p", "q", "r", "s"], rows, p=[0.4, 0.3, 0.2, 0.1]),
            "v": rng.choice(3, rows, p=[0.5, 0.3, 0.2]),
            "w": pa.array([None if x == 5 else x for x in rng.choice(6, rows).tolist()]),
            "site": rng.choice(["n", "s"], rows),
            "id": [f"{seed}-{row}" for row in range(rows)],
        }
    )


CLEAN, SPARE = table_of(0, 4000), table_of(1, 4000)
SIGNS = np.array([(-1) ** sum(cell) for cell in np.ndindex(2, 2, 2)]).reshape(2, 2, 2)
BINARY, LEVELS = ("a", "b", "c"), ("u", "v", "w")


def pair_tables(table: pa.Table, names: tuple[str, ...]) -> list[Counter]:
    return oracles.full_pair_tables([table[name].to_pylist() for name in names])


def joint(table: pa.Table, levels: tuple = (True, "yes", 1), names: tuple = BINARY) -> np.ndarray:
    cells = Counter(
        tuple(int(v == level) for v, level in zip(row, levels, strict=True))
        for row in zip(*(table[name].to_pylist() for name in names), strict=True)
        if None not in row
    )
    return np.array([cells[cell] for cell in np.ndindex(2, 2, 2)]).reshape(2, 2, 2)


@pytest.mark.parametrize("mode", ["relabel", "replace", "duplicate"])
@pytest.mark.parametrize("strength", [0.03, -0.03])
def test_pairs_stay_and_the_joint_moves_as_asked(mode: str, strength: float) -> None:
    attack = TriplePoisoning(BINARY, strength=strength, mode=mode)
    poisoned = attack.apply(CLEAN, holdout=SPARE if mode == "replace" else None, seed=5)
    data, key = poisoned.data, poisoned.key
    assert pair_tables(data, BINARY) == pair_tables(CLEAN, BINARY)
    moved = joint(data) - joint(CLEAN)
    assert moved.tolist() == (round(4000 * strength) * SIGNS).tolist()
    (move,) = key.moves
    assert (move.strength, move.direction) == (strength, "positive" if strength > 0 else "negative")
    assert move.levels == ("true", "yes", "1")
    assert len(key.rows) == 4 * 120
    for table, measures in ((CLEAN, move.before), (data, move.after)):
        np.testing.assert_allclose(measures["joint"], joint(table) / 4000)
        assert measures["contrast"] == pytest.approx(theory.three_way_contrast(joint(table)))
        assert measures["interaction_information"] == pytest.approx(
            theory.interaction_information(joint(table))
        )
    assert (move.after["contrast"] > move.before["contrast"]) == (strength > 0)
    assert move.before["marginals"] == move.after["marginals"]
    document = json.loads(key.to_json())
    jsonschema.validate(document, load_schema())
    assert AnswerKey.from_json(key.to_json()).moves[0].features == BINARY


@pytest.mark.parametrize("mode", ["relabel", "replace", "duplicate"])
def test_rows_and_donors_are_what_the_key_says(mode: str) -> None:
    attack = TriplePoisoning(LEVELS, levels=("p", 0, 1), edits=0.04, mode=mode)
    poisoned = attack.apply(CLEAN, holdout=SPARE if mode == "replace" else None, seed=2)
    old, new = CLEAN.to_pylist(), poisoned.data.to_pylist()
    changed = tuple(row for row in range(4000) if old[row] != new[row])
    assert changed == poisoned.key.rows
    assert pair_tables(poisoned.data, LEVELS) == pair_tables(CLEAN, LEVELS)
    if mode == "relabel":
        assert poisoned.key.donors == ()
        assert poisoned.data.drop_columns(["w"]).equals(CLEAN.drop_columns(["w"]))
        assert all(new[row]["w"] is not None for row in changed)
    else:
        giver = (SPARE if mode == "replace" else CLEAN).to_pylist()
        assert [new[row] for row in changed] == [giver[row] for row in poisoned.key.donors]
        assert mode == "duplicate" or len(set(poisoned.key.donors)) == len(changed)
    missing = CLEAN["w"].null_count
    (move,) = poisoned.key.moves
    assert move.rows_missing == missing
    assert len(changed) == 4 * round(0.01 * (4000 - missing))
    assert move.strength == pytest.approx(0.01, abs=2e-4)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.sampled_from([0, 1, 2, None])] * 3, st.sampled_from("xy")), min_size=8, max_size=200
    ),
    st.booleans(),
    st.integers(0, 99),
)
def test_any_table_keeps_its_pairs_also_inside_strata(rows: list[tuple], stratified: bool, seed: int) -> None:
    table = pa.table(dict(zip("abcs", map(list, zip(*rows, strict=True)), strict=True)))
    attack = TriplePoisoning(
        BINARY, levels=(0, 1, 2), strength=0.01, strata=["s"] if stratified else [], direction="negative"
    )
    try:
        poisoned = attack.apply(table, seed=seed)
    except (InfeasibleError, InputError):
        return
    assert poisoned.key.moves[0].strength < 0
    assert pair_tables(poisoned.data, ("a", "b", "c")) == pair_tables(table, ("a", "b", "c"))
    if stratified:
        for pair in ("ab", "ac", "bc"):
            assert (
                Counter(zip(*(poisoned.data[n].to_pylist() for n in (*pair, "s")), strict=True))
                == Counter(zip(*(table[n].to_pylist() for n in (*pair, "s")), strict=True))
            )  # fmt: skip


def test_strata_keep_pairs_with_other_columns() -> None:
    plain = TriplePoisoning(BINARY, strength=0.03).apply(CLEAN, seed=0)
    strata = TriplePoisoning(BINARY, strength=0.03, strata=["u"]).apply(CLEAN, seed=0)
    assert pair_tables(plain.data, ("c", "u")) != pair_tables(CLEAN, ("c", "u"))
    assert pair_tables(strata.data, (*BINARY, "u")) == pair_tables(CLEAN, (*BINARY, "u"))
    replaced = TriplePoisoning(BINARY, strength=0.02, strata=["u"], mode="replace")
    data = replaced.apply(CLEAN, holdout=SPARE, seed=0).data
    assert pair_tables(data, (*BINARY, "u")) == pair_tables(CLEAN, (*BINARY, "u"))


@pytest.mark.parametrize("mode", ["relabel", "replace", "duplicate"])
def test_one_slice_only(mode: str) -> None:
    attack = TriplePoisoning(BINARY, strength=0.02, mode=mode, where={"site": "s"})
    poisoned = attack.apply(CLEAN, holdout=SPARE if mode == "replace" else None, seed=0)
    inside = pa.array(np.array(CLEAN["site"].to_pylist()) == "s")
    outside = pa.array(~np.asarray(inside))
    assert poisoned.data["site"].equals(CLEAN["site"])
    assert poisoned.data.filter(outside).equals(CLEAN.filter(outside))
    assert pair_tables(poisoned.data.filter(inside), BINARY) == pair_tables(CLEAN.filter(inside), BINARY)
    (move,) = poisoned.key.moves
    rows = CLEAN.filter(inside).num_rows
    assert (move.where, move.rows) == ({"site": "s"}, rows)
    assert move.strength == round(0.02 * rows) / rows


def test_erasing_leaves_the_contrast_nearest_to_zero() -> None:
    counts = joint(CLEAN)
    assert theory.three_way_contrast(counts) > 1
    poisoned = TriplePoisoning(BINARY, direction="erase").apply(CLEAN, seed=0)
    (move,) = poisoned.key.moves
    found = abs(theory.three_way_contrast(joint(poisoned.data)))
    every = range(-int(counts[SIGNS > 0].min()) + 1, int(counts[SIGNS < 0].min()))
    assert found == min(abs(theory.three_way_contrast(counts + k * SIGNS)) for k in every)
    assert move.direction == "negative"
    assert abs(move.after["interaction_information"]) < move.before["interaction_information"]


@settings(deadline=None)
@given(st.lists(st.integers(0, 60), min_size=8, max_size=8).filter(any))
def test_erasing_count_is_the_best_whole_number(cells: list[int]) -> None:
    counts = np.array(cells).reshape(2, 2, 2)
    best = erasing_count(counts)
    assert (counts + best * SIGNS >= 0).all()

    def distance(count: int) -> float:
        contrast = abs(theory.three_way_contrast(counts + count * SIGNS))
        return math.inf if math.isnan(contrast) else contrast

    every = range(-int(counts[SIGNS > 0].min()), int(counts[SIGNS < 0].min()) + 1)
    assert distance(best) == pytest.approx(min(map(distance, every)), abs=1e-9)


def test_same_seed_same_result_other_seed_another() -> None:
    attack = TriplePoisoning(BINARY, strength=0.02, mode="replace")
    first, second, third = (attack.apply(CLEAN, holdout=SPARE, seed=seed) for seed in (1, 1, 2))
    assert first.key == second.key
    assert first.data.equals(second.data)
    assert first.key.rows != third.key.rows


def test_the_ends_of_the_range_are_reached() -> None:
    low, high = theory.triple_strength_range(joint(CLEAN))
    for strength in (low, high):
        poisoned = TriplePoisoning(BINARY, strength=strength).apply(CLEAN, seed=0)
        assert joint(poisoned.data).min() == 0
        assert poisoned.key.moves[0].after["contrast"] == math.copysign(math.inf, strength)
        jsonschema.validate(json.loads(poisoned.key.to_json()), load_schema())


def test_only_what_is_needed_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq.write_table(CLEAN, tmp_path / "clean.parquet")
    read: list[tuple[str, ...]] = []
    table = Source.table
    monkeypatch.setattr(
        Source, "table", lambda self, columns=None: (read.append(columns), table(self, columns))[1]
    )
    attack = TriplePoisoning(BINARY, strength=0.02, strata=["u"], where={"site": "n"})
    plan = attack.plan(open_source(tmp_path / "clean.parquet"), None, 0)
    assert {name for columns in read for name in columns} == {*BINARY, "u", "site"}
    assert [batch.num_rows for batch in plan.output.batches(["c"], size=1500)] == [1500, 1500, 1000]


@pytest.mark.parametrize(
    ("triple", "parameters", "text"),
    [
        (("a", "b"), {"strength": 0.1}, "a triple is three column names; found ('a', 'b')"),
        ("abc", {"strength": 0.1}, "a triple is three column names; found 'abc'"),
        (
            ("a", "b", "a"),
            {"strength": 0.1},
            "the triple names column 'a' twice; give three different columns",
        ),
        (BINARY, {}, "give exactly one of strength, edits and direction='erase'; found none of them"),
        (
            BINARY,
            {"strength": 0.1, "edits": 0.2},
            "give exactly one of strength, edits and direction='erase'; found strength=0.1 and edits=0.2",
        ),
        (
            BINARY,
            {"edits": 0.1, "direction": "erase"},
            "direction='erase' sets its own strength; found edits=0.1; leave that out",
        ),
        (
            BINARY,
            {"strength": 0.3},
            "strength is a probability mass between -0.25 and 0.25, not 0; found 0.3",
        ),
        (BINARY, {"strength": 0}, "strength is a probability mass between -0.25 and 0.25, not 0; found 0"),
        (BINARY, {"edits": 1.2}, "edits is a share of the rows, above 0 and at most 1; found 1.2"),
        (
            BINARY,
            {"strength": -0.1, "direction": "positive"},
            "direction='positive' contradicts strength=-0.1; drop one of them",
        ),
        (
            BINARY,
            {"strength": 0.1, "direction": "up"},
            "unknown direction 'up'; choose from positive, negative, erase",
        ),
        (
            BINARY,
            {"strength": 0.1, "mode": "swap"},
            "unknown mode 'swap'; choose from relabel, replace, duplicate",
        ),
        (
            BINARY,
            {"strength": 0.1, "levels": (1, 0)},
            "levels name one level of each of the three columns; found (1, 0)",
        ),
        (
            BINARY,
            {"strength": 0.1, "strata": ["b"]},
            "strata are other columns than the triple, given as a list; found 'b'",
        ),
        (
            BINARY,
            {"strength": 0.1, "where": {"c": 1}},
            "where are other columns than the triple, given as a list; found 'c'",
        ),
    ],
)
def test_messages_of_wrong_parameters(triple: tuple, parameters: dict, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        TriplePoisoning(triple, **parameters)
    assert str(caught.value) == text


def refusal(
    error: type[CredenzaError], table: pa.Table = CLEAN, holdout: object = None, **given: object
) -> str:
    attack = TriplePoisoning(given.pop("triple", BINARY), **given)
    with pytest.raises(error) as caught:
        attack.apply(table, holdout=holdout, seed=0)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_messages_of_what_the_data_lacks() -> None:
    assert refusal(InputError, triple=("a", "b", "C"), strength=0.1) == (
        "the data has no column 'C'; did you mean 'c'?"
    )
    assert refusal(InputError, triple=("a", "b", "u"), strength=0.1) == (
        "column 'u' has 4 distinct values, not two; name one level of each column with levels=(..., ..., ...)"
    )
    same = CLEAN.append_column("k", pa.array(["x"] * 4000)).append_column("n", pa.nulls(4000, pa.int8()))
    assert refusal(InputError, same, triple=("a", "b", "k"), strength=0.1) == (
        "column 'k' has only the value 'x'; a triple needs three columns that vary"
    )
    assert refusal(InputError, same, triple=("a", "b", "n"), strength=0.1) == (
        "column 'n' has no value at all; a triple needs three columns that vary"
    )
    gaps = pa.table({"a": [0, 1, None], "b": [1, 0, 0], "c": [None, None, 1]})
    assert refusal(InputError, gaps, strength=0.1) == (
        "column 'c' has only the value '1'; a triple needs three columns that vary"
    )
    gaps = pa.table({"a": [0, 1, None, None], "b": [1, 0, 0, 1], "c": [None, None, 1, 0]})
    assert refusal(InfeasibleError, gaps, strength=0.1) == (
        "no row has all of 'a', 'b', 'c'; a triple needs complete rows"
    )


def test_messages_of_what_is_infeasible() -> None:
    assert refusal(InfeasibleError, strength=0.0001) == (
        "strength 0.0001 rounds to no edited row among 4,000; ask for at least 0.00025 of strength"
    )
    low, high = theory.triple_strength_range(joint(CLEAN))
    low, high = (math.trunc(end * 1e4 + math.copysign(1e-6, end)) / 1e4 for end in (low, high))
    text = refusal(InfeasibleError, edits=0.96)
    assert text.startswith(
        f"edits 0.96 (strength 0.24) is beyond what this triple allows ({low:g} to {high:g}); at most "
    )
    assert text.endswith("% of the rows can be edited in this direction")
    text = refusal(InfeasibleError, strength=-0.2, strata=["u"])
    assert text.startswith("strength -0.2 is beyond what this triple allows inside these strata (-0.1")
    lacking = CLEAN.filter(pa.array(np.asarray(joint_codes(CLEAN)) != 7))
    assert refusal(InfeasibleError, lacking, strength=0.02) == (
        "no row has a = true and b = yes and c = 1, so a positive shift has nothing to move; "
        "try direction='negative'"
    )


def joint_codes(table: pa.Table) -> list[int]:
    rows = zip(*(table[name].to_pylist() for name in BINARY), strict=True)
    return [4 * a + 2 * (b == "yes") + c for a, b, c in rows]


def test_messages_about_donors() -> None:
    assert refusal(UsageError, strength=0.02, mode="replace") == (
        "mode 'replace' draws genuine rows from a hold-out and none was given; "
        "give one, or use mode='relabel' or mode='duplicate'"
    )
    assert refusal(UsageError, strength=0.02, holdout=SPARE) == (
        "mode 'relabel' uses no hold-out and one was given; leave it out or use mode='replace'"
    )
    assert refusal(UsageError, strength=0.02, holdout=CLEAN, mode="replace") == (
        "the hold-out is the data itself; give further rows of the table, or use mode='duplicate'"
    )
    few = SPARE.slice(0, 200)
    rows = int(joint(few)[0, 0, 0])
    assert refusal(InfeasibleError, strength=0.03, holdout=few, mode="replace") == (
        f"the hold-out has {rows:,} rows with a other than true and b other than yes and c other than 1, "
        "120 are needed; give a larger hold-out, a smaller strength or mode='relabel'"
    )
    levels = pa.table({"a": [1, 1, 0, 0] * 9, "b": [1, 0, 1, 0] * 9, "c": ["m", "n", "n", "m"] * 9})
    other = pa.table({"a": [1, 1, 0, 0] * 9, "b": [1, 0, 1, 0] * 9, "c": ["k", "m", "m", "k"] * 9})
    text = refusal(InfeasibleError, levels, holdout=other, levels=(1, 1, "m"), strength=0.2, mode="replace")
    assert text == (
        "the hold-out allows 0 of the 7 replacements needed in each cell, because donors with the same "
        "levels (and strata) run out; give a larger hold-out, a smaller strength or mode='relabel'"
    )
    assert refusal(InfeasibleError, levels, levels=(1, 1, "m"), strength=0.2, mode="duplicate") == (
        "the data has 0 rows with a other than 1 and b other than 1 and c other than m, 7 are needed; "
        "give a larger hold-out, a smaller strength or mode='relabel'"
    )
    assert refusal(InputError, strength=0.02, holdout=SPARE.drop_columns(["id"]), mode="replace") == (
        "the hold-out lacks 'id'; it must have the same columns as the data"
    )
