"""CZ206: does a pair break a declared expectation?"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from credenza.checks.base import answer
from credenza.checks.evidence import Evidence
from credenza.checks.policy_file import Expectation
from credenza.checks.policy_reading import critical_value, reading_of
from credenza.contracts import Finding, Outcome, Severity, Status


class PolicyBreach:
    """Does a pair associate as its owner declared?

    Detects: the association of each declared pair (MCC of two levels or binary features, rank correlation of ordered
    or binary ones, else bias-corrected Cramer's V) with a normal interval whose standard error comes from a seeded
    multinomial bootstrap of the table; Bonferroni over the declared pairs. An alarm when the whole interval lies
    outside what was declared. Needs no reference: the declaration is one.

    Cannot see: pairs that nobody declared, and breaches smaller than the interval is wide (its half width is given).
    """

    code: ClassVar[str] = "CZ206"
    title: ClassVar[str] = "Policy"
    needs: ClassVar[tuple[str, ...]] = ("policy",)

    def run(self, evidence: Evidence) -> Outcome:
        """Hold every declared pair against its expectation."""
        policy = evidence.policy
        expectations = () if policy is None else policy.expectations
        z = critical_value(evidence.settings.fdr, len(expectations))
        findings, widths, measured, empty = [], [], [], []
        for k, expectation in enumerate(expectations):
            reading = reading_of(evidence.schema, expectation, evidence.suspect.name)
            table = evidence.suspect_counts.table(*reading.features)
            value, error = reading.value(table), reading.error(table, (evidence.settings.seed, k))
            if np.isnan(error):
                empty.append(" and ".join(expectation.features))
                continue
            low, high = value - z * error, value + z * error
            widths.append(z * error)
            measured.append(
                {
                    "features": list(expectation.features),
                    "measure": reading.measure,
                    "value": value,
                    "interval": [low, high],
                }
            )
            if reading.breaks(value, error, z):
                findings.append(_finding(self.code, expectation, reading.measure, value, (low, high)))
        details = {"pairs": measured, "unmeasured": empty}
        clear = (
            f"{len(measured)} declared pairs are as declared, measured to within {max(widths, default=0):.3f}"
        )
        lacking = f"could not be measured, a feature never varies where both are present: {'; '.join(empty)}"
        if empty and not findings:
            reason = f"{clear}; {lacking}" if measured else lacking
            return Outcome(self.code, self.title, Status.SKIPPED, reason, (), details)
        return answer(self, findings, clear, details=details)


def _finding(code: str, e: Expectation, measure: str, value: float, interval: tuple[float, float]) -> Finding:
    a, b = (
        e.features
        if e.levels is None
        else (f"{f} ({level})" for f, level in zip(e.features, e.levels, strict=True))
    )
    expected = e.expect if e.expect != "bounds" else "bounds"
    message = (
        f"{a} and {b}: {measure} {value:+.3f} [{interval[0]:+.3f}, {interval[1]:+.3f}], "
        f"declared {expected} ({e.low:+.2f} to {e.high:+.2f})"
    )
    details = {"measure": measure, "interval": list(interval), "expect": e.expect, "bounds": [e.low, e.high]}
    beyond = value - (e.high if value > e.high else e.low)
    return Finding(code, e.features, message, Severity.ALARM, statistic=value, effect=beyond, details=details)
