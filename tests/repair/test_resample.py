from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data import encode, fit_schema, open_source, sketch, write_table
from credenza.data.write_output import write_output
from credenza.errors import InfeasibleError, UsageError
from credenza.repair import draw as draw_module
from credenza.repair.balance import balance
from credenza.repair.case import Case, Cure
from credenza.repair.draw import Draw
from credenza.repair.resample import RepeatedReader, Resample
from credenza.repair.reweight import Reweight
from tests.repair.weight_worlds import case_of, counted, cures_of, mixed, moved


def joint(table: pa.Table, case: Case, cure: Cure) -> np.ndarray:
    return counted(encode(table, case.schema), case.schema.sizes.tolist(), cure.features)


@pytest.mark.parametrize("seed", range(5))
def test_cells_are_within_a_row_and_margins_stay(seed: int) -> None:
    table = mixed()
    case = case_of(table, ("plan", "age"))
    treated = Resample().treat(case, None, seed=seed)
    out = treated.output.table()
    assert out.num_rows == table.num_rows == treated.output.rows
    (cure,) = case.cures
    cells = joint(out, case, cure)
    assert np.abs(cells - cure.wanted).max() < 1
    for axis in (0, 1):
        assert cells.sum(axis=axis).tolist() == cure.found.sum(axis=axis).tolist()
    assert treated.summary["misplaced"] == pytest.approx(np.abs(cells - cure.wanted).sum() / 2)


def test_several_cures_and_a_shared_feature() -> None:
    table = moved(3_000, 6)
    case = case_of(table, ("f0", "f1"), ("f1", "f2"), ("f3", "f4"))
    out = Resample().treat(case, None, seed=1).output.table()
    for cure in case.cures:
        cells = joint(out, case, cure)
        assert np.abs(cells - cure.wanted).max() < 1 + 1e-6
        for axis in (0, 1):
            assert cells.sum(axis=axis).tolist() == cure.found.sum(axis=axis).tolist()


def test_a_slice_is_drawn_by_itself() -> None:
    table = mixed(1200)
    case = case_of(table, ("plan", "urban"), where=("contributor", "c2"))
    treated = Resample().treat(case, None, seed=0)
    outside = pa.array([value != "c2" for value in table["contributor"].to_pylist()])
    out = treated.output.table()
    still = pa.array([value != "c2" for value in out["contributor"].to_pylist()])
    assert out.filter(still).equals(table.filter(outside))
    (cure,) = case.cures
    part = out.filter(pa.array([not value for value in still.to_pylist()]))
    assert part.num_rows == cure.found.sum()
    assert np.abs(joint(part, case, cure) - cure.wanted).max() < 1


def test_rows_stay_in_order_and_repeats_side_by_side() -> None:
    table = moved().append_column("row", pa.array(range(600)))
    source = open_source(table)
    case = case_of(moved(), ("f0", "f1"))
    rows = Resample().treat(Case(source, case.schema, case.cures), None, seed=0)
    order = rows.output.table()["row"].to_pylist()
    assert order == sorted(order)
    counts = np.bincount(order, minlength=600)
    weights = Reweight().treat(case, None, seed=0).output.table()["weight"].to_numpy()
    assert (np.abs(counts - weights) < 1 + 1e-9).all()
    assert rows.summary["dropped"] == (counts == 0).sum()
    assert rows.summary["repeated"] == (counts > 1).sum()
    assert rows.summary["effective_rows"] == pytest.approx(600**2 / (counts**2).sum())


@pytest.mark.parametrize("seed", range(3))
def test_thinning_never_repeats(seed: int) -> None:
    table = moved(2_000).append_column("row", pa.array(range(2_000)))
    schema = fit_schema(sketch(moved(2_000)))
    case = Case(open_source(table), schema, cures_of(moved(2_000), schema, ("f0", "f1")))
    treated = Resample(thin=True).treat(case, None, seed=seed)
    rows = treated.output.table()["row"].to_pylist()
    assert len(set(rows)) == len(rows) == treated.summary["rows"]
    assert len(rows) == int(2_000 / treated.summary["largest_weight"])
    assert treated.summary["repeated"] == 0
    assert treated.summary["dropped"] == 2_000 - len(rows)
    (cure,) = case.cures
    cells = joint(treated.output.table(), case, cure)
    assert np.abs(cells - cure.wanted * len(rows) / 2_000).max() < 1
    capped = Resample(thin=True, cap=1.5, partial=True).treat(case, None, seed=seed)
    assert capped.summary["rows"] >= 2_000 / 1.5 - 1


@pytest.mark.parametrize("rows", [1, 250, 600, 1500])
def test_as_many_rows_as_are_asked_for(rows: int) -> None:
    assert Resample(rows=rows).treat(case_of(moved(), ("f0", "f1")), None, seed=0).output.rows == rows


def test_thinning_to_fewer_rows() -> None:
    case = case_of(moved(), ("f0", "f1"))
    assert Resample(thin=True, rows=100).treat(case, None, seed=0).output.rows == 100
    with pytest.raises(
        UsageError, match=r"rows is 599, without repeats \d+ can be kept; give fewer, or a cap"
    ):
        Resample(thin=True, rows=599).treat(case, None, seed=0)


def test_no_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="rows is 0; give the number of rows wanted, 1 or more"):
        Resample(rows=0)


def test_an_empty_cell_is_refused() -> None:
    table = pa.table({"a": ["x", "y"] * 100, "b": ["p", "q"] * 100})
    with pytest.raises(InfeasibleError, match="cannot restore a = x and b = q: no row has it, 50 should"):
        Resample().treat(case_of(table, ("a", "b")), None, seed=0)
    treated = Resample(partial=True).treat(case_of(table, ("a", "b")), None, seed=0)
    assert treated.output.table().equals(table)
    assert len(treated.skipped) == 2


def test_the_ledger_tells_what_was_dropped_and_repeated() -> None:
    table = mixed()
    case = case_of(table, ("plan", "urban"))
    treated = Resample().treat(case, None, seed=0)
    ledger = pa.Table.from_batches(treated.ledger())
    rows = ledger["row"].to_pylist()
    assert rows == sorted(rows)
    counts = np.ones(table.num_rows, np.int64)
    for entry in ledger.to_pylist():
        if entry["action"] == "drop":
            counts[entry["row"]] = 0
            assert entry["before"] == table.slice(entry["row"], 1).to_pylist()[0]
        else:
            assert entry["action"] == "repeat"
            counts[entry["row"]] = entry["count"]
    index = np.repeat(np.arange(table.num_rows), counts)
    assert treated.output.table().equals(table.take(index))
    assert treated.summary["edits"] == len(rows) == (counts != 1).sum()


def test_periodic_rows_are_drawn_evenly() -> None:
    table = moved(4_000)
    table = table.append_column("who", pa.array([f"c{k % 4}" for k in range(4_000)]))
    case = case_of(table, ("f0", "f1"))
    who = Resample().treat(case, None, seed=0).output.table()["who"].to_pylist()
    counts = np.array([who.count(f"c{k}") for k in range(4)])
    assert np.abs(counts - 1000).max() < 60


def test_one_seed_one_sample_however_rows_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    table = moved(1_000)
    schema = fit_schema(sketch(table))
    cures = cures_of(table, schema, ("f0", "f1"))
    monkeypatch.setattr(draw_module, "BLOCK", 64)
    samples = []
    for step in (1_000, 37, 256):
        pieces = pa.Table.from_batches(table.to_batches(max_chunksize=step))
        case = Case(open_source(pieces), schema, cures)
        found = balance(case, seed=0)
        samples.append(Draw(case, found, share=1.0, most=9, seed=5).counts())
    assert np.array_equal(samples[0], samples[1])
    assert np.array_equal(samples[0], samples[2])
    assert samples[0].dtype == np.uint8
    other = Draw(case, found, share=1.0, most=9, seed=6).counts()
    assert not np.array_equal(samples[0], other)


def test_too_many_cells_are_planned_for_the_strongest_cures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw_module, "SPAN", 4)
    table = moved(4_000)
    case = case_of(table, ("f0", "f1"), ("f2", "f3"))
    out = Resample().treat(case, None, seed=0).output.table()
    first, second = (joint(out, case, cure) for cure in case.cures)
    assert np.abs(first - case.cures[0].wanted).max() < 1
    assert np.abs(second - case.cures[1].wanted).max() < 2 * np.sqrt(4_000 / 4)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.integers(1, 12))
def test_repeated_rows_are_read_in_any_batches(counts: list[int], size: int) -> None:
    table = pa.table({"a": list(range(len(counts))), "b": [str(k) for k in range(len(counts))]})
    reader = RepeatedReader(open_source(table).reader, np.array(counts, np.uint8))
    got = [row for batch in reader.scan(("b", "a"), size) for row in batch.to_pylist()]
    assert [row["a"] for row in got] == np.repeat(np.arange(len(counts)), counts).tolist()
    assert reader.rows == len(got)


def test_a_folder_of_files_keeps_its_files(tmp_path: Path) -> None:
    table = moved()
    (tmp_path / "in").mkdir()
    for name, start, rows in (("a", 0, 250), ("b", 250, 350)):
        write_table(table.slice(start, rows), tmp_path / "in" / f"{name}.parquet")
    source = open_source(tmp_path / "in")
    case = case_of(table, ("f0", "f1"))
    treated = Resample().treat(Case(source, case.schema, case.cures), None, seed=0)
    write_output(treated.output, tmp_path / "out", source)
    rows = [pq.read_table(tmp_path / "out" / f"{name}.parquet").num_rows for name in "ab"]
    assert sum(rows) == 600
    assert rows[0] != 250
    assert open_source(tmp_path / "out").table().equals(treated.output.table())


def test_categories_and_text_views_are_repeated() -> None:
    table = moved(200)
    table = table.append_column("cat", pa.array(["x", "y"] * 100).dictionary_encode())
    table = table.append_column("view", pa.array(["p", "q"] * 100, pa.string_view()))
    treated = Resample().treat(case_of(table, ("f0", "f1")), None, seed=0)
    assert treated.output.table().schema.equals(table.schema)
    assert pa.Table.from_batches(treated.ledger()).num_rows == treated.summary["edits"]


def test_a_case_without_cures_stays_as_it_is() -> None:
    table = moved(40)
    for method in (Resample(), Resample(thin=True)):
        assert method.treat(case_of(table), None, seed=0).output.table().equals(table)
