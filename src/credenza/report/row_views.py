"""What the checks of single rows say together, in words and as JSON; with what no score of single rows can find."""

from __future__ import annotations

import math
from typing import Any

from credenza.checks.samples.combine import TOP, detection_ceiling
from credenza.contracts import AuditResult, Culprit, RowGroup, RowSummary
from credenza.report import text

_SHOWN = 5
EXAMPLE = (0.05, 0.2)  # strength and share of the cell that the sentence without a culprit calculates


def standing_out(rows: RowSummary) -> str:
    """How many rows stand out, in which classes and by which checks, in one sentence.

    Examples
    --------
    >>> group = RowGroup("dog", 40, 9, ("CZ403", "CZ404"))
    >>> standing_out(RowSummary(100, 9, 6, (("CZ403", 9), ("CZ404", 6)), (group,)))
    "9 of 100 rows stand out, 6 of them by two checks or more: 9 of 40 in 'dog' (CZ403, CZ404)."
    """
    if not rows.picked:
        codes = ", ".join(code for code, _ in rows.checks)
        return f"None of {text.count(rows.rows, 'row')} stands out ({codes})."
    both = f", {rows.agreed:,} of them by two checks or more" if len(rows.checks) > 1 else ""
    named = "; ".join(_group(group) for group in rows.groups[:_SHOWN])
    more = len(rows.groups) - _SHOWN
    rest = f"; and {text.count(more, 'more class', 'more classes')}" if more > 0 else ""
    verb = "stands" if rows.picked == 1 else "stand"
    return f"{rows.picked:,} of {text.count(rows.rows, 'row')} {verb} out{both}: {named}{rest}."


def _group(group: RowGroup) -> str:
    name = text.clean(group.label, 40)
    return f"{group.picked:,} of {group.rows:,} in '{name}' ({', '.join(group.checks)})"


def bound(result: AuditResult) -> str:
    """What no score of single rows finds of an associative attack: of the first culprit, or of an example without one.

    Examples
    --------
    >>> from credenza.contracts import Verdict
    >>> bound(AuditResult(Verdict.CLEAR, (), (), None, (), (), {}, {}, {}))[65:128]
    'genuine: a score of single rows finds at most 11% of them at 5%'
    """
    swapped = [culprit for culprit in result.culprits if culprit.edited is None]
    if not swapped:
        strength, share = EXAMPLE
        most = text.percent(detection_ceiling(strength, share))
        return (
            "Not seen here: rows swapped in to move an association, which are genuine: a score of single rows finds at "
            f"most {most} of them at {text.percent(TOP)} false positives where the strength is {strength:g} and the "
            f"emptier cell that they fill holds {text.percent(share)} of the rows."
        )
    first = swapped[0]
    return (
        f"Of the rows swapped in to move {text.pair(first.features, 40)}, which are genuine, no score of single rows "
        f"finds more than {text.percent(most_found(first))} at {text.percent(TOP)} false positives."
    )


def most_found(culprit: Culprit, fpr: float = TOP) -> float:
    """The bound for a culprit: its filter ceiling is |eps| / (d + |eps|), which gives d."""
    size, ceiling = abs(culprit.strength), culprit.filter_ceiling
    if not (math.isfinite(size) and 0 < ceiling <= 1):
        return 1.0
    return detection_ceiling(size, size * (1.0 - ceiling) / ceiling, fpr)


def rows_document(result: AuditResult) -> dict[str, Any] | None:
    """The JSON form of ``result.rows``, with the bound in words; None where there is none."""
    rows = result.rows
    if rows is None:
        return None
    return {
        "rows": rows.rows,
        "picked": rows.picked,
        "agreed": rows.agreed,
        "checks": dict(rows.checks),
        "classes": [
            {"label": group.label, "rows": group.rows, "picked": group.picked, "checks": list(group.checks)}
            for group in rows.groups
        ],
        "bound": bound(result),
    }
