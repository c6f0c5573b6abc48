"""Which checks an audit can run, where it has no two columns to compare, and which of them decide."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from credenza.association.profile import Profile
from credenza.checks import Check, Evidence
from credenza.contracts import Outcome, Severity, Status, Verdict
from credenza.errors import InputError

TABLE_NEEDS = {"reference", "reference rows", "slices", "strata", "policy", "triples"}
DECISIVE = ("CZ201", "CZ202")
OF_IMAGES = ("CZ503",)  # decides where there are images with classes and a reference, and no pair of columns


def of_rows(check: type[Check]) -> bool:
    """Whether a check looks at single rows and what is beside them, or at images, and needs no pair of columns."""
    return "pictures" in check.needs or (bool(check.needs) and not TABLE_NEEDS & set(check.needs))


def of_files(check: type[Check]) -> bool:
    """Whether a check looks at files and signatures, and at no row."""
    return bool(check.needs) and set(check.needs) <= {"manifest", "key", "signed reference"}


def with_skipped(
    outcomes: Sequence[Outcome], selection: Sequence[type[Check]], lacking: str
) -> tuple[Outcome, ...]:
    """Outcomes of all that was selected, in order; what could not be run for want of columns says so."""
    done = {outcome.code: outcome for outcome in outcomes}
    return tuple(done.get(c.code) or Outcome(c.code, c.title, Status.SKIPPED, lacking) for c in selection)


def lacking_features(evidence: Evidence) -> str:
    """Why no pair of columns can be audited, "" where one can; refused unless there are rows to look at one by one."""
    schema, beside = evidence.schema, evidence.beside
    if len(schema.features) >= 2:
        return ""
    reasons = "; ".join(f"{name!r}: {reason}" for name, reason in schema.skipped[:3])
    more = f" ({reasons})" if reasons else ""
    left = f"{len(schema.features) or 'no'} column{'s' * (not schema.features)}"
    who, where = evidence.suspect.name, f"of {evidence.suspect.name}"
    found = f"{who} has {left}"
    if (other := evidence.reference) is not None:
        name = other.source if isinstance(other, Profile) else other.name
        found, where = f"{who} and its reference {name} share {left}", f"that {who} and {name} share"
    at_rows = beside.has_embeddings or (beside.has_labels and beside.has_losses)
    at_images = any(given is not None for given in (other, evidence.model, evidence.generated))
    if not at_rows and not (at_images and evidence.images.has_images):
        raise InputError(f"{found} that can be audited{more}: at least 2 columns that vary are needed")
    # Which columns are left out, and why, is listed once for all checks.
    return f"{'only ' * bool(schema.features)}{left} {where} can be audited, and two are needed"


def verdict(outcomes: Sequence[Outcome], *, pairs: bool = True) -> Verdict:
    """Flagged on any alarm; clear when a check that decides ran; else inconclusive.

    CZ201 and CZ202 decide; CZ503 where no pair of columns can be audited (``pairs`` is False) and the images are held
    against a reference. What a model or a generator adds (CZ501, CZ502) can flag an audit and cannot clear its data.

    Examples
    --------
    >>> seen = [Outcome("CZ503", "Class means", Status.CLEAR)]
    >>> verdict(seen).value, verdict(seen, pairs=False).value
    ('inconclusive', 'clear')
    """
    if any(f.severity is Severity.ALARM for o in outcomes for f in o.findings):
        return Verdict.FLAGGED
    decisive = DECISIVE if pairs else OF_IMAGES
    ran = any(o.code in decisive and o.status in (Status.CLEAR, Status.FLAGGED) for o in outcomes)
    return Verdict.CLEAR if ran else Verdict.INCONCLUSIVE


def named(given: Any) -> str | None:
    """What was given as a path, or its type.

    >>> named("images/"), named(None), named([1])
    ('images/', None, 'list')
    """
    if given is None:
        return None
    return str(given) if isinstance(given, str | Path) else type(given).__name__
