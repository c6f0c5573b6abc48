"""A repair as a page: it stands alone, escapes what it shows, and tells what was done."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report.repairs import REPAIRS, made
from report.test_html import EVIL, Outline

from credenza.report.ledger_extract import Entry
from credenza.report.repair_figure import EDGE, HEIGHT, WIDTH, dumbbell, span
from credenza.report.repair_html import page

numbers = st.floats(-1, 1, allow_nan=False)


@pytest.mark.parametrize("name", REPAIRS)
def test_a_page_is_well_formed_small_and_alone(name: str) -> None:
    markup = page(made(name))
    outline = Outline(markup)
    assert markup.startswith("<!doctype html>")
    assert len(markup.encode()) < 100_000
    assert not re.search(r"https?:|//[a-z]|@import|url\(", markup.replace("http-equiv", ""))
    for tag, attributes in outline.tags:
        assert not {"src", "href", "srcset", "onclick", "onerror", "onload"} & set(attributes), tag


def test_only_the_sorting_script_may_run() -> None:
    markup = page(made("relabel"))
    (script,) = re.findall(r"<script>(.*?)</script>", markup, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(tag["content"] for _, tag in Outline(markup).tags if tag.get("http-equiv"))
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def test_sections_of_rows_that_were_exchanged() -> None:
    done = made("reverse")
    words = Outline(page(done)).text
    for part in (
        "restored 1 pair put right by exchanging rows; an audit now names no culprit",
        "Culprits Each pair's association before and after",
        "All pairs, before and after",
        "The audit, before and after",
        "What the method did",
        f"The first 20 of {done.entries:,} entries",
        "hold-out",
        str(done.hashes["repaired"]),
    ):
        assert part in words
    assert "Not restored" not in words


def test_weights_say_why_the_audit_was_not_run_again() -> None:
    words = Outline(page(made("reweight"))).text
    assert "No row was changed, so the audit was not run again: the weighted tests of all pairs" in words
    assert "The audit before" in words


def test_what_is_left_is_named() -> None:
    done = replace(made("drop"), skipped=("x0 = 1 and x3 = 1: no row has it",))
    words = Outline(page(done)).text
    assert "not all restored 0 of 1 pair put right by leaving rows out; an audit now names 1 culprit" in words
    assert "Significant after the repair x0 × x3" in words
    assert "Not restored x0 = 1 and x3 = 1: no row has it" in words
    assert 'class="partly"' in page(done)


def test_names_and_values_are_escaped() -> None:
    done = made("relabel")
    assert done.after is not None
    evil = replace(
        done,
        method=EVIL,
        note=EVIL,
        skipped=(EVIL,),
        culprits=(replace(done.culprits[0], features=(EVIL, EVIL), where=EVIL),),
        after=replace(done.after, left=((EVIL, EVIL),)),
        inputs=(replace(done.inputs[0], source=EVIL, role=EVIL, sha256=EVIL),),
        extract=(Entry(3, EVIL, EVIL, EVIL),),
        summary={"notes": [EVIL], EVIL: EVIL, "features": [EVIL]},
        settings={EVIL: EVIL},
    )
    markup = page(evil)
    Outline(markup)
    assert "<img" not in markup
    assert "\u202e" not in markup
    assert "\x00" not in markup
    assert "{{ 7*7 }}" in markup
    assert not {"\u202e", "\x00"} & set(evil.to_text())


def test_a_page_is_written_as_it_is_returned(tmp_path: Path) -> None:
    markup = made("relabel").to_html(tmp_path / "repair.html")
    assert (tmp_path / "repair.html").read_text(encoding="utf-8") == markup


def test_long_lists_say_how_much_is_left_out() -> None:
    done = made("relabel")
    assert done.after is not None
    long = replace(
        done,
        culprits=done.culprits * 130,
        skipped=("cell",) * 60,
        after=replace(done.after, left=(("a", "b"),) * 50),
    )
    words = Outline(page(long)).text
    for part in ("30 more in the JSON", "10 more in the JSON"):
        assert part in words


@settings(max_examples=30, deadline=None)
@given(st.tuples(numbers, numbers, numbers))
def test_a_dumbbell_stays_on_its_canvas(values: tuple[float, float, float]) -> None:
    markup = dumbbell(values, span(values), "<a> × b")
    Outline(markup)
    places = [float(x) for x in re.findall(r'cx="([^"]+)"', markup)]
    assert all(EDGE - 0.1 <= x <= WIDTH - EDGE + 0.1 for x in places)
    assert (places[0] <= places[1]) == (values[1] <= values[2]) or abs(places[0] - places[1]) < 0.2
    assert f'viewBox="0 0 {WIDTH} {HEIGHT}"' in markup
    assert "<a>" not in markup
