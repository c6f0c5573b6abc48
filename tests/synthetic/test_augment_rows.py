from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import nearest_of_class

from credenza.errors import InfeasibleError, InputError, UsageError
from credenza.synthetic import augment_rows, augment_table
from credenza.synthetic.neighbours import Neighbours, points_of


def world(n: int = 60, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, n)
    group = rng.choice(["a", "b", "c"], n)
    return pa.table(
        {
            "x": rng.normal(size=n) + 4 * label,
            "n": pa.array(rng.integers(0, 1_000, n), pa.int32()),
            "code": pa.array(rng.integers(0, 3, n), pa.int8()),
            "group": group,
            "twin": [value.upper() for value in group],
            "rare": np.where(rng.random(n) < 0.1, rng.normal(size=n), 0.0),
            "y": label,
        }
    )


def test_rows_lie_between_their_parents() -> None:
    table = world()
    made = augment_table(table, labels="y", variations=2, seed=1).data
    rows = table.to_pylist()
    assert made.schema.names == [*table.column_names, "source", "parent", "how"]
    assert made.select(table.column_names).schema.equals(table.schema)
    for row in made.to_pylist():
        a, b = (rows[int(place)] for place in row["how"].removeprefix("between ").split(" and "))
        assert a == rows[row["parent"]]
        assert a["y"] == b["y"] == row["y"]
        assert min(a["x"], b["x"]) <= row["x"] <= max(a["x"], b["x"])
        assert min(a["n"], b["n"]) <= row["n"] <= max(a["n"], b["n"])
        taken = {name: row[name] for name in ("code", "group", "twin", "rare")}
        assert taken in [{name: parent[name] for name in taken} for parent in (a, b)]
        assert row["group"].upper() == row["twin"]


@settings(max_examples=15, deadline=None)
@given(n=st.integers(6, 40), k=st.integers(1, 6), seed=st.integers(0, 99))
def test_neighbours_are_the_nearest_of_the_class(n: int, k: int, seed: int) -> None:
    table = world(n, seed)
    classes = table["y"].to_numpy()
    points = points_of(table, ("x", "n"), "y")
    rng = np.random.default_rng(seed)
    near = Neighbours(table, ("x", "n"), "y", classes, k, rng)
    drawn = near.draw(np.arange(n), rng)
    for row, other in enumerate(drawn.tolist()):
        allowed = nearest_of_class(points, classes, row, k)
        assert (other in allowed) if allowed else other == -1


def test_large_classes_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    from credenza.synthetic import neighbours

    monkeypatch.setattr(neighbours, "POOL", 5)
    table = world()
    rng = np.random.default_rng(0)
    near = Neighbours(table, ("x",), None, np.zeros(60, np.int64), 2, rng)
    assert len(set(near.draw(np.arange(60), rng).tolist())) <= 5


def test_missing_values_and_copies() -> None:
    table = pa.table(
        {"x": [0.0, None, 2.0, 2.0, 3.5, 9.0], "s": ["a", None, "b", "b", "c", "a"], "t": [None] * 6}
    )
    made = augment_table(table, variations=4, seed=0)
    keys = {tuple(row.items()) for row in table.to_pylist()}
    rows = [tuple((name, row[name]) for name in table.column_names) for row in made.data.to_pylist()]
    assert not keys & set(rows)
    assert len(set(rows)) == len(rows)


def test_the_seed_decides_and_rows_are_spread() -> None:
    table = world()
    made = augment_table(table, labels="y", rows=70, seed=5)
    assert made.rows == 70
    assert set(np.bincount(made.data["parent"].to_numpy()).tolist()) == {1, 2}
    assert made.data.equals(augment_table(table, labels="y", rows=70, seed=5).data)
    assert not made.data.equals(augment_table(table, labels="y", rows=70, seed=6).data)


def test_labels_that_cannot_be_varied_are_told() -> None:
    table = pa.table({"x": [0.0, 1.0, 2.0, 5.0, 7.0], "y": ["a", "a", "a", None, "alone"]})
    made = augment_table(table, labels="y", variations=1)
    assert made.notes == ("left out 1 rows without a label", "left out 1 rows whose label no other row has")
    assert set(made.data["y"].to_pylist()) == {"a"}
    with pytest.raises(InfeasibleError) as error:
        augment_table(table.slice(2), labels="y")
    assert str(error.value) == "no label of 'y' has two rows; rows between two others need that"


def test_nothing_new_between(monkeypatch: pytest.MonkeyPatch) -> None:
    crowded = pa.table({"n": [*range(30), 40]})
    made = augment_table(crowded, variations=3, neighbours=1)
    assert made.rows < 93
    (note,) = made.notes
    assert note.startswith("left out ")
    assert note.endswith(" of 93 rows: nothing new lies between them and their neighbours")
    with pytest.raises(
        InfeasibleError, match=r"^no row between two others of .* differs from all that are there$"
    ):
        augment_table(pa.table({"n": range(30)}), neighbours=1)


def test_tables_without_numbers_that_vary() -> None:
    for table in (
        pa.table({"s": ["a", "b"]}),
        pa.table({"x": [1.0, 1.0, 1.0, 2.0]}),
        pa.table({"x": [1.0, float("inf"), 3.0]}),
        pa.table({"code": [0, 1, 2] * 30}),
    ):
        with pytest.raises(InfeasibleError) as error:
            augment_table(table)
        assert "has no column of numbers that vary; rows between two others need one at least" in str(
            error.value
        )


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"neighbours": 0}, UsageError, "neighbours is a whole number, 1 or more; found 0"),
        ({"labels": "z"}, UsageError, "has no column 'z'"),
        ({"labels": "list"}, InputError, "labels are text, numbers, dates or truth values"),
    ],
)
def test_what_cannot_be_asked(options: dict[str, Any], kind: type[Exception], message: str) -> None:
    table = world(6).append_column("list", pa.array([[1]] * 6))
    with pytest.raises(kind) as error:
        augment_table(table, **options)
    assert message in str(error.value)
    assert augment_rows.MOST_ALIKE == 0.5
