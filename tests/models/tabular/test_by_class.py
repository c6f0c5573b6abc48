"""One generator a class: what depends on the class is kept, rare values are pooled, what cannot be is one line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixed_tables import associations, binary_table, mixed_table

from credenza.errors import InputError, UsageError
from credenza.models.tabular import ByClass, ChowLiu, GaussianCopula, PrivateChowLiu
from credenza.models.tabular.base import TableGenerator
from credenza.models.tabular.by_class import classes_of, pooled_levels

GENERATORS = [ChowLiu(), GaussianCopula()]


def opposed(rows: int = 3_000) -> pa.Table:
    """Two features that go together in one class and against each other in the other: no pair shows it."""
    rng = np.random.default_rng(0)
    a, kind = rng.random((2, rows)) < 0.5
    b = np.where(rng.random(rows) < 0.9, a ^ kind, ~a ^ kind)
    return pa.table({"a": a, "b": b, "kind": np.where(kind, "one", "other")})


@pytest.mark.parametrize("generator", GENERATORS)
def test_each_class_keeps_its_own_association(generator: TableGenerator) -> None:
    made = ByClass(generator, "kind").fit(opposed(), seed=0).sample(5_000, seed=1)
    alike, kind = (np.asarray(x) for x in (np.equal(made["a"], made["b"]), made["kind"]))
    assert abs(alike[kind == "one"].mean() - 0.1) < 0.03
    assert abs(alike[kind == "other"].mean() - 0.9) < 0.03
    whole = type(generator)().fit(opposed(), seed=0).sample(5_000, seed=1)
    assert abs(np.equal(whole["a"], whole["b"]).mean() - 0.5) < 0.05


@pytest.mark.parametrize("generator", GENERATORS)
def test_mixed_types_come_back_as_they_were(generator: TableGenerator) -> None:
    table = mixed_table(600)
    made = ByClass(generator, "class").fit(table, seed=0).sample(500, seed=3)
    assert made.schema.equals(table.schema)
    shares = [Counter(t["class"].to_pylist())["mid"] / t.num_rows for t in (made, table)]
    assert abs(shares[0] - shares[1]) < 0.08


def test_pairs_with_the_class_are_kept_where_a_tree_loses_them() -> None:
    table = binary_table(4_000)
    wanted = associations(table, table)
    errors = [
        np.abs(associations(model.fit(table, seed=0).sample(20_000, seed=1), table) - wanted)[:5].max()
        for model in (ByClass(ChowLiu(), "c0"), ChowLiu())
    ]
    assert errors[0] < 0.03


def test_the_seed_decides_and_rows_are_shuffled() -> None:
    model = ByClass(ChowLiu(), "kind").fit(opposed(), seed=0)
    first, again, other = (model.sample(200, seed=seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)
    assert 0 < first["kind"].to_pylist()[:100].count("one") < 100
    assert model.sample(1, seed=0).num_rows == 1


@pytest.mark.parametrize("generator", GENERATORS)
def test_it_is_saved_and_loaded(generator: TableGenerator, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    model = ByClass(generator, "class", min_rows=20).fit(mixed_table(400), seed=0)
    model.save(tmp_path / "m")
    loaded = ByClass.load(tmp_path / "m")
    assert loaded.sample(50, seed=4).equals(model.sample(50, seed=4))
    assert (loaded.column, loaded.min_rows, loaded.parts) == ("class", 20, model.parts)


def test_a_model_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"^the parts are of kind 'later'; known are chow-liu, copula, tabddpm: up"
    ):
        ByClass._of_contents({"generator": "later", "parts": []}, {})


def test_the_diffusion_model_is_fitted_by_class(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from credenza.models.tabular import TabularDiffusion

    small = TabularDiffusion(steps=5, batch=16, width=8, depth=1, device="cpu")
    model = ByClass(small, "kind").fit(opposed(300), seed=0, folder=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["part0", "part1"]
    assert model.sample(30, seed=0).column_names == ["a", "b", "kind"]


def test_rare_values_share_a_part_and_are_told() -> None:
    kinds = ["big"] * 300 + ["rare"] * 20 + [None] * 10 + ["middle"] * 80
    table = pa.table({"x": np.arange(410) % 7, "kind": kinds})
    model = ByClass(ChowLiu(), "kind").fit(table, seed=0)
    assert model.parts == 2
    assert sorted(model.pooled) == ["(missing)", "middle", "rare"]
    assert model.note.startswith(
        "3 values of 'kind' share one generator, the rare ones having fewer than 50 rows: "
    )
    counts = Counter(model.sample(4_100, seed=0)["kind"].to_pylist())
    assert set(counts) == {"big", "rare", None, "middle"}
    assert abs(counts["rare"] - 200) < 60
    assert ByClass(ChowLiu(), "kind", min_rows=10).fit(table, seed=0).note == ""


@given(st.lists(st.integers(1, 200), min_size=1, max_size=12), st.integers(2, 80))
@settings(max_examples=60, deadline=None)
def test_every_level_lies_in_one_group_of_enough_rows(counts: list[int], least: int) -> None:
    groups = pooled_levels(np.array(counts), least)
    assert sorted(place for group in groups for place in group.tolist()) == list(range(len(counts)))
    sums = [int(np.array(counts)[group].sum()) for group in groups]
    assert len(groups) == 1 or min(sums) >= least
    assert sum(len(group) > 1 for group in groups) <= 1


@pytest.mark.parametrize(
    "values", [[1, 2, 1], [True, None, False], ["x", None, "x"], [1.5, float("nan"), None]]
)
def test_classes_are_the_values_missing_ones_too(values: list[object]) -> None:
    places, names = classes_of(pa.table({"c": values}), "c")
    assert [names[place] for place in places] == ["(missing)" if v is None else str(v) for v in values]


def test_what_cannot_be_fitted_by_class_is_one_line() -> None:
    table = pa.table({"id": [f"n{k}" for k in range(120)], "deep": [[1]] * 120, "one": ["x"] * 120})
    known = "id, deep, one"
    cases = {
        "none": rf"^there is no column 'none' to fit by; the columns are {known}$",
        "deep": r"^column 'deep' is list<item: int64>, which has no classes; name another to fit by$",
        "id": r"^column 'id' does not have two values of 50 rows or more each; give a column of classes, or ",
        "one": r"^column 'one' does not have two values of 50 rows",
    }
    for column, message in cases.items():
        with pytest.raises(InputError, match=message):
            ByClass(ChowLiu(), column).fit(table, seed=0)
    names = pa.table({"who": [f"n{k}" for k in range(120)], "kind": ["a", "b"] * 60})
    with pytest.raises(InputError, match=r"^where 'kind' is '[ab]': column 'who' cannot be generated"):
        ByClass(ChowLiu(), "kind").fit(names, seed=0)


def test_what_no_parts_can_be_made_of_is_one_line() -> None:
    with pytest.raises(
        UsageError, match=r"^a private generator is not fitted by class; leave out the epsilon, "
    ):
        ByClass(PrivateChowLiu(epsilon=1.0), "c")
    with pytest.raises(
        UsageError, match=r"^a generator of tables is needed for each class; found a ByClass$"
    ):
        ByClass(ByClass(ChowLiu(), "c"), "d")  # type: ignore[arg-type]
    for bad in (1, 2.5, True):
        with pytest.raises(UsageError, match=r"^min_rows is a whole number, 2 or more; found "):
            ByClass(ChowLiu(), "c", min_rows=bad)  # type: ignore[arg-type]
    with pytest.raises(
        UsageError, match=r"^this by-class model cannot sample before it is fitted; call fit first$"
    ):
        ByClass(ChowLiu(), "c").sample(1, seed=0)
