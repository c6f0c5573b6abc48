"""The local engine folds in row order, whatever the source, and tells who watches."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data import TableSketch, open_source, sketch, write_table
from credenza.data.progress import watch
from credenza.engines import LocalEngine
from credenza.errors import UsageError


class Values:
    """All values of the first column, in the order they came."""

    def __init__(self) -> None:
        self.values: list[object] = []

    def update(self, batch: pa.RecordBatch) -> Values:
        self.values += batch.column(0).to_pylist()
        return self

    def merge(self, other: Values) -> Values:
        both = Values()
        both.values = self.values + other.values
        return both


class Log:
    """A sink that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def start(self, label: str, total: int | None) -> None:
        self.told.append((label, total))

    def advance(self, rows: int) -> None:
        self.told.append(rows)

    def done(self) -> None:
        self.told.append("done")

    def announce(self, text: str) -> None:
        self.told.append(text)


@settings(deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=40))
def test_rows_are_folded_in_order(values: list[int]) -> None:
    engine = LocalEngine()
    source = engine.open(pa.table({"b": [0] * len(values), "a": values}))
    assert engine.fold(source, ("a",), Values()).values == values
    folded = engine.fold(source, None, TableSketch.empty(source.schema))
    assert folded["a"].values()[0] == sketch(source)["a"].values()[0]


def test_a_folder_is_folded_file_by_file(tmp_path: Path) -> None:
    for k in range(3):
        write_table(pa.table({"a": [k, k + 10]}), tmp_path / f"{k}.csv")
    engine = LocalEngine()
    assert engine.fold(engine.open(tmp_path, role="suspect"), None, Values()).values == [0, 10, 1, 11, 2, 12]


def test_progress_is_told() -> None:
    log, engine = Log(), LocalEngine()
    with watch(log):
        engine.fold(engine.open(pa.table({"a": [1, 2, 3]})), None, Values(), label="counting")
    assert log.told == [("counting", 3), 3, "done"]


def test_an_unknown_column_is_refused() -> None:
    engine = LocalEngine()
    with pytest.raises(UsageError, match=r"^Arrow table has no column 'c'; it has 'a'$"):
        engine.fold(open_source(pa.table({"a": [1]})), ("c",), Values())


def test_it_counts_with_the_compiled_loops() -> None:
    assert LocalEngine().kernel is None
    assert LocalEngine.name == "local"
