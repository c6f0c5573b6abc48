"""From scores of rows by class to what a check says; shared by the three checks of representations."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import ClassVar, Protocol

from credenza.checks.base import Check, answer, counted
from credenza.checks.evidence import Evidence
from credenza.checks.samples.scores import ClassScores, ClassVerdict
from credenza.contracts import Finding, IntArray, Outcome, Severity, Status
from credenza.data.matrix import Numbers


class Scorer(Protocol):
    """Scores the rows of each class, as :func:`credenza.checks.samples.spectral.spectral_scores` does."""

    def __call__(self, embeddings: Numbers, labels: IntArray, /, *, level: float, seed: int) -> ClassScores:
        """See :func:`credenza.checks.samples.scores.score_classes`."""
        ...


class Heaps:
    """A check that scores the rows of each class and flags the classes whose rows make two heaps.

    ``scorer`` scores; ``apart`` and ``measure`` are as in :func:`heaps_outcome`.
    """

    code: ClassVar[str]
    title: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ("labels", "embeddings")
    scorer: ClassVar[Scorer]
    apart: ClassVar[str]
    measure: ClassVar[str]

    def run(self, evidence: Evidence) -> Outcome:
        """Flag classes, and score the rows."""
        samples = evidence.samples
        assert samples is not None
        kind = type(self)
        found = kind.scorer(
            samples.embeddings, samples.labels, level=evidence.settings.fdr, seed=samples.seed
        )
        return heaps_outcome(self, found, samples.classes, apart=self.apart, measure=self.measure)


def heaps_outcome(
    check: Check, found: ClassScores, classes: tuple[str, ...], *, apart: str, measure: str
) -> Outcome:
    """An alarm for each class whose rows make two heaps; skipped where no class could be looked at.

    Parameters
    ----------
    check : that asks. found : its scores. classes : names, by code.
    apart : how rows are apart, as a sentence goes on ("apart along ..."). measure : what ``statistic`` is.
    """
    seen = [verdict for verdict in found.per_class if verdict.p is not None]
    small = [verdict for verdict in found.per_class if verdict.p is None and verdict.rows]
    left = "; left out: " + _named(small, classes) if small else ""
    if not seen:
        return Outcome(check.code, check.title, Status.SKIPPED, f"no class has rows enough{left}")
    details = {
        "classes": len(seen),
        "left_out": [classes[verdict.label] for verdict in small],
        "measure": measure,
        "by_class": [
            {"label": classes[v.label], "rows": v.rows, "statistic": v.statistic, "p": v.p} for v in seen
        ],
    }
    findings = [_finding(check.code, v, classes, apart, measure) for v in seen if v.flagged]
    findings.sort(key=lambda finding: (finding.p, finding.subject))
    clear = (
        f"none of {len(seen)} classes falls into two heaps (smallest p {min(v.p or 0.0 for v in seen):.2g}); "
        f"planted rows that overlap the rest would be missed{left}"
    )
    also = f", {counted(int(found.flagged.sum()), 'row')} picked{left}"
    outcome = answer(check, findings, clear, details=details, also=also, scores=found.scores)
    return replace(outcome, picked=found.flagged)


def _finding(code: str, verdict: ClassVerdict, classes: tuple[str, ...], apart: str, measure: str) -> Finding:
    name = classes[verdict.label]
    message = (
        f"about {verdict.rate:.1%} of {counted(verdict.rows, 'row')} of {name!r} are {apart} "
        f"({measure} {verdict.statistic:.2f}{', ' + verdict.note if verdict.note else ''}); "
        f"{counted(verdict.flagged_rows, 'row')} picked"
    )
    return Finding(
        code,
        (name,),
        message,
        Severity.ALARM,
        statistic=verdict.statistic if math.isfinite(verdict.statistic) else None,
        p=verdict.p,
        effect=verdict.rate,
        details={"rows": verdict.rows, "picked": verdict.flagged_rows},
    )


def _named(small: list[ClassVerdict], classes: tuple[str, ...]) -> str:
    named = ", ".join(f"{classes[v.label]!r} ({v.note})" for v in small[:5])
    return named + (f" and {len(small) - 5:,} more" if len(small) > 5 else "")
