from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from credenza.data import encode, open_source, write_table
from credenza.data.write_output import write_output
from credenza.errors import InfeasibleError, UsageError
from credenza.repair.case import Case
from credenza.repair.reweight import Reweight
from tests.repair.weight_worlds import case_of, mixed, moved


def test_rows_stay_and_get_a_weight() -> None:
    table = mixed()
    case = case_of(table, ("plan", "urban"))
    treated = Reweight().treat(case, None, seed=0)
    out = treated.output.table()
    assert out.column_names == [*table.column_names, "weight"]
    assert out.drop_columns(["weight"]).equals(table)
    assert treated.weights is not None
    weights = np.concatenate(list(treated.weights()))
    np.testing.assert_array_equal(out["weight"].to_numpy(), weights)
    assert weights.mean() == pytest.approx(1.0, abs=1e-9)
    (cure,) = case.cures
    cells = np.zeros(cure.wanted.shape)
    codes = encode(table, case.schema)
    np.add.at(cells, tuple(codes[:, f] for f in cure.features), weights)
    np.testing.assert_allclose(cells, cure.wanted, atol=1e-5)


def test_what_is_told() -> None:
    treated = Reweight().treat(case_of(moved(), ("f0", "f1")), None, seed=0)
    summary = treated.summary
    assert summary["edits"] == 0
    assert summary["rows"] == 600
    assert 300 < summary["effective_rows"] < 600
    assert summary["minimum"] > 10
    assert summary["misplaced"] < 1e-6
    assert summary["smallest_weight"] < 1 < summary["largest_weight"]
    assert treated.skipped == ()


def test_the_ledger_holds_every_weight() -> None:
    treated = Reweight().treat(case_of(moved(), ("f0", "f1")), None, seed=0)
    ledger = pa.Table.from_batches(treated.ledger())
    assert ledger["row"].to_pylist() == list(range(600))
    assert set(ledger["action"].to_pylist()) == {"weight"}
    assert set(ledger["reason"].to_pylist()) == {"f0 x f1"}
    assert set(ledger["column"].to_pylist()) == {"weight"}
    assert ledger["weight"].to_pylist() == treated.output.table()["weight"].to_pylist()
    assert pa.Table.from_batches(treated.ledger()).equals(ledger)


@pytest.mark.parametrize("columns", [["weight"], ["weight", "f3"], ["f3", "weight", "f0"], ["f2"]])
def test_columns_come_as_they_are_asked_for(columns: list[str]) -> None:
    output = Reweight().treat(case_of(moved(), ("f0", "f1")), None, seed=0).output
    parts = list(output.batches(columns, size=77))
    assert all(part.schema.names == columns for part in parts)
    assert pa.Table.from_batches(parts).equals(output.table().select(columns))


def test_another_name_and_a_cap() -> None:
    case = case_of(moved(), ("f0", "f1"))
    treated = Reweight("w", cap=2.0).treat(case, None, seed=0)
    assert treated.output.columns[-1] == "w"
    assert max(treated.output.table()["w"].to_pylist()) <= 2.0 + 1e-12
    assert pa.Table.from_batches(treated.ledger())["column"][0].as_py() == "w"


def test_a_name_that_is_taken_is_refused() -> None:
    case = case_of(moved(), ("f0", "f1"))
    with pytest.raises(
        UsageError, match=r"has a column 'f2' already; name another one for the weights \(--column\)"
    ):
        Reweight("f2").treat(case, None, seed=0)


def test_a_low_cap_is_refused_or_done_in_part() -> None:
    case = case_of(moved(), ("f0", "f1"))
    with pytest.raises(InfeasibleError, match="cannot restore 'f0' x 'f1'"):
        Reweight(cap=1.01).treat(case, None, seed=0)
    treated = Reweight(cap=1.01, partial=True).treat(case, None, seed=0)
    assert "misplaced rows stay" in treated.skipped[0]
    assert treated.summary["largest_weight"] <= 1.01 + 1e-12


def test_a_folder_of_files_is_written_with_weights(tmp_path: Path) -> None:
    table = moved()
    (tmp_path / "in").mkdir()
    for name, start, rows in (("a", 0, 250), ("b", 250, 350)):
        write_table(table.slice(start, rows), tmp_path / "in" / f"{name}.parquet")
    source = open_source(tmp_path / "in")
    case = case_of(table, ("f0", "f1"))
    treated = Reweight().treat(Case(source, case.schema, case.cures), None, seed=0)
    write_output(treated.output, tmp_path / "out", source)
    assert [pq.read_table(tmp_path / "out" / f"{name}.parquet").num_rows for name in "ab"] == [250, 350]
    assert (
        open_source(tmp_path / "out").table()["weight"].to_pylist()
        == treated.output.table()["weight"].to_pylist()
    )


def test_categories_and_text_views_pass_through() -> None:
    table = moved(100)
    table = table.append_column("cat", pa.array(["x", "y"] * 50).dictionary_encode())
    table = table.append_column("view", pa.array(["p", "q"] * 50, pa.string_view()))
    out = Reweight().treat(case_of(table, ("f0", "f1")), None, seed=0).output.table()
    assert out.drop_columns(["weight"]).equals(table)


def test_a_reading_of_a_case_without_cures_is_plain() -> None:
    table = moved(40)
    case = case_of(table)
    treated = Reweight().treat(case, None, seed=0)
    assert treated.output.table()["weight"].to_pylist() == [1.0] * 40
    assert treated.weights is not None
    assert np.concatenate(list(treated.weights())).tolist() == [1.0] * 40
