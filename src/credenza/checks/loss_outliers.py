"""CZ402: are losses anomalously low or high within a class?"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from credenza.association.multiplicity import adjust
from credenza.checks.base import answer, counted
from credenza.checks.evidence import Evidence
from credenza.checks.samples.evidence import Labels
from credenza.checks.samples.losses import LEAST_ROWS, LossTail, loss_outliers
from credenza.contracts import Finding, FloatArray, Outcome, Severity, Status

MEANING = {"low": "learnt too easily, as a trigger is", "high": "hardly learnt, as a wrong label is"}


class LossOutlier:
    """Do rows of a class have a training loss that the rest of the class does not explain?

    Detects: low losses in the mean of the first fifth of the epochs, high ones in the mean of all; or, without
    training losses, in the cross-entropy of cross-fitted logistic regressions on the embeddings. Beyond the 80%
    quantile of the log loss the share of rows is bounded by the hazard of the bulk, which is a bound wherever the
    density is log-concave; rows beyond the loss where the bound is 1% or 0.1% are counted against a binomial.
    Benjamini-Hochberg over classes and sides at the false discovery rate; an alarm needs an excess of 0.5% of the
    class.

    Cannot see: outliers that are more than a fifth of a class, and poison that is neither easier nor harder to learn.
    """

    code: ClassVar[str] = "CZ402"
    title: ClassVar[str] = "Loss outliers"
    needs: ClassVar[tuple[str, ...]] = ("labels", "losses")

    def run(self, evidence: Evidence) -> Outcome:
        """Name the classes with outlying losses, and score the rows."""
        labels = evidence.beside.labels
        assert labels is not None
        losses, kind = _losses(evidence)
        known = np.isfinite(losses).all(axis=1)
        codes = np.where(np.isin(labels.codes, labels.kept) & known, labels.codes, -1)
        found = loss_outliers(losses, codes)
        details = {"losses": kind, "epochs": losses.shape[1]}
        if not found.tails:
            reason = f"no class has {LEAST_ROWS} rows, as are needed to tell outlying losses{labels.left_out}"
            return Outcome(self.code, self.title, Status.SKIPPED, reason, (), details)
        s = evidence.settings
        q = adjust(np.array([tail.log_p for tail in found.tails]))
        loud = [
            (tail, value)
            for tail, value in zip(found.tails, q, strict=True)
            if value <= s.fdr and tail.excess >= s.loss_share
        ]
        findings = [_finding(self.code, tail, value, labels) for tail, value in loud]
        clear = (
            f"the {kind} of {len(found.tails) // 2:,} classes have no outliers "
            f"beyond what the bulk of each class explains, or fewer than {s.loss_share:.1%} of it{labels.left_out}"
        )
        outcome = answer(self, findings, clear, details=details, also=labels.left_out, scores=found.scores)
        picked = np.zeros(len(codes), dtype=bool)
        for tail, _ in loud:
            picked |= found.beyond(tail, codes)
        return replace(outcome, picked=picked)


def _losses(evidence: Evidence) -> tuple[FloatArray, str]:
    """(losses (n, epochs), what they are)."""
    given = evidence.beside.losses
    if given is not None:
        return np.asarray(given.values, np.float64), "training losses"
    samples = evidence.samples
    assert samples is not None
    fit = samples.cross_fit
    held = fit.spread(fit.losses, len(samples.labels))[:, None]
    made = evidence.beside.made
    return held if made is None else made.spread(held, evidence.suspect.rows), "cross-fitted losses"


def _finding(code: str, tail: LossTail, q: float, labels: Labels) -> Finding:
    name = labels.classes[tail.label]
    side = "below" if tail.side == "low" else "above"
    message = (
        f"{counted(tail.beyond, 'row')} of class {name!r} have a loss {side} {tail.fence:.3g}, where the bulk of the "
        f"class explains {tail.expected:,.0f}: {MEANING[tail.side]}"
    )
    return Finding(
        code,
        (name, tail.side),
        message,
        Severity.ALARM,
        p=float(np.exp(tail.log_p)),
        q=q,
        effect=tail.excess,
        details={"rows": tail.rows, "beyond": tail.beyond, "expected": tail.expected, "fence": tail.fence},
    )
