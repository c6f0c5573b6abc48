"""Answer keys: round trip, the published schema, hashes, and the texts of refusals."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from jsonschema import Draft202012Validator, ValidationError

from credenza.attacks import ATTACKS, AnswerKey, AssociativePoisoning, ContinuousPoisoning
from credenza.attacks.key import load_schema
from credenza.data.sources import open_source
from credenza.errors import InputError

FLAT = np.repeat(np.arange(4), [300, 220, 230, 250])
TABLE = pa.table(
    {"x": FLAT // 2, "y": FLAT % 2, "z": np.linspace(0, 1, 1000), "w": np.sin(np.arange(1000.0))}
)
SPARE = TABLE.slice(0, 999)


def keys() -> list[AnswerKey]:
    pair = ("x", "y")
    return [
        AssociativePoisoning(pair, strength=0.1).apply(TABLE, holdout=SPARE, seed=1).key,
        AssociativePoisoning(pair, edits=0.1, mode="relabel", levels=(0, 1)).apply(TABLE, seed=1).key,
        AssociativePoisoning(pair, direction="erase", mode="duplicate").apply(TABLE, seed=1).key,
        ContinuousPoisoning(("z", "w"), edits=0.3).apply(TABLE, seed=1).key,
        ContinuousPoisoning(("z", "inf"), edits=0.3)
        .apply(TABLE.append_column("inf", pa.array([float("inf")] * 500 + [1.0] * 500)), seed=1)
        .key,
    ]


def test_schema_is_valid() -> None:
    Draft202012Validator.check_schema(load_schema())


@pytest.mark.parametrize("index", range(5))
def test_keys_validate_and_come_back(index: int) -> None:
    key = keys()[index]
    document = json.loads(key.to_json())
    Draft202012Validator(load_schema()).validate(document)
    assert AnswerKey.from_json(key.to_json()).to_json() == key.to_json()
    assert AnswerKey.from_json(key.to_json(indent=None)).rows == key.rows


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "credenza.key/1"},
        {"attack": "unheard of"},
        {"rows": [1, 1]},
        {"moves": [{"features": ["x", "y"]}]},
        {"labels": {"column": "y"}},
        {"hashes": {"input": "0", "holdout": None, "output": "0"}},
        {"extra": 1},
    ],
)
def test_schema_rejects_mutations(change: dict) -> None:
    document = {**json.loads(keys()[0].to_json()), **change}
    with pytest.raises(ValidationError):
        Draft202012Validator(load_schema()).validate(document)


def test_schema_names_every_attack() -> None:
    assert {attack.name for attack in ATTACKS} <= set(load_schema()["$defs"]["attack"]["enum"])


def test_hashes_are_of_input_holdout_and_output(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pyarrow.parquet.write_table(TABLE, path)
    poisoned = AssociativePoisoning(("x", "y"), strength=0.1).apply(path, holdout=SPARE, seed=1)
    assert poisoned.key.hashes == {
        "input": open_source(path).fingerprint(),
        "holdout": open_source(SPARE).fingerprint(),
        "output": open_source(poisoned.data).fingerprint(),
    }
    assert len(set(poisoned.key.hashes.values())) == 3


def test_parameters_of_any_type_become_json() -> None:
    days = pa.array([date(2024, 1, 1), date(2024, 1, 2)] * 500)
    attack = AssociativePoisoning(
        ("day", "x"), levels=(date(2024, 1, 2), np.int64(1)), strength=np.float64(0.1), mode="relabel"
    )
    key = attack.apply(TABLE.append_column("day", days), seed=np.int64(1)).key
    document = json.loads(key.to_json())
    Draft202012Validator(load_schema()).validate(document)
    assert document["parameters"]["levels"] == ["2024-01-02", 1]
    assert document["moves"][0]["levels"] == ["2024-01-02", "1"]


def test_measures_before_and_after() -> None:
    key = keys()[0]
    assert key.moves[0].before["joint"] == [[0.3, 0.22], [0.23, 0.25]]
    assert key.moves[0].after["joint"] == [[0.4, 0.12], [0.13, 0.35]]
    assert key.moves[0].before["marginals"] == key.moves[0].after["marginals"] == [0.48, 0.47]
    assert key.moves[0].after["mcc"] > key.moves[0].before["mcc"] > 0
    assert key.moves[0].after["mi"] > key.moves[0].before["mi"] > 0
    assert (key.rows_total, key.moves[0].rows_missing, key.seed) == (1000, 0, 1)
    assert key.parameters["strength"] == 0.1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not an answer key: not JSON ("),
        ("[]", "not an answer key of schema 'credenza.key/2': found None"),
        ('{"schema": "x/1"}', "not an answer key of schema 'credenza.key/2': found 'x/1'"),
        ('{"schema": "credenza.key/2"}', "the answer key lacks attack, details, donors, "),
    ],
)  # fmt: skip
def test_messages(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        AnswerKey.from_json(text)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
