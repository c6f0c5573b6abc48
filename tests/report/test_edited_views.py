"""A culprit whose values were edited in place, in every view."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator
from rich.console import Console

from credenza.contracts import AuditResult
from credenza.errors import InputError
from credenza.report import text
from credenza.report.frames import culprit_table
from credenza.report.html import page
from credenza.report.json import load_schema, to_dict, to_json
from credenza.report.read import from_dict
from credenza.report.terminal import render


@pytest.fixture
def edited(flagged: AuditResult) -> AuditResult:
    culprit = replace(flagged.culprits[0], edited="Wearing_Lipstick", filter_ceiling=1.0)
    told = tuple(replace(o, culprits=(culprit,)) if o.culprits else o for o in flagged.outcomes)
    return replace(flagged, culprits=(culprit,), outcomes=told)


def shown(result: AuditResult) -> str:
    file = io.StringIO()
    render(result, Console(file=file, width=100))
    return file.getvalue()


def test_the_document_has_it_and_reads_back(edited: AuditResult, flagged: AuditResult) -> None:
    document = json.loads(to_json(edited))
    Draft202012Validator(load_schema()).validate(document)
    assert document["culprits"][0]["edited"] == "Wearing_Lipstick"
    assert from_dict(document).culprits[0].edited == "Wearing_Lipstick"
    assert to_dict(flagged)["culprits"][0]["edited"] is None


def test_documents_of_before_have_none(edited: AuditResult) -> None:
    document = to_dict(edited)
    del document["culprits"][0]["edited"]
    assert from_dict(document).culprits[0].edited is None


def test_it_is_one_of_the_two_features(edited: AuditResult) -> None:
    document = to_dict(edited)
    document["culprits"][0]["edited"] = "Young"
    with pytest.raises(InputError) as caught:
        from_dict(document)
    assert str(caught.value) == (
        "the audit's culprits[0].edited must be one of the culprit's features or null, found 'Young'"
    )


def test_the_terminal_says_how(edited: AuditResult, flagged: AuditResult) -> None:
    words = shown(edited)
    assert "  how               values of Wearing_Lipstick edited in place\n" in words
    assert "No row filter" not in words
    assert "edited in place" not in shown(flagged)


def test_the_page_says_how(edited: AuditResult, flagged: AuditResult) -> None:
    words = page(edited)
    assert "Values of Wearing_Lipstick edited in place." in words
    assert "an edited value is at odds with the rest of its row" in words
    assert "edited in place" not in page(flagged)


def test_hostile_names_are_escaped(edited: AuditResult) -> None:
    culprit = replace(edited.culprits[0], features=("a", "<b>\x1b"), edited="<b>\x1b")
    result = replace(edited, culprits=(culprit,))
    assert "<b>\\x1b" not in page(result)
    assert "&lt;b&gt;\\x1b" in page(result)
    assert text.edited(culprit) == "values of <b>\\x1b edited in place"


def test_the_frame_has_a_column(edited: AuditResult, flagged: AuditResult) -> None:
    assert culprit_table(edited)["edited"].to_pylist() == ["Wearing_Lipstick"]
    assert culprit_table(flagged)["edited"].to_pylist() == [None]
