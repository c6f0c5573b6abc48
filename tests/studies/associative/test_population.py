from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from studies.associative.worlds import attribute_rows

from credenza.errors import InputError
from credenza.studies.associative.conditions import COLOURS, PAIR
from credenza.studies.associative.population import ROW, population, split, without


def test_parts_are_disjoint_and_depend_on_the_seed() -> None:
    whole = population(attribute_rows(100), rows=100, seed=0)
    parts, again, other = (split(whole, 50, 20, 30, seed=seed) for seed in (1, 1, 2))
    rows = [part[ROW].to_pylist() for part in (parts.train, parts.holdout, parts.reference)]
    assert [len(part) for part in rows] == [50, 20, 30]
    assert sorted(number for part in rows for number in part) == list(range(100))
    assert again == parts
    assert other.train != parts.train


def test_a_reference_takes_what_there_is() -> None:
    assert len(population(None, rows=60, most=90, seed=0).rows) == 90
    whole = population(attribute_rows(100), rows=60, most=90, seed=0)
    assert len(split(whole, 50, 20, 25, seed=1).reference) == 25
    assert len(split(whole, 50, 20, 90, seed=1).reference) == 30


@pytest.mark.parametrize("kind", ["bool", "zero-one", "signs", "float"])
def test_two_values_are_read_as_flags(kind: str) -> None:
    flags = attribute_rows(60)
    spelt = {
        "bool": lambda x: x,
        "zero-one": lambda x: x.astype(int),
        "signs": lambda x: 2 * x.astype(int) - 1,
        "float": lambda x: x.astype(float),
    }[kind]
    columns: dict[str, Any] = {name: spelt(np.array(flags[name])) for name in flags.column_names}
    table = pa.table({"image_id": [f"{k}.jpg" for k in range(60)], "age": range(60), **columns})
    whole = population(table, rows=60, seed=0)
    assert whole.attributes == tuple(flags.column_names)
    assert whole.colours == COLOURS
    assert without(whole.rows, [ROW, *COLOURS]).to_pydict() == flags.to_pydict()


def test_colours_of_the_data_are_kept() -> None:
    tones = np.linspace(0, 1, 40)
    table = attribute_rows(40).append_column(COLOURS[0], pa.array(tones))
    whole = population(table, rows=40, seed=0)
    assert whole.rows[COLOURS[0]].to_pylist() == tones.tolist()
    assert 0 < whole.rows[COLOURS[1]].to_numpy().std() < 0.5


def test_without_data_faces_are_drawn() -> None:
    whole = population(None, rows=200, seed=5)
    assert set(PAIR) <= set(whole.attributes)
    assert whole.source == "procedural"
    assert (
        whole.digest == population(None, rows=200, seed=5).digest != population(None, rows=200, seed=6).digest
    )


def test_rows_of_celebas_own_list(tmp_path: Path) -> None:
    flags = attribute_rows(30)
    lines = ["30", " ".join(flags.column_names)]
    for number, row in enumerate(flags.to_pylist()):
        lines.append(" ".join([f"{number:06}.jpg", *("1" if value else "-1" for value in row.values())]))
    (tmp_path / "Anno").mkdir()
    (tmp_path / "Anno" / "list_attr_celeba.txt").write_text("\n".join(lines))
    whole = population(tmp_path, rows=30, seed=0)
    assert whole.source == tmp_path.name
    assert without(whole.rows, [ROW, *COLOURS]) == flags
    assert whole.digest == population(str(tmp_path), rows=30, seed=1).digest


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table({"a": [True, False]}), "has 1 binary columns; the study needs attributes, two or more"),
        (
            pa.table({"a": [True, False], "b": [True, True]}),
            "the attribute 'b' of Arrow table has one value only; leave it out",
        ),
        (pa.table({"a": [True, False], "b": [1, 0]}), "has 2 rows; the scale takes 9: choose a smaller one"),
    ],
)
def test_tables_without_attributes_are_refused(table: pa.Table, message: str) -> None:
    with pytest.raises(InputError) as caught:
        population(table, rows=9 if "scale" in message else 2, seed=0)
    assert message in str(caught.value)


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        population(tmp_path, rows=2, seed=0)
