"""Flipped labels: which rows, into what, in which type, and what the key says."""

from __future__ import annotations

import datetime as dt
import doctest
import importlib.util
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.attacks.key import AnswerKey, load_schema
from credenza.attacks.labels import KINDS, LabelFlipping
from credenza.data import open_source
from credenza.errors import CredenzaError, InfeasibleError, InputError, UsageError

needs_ml = pytest.mark.skipif(
    importlib.util.find_spec("sklearn") is None,
    reason="scikit-learn is not installed: pip install 'credenza[ml]'",
)
ANIMALS = pa.table({"x": range(300), "animal": ["cat", "dog", "cow"] * 100, "site": (["a"] * 5 + ["b"]) * 50})


def moved(table: pa.Table, poisoned: pa.Table, column: str = "animal") -> list[tuple[int, Any, Any]]:
    old, new = table[column].to_pylist(), poisoned[column].to_pylist()
    return [(row, a, b) for row, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]


def test_a_share_of_the_rows_is_flipped_and_nothing_else() -> None:
    poisoned = LabelFlipping("animal", rate=0.1).apply(ANIMALS, seed=3)
    found = moved(ANIMALS, poisoned.data)
    assert [row for row, _, _ in found] == list(poisoned.key.rows)
    assert len(found) == 30
    assert poisoned.data.drop_columns(["animal"]).equals(ANIMALS.drop_columns(["animal"]))


@pytest.mark.parametrize(("kind", "rate"), [("random", 0.05), ("targeted", 0.10)])
def test_default_rates(kind: str, rate: float) -> None:
    ends = {"source": "cat", "target": "dog"} if kind == "targeted" else {}
    key = LabelFlipping("animal", kind=kind, **ends).apply(ANIMALS, seed=0).key
    assert len(key.rows) == round(rate * key.details["rows_eligible"])


def test_the_other_labels_are_equally_likely() -> None:
    table = pa.table({"y": ["a", "b", "c", "d"] * 5_000})
    key = LabelFlipping("y", rate=1.0).apply(table, seed=1).key
    sizes = [size for _, _, size in key.labels.changed]
    assert len(sizes) == 12
    assert all(abs(size - 5_000 / 3) < 5 * (5_000 * 2 / 9) ** 0.5 for size in sizes)


def test_targeted_moves_one_label_into_one_other() -> None:
    attack = LabelFlipping("animal", kind="targeted", source="cat", target="dog", rate=0.25)
    key = attack.apply(ANIMALS, seed=0).key
    assert key.labels.changed == (("cat", "dog", 25),)
    assert key.labels.before == {"cat": 100, "cow": 100, "dog": 100}
    assert key.labels.after == {"cat": 75, "cow": 100, "dog": 125}
    assert key.mode == "targeted"


def test_source_and_target_narrow_a_random_flip() -> None:
    only_from = LabelFlipping("animal", source="cat", rate=0.5).apply(ANIMALS, seed=0)
    assert {a for _, a, _ in moved(ANIMALS, only_from.data)} == {"cat"}
    assert len(only_from.key.rows) == 50
    only_to = LabelFlipping("animal", target="cat", rate=1.0).apply(ANIMALS, seed=0)
    assert set(only_to.data["animal"].to_pylist()) == {"cat"}
    assert only_to.key.details["rows_eligible"] == 200


def test_one_slice_only() -> None:
    poisoned = LabelFlipping("animal", rate=0.5, where={"site": "b"}).apply(ANIMALS, seed=0)
    sites = ANIMALS["site"].to_pylist()
    assert {sites[row] for row in poisoned.key.rows} == {"b"}
    assert len(poisoned.key.rows) == 25


def test_rows_without_a_label_are_left_alone() -> None:
    table = pa.table({"y": [1, None, 0, None] * 25})
    poisoned = LabelFlipping("y", rate=1.0).apply(table, seed=0)
    assert poisoned.data["y"].to_pylist() == [0, None, 1, None] * 25
    assert poisoned.key.details["rows_without_label"] == 50
    assert poisoned.key.labels.before == {"0": 25, "1": 25}


@pytest.mark.parametrize(
    "labels",
    [
        pa.array(["a", "b"] * 20).dictionary_encode(),
        pa.array(["a", "b"] * 20, pa.large_string()),
        pa.array(["a", "b"] * 20, pa.string_view()),
        pa.array([True, False] * 20),
        pa.array([1, 2] * 20, pa.int8()),
        pa.array([0.5, 1.0] * 20, pa.float32()),
        pa.array([dt.date(2020, 1, 1), dt.date(2021, 1, 1)] * 20),
        pa.array([7, 9] * 20, pa.uint16()).dictionary_encode(),
    ],
    ids=lambda array: str(array.type),
)
def test_labels_keep_their_type(labels: pa.Array) -> None:
    table = pa.table({"y": labels})
    poisoned = LabelFlipping("y", rate=1.0).apply(table, seed=0).data
    assert poisoned.schema == table.schema
    old = table["y"].to_pylist()
    assert poisoned["y"].to_pylist() == [old[1], old[0]] * 20


def test_labels_are_named_by_value_or_text() -> None:
    table = pa.table({"y": [True, False] * 20, "z": [0, 1] * 20})
    for column, source, target in (("y", True, "False"), ("y", "true", False), ("z", 0, "1")):
        attack = LabelFlipping(column, kind="targeted", source=source, target=target, rate=0.5)
        assert attack.apply(table, seed=0).key.labels.changed[0][2] == 10


@given(
    st.lists(st.sampled_from(["a", "b", "c", None]), min_size=4, max_size=60),
    st.floats(0.05, 1.0),
    st.integers(0, 50),
)
def test_counts_add_up(labels: list[str | None], rate: float, seed: int) -> None:
    table = pa.table({"y": pa.array([*labels, "a", "b"], pa.string())})
    labelled = len(table) - table["y"].null_count
    if round(rate * labelled) == 0:
        return
    poisoned = LabelFlipping("y", rate=rate).apply(table, seed=seed)
    key = poisoned.key
    found = moved(table, poisoned.data, "y")
    assert [row for row, _, _ in found] == list(key.rows)
    assert sum(size for _, _, size in key.labels.changed) == len(found)
    new = poisoned.data["y"].to_pylist()
    assert key.labels.after == {label: new.count(label) for label in key.labels.before}


def test_the_same_seed_gives_the_same_flips_in_batches_of_a_file(tmp_path: Path) -> None:
    pq.write_table(ANIMALS, tmp_path / "in.parquet", row_group_size=70)
    attack = LabelFlipping("animal", rate=0.2)
    plan = attack.plan(open_source(tmp_path / "in.parquet"), None, 5)
    poisoned = attack.apply(ANIMALS, seed=5)
    assert pa.Table.from_batches(plan.output.batches(size=50)).equals(poisoned.data)
    assert tuple(plan.rows) == poisoned.key.rows
    assert attack.apply(ANIMALS, seed=6).key.rows != poisoned.key.rows
    key = attack.write(tmp_path / "in.parquet", tmp_path / "out.parquet", seed=5)
    assert pq.read_table(tmp_path / "out.parquet").equals(poisoned.data)
    assert key.rows == poisoned.key.rows
    assert key.labels == poisoned.key.labels


def test_the_key_is_valid() -> None:
    key = LabelFlipping("animal", rate=0.2, where={"site": "a"}).apply(ANIMALS, seed=5).key
    jsonschema.validate(json.loads(key.to_json()), load_schema())
    assert AnswerKey.from_json(key.to_json()).labels == key.labels


@needs_ml
def test_boundary_flips_the_rows_nearest_to_it() -> None:
    x = np.linspace(-3, 3, 200)
    table = pa.table({"x": x, "y": (x > 0).astype(int), "id": [f"n{i}" for i in range(200)]})
    poisoned = LabelFlipping("y", kind="boundary", rate=0.1).apply(table, seed=0)
    assert np.abs(x[list(poisoned.key.rows)]).max() < 0.4
    margins = poisoned.key.details["margins"]
    assert margins["columns"] == ["x"]
    assert margins["left_out"] == {"id": "it names rows: 200 distinct values"}
    assert margins["smallest"] <= margins["median"] <= margins["largest"] < margins["median_of_all"]
    assert margins["accuracy"] > 0.95
    jsonschema.validate(json.loads(poisoned.key.to_json()), load_schema())


@needs_ml
def test_boundary_gives_the_runner_up_or_the_target() -> None:
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2], 100)
    x = codes * 2.0 + rng.normal(size=300) * 0.5
    table = pa.table({"y": pa.array([f"c{code}" for code in codes]), "junk": rng.normal(size=300)})
    attack = LabelFlipping("y", kind="boundary", rate=0.1, embeddings=x[:, None])
    changed = {(a, b) for a, b, _ in attack.apply(table, seed=0).key.labels.changed}
    assert not changed & {("c0", "c2"), ("c2", "c0")}
    ends = LabelFlipping("y", kind="boundary", source="c0", target="c2", rate=0.1, embeddings=x[:, None])
    key = ends.apply(table, seed=0).key
    assert key.labels.changed == (("c0", "c2", 10),)
    assert min(x[list(key.rows)]) > np.median(x[codes == 0])
    assert key.parameters["embeddings"] == "array of shape (300, 1)"


@needs_ml
@settings(max_examples=5, deadline=None)
@given(st.integers(0, 20))
def test_boundary_leaves_missing_labels_alone(seed: int) -> None:
    table = pa.table({"x": range(40), "y": pa.array([0] * 15 + [None] * 10 + [1] * 15)})
    key = LabelFlipping("y", kind="boundary", rate=0.2).apply(table, seed=seed).key
    assert not set(key.rows) & set(range(15, 25))
    assert len(key.rows) == 6


def message(error: type[CredenzaError], call: Any) -> str:
    with pytest.raises(error) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"kind": "worst"}, "unknown kind 'worst'; choose from random, targeted, boundary"),
        ({"rate": 0}, "rate is a share of the rows, above 0 and at most 1; found 0"),
        ({"rate": 1.5}, "rate is a share of the rows, above 0 and at most 1; found 1.5"),
        (
            {"kind": "targeted", "target": "dog"},
            "kind 'targeted' turns the label source into the label target; found no source",
        ),
        (
            {"kind": "targeted", "source": "dog"},
            "kind 'targeted' turns the label source into the label target; found no target",
        ),
        (
            {"source": 1, "target": "1"},
            "source and target are both '1'; give two different labels",
        ),
        (
            {"embeddings": "e.npy"},
            "kind 'random' uses no embeddings; leave them out or use kind='boundary'",
        ),
        ({"where": {}}, "where gives a value by column, such as {'contributor': 'c3'}; found {}"),
    ],
)
def test_wrong_parameters(parameters: dict[str, Any], text: str) -> None:
    assert message(UsageError, lambda: LabelFlipping("animal", **parameters)) == text


@pytest.mark.parametrize(
    ("error", "column", "parameters", "text"),
    [
        (InputError, "anmial", {}, "the data has no column 'anmial'; did you mean 'animal'?"),
        (
            InputError,
            "animal",
            {"target": "dgo"},
            "column 'animal' has no label 'dgo' to be the target; did you mean 'dog'?",
        ),
        (
            InputError,
            "animal",
            {"source": "horse"},
            "column 'animal' has no label 'horse' to be the source; there are 'cat', 'cow', 'dog'",
        ),
        (
            InfeasibleError,
            "animal",
            {"rate": 0.001},
            "rate 0.001 rounds to no row among the 300 that can be flipped; ask for at least 0.0033",
        ),
        (
            InfeasibleError,
            "half",
            {"source": "p", "where": {"site": "b"}},
            "there is no row of label 'p' where {'site': 'b'} to flip; choose others",
        ),
        (
            InputError,
            "one",
            {},
            "column 'one' has only the label '1'; an attack on labels needs two or more",
        ),
        (
            InputError,
            "none",
            {},
            "column 'none' has no label at all; an attack on labels needs two or more",
        ),
        (
            InputError,
            "name",
            {},
            "column 'name' has more than 1,000 different values, too many for labels; "
            "name the column of labels",
        ),
    ],
)
def test_wrong_data(error: type[CredenzaError], column: str, parameters: dict[str, Any], text: str) -> None:
    half = ["p" if site == "a" else "q" for site in ANIMALS["site"].to_pylist()]
    table = ANIMALS.append_column("one", pa.array([1] * 300)).append_column("half", pa.array(half))
    table = table.append_column("none", pa.nulls(300, pa.string()))
    if column == "name":
        table = pa.table({"name": [f"n{i}" for i in range(1_001)]})
    attack = LabelFlipping(column, **parameters)
    assert message(error, lambda: attack.apply(table, seed=0)) == text


def test_a_holdout_is_refused() -> None:
    text = message(UsageError, lambda: LabelFlipping("animal").apply(ANIMALS, holdout=ANIMALS, seed=0))
    assert text == "attack 'labels' uses no hold-out and one was given; leave it out"


@needs_ml
def test_embeddings_of_another_length_are_refused() -> None:
    attack = LabelFlipping("animal", kind="boundary", embeddings=np.zeros((10, 2)))
    text = message(InputError, lambda: attack.apply(ANIMALS, seed=0))
    start = "the embeddings have 10 rows and the data has 300"
    assert text == f"{start}; give one row of embeddings for each row, in the same order"


def test_the_page_runs_and_names_every_kind() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "attacks-labels.md"
    if not page.exists():
        pytest.skip("docs/ is not part of this checkout")
    result = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert result.failed == 0
    assert result.attempted > 6
    text = page.read_text(encoding="utf-8")
    assert all(f"| `{kind}` |" in text for kind in KINDS)
