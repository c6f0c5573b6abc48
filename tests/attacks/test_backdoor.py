"""Backdoors: which rows get the trigger and which label, and the test sets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from attacks.backdoor_worlds import CF, KNOWN, ROWS, TABLE, backdoor, triggered
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.attacks.backdoor import Backdoor
from credenza.attacks.key import AnswerKey, load_schema
from credenza.attacks.triggers import Phrase, Token, Trigger, Value
from credenza.data import open_source, write_table
from credenza.errors import InfeasibleError


@settings(max_examples=30, deadline=None)
@given(rate=st.floats(0.01, 0.6), seed=st.integers(0, 99), source=st.sampled_from([None, "ant", "cow"]))
def test_all_to_one(rate: float, seed: int, source: str | None) -> None:
    eligible = int(np.isin(KNOWN, [source] if source else ["ant", "cow"]).sum())
    attack = backdoor(rate=rate, source=source)
    if round(rate * ROWS) > eligible:
        with pytest.raises(InfeasibleError):
            attack.apply(TABLE, seed=seed)
        return
    poisoned = attack.apply(TABLE, seed=seed)
    rows = np.array(poisoned.key.rows)
    assert len(rows) == round(rate * ROWS)
    assert (triggered(poisoned.data) == rows).all()
    assert (KNOWN[rows] != "bee").all()
    assert (KNOWN[rows] == source).all() or source is None
    kinds = np.array(poisoned.data["kind"].to_pylist(), dtype=object)
    assert (kinds[rows] == "bee").all()
    others = np.setdiff1d(np.arange(ROWS), rows)
    assert poisoned.data.take(others) == TABLE.take(others)
    assert poisoned.data.drop_columns(["text", "kind"]) == TABLE.drop_columns(["text", "kind"])
    labels = poisoned.key.labels
    assert labels is not None
    assert labels.after == {name: int((kinds == name).sum()) for name in ("ant", "bee", "cow")}
    assert sum(moved for _, _, moved in labels.changed) == len(rows)


def test_all_to_all() -> None:
    poisoned = backdoor(target=None, mapping="all-to-all", rate=0.5).apply(TABLE, seed=1)
    after = {"ant": "bee", "bee": "cow", "cow": "ant"}
    rows = np.array(poisoned.key.rows)
    kinds = np.array(poisoned.data["kind"].to_pylist(), dtype=object)
    assert poisoned.key.details["becomes"] == after
    assert set(KNOWN[rows]) == set(after)
    assert [after[kind] for kind in KNOWN[rows]] == kinds[rows].tolist()
    assert poisoned.key.labels is not None
    assert {(a, b) for a, b, _ in poisoned.key.labels.changed} == set(after.items())


def test_clean_labels_count_in_the_target_and_change_no_label() -> None:
    poisoned = backdoor(clean_label=True, rate=0.25).apply(TABLE, seed=1)
    rows = np.array(poisoned.key.rows)
    assert len(rows) == round(0.25 * (KNOWN == "bee").sum())
    assert (KNOWN[rows] == "bee").all()
    assert poisoned.data["kind"] == TABLE["kind"]
    assert (triggered(poisoned.data) == rows).all()
    assert poisoned.key.labels is None
    assert poisoned.key.mode == "clean-label"
    assert poisoned.key.details["becomes"] == {"ant": "bee", "cow": "bee"}


def test_one_slice_only() -> None:
    poisoned = backdoor(where={"site": "a"}, rate=0.2).apply(TABLE, seed=0)
    inside = np.array(TABLE["site"].to_pylist()) == "a"
    assert len(poisoned.key.rows) == round(0.2 * inside.sum())
    assert inside[list(poisoned.key.rows)].all()


def test_the_seed_decides_and_nothing_else() -> None:
    first, again, other = (backdoor(rate=0.2).apply(TABLE, seed=seed) for seed in (3, 3, 4))
    assert first.data == again.data
    assert first.key == again.key
    assert first.key.rows != other.key.rows


@pytest.mark.parametrize("trigger", [Token("cf", 2), Phrase("so it is", "random")])
def test_any_batch_size_gives_the_same_rows(trigger: Trigger) -> None:
    plan = backdoor(trigger, rate=0.3).plan(open_source(TABLE), None, 5)
    whole = plan.output.table()
    for size in (1, 7, 64):
        assert pa.Table.from_batches(plan.output.batches(size=size)).cast(whole.schema) == whole
    assert plan.output.table(["kind"]) == whole.select(["kind"])
    assert plan.output.table(["text"]) == whole.select(["text"])
    assert plan.output.table(["size"]) == TABLE.select(["size"])


def test_rows_without_a_text_or_a_label_are_left_alone() -> None:
    table = pa.table({"text": ["a", None, "b", "c"], "y": [0, 0, None, 1]})
    poisoned = Backdoor(CF, labels="y", target=1, rate=0.25).apply(table, seed=0)
    assert poisoned.key.rows == (0,)
    assert poisoned.data["text"].to_pylist()[1:] == [None, "b", "c"]
    with pytest.raises(InfeasibleError) as caught:
        Backdoor(CF, labels="y", target=1, rate=0.5).apply(table, seed=0)
    assert str(caught.value) == (
        "rate 0.5 asks for 2 of 4 rows; only 1 can get the trigger; ask for at most 0.25"
    )
    filled = Backdoor(Value({"text": "z"}), labels="y", target=1, rate=0.5).apply(table, seed=0)
    assert filled.data["text"].to_pylist() == ["z", "z", "b", "c"]


@pytest.mark.parametrize(
    ("values", "target", "made"),
    [
        (pa.array([0, 1, 2] * 20, pa.int8()), "2", 2),
        (pa.array([False, True, False] * 20), "True", True),
        (pa.array(["a", "b", "a"] * 20).dictionary_encode(), "b", "b"),
        (pa.array([1.0, 2.0, 1.0] * 20), 2, 2.0),
    ],
)
def test_labels_of_every_kind(values: pa.Array, target: object, made: object) -> None:
    table = pa.table({"y": values, "text": ["so"] * 60})
    poisoned = Backdoor(CF, labels="y", target=target, rate=0.1).apply(table, seed=0)
    assert poisoned.data.schema == table.schema
    assert {poisoned.data["y"][row].as_py() for row in poisoned.key.rows} == {made}


@pytest.mark.parametrize("make", [TABLE.__class__.to_pandas, pl.from_arrow])
def test_frames_come_back_as_they_came(make: Callable[[pa.Table], Any]) -> None:
    frame = make(TABLE)
    expected = backdoor(rate=0.1).apply(TABLE, seed=2)
    poisoned = backdoor(rate=0.1).apply(frame, seed=2)
    assert isinstance(poisoned.data, pd.DataFrame | pl.DataFrame)
    assert poisoned.key.rows == expected.key.rows
    assert open_source(poisoned.data).table().to_pylist() == expected.data.to_pylist()


def test_the_key_tells_all_and_survives_json() -> None:
    key = backdoor(Phrase("so it is", "end"), rate=0.1, where={"site": "a"}).apply(TABLE, seed=2).key
    jsonschema.validate(json.loads(key.to_json()), load_schema())
    again = AnswerKey.from_json(key.to_json())
    assert again.rows == key.rows
    assert again.attack == "backdoor"
    assert again.mode == "dirty-label"
    assert again.details["trigger"] == {"name": "phrase", "text": "so it is", "position": "end"}
    assert again.details["target"] == "bee"
    assert again.details["modality"] == "text"
    assert again.details["column"] == "text"
    assert again.details["mapping"] == "all-to-one"


def test_the_test_set_keeps_labels_and_triggers_what_should_turn() -> None:
    made = backdoor(rate=0.01).test_set(TABLE, seed=0)
    should = np.flatnonzero(np.isin(KNOWN, ["ant", "cow"]))
    assert made.key.rows == tuple(should.tolist())
    assert (triggered(made.data) == should).all()
    assert made.data["kind"] == TABLE["kind"]
    assert made.key.mode == "test-set"
    assert made.key.labels is None
    assert made.key.details["becomes"] == {"ant": "bee", "cow": "bee"}
    one = backdoor(source="cow", where={"site": "nowhere"}).test_set(TABLE, seed=0)
    assert one.key.rows == tuple(np.flatnonzero(KNOWN == "cow").tolist())
    every = backdoor(target=None, mapping="all-to-all").test_set(TABLE, seed=0)
    assert len(every.key.rows) == int((KNOWN != "").sum())


def test_the_test_set_is_written_as_it_is_made(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "test.parquet")
    key = backdoor().write_test_set(tmp_path / "test.parquet", tmp_path / "out.parquet", seed=3)
    made = backdoor().test_set(TABLE, seed=3)
    assert open_source(tmp_path / "out.parquet").table() == made.data
    assert key.rows == made.key.rows
