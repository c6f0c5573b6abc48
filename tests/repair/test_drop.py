"""Dropping rows by score, and saying what that cannot do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from repair.edit_worlds import case_of, people

from credenza.attacks import AssociativePoisoning
from credenza.data import open_source
from credenza.errors import InfeasibleError, InputError, UsageError
from credenza.repair.case import Case
from credenza.repair.drop import Drop, row_scores, without_rows
from credenza.repair.identity import facts_of
from credenza.repair.ledger_file import LedgerMeta, write_ledger
from credenza.repair.replay import apply_ledger, undo_ledger

PAIR = ("urban", "cough")


def poisoned(mode: str = "replace") -> tuple[Case, pa.Table, Any]:
    attack = AssociativePoisoning(PAIR, strength=0.06, mode=mode)
    found = attack.apply(people(2_000, 0), holdout=people(2_000, 2) if mode == "replace" else None, seed=0)
    told = "cough" if mode == "relabel" else None
    return case_of(found.data, people(2_000, 1), PAIR, edited=told), found.data, found.key


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 1_000), rows=st.integers(2, 300), share=st.floats(0.01, 0.9), size=st.integers(1, 100)
)
def test_a_share_takes_the_highest_scores(seed: int, rows: int, share: float, size: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 20, rows) / 4
    table = pa.table({"id": np.arange(rows), "x": rng.normal(size=rows)})
    case = Case(open_source(table), case_of(table, table).schema, ())
    count = round(share * rows)
    method = Drop(pa.table({"row": np.arange(rows), "score": scores}), share=share)
    if not 0 < count < rows:
        with pytest.raises(InfeasibleError):
            method.treat(case, None, seed=seed)
        return
    treated = method.treat(case, None, seed=seed)
    kept = treated.output.table()["id"].to_numpy()
    assert treated.output.rows == len(kept) == rows - count
    assert (np.diff(kept) > 0).all()
    assert np.delete(scores, kept).min() >= scores[kept].max() == treated.summary["highest_score_kept"]
    pieces = [batch.num_rows for batch in treated.output.batches(["x"], size=size)]
    assert sum(pieces) == rows - count
    assert max(pieces) <= size


def test_a_threshold_and_rows_in_any_order(tmp_path: Path) -> None:
    table = pa.table({"a": list("abcd")})
    pq.write_table(pa.table({"row": [3, 2, 1, 0], "score": [9.0, 0.5, 0.4, 0.3]}), tmp_path / "rows.parquet")
    case = Case(open_source(table), case_of(table, table).schema, ())
    treated = Drop(str(tmp_path / "rows.parquet"), threshold=0.5).treat(case, None, seed=0)
    assert treated.output.table()["a"].to_pylist() == ["a", "b"]
    entries = [entry for batch in treated.ledger() for entry in batch.to_pylist()]
    assert [(e["row"], e["action"], e["before"]["a"], e["reason"]) for e in entries] == [
        (2, "drop", "c", "score >= 0.5"),
        (3, "drop", "d", "score >= 0.5"),
    ]
    assert treated.summary["precision_at_most"] is None


def test_the_ledger_undoes_it(tmp_path: Path) -> None:
    case, suspect, _ = poisoned()
    treated = Drop(pa.table({"score": np.random.default_rng(0).random(2_000)}), share=0.1).treat(
        case, None, seed=0
    )
    table = treated.output.table()
    meta = LedgerMeta("drop", facts_of(open_source(suspect)), facts_of(open_source(table)))
    write_ledger(treated.ledger(), tmp_path / "ledger.parquet", meta)
    assert apply_ledger(suspect, tmp_path / "ledger.parquet").equals(table)
    assert undo_ledger(table, tmp_path / "ledger.parquet").equals(suspect)


def test_the_ceiling_is_the_surplus_of_a_cell() -> None:
    case, suspect, _ = poisoned()
    cure = case.cures[0]
    treated = Drop(pa.table({"score": np.arange(2_000)}), share=0.2).treat(case, None, seed=0)
    (pair,) = treated.summary["pairs"]
    lost = suspect.slice(1_600)
    assert pair["features"] == ["urban", "cough"]
    assert np.sum(pair["lost"]) == treated.summary["edits"] == 400
    assert [cell["cell"] for cell in pair["cells"]] == [
        "urban = False and cough = False",
        "urban = True and cough = True",
    ]
    for cell, level in zip(pair["cells"], (False, True), strict=True):
        k = int(level)
        assert cell["rows"] == cure.found[k, k]
        assert cell["ceiling"] == pytest.approx((cure.found[k, k] - cure.wanted[k, k]) / cure.found[k, k])
        both = [a is level and b is level for a, b in zip(*(lost[n].to_pylist() for n in PAIR), strict=True)]
        assert cell["lost"] == sum(both) == pair["lost"][k][k]
    expected = sum(cell["lost"] * cell["ceiling"] for cell in pair["cells"]) / 400
    assert treated.summary["precision_at_most"] == pytest.approx(expected)


def test_no_score_beats_the_ceiling_where_rows_are_genuine() -> None:
    case, suspect, key = poisoned()
    codes = np.array(
        [1.0 if a and b else 0.0 for a, b in zip(*(suspect[n].to_pylist() for n in PAIR), strict=True)]
    )
    treated = Drop(pa.table({"score": codes}), threshold=1.0).treat(case, None, seed=0)
    dropped = [r for batch in treated.ledger() for r in batch["row"].to_pylist()]
    hits = np.isin(dropped, key.rows).mean()
    assert abs(hits - treated.summary["precision_at_most"]) < 0.06


def test_edited_values_leave_a_trace() -> None:
    case, _, _ = poisoned("relabel")
    treated = Drop(pa.table({"score": np.arange(2_000)}), share=0.2).treat(case, None, seed=0)
    assert {cell["ceiling"] for cell in treated.summary["pairs"][0]["cells"]} == {1.0}


def test_files_of_a_folder_keep_what_is_left(tmp_path: Path) -> None:
    for name, start in (("a", 0), ("b", 3), ("c", 6)):
        pq.write_table(pa.table({"x": np.arange(start, start + 3)}), tmp_path / f"{name}.parquet")
    left = without_rows(open_source(tmp_path), np.array([1, 3, 4, 5]))
    assert left.shards == (("a.parquet", 2), ("c.parquet", 3))
    assert left.table()["x"].to_pylist() == [0, 2, 6, 7, 8]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "dropping takes a threshold or a share; found none of them: give one"),
        (
            {"threshold": 1.0, "share": 0.1},
            "dropping takes a threshold or a share; found threshold and share: give one",
        ),
        ({"share": 1.0}, "share is a part of the rows, above 0 and below 1; found 1.0"),
        ({"threshold": float("nan")}, "threshold is a number; found nan"),
    ],
)
def test_wrong_calls(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        Drop(None, **options)


def test_a_hold_out_is_of_no_use() -> None:
    table = people(10, 0)
    message = "dropping takes no hold-out and one was given; leave it out, or use reverse"
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        Drop(table, share=0.5).treat(case_of(table, table), open_source(table), seed=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"threshold": 7.5},
            "no row has a score of 7.5 or more (the highest is 3); give a lower threshold, or a share",
        ),
        ({"threshold": 0.0}, "all 4 rows would be dropped; give a higher threshold or a smaller share"),
        ({"share": 0.1}, "a share of 0.1 rounds to no row among 4; give at least 0.25"),
    ],
)
def test_nothing_or_everything(options: dict[str, Any], message: str) -> None:
    table = pa.table({"a": list("abcd")})
    case = Case(open_source(table), case_of(table, table).schema, ())
    with pytest.raises(InfeasibleError, match=f"^{re.escape(message)}$"):
        Drop(pa.table({"score": [0.0, 1.0, 2.0, 3.0]}), **options).treat(case, None, seed=0)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ({"loss": [1.0]}, "the scores have no column 'score' (found 'loss'); give one number for each row"),
        ({"score": ["a"]}, "column 'score' of the scores is string; give numbers, high is suspicious"),
        ({"score": [1.0]}, "the scores have 1 rows and the data has 3; give one for each row"),
        ({"score": [1.0, None, float("nan")]}, "2 rows have no score; give one for each row"),
        (
            {"row": [0, 1, 1], "score": [1, 2, 3]},
            "1 rows have no score (the first is row 2); number the rows from 0 and give each one once",
        ),
        (
            {"row": ["0", "1", "2"], "score": [1, 2, 3]},
            "column 'row' of the scores is string; give whole numbers from 0",
        ),
    ],
)
def test_scores_that_do_not_fit(scores: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        row_scores(pa.table(scores), 3)
