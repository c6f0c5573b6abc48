"""CZ206: does a pair break a declared expectation?"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from credenza.association.measures import cramers_v, mcc, rank_correlation
from credenza.association.tails import normal_isf
from credenza.checks.base import answer
from credenza.checks.evidence import Evidence
from credenza.checks.policy_file import Expectation
from credenza.contracts import Finding, FloatArray, Outcome, Severity, Status
from credenza.data import Feature, Kind
from credenza.errors import InputError

DRAWS = 400


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
        z = float(normal_isf(evidence.settings.fdr / (2 * max(len(expectations), 1))))
        findings, widths, measured, empty = [], [], [], []
        for k, expectation in enumerate(expectations):
            measure, value, error = self._measure(evidence, expectation, k)
            if np.isnan(error):
                empty.append(" and ".join(expectation.features))
                continue
            low, high = value - z * error, value + z * error
            widths.append(z * error)
            measured.append(
                {
                    "features": list(expectation.features),
                    "measure": measure,
                    "value": value,
                    "interval": [low, high],
                }
            )
            if low > expectation.high or high < expectation.low:
                findings.append(_finding(self.code, expectation, measure, value, (low, high)))
        details = {"pairs": measured, "unmeasured": empty}
        clear = (
            f"{len(measured)} declared pairs are as declared, measured to within {max(widths, default=0):.3f}"
        )
        lacking = f"could not be measured, a feature never varies where both are present: {'; '.join(empty)}"
        if empty and not findings:
            reason = f"{clear}; {lacking}" if measured else lacking
            return Outcome(self.code, self.title, Status.SKIPPED, reason, (), details)
        return answer(self, findings, clear, details=details)

    def _measure(self, evidence: Evidence, expectation: Expectation, k: int) -> tuple[str, float, float]:
        """(name of the measure, its value, its standard error; NaN where a margin has a single level)."""
        table, name = _table(evidence, expectation)
        if min(np.count_nonzero(table.sum(axis=axis)) for axis in (0, 1)) < 2:
            return name, 0.0, float("nan")
        measure = {"MCC": mcc, "rank correlation": rank_correlation, "Cramer's V": cramers_v}[name]
        n = int(table.sum())
        rng = np.random.default_rng([evidence.settings.seed, k])
        draws = rng.multinomial(n, (table / n).ravel(), size=DRAWS).reshape(DRAWS, *table.shape)
        spread = float(np.std([measure(draw) for draw in draws], ddof=1))
        return name, measure(table), max(spread, 1.0 / n)


def _table(evidence: Evidence, expectation: Expectation) -> tuple[FloatArray, str]:
    """The table that an expectation speaks of, and what to measure on it."""
    i, j = (_feature(evidence, name) for name in expectation.features)
    table = evidence.suspect_counts.table(i, j).astype(float)
    a, b = evidence.schema.features[i], evidence.schema.features[j]
    if expectation.levels is not None:
        p, q = _level(a, expectation.levels[0]), _level(b, expectation.levels[1])
        x, u, v, n = table[p, q], table[p].sum(), table[:, q].sum(), table.sum()
        return np.array([[n - u - v + x, v - x], [u - x, x]]), "MCC"
    ranks = [2 if f.kind is Kind.BINARY else f.ordered for f in (a, b)]
    if min(ranks) >= 2:
        both_binary = a.kind is b.kind is Kind.BINARY
        return table[: ranks[0], : ranks[1]], "MCC" if both_binary else "rank correlation"
    _require_no_sign(expectation)
    return table, "Cramer's V"


def _require_no_sign(e: Expectation) -> None:
    if e.expect in ("positive", "negative"):
        raise InputError(
            f"the policy expects {e.features[0]!r} and {e.features[1]!r} to be {e.expect}, "
            'and levels without an order have no sign: add levels = ["a", "b"], or give bounds'
        )


def _feature(evidence: Evidence, name: str) -> int:
    if name in evidence.schema.names:
        return evidence.schema.index(name)
    reason = dict(evidence.schema.skipped).get(name, f"{evidence.suspect.name} has no such column")
    raise InputError(
        f"the policy speaks of {name!r}, which is not audited ({reason}): change the policy or the columns"
    )


def _level(feature: Feature, level: str) -> int:
    if level in feature.levels:
        return feature.levels.index(level)
    known = ", ".join(map(repr, feature.levels[:8]))
    raise InputError(f"the policy speaks of the level {level!r} of {feature.name!r}, which has {known}")


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
