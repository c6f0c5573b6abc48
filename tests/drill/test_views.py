"""What a drill looks like: JSON, terminal, page, figure, words."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from drill.results import ERASED, FLAT, HOSTILE, exercise, result

from credenza.contracts import InputSummary
from credenza.drill import KINDS, Drill
from credenza.drill.figure import power_curve
from credenza.drill.json import load_schema, to_dict
from credenza.drill.result import Exercise, Undisturbed, Weak
from credenza.drill.text import caught_words, headline, moved, notes, shortfall, warning

HOSTILE_DRILL = result(
    exercises=(exercise(features=(HOSTILE, "b"), levels=(HOSTILE, "y")),),
    undisturbed=Undisturbed("flagged", ((HOSTILE, "b"),)),
    weakest=(Weak((HOSTILE, "b"), "positive", 0.1),),
    inputs=(InputSummary("clean", HOSTILE, "parquet", None, None, None),),
    settings={HOSTILE: HOSTILE},
)
ALL = [
    result(),
    result(exercises=(ERASED,), undisturbed=None),
    result(exercises=(exercise(), FLAT)),
    HOSTILE_DRILL,
]


@pytest.mark.parametrize("drill", ALL)
def test_the_json_is_what_its_schema_says(drill: Drill) -> None:
    schema = load_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(drill.to_json()), schema)


def test_the_schema_names_every_kind() -> None:
    kinds = load_schema()["properties"]["exercises"]["items"]["properties"]["kind"]["enum"]
    assert tuple(kinds) == KINDS


def test_infinite_strengths_are_null() -> None:
    document = to_dict(result(exercises=(FLAT,)))["exercises"][0]
    assert document["expected"] == {"0.8": None, "0.95": None}
    assert document["reference_rows"] is None
    assert document["target_within_limit"] is True
    erased = to_dict(result(exercises=(ERASED,)))["exercises"][0]
    assert (erased["caught"], erased["levels"], erased["target_within_limit"]) == (None, None, False)


@pytest.mark.parametrize("drill", ALL)
def test_pages_stand_alone_and_are_escaped(drill: Drill) -> None:
    page = drill.to_html()
    assert page.startswith("<!doctype html>")
    for bad in ("<script", "http://", "https://", "\u202e", "src="):
        assert bad not in page
    assert page == drill._repr_html_()


@pytest.mark.parametrize("one", [exercise(), ERASED, FLAT, exercise(features=(HOSTILE, "b"))])
def test_figures_are_well_formed(one: Exercise) -> None:
    root = ElementTree.fromstring(power_curve(one))
    spots = [x for x in root.iter() if x.get("class") == "named"]
    assert len(spots) == len(one.points)


def test_a_figure_marks_the_strength_that_is_caught() -> None:
    assert "80% from 0.0243" in power_curve(exercise())
    assert "caught" not in power_curve(FLAT)


def shown(drill: Drill, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "100")
    out = io.StringIO()
    drill.show(out)
    return out.getvalue()


def test_the_terminal_shows_the_answer_first(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(result(), monkeypatch).splitlines()
    assert (
        lines[0].rstrip()
        == "Attacks from strength 0.0243 on (486 edited rows) are named in 80% of the cases, on every pair that"
    )
    text = "\n".join(line.rstrip() for line in lines)
    assert "smoker x region, rows put in, together: true x north" in text
    assert "100% (84% to 100%)" in text
    assert "named in 80% from 0.0243 (0.0" in text
    assert "more reference rows for strength 0.02: 7,345" in text
    assert "Without an attack, 2 of 50 runs named anything: 4% false alarms (1.1% to 13%)." in text


@pytest.mark.parametrize("drill", ALL)
def test_the_terminal_shows_any_drill(drill: Drill, monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(drill, monkeypatch)
    assert "\u202e" not in text
    assert "Traceback" not in text


def test_an_ascii_terminal_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    result().show(out)
    out.flush()
    assert "##########" in out.buffer.getvalue().decode("ascii")  # type: ignore[attr-defined]


def test_headlines() -> None:
    assert headline(result(exercises=(exercise(), FLAT))) == (
        "smoker x region is not named with 80% up to strength 0.03"
    )
    assert headline(result(exercises=(ERASED,))) == "erasing smoker x region is named in 35% of the runs"
    assert repr(result()).startswith("<Drill: attacks from strength 0.0243 on (486 edited rows)")


def test_what_lies_beyond_is_said() -> None:
    assert caught_words(FLAT, 0) == "> 0.03 (as far as the pair goes)"
    assert caught_words(replace(FLAT, limit=0.2), 0) == "> 0.03 (beyond the grid)"
    assert caught_words(ERASED, 0) == "-"
    assert caught_words(exercise((1, 9, 14)), 0).endswith(" or more)") or ">" in caught_words(
        exercise((1, 9, 14)), 0
    )


def test_missing_rows_are_said() -> None:
    drill = result()
    assert shortfall(drill, exercise()) == "7,345"
    assert shortfall(drill, exercise(reference_rows=400.0)) == "none"
    assert shortfall(drill, FLAT) == "no number is enough: the suspect's size binds"
    assert shortfall(drill, ERASED) == "beyond what the pair can carry"


def test_levels_are_said_where_they_are_not_plain() -> None:
    assert moved(exercise()) == "rows put in, together: true x north"
    assert moved(exercise(levels=("true", "1"))) == "rows put in, together"
    assert moved(ERASED) == "rows put in, independent"


def test_notes_warn_of_what_would_mislead() -> None:
    drifted = result(undisturbed=Undisturbed("flagged", (("a", "b"),)))
    assert warning(drifted).startswith(
        "The audit of the data as they are is flagged, named a x b: clean data and reference are not one population"
    )
    assert warning(drifted) in " ".join(drifted.to_html().split())
    assert warning(result()) == warning(result(undisturbed=None)) == ""
    assert next(notes(result(undisturbed=None))).startswith(
        "No reference was given: in every run the rows were split"
    )
    words = list(notes(result()))
    assert "2 pairs cannot be moved far enough to be seen at all." in words
    assert words[-1] == "For strength 0.02 on all these pairs, 7,345 more reference rows are needed."
    assert list(notes(result(exercises=(exercise(reference_rows=9.0),))))[-1] == (
        "Strength 0.02 is within reach with this reference, by calculation."
    )


def test_files_are_written(tmp_path: Path) -> None:
    result().to_json(tmp_path / "d.json")
    result().to_html(tmp_path / "d.html")
    assert json.loads((tmp_path / "d.json").read_text())["schema"] == "credenza.drill/1"
    assert (tmp_path / "d.html").read_text(encoding="utf-8").startswith("<!doctype html>")
