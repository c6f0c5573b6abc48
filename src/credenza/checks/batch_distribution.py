"""CZ601: does a synthetic batch take its values as often as the reference?"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from credenza.checks.base import answer, counted
from credenza.checks.evidence import Evidence
from credenza.contracts import Finding, FloatArray, Outcome, Severity


class BatchDistribution:
    """Are the label and the features of a synthetic batch distributed as in the reference?

    Detects: the largest change of a share, over the levels of a feature and, where these are ordered, over the cuts
    between them (Kolmogorov's distance). More than the tolerance (10 points) is an alarm if noise does not explain it:
    Pearson's chi-square of homogeneity as in CZ101, half of the check's level for the label, the other half for the
    features by Benjamini-Hochberg. A smaller change that is significant is a notice. Associations are CZ201's part.

    Cannot see: what keeps every feature's own distribution; a shift inside one bin of a number.
    """

    code: ClassVar[str] = "CZ601"
    title: ClassVar[str] = "Synthetic: distribution"
    needs: ClassVar[tuple[str, ...]] = ("synthetic batch",)

    def run(self, evidence: Evidence) -> Outcome:
        """Report the label and the features that moved, the label first, then by size."""
        batch, inquiry, schema = evidence.batch, evidence.inquiry, evidence.schema
        assert batch is not None
        log_p, q, _ = inquiry.margins
        level, tolerance = batch.options.level, batch.options.tolerance
        findings, largest = [], 0.0
        for f, feature in enumerate(schema.features):
            share, what, before, after = largest_change(evidence, f)
            largest = max(largest, share)
            label = feature.name == batch.label
            significant = log_p[f] <= np.log(level / 2) if label else q[f] <= level / 2
            if not significant:
                continue
            severity = Severity.ALARM if share > tolerance else Severity.NOTICE
            message = f"{feature.name}: {what} in {after:.1%} of the rows, {before:.1%} in the reference"
            message = f"the label {message}" if label else message
            details = {"level": what, "before": before, "after": after, "label": label}
            findings.append(
                Finding(
                    self.code, (feature.name,), message, severity,
                    p=float(np.exp(log_p[f])), q=float(q[f]), effect=share, details=details,
                )
            )  # fmt: skip
        findings.sort(
            key=lambda x: (x.severity is not Severity.ALARM, not x.details["label"], -(x.effect or 0))
        )
        many = counted(len(schema.features), "feature")
        clear = f"the largest change of a share over {many} is {100 * largest:.1f} points"
        details = {"features": len(schema.features), "largest": largest, "tolerance": tolerance}
        return answer(self, findings, f"{clear}; {100 * tolerance:g} pass", details=details)


def largest_change(evidence: Evidence, f: int) -> tuple[float, str, float, float]:
    """(change, level or cut, share before, share after) of a feature, where the change is largest."""
    feature = evidence.schema.features[f]
    known, own = evidence.reference_counts, evidence.suspect_counts
    before: FloatArray = known.marginal(f) / max(known.rows, 1)
    after: FloatArray = own.marginal(f) / max(own.rows, 1)
    names = list(feature.levels)
    if feature.ordered > 2:
        cuts = feature.ordered - 1
        above = [1.0 - np.cumsum(shares[: feature.ordered])[:cuts] for shares in (before, after)]
        before, after = (np.concatenate([x, y]) for x, y in zip((before, after), above, strict=True))
        names += [feature.cut(k) for k in range(cuts)]
    at = int(np.argmax(np.abs(after - before)))
    return float(abs(after[at] - before[at])), names[at], float(before[at]), float(after[at])
