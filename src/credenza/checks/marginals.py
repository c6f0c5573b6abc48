"""CZ101: did a feature's own frequencies move?"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from credenza.association.shift import comparable_levels
from credenza.checks.base import answer, counted
from credenza.checks.evidence import Evidence
from credenza.contracts import Finding, Outcome, Severity, Status


class MarginalShift:
    """Does a feature take its values as often as in the reference?

    Detects: Pearson's chi-square of homogeneity of the feature's levels (those that fewer than 20 rows are expected in
    on either side are pooled), Benjamini-Hochberg over features at the audit's rate. A shift that the culprits of CZ201
    explain by themselves is reported as their consequence. Notices: ordinary drift does this too.

    Cannot see: associative poisoning, which keeps every marginal.
    """

    code: ClassVar[str] = "CZ101"
    title: ClassVar[str] = "Marginal shift"
    needs: ClassVar[tuple[str, ...]] = ("reference",)

    def run(self, evidence: Evidence) -> Outcome:
        """Report every feature whose marginal moved, largest change first."""
        inquiry, schema = evidence.inquiry, evidence.schema
        log_p, q, change = inquiry.margins
        climb, in_play = inquiry.climb, inquiry.in_play
        consequences = {in_play[f] for f in climb.collateral_margins}
        moved = np.flatnonzero(q <= inquiry.fdr)
        moved = moved[np.argsort(-change[moved], kind="stable")]
        findings = []
        for f in moved.tolist():
            feature, explained = schema.features[f], f in consequences
            level, before, after = _largest_change(evidence, f)
            tail = "; the culprits explain it" if explained else ""
            findings.append(
                Finding(
                    self.code,
                    (feature.name,),
                    f"{feature.name}: {feature.levels[level]} in {after:.1%} of the rows, "
                    f"{before:.1%} in the reference{tail}",
                    Severity.NOTICE,
                    p=float(np.exp(log_p[f])),
                    q=float(q[f]),
                    effect=float(change[f]),
                    details={
                        "level": feature.levels[level],
                        "before": before,
                        "after": after,
                        "explained": explained,
                    },
                )
            )
        tested = _testable(evidence)
        rare = len(schema.features) - tested
        left = (
            f"; {rare} with fewer than two levels of 20 expected rows on both sides were not tested"
            if rare
            else ""
        )
        details = {"features_tested": tested}
        if not tested and not findings:
            reason = (
                f"none of {counted(rare, 'feature')} has two levels of 20 expected rows on both sides: "
                "give more rows"
            )
            return Outcome(self.code, self.title, Status.SKIPPED, reason, (), details)
        clear = (
            f"none of {counted(tested, 'feature')} takes its values more or less often than expected{left}"
        )
        return answer(self, findings, clear, details=details)


def _testable(evidence: Evidence) -> int:
    """How many features have two levels to compare, once sparse ones are pooled."""
    layout, inquiry = evidence.layout, evidence.inquiry
    before = inquiry.reference.margins().astype(float)
    after = inquiry.suspect.margins() / inquiry.design_effect
    parts = [slice(layout.starts[f], layout.starts[f + 1]) for f in range(layout.features)]
    groups = [comparable_levels(before[p], after[p], layout.ordered[f]) for f, p in enumerate(parts)]
    return sum(int(g.max()) > 0 for g in groups)


def _largest_change(evidence: Evidence, f: int) -> tuple[int, float, float]:
    """(level, share in the reference, share in the suspect) of the level that moved most."""
    before = evidence.reference_counts.marginal(f) / evidence.reference_counts.rows
    after = evidence.suspect_counts.marginal(f) / max(evidence.suspect_counts.rows, 1)
    level = int(np.argmax(np.abs(after - before)))
    return level, float(before[level]), float(after[level])
