"""A repair in lines for a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report.repairs import REPAIRS, made

from credenza.report.repair_text import facts, headline, notes, state


def test_the_lines_of_exchanged_rows() -> None:
    lines = made("reverse").to_text().splitlines()
    assert lines[0] == "RESTORED: 1 pair put right by exchanging rows; an audit now names no culprit"
    assert lines[1].split() == ["pair", "aimed", "at", "before", "after", "rows", "misplaced"]
    assert lines[2].startswith("x0 x x3 ")
    groups = [line.split() for line in lines[4:7]]
    assert [words[:2] for words in groups] == [["culprits", "1"], ["collateral", "6"], ["untouched", "8"]]
    assert groups[0][-3:] == ["1", "->", "0"]
    assert "audit before: flagged, 1 culprit (x0 x x3)" in lines
    assert "audit after:  clear, no culprit" in lines


@pytest.mark.parametrize("name", REPAIRS)
def test_lines_are_short_and_end(name: str) -> None:
    text = made(name).to_text()
    assert text.endswith("\n")
    assert "-0.000" not in text
    assert all(len(line) < 100 for line in text.splitlines() if not line.startswith("note: "))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("reweight", "1 pair put right by weights; no pair differs from the reference now"),
        ("relabel", "1 pair put right by exchanging values; an audit now names 1 culprit"),
        ("drop", "0 of 1 pair put right by leaving rows out; an audit now names 1 culprit"),
        ("slices", "1 pair put right by exchanging values; an audit now names 1 culprit"),
        ("independence", "1 pair put right by exchanging values"),
    ],
)
def test_headlines(name: str, words: str) -> None:
    assert headline(made(name)) == words


def test_strata_are_parts_of_one_pair() -> None:
    done = made("independence")
    (pair,) = done.culprits
    parts = tuple(replace(pair, where=f"town = {name}") for name in ("east", "west"))
    assert headline(replace(done, culprits=parts)) == "1 pair put right in 2 parts by exchanging values"
    missed = replace(parts[0], rows=(90.0, 90.0))
    half = replace(done, culprits=(missed, parts[1]))
    assert headline(half) == "1 pair put right in 1 of 2 parts by exchanging values"
    assert not half.restored


def test_restored_is_not_said_of_what_is_not() -> None:
    done = made("reverse")
    assert done.restored
    assert not replace(done, skipped=("a cell",)).restored
    weighted = made("reweight")
    assert weighted.after is not None
    assert weighted.restored
    left = replace(weighted, after=replace(weighted.after, left=(("a", "b"), ("c", "d")), after=2))
    assert state(left) == "not all restored"
    assert headline(left).endswith("; 2 pairs differ from the reference now")


def test_a_policy_is_judged_by_what_breaks_it() -> None:
    done = replace(made("relabel"), target="policy")
    assert done.broken == 0
    assert done.restored
    assert headline(done).endswith("; an audit now finds no expectation broken")
    assert replace(done, audit=None).restored


def test_what_a_method_tells() -> None:
    summary = {
        "notes": ["Rows repeat."],
        "chosen_by": "random",
        "pairs": [{"a": 1}],
        "share": 0.5,
        "nan": float("nan"),
    }
    done = replace(made("relabel"), summary=summary | {"whole": True, "rows": 12_000, "none": None})
    assert facts(done) == [
        ("chosen by", "random"),
        ("share", "0.5"),
        ("whole", "yes"),
        ("rows edited", "12,000"),
    ]
    assert notes(done) == ["Rows repeat."]
    assert "note: Rows repeat.\n" in done.to_text()


def test_many_pairs_that_are_left_are_counted() -> None:
    done = made("reweight")
    assert done.after is not None
    left = tuple((f"a{k}", "b") for k in range(9))
    text = replace(done, after=replace(done.after, left=left, after=9)).to_text()
    assert "  a4 x b\n  and 4 more\n" in text
