from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from credenza.contracts import AuditResult, FeatureSummary, Finding, Severity, Status, Verdict
from credenza.report.terminal import render

HOSTILE = "[bold red]x[/] \x1b[2J\n\u202etxt :smile: " + "long " * 200


def shown(result: AuditResult, *, width: int = 80, encoding: str = "utf-8", terminal: bool = False) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    console = Console(
        file=file, width=width, force_terminal=terminal, color_system="standard" if terminal else None
    )
    render(result, console)
    file.flush()
    return raw.getvalue().decode(encoding)


def test_flagged(flagged: AuditResult) -> None:
    text = shown(flagged)
    for part in (
        "FLAGGED  The association of Mouth_Slightly_Open × Wearing_Lipstick was moved.\n",
        "  suspect    faces_contributed.parquet, 8,000 rows, 41 columns, sha256 9f86d081\n",
        "Culprit 1 of 1: Mouth_Slightly_Open = 1 × Wearing_Lipstick = 1\n",
        "  strength          +0.094 (95% interval +0.084 to +0.105)\n",
        "  rows edited       about 1,504 of 8,000 (19%)\n",
        "  MCC               0.105 → 0.483\n",
        "  MI (nats)         0.0055 → 0.119\n",
        "  p                 3e-209 (2e-206 after false-discovery control)\n",
        "and 9 more collateral pairs\n",
        "No row filter can be right about more than 27% of what it",
        "  notice  CZ101   Young = 1 went from 77.4% to 75.9% of the rows\n",
        "Not checked, which is not the same as clean\n",
        "  CZ206   skipped         Declared expectations: not asked for with --checks\n",
        "  file_name  every value is different: an identifier\n",
    ):
        assert part in text


def test_mixed(mixed: AuditResult) -> None:
    text = shown(mixed)
    assert "Culprit 1 of 2: age > 43 × workclass = Self-emp\n" in text
    assert "  aliases           birth_year × workclass\n" in text
    assert "  p                 5e-413 (below 1e-300 after false-discovery control)\n" in text


def test_clear_states_the_power_once(clear: AuditResult) -> None:
    text = shown(clear)
    assert text.startswith("CLEAR  No moved association found among 780 pairs.\n")
    assert text.count("with 80% power") == 1
    assert "Culprit" not in text


def test_slice(sliced: AuditResult) -> None:
    text = shown(sliced)
    assert "was moved in\n         contributor = c7.\n" in text
    assert "  found in          contributor = c7\n" in text
    assert "  direction         positive: together more often than in the rest\n" in text
    assert "  rows edited       about 188\n" in text
    assert "  Pearson           0.105 → 0.483\n" in text
    assert "Also found" not in text


def test_clear_by_slices_only(sliced: AuditResult) -> None:
    reason = "no slice out of 10 differs from the rest in any of 780 pairs"
    calm = [
        replace(one, status=Status.CLEAR, reason=reason, findings=(), culprits=())
        if one.code == "CZ202"
        else one
        for one in sliced.outcomes
    ]
    text = shown(replace(sliced, verdict=Verdict.CLEAR, culprits=(), outcomes=tuple(calm)))
    assert text.startswith(f"CLEAR  No moved association found.\n  {reason.capitalize()}.\n")
    assert text.count("no slice out") == 0


def test_inconclusive_says_why(inconclusive: AuditResult) -> None:
    text = shown(inconclusive)
    assert text.startswith("INCONCLUSIVE  The associations were not checked")
    assert "  Needs a reference: give --reference.\n" in text


@pytest.mark.parametrize("width", [40, 80, 300])
def test_width_is_kept(mixed: AuditResult, width: int) -> None:
    lines = shown(mixed, width=width).splitlines()
    assert max(map(len, lines)) <= min(width, 100)
    assert all(line == line.rstrip() for line in lines)


def test_colour_only_on_a_terminal(flagged: AuditResult) -> None:
    assert "\x1b" not in shown(flagged)
    assert "\x1b[1;31m" in shown(flagged, terminal=True)


def test_other_encodings_get_ascii(flagged: AuditResult) -> None:
    text = shown(flagged, encoding="cp1252")
    assert text.isascii()
    assert "Mouth_Slightly_Open x Wearing_Lipstick" in text
    assert "0.105 -> 0.483" in text


def test_hostile_names(flagged: AuditResult) -> None:
    culprit = replace(
        flagged.culprits[0],
        features=(HOSTILE, "</td><script>"),
        levels=(HOSTILE, "1"),
        collateral=((HOSTILE, HOSTILE),),
        aliases=((HOSTILE, "b"),),
        direction=HOSTILE,
    )
    finding = Finding("CZ101", (HOSTILE,), HOSTILE, Severity.NOTICE)
    outcome = replace(flagged.outcomes[2], findings=(finding,), reason=HOSTILE, title=HOSTILE)
    source = replace(flagged.inputs[0], source=HOSTILE, role=HOSTILE, sha256=HOSTILE)
    features = (*flagged.features, FeatureSummary(HOSTILE, "text", 3, HOSTILE))
    bad = replace(flagged, culprits=(culprit,), outcomes=(outcome,), inputs=(source,), features=features)
    text = shown(bad)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert "[bold red]x[/]" in text
    assert ":smile:" in text
    assert "</td><script>" in text
    assert max(map(len, text.splitlines())) <= 80


def test_long_lists_say_what_is_left_out(flagged: AuditResult) -> None:
    notice = flagged.outcomes[2].findings[0]
    many = replace(flagged.outcomes[2], findings=(notice,) * 20)
    features = tuple(FeatureSummary(f"id{i}", "identifier", 9, "an identifier") for i in range(9))
    crowded = replace(flagged, culprits=flagged.culprits * 15, outcomes=(many,), features=features)
    text = shown(crowded)
    assert "Culprit 5 of 15" in text
    assert "Culprit 6 of 15" not in text
    assert "More culprits\n  +0.094  Mouth_Slightly_Open × Wearing_Lipstick\n" in text
    assert "  and 2 more: see the JSON\n" in text
    assert "  and 12 more: see the JSON\n" in text
    assert "and 1 more column: see the JSON\n" in text


def test_nothing_but_a_verdict(inconclusive: AuditResult) -> None:
    bare = replace(inconclusive, outcomes=(), inputs=(), features=())
    expected = "INCONCLUSIVE  The associations were not checked, and not checked is not clean.\n"
    assert shown(bare) == expected


def test_unknown_sizes(flagged: AuditResult) -> None:
    source = replace(flagged.inputs[0], rows=None, columns=None, sha256=None)
    text = shown(replace(flagged, inputs=(source,)))
    assert "  suspect  faces_contributed.parquet\n" in text
    assert "about 1,504\n" in text
