"""Run checks over evidence: what cannot run says why, and nothing is silently left out."""

from __future__ import annotations

import difflib
import time
from collections.abc import Sequence

from credenza.association.profile import Profile
from credenza.checks import NEEDS, REGISTRY, Check, Evidence
from credenza.contracts import Outcome, Status
from credenza.errors import UsageError

NO_REFERENCE = (
    "without a reference a planted association cannot be told from a true one: "
    "give --reference, or --slices to compare contributors"
)

OTHER_COMMANDS = {"synthetic batch", "predictions", "trials"}  # needs that an audit cannot meet


def chosen(codes: Sequence[str] | None) -> tuple[type[Check], ...]:
    """The checks with these codes, in the registry's order; for None all but those of other commands.

    Raises
    ------
    UsageError : an unknown code, or none at all.
    """
    if codes is None:
        return tuple(check for check in REGISTRY if not OTHER_COMMANDS & set(check.needs))
    known = {check.code: check for check in REGISTRY}
    for code in codes:
        if code not in known:
            near = difflib.get_close_matches(code, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise UsageError(f"unknown check {code!r}: {hint}")
    if not codes:
        raise UsageError("no checks were chosen: name at least one, or leave the choice out")
    return tuple(check for check in REGISTRY if check.code in codes)


def missing_need(check: type[Check], evidence: Evidence) -> str:
    """Why a check does not apply, or "" when it does."""
    given = {
        "reference": evidence.reference is not None,
        "reference rows": evidence.reference is not None and not isinstance(evidence.reference, Profile),
        "slices": evidence.slices is not None,
        "strata": bool(evidence.strata),
        "policy": evidence.policy is not None,
        "labels": evidence.beside.has_labels,
        "embeddings": evidence.beside.has_embeddings,
        "content": "content" in check.needs and (evidence.beside.general or evidence.content is not None),
        "pictures": "pictures" in check.needs and evidence.images.has_images,
        "model": evidence.model is not None,
        "generated": evidence.generated is not None,
        "embed": evidence.beside.inputs.embed is not None,
        "losses": evidence.beside.has_losses or evidence.beside.has_embeddings,
        "triples": evidence.triples is not None,
        "synthetic batch": evidence.batch is not None,
        "predictions": evidence.predictions is not None,
        "trials": evidence.trials is not None,
        "manifest": evidence.custody is not None,
        "signed reference": evidence.baseline is not None,
        "key": evidence.custody is not None and bool(evidence.custody.keys),
        "batch labels": evidence.batch is not None and evidence.batch.label is not None,
    }
    lacking = [need for need in check.needs if not given[need]]
    if not lacking:
        return ""
    if check.code == "CZ201":
        return NO_REFERENCE
    return "needs " + " and ".join(NEEDS[need] for need in lacking)


def run_checks(
    evidence: Evidence, checks: Sequence[type[Check]]
) -> tuple[tuple[Outcome, ...], dict[str, float]]:
    """Run each check.

    Returns
    -------
    (outcomes in order, seconds each took; shared evidence counts for the check that asked for it first).
    """
    outcomes, seconds = [], {}
    for check in checks:
        started = time.perf_counter()
        reason = missing_need(check, evidence)
        if reason:
            outcomes.append(Outcome(check.code, check.title, Status.NOT_APPLICABLE, reason))
        else:
            outcomes.append(check().run(evidence))
        seconds[check.code] = time.perf_counter() - started
    return tuple(outcomes), seconds
