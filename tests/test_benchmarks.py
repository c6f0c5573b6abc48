"""What the speed benchmarks rest on: the tables are what they say, and processes are measured right."""

from __future__ import annotations

import doctest
import os
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow.parquet as pq
import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="benchmarks are for Unix")


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def packed(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = load("packed", monkeypatch)
    monkeypatch.setattr(module, "BATCH", 1 << 10)
    return module


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return load("measure", monkeypatch)


def test_a_folder_holds_the_table_whatever_the_files(packed: ModuleType, tmp_path: Path) -> None:
    whole = packed.table(5_000, 23, seed=4)
    assert whole.shape == (5_000, 23)
    for files in (1, 2, 9):
        folder = packed.write_folder(tmp_path / str(files), 5_000, 23, seed=4, files=files)
        assert len(list(folder.iterdir())) == min(files, 5)
        assert pq.read_table(folder).equals(whole)
    assert pq.read_table(packed.write(tmp_path / "one.parquet", 5_000, 23, seed=4)).equals(whole)
    assert not packed.table(5_000, 23, seed=5).equals(whole)


def test_the_world_is_as_described(packed: ModuleType) -> None:
    for linked in (False, True):
        bits = packed.floats(packed.table(200_000, 30, seed=1, linked=linked)).astype(bool)
        wanted = np.array([(1 / 2, 3 / 8, 5 / 8)[0 if j % 10 == 0 else j % 3] for j in range(30)])
        assert np.abs(bits.mean(axis=1) - wanted).max() < 0.006
        assert abs(np.mean(bits[0] == bits[3]) - 3 / 4) < 0.006
        strength = np.mean(bits[0] & bits[10]) - bits[0].mean() * bits[10].mean()
        assert abs(strength - (packed.STRENGTH if linked else 0.0)) < 0.004
        assert abs(np.mean(bits[0] & bits[20]) - 1 / 4) < 0.004


def test_a_child_is_measured_without_its_parent(measure: ModuleType) -> None:
    held = np.ones(30_000_000)
    done = measure.child([sys.executable, "-S", "-c", "print('said'); raise SystemExit(3)"], allowed=(3,))
    assert done.status == 3
    assert done.output.strip() == "said"
    assert 0 < done.cpu < 60
    assert 1 << 20 < done.peak < held.nbytes


def test_a_child_that_fails_is_one_line(measure: ModuleType) -> None:
    with pytest.raises(measure.BenchmarkError, match=r"ended with status 1: .*ValueError: broken$"):
        measure.child([sys.executable, "-S", "-c", "raise ValueError('broken')"])


def test_an_exponent_has_a_standard_error(measure: ModuleType) -> None:
    sizes = np.array([1.0, 2.0, 4.0, 8.0])
    fit = measure.power(sizes, 3 * sizes**1.5 * np.array([1.1, 0.9, 1.0, 1.0]))
    assert abs(fit.exponent - 1.5) < 2 * fit.error
    assert 0.01 < fit.error < 0.1
    assert str(measure.power(sizes, sizes**2)) == "2.00 ± 0.00"


def test_examples_run(measure: ModuleType) -> None:
    assert doctest.testmod(measure).failed == 0
