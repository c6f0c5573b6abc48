"""CZ603: does a synthetic batch hold what the reference makes implausible?"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from credenza.association.planes import DENSE_PLANES
from credenza.checks.base import answer
from credenza.checks.batches.batch import Batch
from credenza.checks.batches.shares import Excess, share_excess, tail_cut, tail_excess
from credenza.checks.batches.support import Strange, column_support, combination_support
from credenza.checks.evidence import Evidence
from credenza.contracts import Finding, FloatArray, Outcome, Severity

TAIL = 0.01  # of the reference's own texts are as surprising
ORDER = 2  # of the n-gram model
FIT_SHARE = 2 / 3  # of the reference's texts are learnt from, the others are judged
MOST_TEXTS = 6_000  # of the reference


class BatchPlausibility:
    """Does a synthetic batch hold values, combinations or texts that the reference makes implausible?

    Detects, in tables: rows with a value that the reference does not have (unseen names, numbers beyond its range,
    fractions among whole numbers, gaps where it has none), and rows with two levels that never meet in the reference
    although ten rows or more would be expected to. In texts: perplexity under an n-gram model of two thirds of the
    reference, above that of 99% of the other third, or, under a model that is given, of the reference; more than
    expected below the 1% quantile is a notice (predictable texts). Each share of rows counts beyond that which the
    reference's own rows show, each judged by the others, and is an alarm above 2% if an exact test at the check's
    level, divided by the number of questions, agrees.

    Cannot see: what is plausible and wrong; impossible combinations of three levels; fluent nonsense.
    """

    code: ClassVar[str] = "CZ603"
    title: ClassVar[str] = "Synthetic: plausibility"
    needs: ClassVar[tuple[str, ...]] = ("synthetic batch",)

    def run(self, evidence: Evidence) -> Outcome:
        """Count implausible rows; the score of a row is how many implausible things it has."""
        batch = evidence.batch
        assert batch is not None
        values, together = unseen_values(batch), never_together(batch)
        asked: list[tuple[str, Excess, str, Severity]] = [
            ("have a value that the reference does not have", *_told(values), Severity.ALARM)
        ]
        scores = values.own.astype(float)
        if together is not None:
            told = "combine levels that never meet in the reference"
            asked.append((told, *_told(together), Severity.ALARM))
            scores += together.own
        if batch.texts is not None:
            own, known = surprise(batch)
            told = f"are more surprising than {1 - TAIL:.0%} of the reference's texts"
            asked.append((told, tail_excess(own, known, TAIL), _words(own), Severity.ALARM))
            told = f"are more predictable than {1 - TAIL:.0%} of the reference's texts"
            asked.append((told, tail_excess(-own, -known, TAIL), "", Severity.NOTICE))
            scores += own > tail_cut(known, TAIL)[0]
        level, least = batch.options.level / len(asked), batch.options.implausible
        findings = [
            self._finding(told, excess, example, severity)
            for told, excess, example, severity in asked
            if excess.beyond(least, level)
        ]
        details = {told: {"found": e.found, "expected": e.expected, "p": e.p} for told, e, _, _ in asked}
        clear = "; ".join(f"{e.found / e.rows:.1%} of the rows {told}" for told, e, _, _ in asked)
        left = "" if together is not None else "; too many levels to look at combinations"
        return answer(
            self, findings, f"{clear}: no more than its own rows would{left}", details=details, scores=scores
        )

    def _finding(self, told: str, excess: Excess, example: str, severity: Severity) -> Finding:
        message = (
            f"{excess.found:,} of {excess.rows:,} rows {told} ({excess.found / excess.rows:.1%}), "
            f"where {excess.expected:.1%} would be ordinary"
        )
        message += f"; such as {example}" if example else ""
        return Finding(self.code, (), message, severity, p=excess.p, effect=excess.share)


def unseen_values(batch: Batch) -> Strange:
    """Rows with a value outside the support of any column but the text."""
    tables = batch.tables
    own = np.zeros(tables.own.num_rows, bool)
    known = np.zeros(tables.known.num_rows, bool)
    found: list[tuple[int, str]] = []
    for name in tables.own.column_names:
        strange = None if name == batch.text else column_support(tables.own[name], tables.known[name], name)
        if strange is not None:
            own |= strange.own
            known |= strange.known
            found.append((int(strange.own.sum()), strange.example))
    return Strange(own, known, max(found, default=(0, ""))[1])


def never_together(batch: Batch) -> Strange | None:
    """Rows with two levels that do not meet in the reference; None for more levels than one matrix holds."""
    from credenza.association.counts import PairCounts

    schema, codes = batch.own_schema, batch.codes
    if schema.planes > DENSE_PLANES:
        return None
    joint = PairCounts.empty(schema.sizes).update(codes.known).joint.astype(float)
    names = [(feature.name, level) for feature in schema.features for level in feature.levels]
    return combination_support(codes.own, codes.known, joint, schema.offsets, names)


def surprise(batch: Batch) -> tuple[FloatArray, FloatArray]:
    """Log-perplexity of the batch's texts and of some of the reference's that the model has not learnt from.

    Under the model that was given, else under n-grams of two thirds of the reference, which judge the other third.
    """
    from credenza.models.text import NGram

    assert batch.texts is not None
    texts, judge = batch.texts.known, batch.perplexity
    order = np.random.default_rng([batch.seed, 603]).permutation(len(texts))[:MOST_TEXTS]
    if judge is None:
        learnt, order = np.split(order, [int(FIT_SHARE * len(order))])
        judge = NGram(order=ORDER).fit([texts[i] for i in learnt], seed=batch.seed).perplexity
    return np.log(judge(batch.texts.own)), np.log(judge([texts[i] for i in order]))


def _told(strange: Strange) -> tuple[Excess, str]:
    return share_excess(strange.own, strange.known), strange.example


def _words(own: FloatArray) -> str:
    """The most surprising text."""
    worst = int(np.argmax(own))
    return f"row {worst:,}, of perplexity {np.exp(own[worst]):,.0f}"
