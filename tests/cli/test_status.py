from __future__ import annotations

import pytest

from credenza.cli.status import ExitStatus, unchecked
from credenza.contracts import Outcome, Status, Verdict


def outcome(status: Status, code: str = "CZ201") -> Outcome:
    return Outcome(code, "Association shift", status, "because")


@pytest.mark.parametrize("status", [Status.NOT_APPLICABLE, Status.SKIPPED, Status.FAILED])
def test_an_asked_check_that_did_not_run_is_named(status: Status) -> None:
    lines = unchecked([outcome(status)], ("CZ201",), Verdict.CLEAR, expects_verdict=False)
    assert lines == (f"CZ201 {status}: because",)


@pytest.mark.parametrize("status", [Status.FLAGGED, Status.CLEAR])
def test_a_check_that_ran_is_not_named(status: Status) -> None:
    assert unchecked([outcome(status)], ("CZ201",), Verdict.CLEAR, expects_verdict=True) == ()


@pytest.mark.parametrize("status", list(Status))
def test_a_check_that_was_not_asked_for_is_not_named(status: Status) -> None:
    assert unchecked([outcome(status)], ("CZ101",), Verdict.CLEAR, expects_verdict=True) == ()


def test_inconclusive_is_said_once() -> None:
    line = "the audit is inconclusive: no check of associations or class means ran"
    assert unchecked([], (), Verdict.INCONCLUSIVE, expects_verdict=True) == (line,)
    assert unchecked([], (), Verdict.INCONCLUSIVE, expects_verdict=False) == ()
    skipped = [outcome(Status.SKIPPED)]
    assert unchecked(skipped, ("CZ201",), Verdict.INCONCLUSIVE, expects_verdict=True) == (
        "CZ201 skipped: because",
    )


def test_statuses_are_those_of_the_documentation() -> None:
    assert {item.name: item.value for item in ExitStatus} == {
        "CLEAR": 0,
        "ALARM": 1,
        "BAD_INPUT": 2,
        "UNCHECKED": 3,
        "INTERRUPTED": 130,
        "BROKEN_PIPE": 141,
    }
