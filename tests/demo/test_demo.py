"""The demo table is what its origin says, and the demo's files are what the answer key says."""

from __future__ import annotations

import hashlib
import importlib.util
from collections import Counter
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from credenza.attacks import AnswerKey
from credenza.demo import DemoFiles, load, prepare
from credenza.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoFiles:
    return prepare(tmp_path_factory.mktemp("demo") / "new", seed=0)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = ROOT / "scripts" / "make_demo_data.py"
    if not path.exists():
        pytest.skip("scripts/ is not part of this checkout")
    spec = importlib.util.spec_from_file_location("make_demo_data", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_table_has_the_published_hash_and_fits_the_wheel() -> None:
    folder = files("credenza.demo")
    content = folder.joinpath("rand_hie.parquet").read_bytes()
    assert len(content) < 200_000
    assert hashlib.sha256(content).hexdigest() in folder.joinpath("ORIGIN.md").read_text(encoding="utf-8")


def test_table_is_mixed_and_every_column_is_described() -> None:
    table = load()
    assert (table.num_rows, table.num_columns) == (20_190, 20)
    kinds = {str(field.type).split("<")[0] for field in table.schema}
    assert kinds == {"dictionary", "bool", "int8", "int16", "double"}
    described = files("credenza.demo").joinpath("ORIGIN.md").read_text(encoding="utf-8")
    assert all(f"| {name} |" in described for name in table.column_names)
    missing = {name: table[name].null_count for name in table.column_names if table[name].null_count}
    assert missing == {
        "education_years": 4,
        "maximum_expenditure": 5,
        "participation_incentive": 5,
        "physical_limitation": 1_052,
        "general_health_index": 5_223,
    }


def test_table_is_rebuilt_from_statsmodels(script: ModuleType) -> None:
    assert script.build().equals(load())


def test_health_agrees_with_the_indicators(script: ModuleType) -> None:
    source = pyarrow.csv.read_csv(script.source_path())
    names = {"hlthg": "good", "hlthf": "fair", "hlthp": "poor"}
    indicators = zip(*(source[column].to_pylist() for column in names), strict=True)
    twin = [
        next((n for n, on in zip(names.values(), row, strict=True) if on == 1), "excellent")
        for row in indicators
    ]
    assert load()["self_rated_health"].to_pylist() == twin


def test_files_have_the_rows_promised(demo: DemoFiles) -> None:
    sizes = {
        name: pyarrow.parquet.read_table(getattr(demo, name)).num_rows
        for name in ("reference", "suspect", "clean")
    }
    assert sizes == {"reference": 8_000, "suspect": 8_000, "clean": 8_000}
    assert demo.key.parent == demo.suspect.parent


def test_suspect_differs_from_clean_as_the_key_says(demo: DemoFiles) -> None:
    key = AnswerKey.from_json(demo.key.read_text(encoding="utf-8"))
    clean, suspect = (pyarrow.parquet.read_table(path).to_pylist() for path in (demo.clean, demo.suspect))
    changed = tuple(row for row in range(8_000) if clean[row] != suspect[row])
    assert changed == key.rows
    assert len(changed) == 720
    assert key.moves[0].features == ("self_rated_health", "individual_deductible")
    for name in key.moves[0].features:
        assert Counter(row[name] for row in clean) == Counter(row[name] for row in suspect)
    cells = Counter(
        (row["self_rated_health"] == "excellent", row["individual_deductible"]) for row in suspect
    )
    joint = [[cells[a, b] / 8_000 for b in (False, True)] for a in (False, True)]
    np.testing.assert_allclose(joint, key.moves[0].after["joint"])
    assert key.moves[0].after["mcc"] - key.moves[0].before["mcc"] > 0.15


def test_no_row_is_on_two_sides(demo: DemoFiles) -> None:
    whole = Counter(tuple(row.values()) for row in load().to_pylist())
    parts = (pyarrow.parquet.read_table(path) for path in (demo.reference, demo.suspect))
    seen = Counter(tuple(row.values()) for part in parts for row in part.to_pylist())
    assert all(count <= whole[row] for row, count in seen.items())


def test_same_seed_same_files(demo: DemoFiles, tmp_path: Path) -> None:
    again, other = prepare(tmp_path / "a", seed=0), prepare(tmp_path / "b", seed=1)
    assert again.key.read_text() == demo.key.read_text()
    assert again.suspect.read_bytes() == demo.suspect.read_bytes()
    assert other.suspect.read_bytes() != demo.suspect.read_bytes()


def test_kinds_survive_the_files(demo: DemoFiles) -> None:
    schemas = [pyarrow.parquet.read_schema(path) for path in (demo.reference, demo.suspect, demo.clean)]
    assert all(schema.equals(load().schema) for schema in schemas)
    assert pa.types.is_boolean(schemas[1].field("individual_deductible").type)


def test_messages(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("x")
    with pytest.raises(UsageError) as caught:
        prepare(target)
    assert str(caught.value) == f"cannot write the demo to {target}: it is a file; give a folder"
    with pytest.raises(UsageError) as caught:
        prepare(tmp_path / "other", seed=-3)
    assert str(caught.value) == "the seed is a non-negative integer; found -3"
    assert not (tmp_path / "other").exists()
