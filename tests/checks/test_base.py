from __future__ import annotations

import pytest

from credenza.checks import NEEDS, REGISTRY
from credenza.checks.base import answer, counted
from credenza.contracts import Finding, Severity, Status

CODES = [
    *["CZ001", "CZ002", "CZ003", "CZ004", "CZ101", "CZ201", "CZ202", "CZ204", "CZ205", "CZ206", "CZ301"],
    *["CZ401", "CZ402", "CZ403", "CZ404", "CZ405", "CZ501", "CZ502", "CZ503"],
    *["CZ601", "CZ602", "CZ603", "CZ604", "CZ701", "CZ702", "CZ703", "CZ704", "CZ801", "CZ802"],
]


def test_the_registry_is_complete_and_in_order() -> None:
    assert [check.code for check in REGISTRY] == CODES
    assert len({check.title for check in REGISTRY}) == len(REGISTRY)


@pytest.mark.parametrize("check", REGISTRY, ids=lambda check: check.code)
def test_each_check_explains_itself(check: type) -> None:
    text = check.__doc__ or ""
    assert text.splitlines()[0].endswith("?")
    assert "Detects" in text
    assert "Cannot see" in text
    assert set(check.needs) <= set(NEEDS)  # type: ignore[attr-defined]


def finding(severity: Severity) -> Finding:
    return Finding("CZ001", ("a",), "moved", severity)


@pytest.mark.parametrize(
    ("severities", "reason"),
    [
        ([Severity.ALARM], "1 alarm"),
        ([Severity.NOTICE] * 2, "2 notices"),
        ([Severity.NOTICE, Severity.ALARM, Severity.ALARM], "2 alarms, 1 notice"),
    ],
)
def test_findings_are_counted(severities: list[Severity], reason: str) -> None:
    outcome = answer(REGISTRY[0](), [finding(severity) for severity in severities], "clear")
    assert outcome.status is Status.FLAGGED
    assert outcome.reason == reason
    assert len(outcome.findings) == len(severities)


def test_no_finding_is_clear() -> None:
    outcome = answer(REGISTRY[0](), [], "nothing moved", details={"rows": 3})
    assert (outcome.status, outcome.reason, outcome.details) == (Status.CLEAR, "nothing moved", {"rows": 3})


def test_numbers_have_nouns() -> None:
    assert [counted(n, "pair") for n in (0, 1, 12_000)] == ["0 pairs", "1 pair", "12,000 pairs"]
