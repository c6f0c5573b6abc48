"""Which checks decide an audit."""

from __future__ import annotations

import pytest

from credenza.contracts import Finding, Outcome, Severity, Status, Verdict
from credenza.report.scope import named, verdict

ALARM = Finding("CZ503", ("cat",), "moved", Severity.ALARM)


@pytest.mark.parametrize(
    ("outcomes", "pairs", "expected"),
    [
        ({"CZ201": Status.CLEAR}, True, Verdict.CLEAR),
        ({"CZ202": Status.FLAGGED, "CZ503": Status.SKIPPED}, True, Verdict.CLEAR),  # a notice is no alarm
        ({"CZ201": Status.SKIPPED, "CZ503": Status.CLEAR}, False, Verdict.CLEAR),
        ({"CZ201": Status.NOT_APPLICABLE, "CZ503": Status.CLEAR}, True, Verdict.INCONCLUSIVE),
        ({"CZ503": Status.NOT_APPLICABLE, "CZ501": Status.CLEAR}, False, Verdict.INCONCLUSIVE),
        ({"CZ503": Status.SKIPPED, "CZ502": Status.CLEAR}, False, Verdict.INCONCLUSIVE),
        ({}, False, Verdict.INCONCLUSIVE),
    ],
)
def test_the_verdict_rests_on_what_ran(outcomes: dict[str, Status], pairs: bool, expected: Verdict) -> None:
    every = [Outcome(code, "", status) for code, status in outcomes.items()]
    assert verdict(every, pairs=pairs) is expected
    assert (
        verdict([*every, Outcome("CZ503", "", Status.FLAGGED, "", (ALARM,))], pairs=pairs) is Verdict.FLAGGED
    )


def test_what_was_given_is_named() -> None:
    assert (named(None), named("a/b"), named([1])) == (None, "a/b", "list")
