"""Exit statuses, and how an audit turns into one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from credenza.contracts import Outcome, Verdict


class ExitStatus(IntEnum):
    """What the shell is told; "not checked" is never 0."""

    CLEAR = 0
    ALARM = 1
    BAD_INPUT = 2
    UNCHECKED = 3
    INTERRUPTED = 130
    BROKEN_PIPE = 141


def unchecked(
    outcomes: Iterable[Outcome], asked: Collection[str], verdict: Verdict, *, expects_verdict: bool
) -> tuple[str, ...]:
    """What was asked for and could not be checked, one line each.

    Parameters
    ----------
    outcomes : of all checks that were considered.
    asked : codes of the checks that the user asked for.
    verdict : of the whole audit.
    expects_verdict : whether the user gave what a verdict needs, so that "inconclusive" is a failure.

    Examples
    --------
    >>> from credenza.contracts import Outcome, Status, Verdict
    >>> outcome = Outcome("CZ202", "Slices", Status.NOT_APPLICABLE, "no slices were given")
    >>> unchecked([outcome], {"CZ202"}, Verdict.CLEAR, expects_verdict=True)
    ('CZ202 not applicable: no slices were given',)
    >>> unchecked([outcome], set(), Verdict.INCONCLUSIVE, expects_verdict=True)
    ('the audit is inconclusive: no check of associations or class means ran',)
    >>> unchecked([outcome], set(), Verdict.INCONCLUSIVE, expects_verdict=False)
    ()
    """
    from credenza.contracts import Status, Verdict

    ran = (Status.FLAGGED, Status.CLEAR)
    lines = [
        f"{outcome.code} {outcome.status}: {outcome.reason}"
        for outcome in outcomes
        if outcome.code in asked and outcome.status not in ran
    ]
    if not lines and expects_verdict and verdict == Verdict.INCONCLUSIVE:
        lines.append("the audit is inconclusive: no check of associations or class means ran")
    return tuple(lines)
