from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from jsonschema import Draft202012Validator
from report.audits import binary_culprit
from rich.console import Console

import credenza
from credenza.contracts import AuditResult, RowGroup, RowSummary
from credenza.errors import InputError
from credenza.report.html import page
from credenza.report.json import load_schema, to_dict, to_json
from credenza.report.read import from_dict
from credenza.report.result import Audit
from credenza.report.row_views import bound, most_found, standing_out
from credenza.report.terminal import render

GROUPS = (RowGroup("dog", 800, 40, ("CZ403", "CZ404")), RowGroup("c<a>t", 700, 2, ("CZ403",)))
FOUND = RowSummary(8_000, 42, 31, (("CZ403", 42), ("CZ404", 31)), GROUPS)
NONE = RowSummary(8_000, 0, 0, (("CZ401", 0), ("CZ402", 0)), ())


def shown(result: AuditResult) -> str:
    console = Console(file=io.StringIO(), width=100)
    render(result, console)
    return " ".join(console.file.getvalue().split())  # type: ignore[attr-defined]


def test_the_sentence_names_classes_and_checks() -> None:
    assert standing_out(FOUND) == (
        "42 of 8,000 rows stand out, 31 of them by two checks or more: "
        "40 of 800 in 'dog' (CZ403, CZ404); 2 of 700 in 'c<a>t' (CZ403)."
    )
    assert standing_out(NONE) == "None of 8,000 rows stands out (CZ401, CZ402)."
    one = RowSummary(90, 1, 0, (("CZ403", 1),), (RowGroup("dog", 40, 1, ("CZ403",)),))
    assert standing_out(one) == "1 of 90 rows stands out: 1 of 40 in 'dog' (CZ403)."


def test_many_classes_are_cut_short() -> None:
    groups = tuple(RowGroup(f"k{i}", 50, 10, ("CZ401",)) for i in range(7))
    words = standing_out(RowSummary(350, 70, 0, (("CZ401", 70),), groups))
    assert words.endswith("10 of 50 in 'k4' (CZ401); and 2 more classes.")


def test_the_bound_is_that_of_the_culprit(flagged: AuditResult) -> None:
    culprit = binary_culprit()
    assert most_found(culprit) == pytest.approx(0.05 * (1 - 2 * 0.094) / (2 * 0.252))
    assert bound(flagged) == (
        "Of the rows swapped in to move Mouth_Slightly_Open × Wearing_Lipstick, which are genuine, no score of "
        "single rows finds more than 8.1% at 5% false positives."
    )


def test_values_edited_in_place_are_not_bound(flagged: AuditResult) -> None:
    edited = replace(flagged.culprits[0], edited="Wearing_Lipstick")
    assert bound(replace(flagged, culprits=(edited,))).startswith("Not seen here: rows swapped in")
    assert most_found(replace(flagged.culprits[0], filter_ceiling=1.0)) == 1.0
    assert most_found(replace(flagged.culprits[0], strength=float("nan"))) == 1.0


def test_every_view_shows_the_rows_with_the_bound(flagged: AuditResult) -> None:
    result = replace(flagged, rows=FOUND)
    words = shown(result)
    assert "Rows 42 of 8,000 rows stand out" in words
    assert "which are genuine, no score of single rows finds more than 8.1%" in words
    html = page(result)
    assert '<h2 id="rows">Rows</h2>' in html
    assert "c&lt;a&gt;t" in html
    assert "no score of single rows" in html


def test_without_checks_of_rows_there_is_no_section(flagged: AuditResult) -> None:
    assert " Rows " not in shown(flagged)
    assert 'id="rows"' not in page(flagged)
    assert to_dict(flagged)["rows"] is None


@pytest.mark.parametrize("rows", [FOUND, NONE])
def test_the_document_validates_and_is_read_back(flagged: AuditResult, rows: RowSummary) -> None:
    document = json.loads(to_json(replace(flagged, rows=rows)))
    Draft202012Validator(load_schema()).validate(document)
    assert document["rows"]["bound"] == bound(flagged)
    assert from_dict(document).rows == rows
    del document["rows"]
    assert from_dict(document).rows is None


def test_a_damaged_document_is_refused(flagged: AuditResult) -> None:
    document = json.loads(to_json(replace(flagged, rows=FOUND)))
    document["rows"]["picked"] = -1
    with pytest.raises(InputError, match=r"rows\.picked must be 0 or more, found '-1'"):
        from_dict(document)


def test_the_table_of_rows_ends_with_what_the_checks_say_together(flagged: AuditResult) -> None:
    rows = replace(FOUND, combined=np.array([0.0, 0.5, np.nan]), agreement=np.array([0, 2, 0]))
    table = Audit(replace(flagged, rows=rows)).rows
    assert table.column_names == ["row", "combined", "agreement"]
    assert table["agreement"].to_pylist() == [0, 2, 0]
    assert table["combined"].to_pylist()[:2] == [0.0, 0.5]


def test_an_audit_tells_which_rows_stand_out() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(900) % 3
    content = rng.normal(size=(900, 6))
    content[:, 0] += 4 * labels
    planted = (labels == 2) & (np.arange(900) < 270)
    content[planted, 3] += 9
    bits = rng.integers(0, 2, (2, 900))
    table = pa.table({"kind": np.array(["a", "b", "c"])[labels], "x": bits[0], "y": bits[1]})
    audit = credenza.audit(table, labels="kind", embeddings=content, checks=["CZ401", "CZ403", "CZ404"])
    summary = audit.result.rows
    assert summary is not None
    assert [(g.label, g.rows, g.checks) for g in summary.groups] == [("c", 300, ("CZ403", "CZ404"))]
    assert [code for code, _ in summary.checks] == ["CZ401", "CZ403", "CZ404"]
    assert summary.agreed > 0.9 * planted.sum()
    scores = audit.rows["combined"].to_numpy()
    assert (scores[planted] > np.quantile(scores[~planted], 0.95)).mean() > 0.95
    assert audit.rows["agreement"].to_numpy()[planted].max() >= 2


def test_checks_of_columns_say_briefly_that_there_are_too_few() -> None:
    rng = np.random.default_rng(0)
    rows = pa.table({"kind": ["a", "b"] * 40, "name": [f"n{k}" for k in range(80)]})
    found = credenza.audit(
        rows, labels="kind", embeddings=rng.normal(size=(80, 3)), checks=["CZ201", "CZ403"]
    )
    (outcome,) = (outcome for outcome in found.outcomes if outcome.code == "CZ201")
    assert outcome.reason == "only 1 column of Arrow table can be audited, and two are needed"
    both = credenza.audit(
        rows, rows, labels="kind", embeddings=rng.normal(size=(80, 3)), checks=["CZ201", "CZ403"]
    )
    (outcome,) = (outcome for outcome in both.outcomes if outcome.code == "CZ201")
    assert outcome.reason == (
        "only 1 column that Arrow table and Arrow table share can be audited, and two are needed"
    )
