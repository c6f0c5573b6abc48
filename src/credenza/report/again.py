"""The audit of a repaired table: the same questions once more, asked of what the repair has made."""

from __future__ import annotations

from typing import Any

from credenza.checks.policy_file import Policy, read_policy
from credenza.contracts import AuditResult
from credenza.data.sources import Source
from credenza.errors import CredenzaError, InputError
from credenza.report.admission import Patient
from credenza.report.result import Audit
from credenza.report.run import audit

WEIGHTED = (
    "no row was changed, so the audit was not run again: the weighted tests of all pairs are its first step, and where "
    "none is significant there is no culprit"
)
UNCHANGED = "no row was changed, so the audit was not run again: it does not see weights"
UNREFERENCED = (
    "not audited again: the audit had a reference and the repair was given none; give it to look again"
)


def audit_again(patient: Patient, repaired: Source) -> tuple[Audit | None, str]:
    """Audit repaired data as the suspect was audited.

    Parameters
    ----------
    patient : the suspect, its reference and its audit. repaired : the data as it was made, or written.

    Returns
    -------
    (audit, note) : None where the data could not be audited again; the note says why, or what was left out, or is "".

    Notes
    -----
    Everything is as in the audit: columns, slices, strata, checks, triples, policy, thresholds, seed. Columns that the
    audit did not see, such as weights, are not audited now. Rows are counted in this process whatever the audit's
    engine was; the counts are the same, to the bit. What :func:`credenza.audit` cannot do with the repaired data (no
    column of it varies any more) becomes the note: the repair itself is done by then.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from credenza.data import open_source
    >>> from credenza.report.admission import admit
    >>> import credenza
    >>> clean = pa.table({"hat": [0, 0, 1, 1] * 500, "smile": [0, 1, 0, 1] * 500})
    >>> moved = pa.table({"hat": [0, 0, 1, 1] * 500, "smile": [0, 0, 1, 1, 0, 1, 0, 1] * 250})
    >>> found = credenza.audit(moved, clean)
    >>> again, note = audit_again(admit(moved, found, clean), open_source(clean))
    >>> again.verdict.value, note
    ('clear', '')
    """
    result = patient.audit
    if patient.reference is None and any(given.role == "reference" for given in result.inputs):
        return None, UNREFERENCED
    policy, note = _policy(patient)
    settings = result.settings
    known = {
        name: settings[name] for name in ("fdr", "min_strength", "correction", "seed") if name in settings
    }
    try:
        found = audit(
            repaired,
            patient.reference,
            slices=settings.get("slices"),
            strata=_texts(settings.get("strata")),
            columns=_columns(result, repaired),
            policy=policy,
            triples=_threes(settings.get("triples")),
            checks=_texts(settings.get("checks")) or None,
            **known,
        )
    except CredenzaError as error:
        return None, f"not audited again: {error}"
    return found, note


def _columns(result: AuditResult, repaired: Source) -> tuple[str, ...] | None:
    """The columns that the audit saw; None where that is all there are, as it was then."""
    slices = result.settings.get("slices")
    seen = {feature.name for feature in result.features} - {slices}
    columns = tuple(name for name in repaired.columns if name in seen)
    return None if len(columns) == len([name for name in repaired.columns if name != slices]) else columns


def _policy(patient: Patient) -> tuple[Policy | None, str]:
    """The policy of the audit, and what there is to say if it is not at hand."""
    told = next((given for given in patient.audit.inputs if given.role == "policy"), None)
    if told is None:
        return None, ""
    held = patient.evidence.policy
    if held is not None and held.sha256 == told.sha256:
        return held, ""
    try:
        policy = read_policy(told.source)
    except InputError as error:
        return None, f"audited again without its policy: {error}"
    if policy.sha256 != told.sha256:
        return None, f"audited again without its policy: {told.source} has changed since"
    return policy, ""


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()


def _threes(value: Any) -> Any:
    return value if isinstance(value, str) else _texts(value) or None
