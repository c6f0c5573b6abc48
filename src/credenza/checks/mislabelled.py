"""CZ401: do labels disagree with content?"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from credenza.association.multiplicity import adjust
from credenza.checks.base import answer, counted
from credenza.checks.evidence import Evidence
from credenza.checks.samples.confident import confident_issues
from credenza.checks.samples.crossfit import CrossFit
from credenza.checks.samples.lapses import Lapse, lapse_rates
from credenza.contracts import Finding, Outcome, Severity, Status
from credenza.errors import MissingExtraError

Z_CHANCE = 3.0  # standard errors by which content must tell classes better than the most frequent one does


class LabelDisagreement:
    """Does the label of a row disagree with its content?

    Detects: logistic regressions of the label on the embeddings, cross-fitted, so that no row vouches for itself.
    Confident learning (Northcutt 2021, by cleanlab) picks and scores the rows. Whether there is an alarm is decided for
    each class that the content names: the chance of another label is lambda + (1 - lambda) expit(a - b margin), and a
    likelihood ratio test asks whether lambda, the share of labels that no doubt explains, is beyond ordinary labelling
    (label_noise, 2%); Benjamini-Hochberg over the classes at the false discovery rate.

    Cannot see: replaced rows, whose labels are right; flips where the content does not tell the two classes apart;
    backdoors, whose trigger the embeddings may take for content.
    """

    code: ClassVar[str] = "CZ401"
    title: ClassVar[str] = "Labels against content"
    needs: ClassVar[tuple[str, ...]] = ("labels", "embeddings")

    def run(self, evidence: Evidence) -> Outcome:
        """Name the classes whose rows carry other labels, and score the rows."""
        samples = evidence.samples
        assert samples is not None
        fit, names, left = samples.cross_fit, samples.classes, samples.known.left_out
        try:
            scores, wrong = confident_issues(fit)
        except MissingExtraError as error:
            return Outcome(self.code, self.title, Status.SKIPPED, str(error))
        spread = fit.spread(scores, len(samples.labels))
        details = {"accuracy": fit.accuracy, "rows": len(fit.rows), "picked": int(wrong.sum())}
        if not _tells(fit):
            reason = (
                f"content names the label of {fit.accuracy:.0%} of the rows, no more than the most frequent class: "
                f"give embeddings that tell the classes apart{left}"
            )
            return Outcome(self.code, self.title, Status.SKIPPED, reason, (), details, scores=spread)
        s = evidence.settings
        lapses = lapse_rates(fit, floor=s.label_noise)
        q = adjust(np.array([lapse.log_p for lapse in lapses]))
        content = fit.probabilities.argmax(axis=1)
        findings = [
            _finding(self.code, lapse, value, fit, names, wrong[content == lapse.content])
            for lapse, value in zip(lapses, q, strict=True)
            if value <= s.fdr
        ]
        clear = (
            f"no class of {len(fit.kept)} has more than {s.label_noise:.0%} labels beyond the doubt that its content "
            f"leaves; content names {fit.accuracy:.0%} of the labels of {counted(len(fit.rows), 'row')}{left}"
        )
        also = f", {counted(int(wrong.sum()), 'row')} picked{left}"
        loud = [lapse.content for lapse, value in zip(lapses, q, strict=True) if value <= s.fdr]
        picked = fit.spread((wrong & np.isin(content, loud)).astype(np.float64), len(spread)) > 0
        outcome = answer(self, findings, clear, details=details, also=also, scores=spread)
        return replace(outcome, picked=picked)


def _tells(fit: CrossFit) -> bool:
    """Whether content names labels better than the most frequent class does."""
    n = len(fit.rows)
    largest = np.bincount(fit.labels).max() / n
    return bool(fit.accuracy > largest + Z_CHANCE * np.sqrt(largest * (1.0 - largest) / n))


def _finding(
    code: str, lapse: Lapse, q: float, fit: CrossFit, names: tuple[str, ...], wrong: np.ndarray
) -> Finding:
    here, there = (names[fit.kept[k]] for k in (lapse.content, lapse.towards))
    message = (
        f"{lapse.rate:.1%} of {counted(lapse.rows, 'row')} whose content says {here!r} carry a label that no doubt "
        f"explains, most often {there!r}; confident learning picks {int(wrong.sum()):,} of them"
    )
    return Finding(
        code,
        (here, there),
        message,
        Severity.ALARM,
        p=float(np.exp(lapse.log_p)),
        q=q,
        effect=lapse.rate,
        details={"rows": lapse.rows, "disagreeing": lapse.disagreeing, "picked": int(wrong.sum())},
    )
