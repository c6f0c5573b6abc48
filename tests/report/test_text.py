from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.contracts import AuditResult, Finding, Severity, Verdict
from credenza.report import text

HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs")


@given(st.text())
def test_clean_leaves_nothing_hidden(name: str) -> None:
    shown = text.clean(name)
    assert shown
    assert all(ch == " " or unicodedata.category(ch) not in HIDDEN for ch in shown)


@given(st.text(), st.integers(5, 40))
def test_clean_fits(name: str, limit: int) -> None:
    shown = text.clean(name, limit)
    assert text.cells(shown) <= limit
    assert "…" in shown or shown == text.clean(name)


@given(st.text())
def test_to_ascii_is_ascii(words: str) -> None:
    assert text.to_ascii(words).isascii()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("", '""'),
        ("plain name", "plain name"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("pay\u202egnp.exe", "pay\\u202egnp.exe"),
        ("no\u00a0break", "no\\xa0break"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("lone\ud800", "lone\\ud800"),
        ("Größe 年齢", "Größe 年齢"),
        ("[bold]x[/bold] <b>", "[bold]x[/bold] <b>"),
    ],
)
def test_clean_examples(name: str, shown: str) -> None:
    assert text.clean(name) == shown


def test_clean_is_quick_and_marked_for_huge_names() -> None:
    shown = text.clean("a" * 10_000_000 + "z", 20)
    assert shown == "aaaaaaaaaa…aaaaaaaaz"
    assert "…" in text.clean("e" + "\u0301" * 1000, 20)


def test_wide_characters_count_twice() -> None:
    assert text.clean("年" * 10, 9) == "年年…年年"


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (text.signed(0.0), "+0.000"),
        (text.signed(float("inf")), "n/a"),
        (text.measure(-0.0012), "-0.0012"),
        (text.measure(float("nan")), "n/a"),
        (text.percent(0.0996), "10%"),
        (text.percent(0.004), "0.4%"),
        (text.percent(float("nan")), "n/a"),
        (text.probability(0.0), "below 1e-300"),
        (text.probability(1.0), "1"),
        (text.probability(0.05, -1.3), "0.05"),
        (text.probability(0.0, -400.001), "1e-400"),
        (text.probability(float("nan")), "n/a"),
        (text.probability(float("nan"), -350.0), "n/a"),
        (text.count(0, "row"), "0 rows"),
        (text.count(2, "alias", "aliases"), "2 aliases"),
        (text.level("x\n", "≤ 3"), "x\\n ≤ 3"),
        (text.sentence("needs a reference"), "Needs a reference."),
        (text.sentence("Done."), "Done."),
    ],
)
def test_numbers_and_words(got: str, expected: str) -> None:
    assert got == expected


def test_headlines(
    flagged: AuditResult, mixed: AuditResult, clear: AuditResult, inconclusive: AuditResult
) -> None:
    assert text.headline(flagged) == "The association of Mouth_Slightly_Open × Wearing_Lipstick was moved."
    assert text.headline(mixed) == "The associations of age × workclass and 1 other pair were moved."
    assert text.headline(clear) == "No moved association found among 780 pairs."
    assert text.headline(inconclusive) == "The associations were not checked, and not checked is not clean."
    again = replace(flagged.culprits[0], where="sex = f")
    assert text.headline(replace(flagged, culprits=(again,))).endswith("was moved in sex = f.")
    assert text.headline(replace(flagged, culprits=(*flagged.culprits, again))) == text.headline(flagged)
    alarm = Finding("CZ206", ("a", "b"), "a and b must be independent", Severity.ALARM)
    broken = replace(clear.outcomes[-1], findings=(alarm,))
    only_policy = replace(clear, verdict=Verdict.FLAGGED, outcomes=(*clear.outcomes[:-1], broken))
    assert text.headline(only_policy) == "1 alarm (CZ206); no pair of features stands out as the culprit."


def test_other_findings_leave_out_what_the_culprits_tell(flagged: AuditResult) -> None:
    assert [found.code for found in text.findings(flagged)] == ["CZ101", "CZ201"]
    assert [found.code for found in text.other_findings(flagged)] == ["CZ101"]
    quiet = tuple(replace(outcome, culprits=()) for outcome in flagged.outcomes)
    assert [found.code for found in text.other_findings(replace(flagged, outcomes=quiet))] == ["CZ101"]
    unexplained = replace(flagged, culprits=(), outcomes=quiet)
    assert [found.code for found in text.other_findings(unexplained)] == ["CZ201", "CZ101"]
