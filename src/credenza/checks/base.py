"""What a check is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from credenza.checks.evidence import Evidence
from credenza.contracts import Culprit, Finding, FloatArray, Outcome, Severity, Status

NEEDS = {
    "reference": "a reference (--reference)",
    "reference rows": "the reference's rows, not a profile of it (--reference)",
    "slices": "a column that names each row's provenance (--slices)",
    "strata": "one or more columns to split the rows by (--strata)",
    "policy": "a file of declared expectations (--policy)",
    "labels": "a column of class labels (--labels)",
    "embeddings": "embeddings of the rows (--embeddings)",
    "content": "images, texts, or embeddings of the rows (--embeddings)",
    "pictures": "images with their classes (a folder of them, or a column; --labels)",
    "model": "a diffusion model (--model)",
    "generated": "a generator's images (--generated)",
    "embed": "embeddings that are made here (--embed)",
    "losses": "training losses, or embeddings to train on (--losses, --embeddings)",
    "triples": "features to look at in threes (--triples A,B,C,... or all)",
    "synthetic batch": "a synthetic batch (credenza validate)",
    "manifest": "a signed manifest of the suspect (--manifest)",
    "signed reference": "a signed manifest as the reference (--reference)",
    "key": "the public key that is trusted (--key)",
    "predictions": "predictions of checkpoints (credenza compare)",
    "trials": "contributors, and trusted test rows (credenza blame)",
    "batch labels": "a column of its class labels (credenza validate --labels)",
}


class Check(Protocol):
    """One question with a stable code.

    ``needs`` are keys of ``NEEDS``; a check only runs when all are met, so ``run`` need not ask again.
    """

    code: ClassVar[str]
    title: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]

    def run(self, evidence: Evidence) -> Outcome:
        """Answer the question."""
        ...


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    Examples
    --------
    >>> counted(1, "row"), counted(2_000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{number:,} {noun}{'s' * (number != 1)}"


def answer(
    check: Check,
    findings: list[Finding],
    clear: str,
    *,
    details: Mapping[str, Any] | None = None,
    culprits: tuple[Culprit, ...] = (),
    also: str = "",
    scores: FloatArray | None = None,
) -> Outcome:
    """Flagged with these findings (``also`` is added to their count), or clear for this reason."""
    if findings:
        alarms = sum(f.severity is Severity.ALARM for f in findings)
        counts = [counted(alarms, "alarm")] if alarms else []
        notices = len(findings) - alarms
        counts += [counted(notices, "notice")] if notices else []
        reason = ", ".join(counts) + also
        return Outcome(
            check.code, check.title, Status.FLAGGED, reason, tuple(findings), details or {}, culprits, scores
        )
    return Outcome(check.code, check.title, Status.CLEAR, clear, (), details or {}, (), scores)
