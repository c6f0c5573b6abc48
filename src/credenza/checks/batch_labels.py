"""CZ604: do the labels of a synthetic batch agree with its content, as the reference's do?"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from credenza.checks.base import answer, counted
from credenza.checks.batches.doubt import Disagreement, disagreement
from credenza.checks.evidence import Evidence
from credenza.checks.samples.evidence import LEAST_ROWS
from credenza.contracts import Finding, Outcome, Severity, Status

Z_CHANCE = 3.0  # standard errors by which content must tell classes better than the most frequent one does
MOST_ROWS = 20_000  # of the reference that are learnt from
TEXT_RIDGE = 300.0  # on standardised words, of which there are about as many as texts
TABLE_RIDGE = 3.0


class BatchLabels:
    """Do labels disagree with content more often than the reference's own labels do?

    Detects: logistic regressions of the label on the content, cross-fitted on the reference. A row of the batch is
    expected to disagree as often as the rows of the reference of the same predicted class and margin do. An excess
    that noise does not explain (at the check's level) and that stands for more than 2% wrong labels is an alarm.

    Cannot see: wrong labels where content does not tell classes apart; labels that the reference has wrong too;
    classes of fewer than 20 rows in the reference.
    """

    code: ClassVar[str] = "CZ604"
    title: ClassVar[str] = "Synthetic: label consistency"
    needs: ClassVar[tuple[str, ...]] = ("synthetic batch", "batch labels")

    def run(self, evidence: Evidence) -> Outcome:
        """Estimate the share of wrong labels; the score of a row is the improbability of its label."""
        batch = evidence.batch
        assert batch is not None
        assert batch.labels is not None
        names, known = np.unique(batch.labels.known, return_inverse=True)
        kept = np.flatnonzero(np.bincount(known) >= LEAST_ROWS)
        if len(kept) < 2:
            reason = f"fewer than two classes have {LEAST_ROWS} rows or more in the reference: give more rows"
            return Outcome(self.code, self.title, Status.SKIPPED, reason)
        own = np.flatnonzero(np.isin(batch.labels.own, names[kept]))
        order = np.random.default_rng([batch.seed, 604]).permutation(len(known))
        learnt = np.sort(order[np.isin(known[order], kept)][:MOST_ROWS])
        if not len(own):
            reason = "no row of the batch has a label of the reference"
            return Outcome(self.code, self.title, Status.SKIPPED, reason)
        found = disagreement(
            batch.design.own[own],
            np.searchsorted(names[kept], batch.labels.own[own]),
            batch.design.known[learnt],
            np.searchsorted(kept, known[learnt]),
            seed=batch.seed,
            ridge=TABLE_RIDGE if batch.texts is None else TEXT_RIDGE,
        )
        left = batch.rows - len(own)
        tail = f"; {counted(left, 'row')} with other labels left out" if left else ""
        scores = np.full(batch.rows, np.nan)
        scores[own] = found.scores
        return self._answer(found, batch.options.wrong_labels, batch.options.level, tail, scores, len(learnt))

    def _answer(
        self, found: Disagreement, least: float, level: float, tail: str, scores: np.ndarray, learnt: int
    ) -> Outcome:
        details = {
            "rows": found.rows,
            "disagreeing": found.found,
            "expected": found.expected,
            "z": found.z,
            "p": found.p,
            "wrong": found.rate,
            "accuracy": found.accuracy,
        }
        error = np.sqrt(found.chance * (1.0 - found.chance) / max(learnt, 1))
        if found.accuracy <= found.chance + Z_CHANCE * error:
            reason = (
                f"content names {found.accuracy:.0%} of the reference's labels, no more than the most frequent class "
                f"does: labels cannot be judged by it{tail}"
            )
            return Outcome(self.code, self.title, Status.SKIPPED, reason, (), details, scores=scores)
        findings = []
        if found.p <= level and found.rate > least:
            message = (
                f"{found.found:,} of {found.rows:,} labels disagree with a classifier of the reference, where its own "
                f"labels would {found.expected:,.0f} times: about {found.rate:.1%} of the labels are wrong{tail}"
            )
            findings.append(
                Finding(
                    self.code, (), message, Severity.ALARM, statistic=found.z, p=found.p, effect=found.rate
                )
            )
        clear = (
            f"{found.found:,} of {found.rows:,} labels disagree with a classifier of the reference, "
            f"{found.expected:,.0f} would be ordinary; it names {found.accuracy:.0%} of the reference's labels{tail}"
        )
        return answer(self, findings, clear, details=details, scores=scores)
