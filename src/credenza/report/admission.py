"""Admission to repair: the suspect, the audit that is of it, and what there is to put right."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from credenza.association.profile import Profile
from credenza.checks import Evidence, Settings
from credenza.checks.policy_file import Policy, read_policy
from credenza.contracts import AuditResult, Culprit, FloatArray
from credenza.data.schema import Feature, Schema
from credenza.data.sources import Source, open_source
from credenza.errors import InfeasibleError, InputError, UsageError
from credenza.repair.case import TARGETS, Case, Cure, aim
from credenza.repair.examine import Ask, count
from credenza.repair.slices import Where, require_apart
from credenza.report.declaring import declared_case
from credenza.report.read import from_dict
from credenza.report.result import Audit
from credenza.report.run import open_reference

SLICE = " = "  # between column and value, where an audit names a slice


@dataclass(frozen=True)
class Patient:
    """A suspect and what is known of it.

    Attributes
    ----------
    source : the suspect. reference : trusted rows or a profile of them, or None.
    audit : what was found. schema : the vocabulary of the audit.
    """

    source: Source
    reference: Source | Profile | None
    audit: AuditResult
    evidence: Evidence

    @property
    def schema(self) -> Schema:
        """The vocabulary that the audit used."""
        return self.evidence.schema


def admit(suspect: Any, audit: Any, reference: Any = None, policy: Any = None) -> Patient:
    """Open what is to be repaired, and make sure that the audit is of it.

    Parameters
    ----------
    suspect : as for :func:`credenza.audit`. audit : an :class:`Audit`, its result, or the path of its JSON.
    reference : the reference of the audit; None where it had none, or none is to be used.
    policy : its policy file, or a :class:`Policy`; None where it had none, or none is to be used.

    Raises
    ------
    InputError : the audit or the policy cannot be read, or the audit is of another suspect, reference or policy.
    """
    result = read_audit(audit)
    declared = read_policy(policy) if policy is not None and not isinstance(policy, Policy) else policy
    _require_policy(declared, result)
    source = open_source(suspect, role="suspect")
    engine = Evidence(source, None, Settings()).engine
    against = open_reference(reference, engine)
    told = {item.role: item.sha256 for item in result.inputs}
    for role, data in (("suspect", source), ("reference", against)):
        if data is not None:
            _require_same(role, data, told.get(role))
    known = {name: value for name, value in result.settings.items() if name in Settings.__dataclass_fields__}
    names = [feature.name for feature in result.features if not feature.skipped]
    slices = result.settings.get("slices")
    evidence = Evidence(
        source, against, Settings(**known), columns=names or None, slices=slices, policy=declared
    )
    return Patient(source, against, result, evidence)


def read_audit(audit: Any) -> AuditResult:
    """The result of an audit, from whatever holds it.

    Raises
    ------
    InputError : no such file, not JSON, or no audit.
    """
    if isinstance(audit, Audit):
        return audit.result
    if isinstance(audit, AuditResult):
        return audit
    path = Path(os.fspath(audit)).expanduser()
    try:
        return from_dict(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(
            f"cannot read the audit {path}: {(error.strerror or 'unreadable').lower()}"
        ) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} is no audit: it is not JSON; give what credenza audit --json wrote"
        ) from error


def diagnose(
    patient: Patient, *, target: str = "reference", strata: str | None = None, partial: bool = False
) -> Case:
    """What there is to put right: a cure for each culprit, or for each stratum of it.

    Parameters
    ----------
    target : "reference": the reference's association, or that of the other slices where one was named; "independence":
        none; "policy": the nearest that the policy allows, see :func:`credenza.report.declaring.declared_case`.
    strata : column inside whose values each culprit is put right.
    partial : leave out cells that nothing can restore, instead of refusing.

    Raises
    ------
    UsageError : an unknown target, or what it needs was not given. InputError : nothing to repair.
    """
    require_target(target, patient.evidence.policy)
    slices: Sequence[Where | None] = (None,)
    pooled: tuple[str, ...] = ()
    if strata is not None:
        slices, pooled = _strata(patient, strata)
    if target == "policy":
        case = declared_case(patient, tuple(where for where in slices if where is not None))
    else:
        case = _culprits_case(patient, target, slices)
    if not partial:
        _require_restorable(case)
    return replace(case, left=(*case.left, *pooled))


def require_target(target: str, policy: Any) -> None:
    """Refuse an unknown target, and a policy that is missing or of no use.

    Raises
    ------
    UsageError : names what would be right.
    """
    if target not in TARGETS:
        raise UsageError(f"unknown target {target!r}; choose from {', '.join(TARGETS)}")
    if target == "policy" and policy is None:
        raise UsageError("target 'policy' needs the policy of the audit and none was given: give its file")
    if target != "policy" and policy is not None:
        raise UsageError(
            f"target {target!r} uses no policy and one was given: leave it out, or use target 'policy'"
        )


def _culprits_case(patient: Patient, target: str, slices: Sequence[Where | None]) -> Case:
    """A cure for each culprit of the audit, or for each stratum of it."""
    culprits = patient.audit.culprits
    if not culprits:
        raise InputError("the audit names no culprit: there is nothing to repair")
    asks = [ask for culprit in culprits for ask in _asks(patient, culprit, slices)]
    found = count(patient.source, patient.schema, asks)
    wanted = _wanted(patient, asks, target)
    edited = {frozenset(c.features): c.edited for c in culprits}
    cures = []
    for ask, table, joint in zip(asks, found, wanted, strict=True):
        names = [patient.schema.features[f].name for f in ask.features]
        feature = edited[frozenset(names)]
        place = None if feature is None else ask.features[names.index(feature)]
        cures.append(Cure(ask.features, table, aim(table, joint), place, ask.where))
    kept = tuple(cure for cure in cures if cure.found.sum())
    trusted = patient.reference if isinstance(patient.reference, Source) else None
    return Case(patient.source, patient.schema, kept, reference=trusted)


def _asks(patient: Patient, culprit: Culprit, slices: Sequence[Where | None]) -> list[Ask]:
    names = [feature.name for feature in patient.schema.features]
    a, b = (names.index(name) for name in culprit.features)
    if culprit.where:
        column, _, value = culprit.where.partition(SLICE)
        return [Ask((a, b), (column, value))]
    require_apart(culprit.features, slices[0])
    return [Ask((a, b), where) for where in slices]


def _strata(patient: Patient, column: str) -> tuple[tuple[Where, ...], tuple[str, ...]]:
    """The strata of a column, and in words the rows that are in none."""
    names = patient.schema.names
    if column not in names:
        raise InputError(
            f"the audit has no feature {column!r} to repair inside; its features are {', '.join(names[:8])}"
        )
    feature = patient.schema.features[names.index(column)]
    if feature.edges:
        raise InputError(f"{column!r} has ranges of numbers as levels; repair inside a column of categories")
    levels = [k for k in range(feature.size) if k != feature.other]
    rare = () if feature.other is None else (f"rows with rare values of {column!r}: they are in no stratum",)
    return tuple((column, _spelt(feature, k)) for k in levels), rare


def _spelt(feature: Feature, level: int) -> str:
    """A level as its rows spell it; texts are shortened where levels are shown."""
    value = feature.values[level] if level < len(feature.values) else None
    return value if isinstance(value, str) else feature.levels[level]


def _wanted(patient: Patient, asks: Sequence[Ask], target: str) -> list[FloatArray | None]:
    """The association that is aimed at, by a table of any total; None for none."""
    if target == "independence":
        return [None] * len(asks)
    slices = patient.audit.settings.get("slices")
    named: dict[str, tuple[str, ...]] = {}
    if slices:
        bad = tuple(sorted({ask.where[1] for ask in asks if ask.where and ask.where[0] == slices}))
        named = {slices: bad}
    reference = patient.reference
    if reference is None:
        if not slices:
            raise UsageError(
                "target 'reference' needs the audit's reference: give it, or use target='independence'"
            )
        rest = [Ask(ask.features, None, named[slices], slices) for ask in asks]
        return [table.astype(float) for table in count(patient.source, patient.schema, rest)]
    if isinstance(reference, Profile):
        if any(ask.where for ask in asks):
            raise UsageError(
                "a profile has no slices or strata: give the reference's rows, or leave strata out"
            )
        return [patient.evidence.reference_counts.table(*ask.features).astype(float) for ask in asks]
    return [table.astype(float) for table in count(reference, patient.schema, asks)]


def _require_restorable(case: Case) -> None:
    for cure in case.cures:
        if cure.empty:
            cell = case.cell(cure, cure.empty[0])
            need = cure.wanted[cure.empty[0]]
            raise InfeasibleError(
                f"no row of the suspect has {cell}, about {need:.0f} should; "
                "use method 'relabel' or 'reverse', or --partial to restore the rest"
            )


def _require_policy(policy: Policy | None, audit: AuditResult) -> None:
    """Refuse a policy that is not the audit's."""
    if policy is None:
        return
    told = next((given.sha256 for given in audit.inputs if given.role == "policy"), None)
    if told is None:
        raise InputError(
            f"the audit was made without a policy, so it does not say what breaks {policy.source}; "
            "audit again with the policy"
        )
    if told != policy.sha256:
        raise InputError(
            f"the audit is of another policy: its sha256 is {told[:12]}, that of {policy.source} is "
            f"{policy.sha256[:12]}; audit it again"
        )


def _require_same(role: str, data: Source | Profile, told: str | None) -> None:
    found = data.sha256 if isinstance(data, Profile) else data.fingerprint()
    if told is not None and found != told:
        name = data.source if isinstance(data, Profile) else data.name
        raise InputError(
            f"the audit is of another {role}: its sha256 is {told[:12]}, that of {name} is {found[:12]}; audit it again"
        )
