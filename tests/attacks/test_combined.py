"""Attacks in a row, and their dilution."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from jsonschema import Draft202012Validator

from credenza.attacks import AnswerKey, AssociativePoisoning, Combined, ContinuousPoisoning
from credenza.attacks.key import load_schema
from credenza.data import open_source
from credenza.errors import InfeasibleError, InputError, UsageError

RNG = np.random.default_rng(0)
TABLE = pa.table(
    {
        "a": RNG.integers(0, 2, 1000),
        "b": RNG.integers(0, 2, 1000),
        "x": RNG.normal(size=1000),
        "y": RNG.normal(size=1000),
    }
)
SPARE = pa.table({name: TABLE[name].take(pa.array(RNG.permutation(1000))) for name in TABLE.column_names})
PAIR = AssociativePoisoning(("a", "b"), strength=0.05, mode="relabel")
RANKS = ContinuousPoisoning(("x", "y"), edits=0.2)


def test_each_attack_works_on_what_the_one_before_left() -> None:
    whole = Combined([PAIR, RANKS]).apply(TABLE, seed=3)
    first = PAIR.apply(TABLE, seed=3)
    assert whole.key.parts[0].rows == first.key.rows
    assert whole.data.select(["a", "b"]).equals(first.data.select(["a", "b"]))
    assert whole.data["x"].equals(TABLE["x"])
    assert whole.key.moves[1].after["spearman"] > whole.key.moves[1].before["spearman"]
    assert set(whole.key.rows) == {row for part in whole.key.parts for row in part.rows}
    assert [part.attack for part in whole.key.parts] == ["associative", "continuous"]
    changed = [
        row
        for row, pair in enumerate(zip(TABLE.to_pylist(), whole.data.to_pylist(), strict=True))
        if pair[0] != pair[1]
    ]
    assert set(changed) <= set(whole.key.rows)


def test_the_key_is_valid_and_comes_back() -> None:
    key = Combined([PAIR, RANKS], dilute=SPARE, dilute_rows=250).apply(TABLE, seed=3).key
    document = json.loads(key.to_json())
    Draft202012Validator(load_schema()).validate(document)
    assert AnswerKey.from_json(key.to_json()).to_json() == key.to_json()
    assert document["parameters"]["attacks"][0]["name"] == "associative"


def test_dilution_appends_and_weakens() -> None:
    made = Combined([PAIR], dilute=SPARE, dilute_rows=250).apply(TABLE, seed=3)
    assert made.data.num_rows == made.key.rows_total == 1250
    assert made.data.slice(1000).equals(SPARE.slice(0, 250))
    assert made.key.details["appended"] == 250
    assert made.key.details["strengths"] == [pytest.approx(0.05 * 1000 / 1250)]
    assert made.key.details["share_edited"] == len(made.key.rows) / 1250
    assert made.key.details["dilution"] == open_source(SPARE).fingerprint()
    assert max(made.key.rows) < 1000


def test_the_holdout_goes_to_those_who_take_one() -> None:
    swapped = AssociativePoisoning(("a", "b"), strength=0.05)
    made = Combined([RANKS, swapped]).apply(TABLE, holdout=SPARE, seed=3)
    assert made.key.parts[1].donors
    assert made.key.hashes["holdout"] == open_source(SPARE).fingerprint()
    with pytest.raises(
        UsageError, match="attack 'combined' uses no hold-out and one was given; leave it out"
    ):
        Combined([RANKS]).apply(TABLE, holdout=SPARE, seed=3)


def test_writing_gives_what_applying_gives(tmp_path: Path) -> None:
    attack = Combined([PAIR, RANKS], dilute=SPARE)
    made = attack.apply(TABLE, seed=3)
    key = attack.write(TABLE, tmp_path / "bad.parquet", seed=3)
    assert open_source(tmp_path / "bad.parquet").table().equals(made.data)
    assert key.rows == made.key.rows
    assert key.hashes["output"] == open_source(tmp_path / "bad.parquet").fingerprint()


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: Combined([]), UsageError, "attacks is a list of one attack or more; found []"),
        (lambda: Combined(PAIR), UsageError, "attacks is a list of one attack or more; found Associative"),
        (lambda: Combined([PAIR, "x"]), UsageError, "attacks holds attacks; found 'x'"),
        (
            lambda: Combined([PAIR], dilute_rows=3),
            UsageError,
            "dilute_rows is 3; give dilute, the rows to append",
        ),
        (
            lambda: Combined([PAIR], dilute=SPARE, dilute_rows=0),
            UsageError,
            "dilute_rows is 0; give 1 or more",
        ),
        (
            lambda: Combined([PAIR], dilute=SPARE, dilute_rows=1001).apply(TABLE, seed=0),
            InfeasibleError,
            "dilute_rows is 1,001; the dilution has 1,000 rows",
        ),
        (
            lambda: Combined([PAIR], dilute=SPARE.drop_columns(["x"])).apply(TABLE, seed=0),
            InputError,
            "the dilution lacks 'x'; it must have the same columns as the data",
        ),
    ],
)
def test_refusals(call: object, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        call()  # type: ignore[operator]
    assert str(caught.value).startswith(text)
