"""``credenza.repair``: put right what an audit names, and look again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from credenza.contracts import FloatArray
from credenza.data.sources import Source, open_source
from credenza.data.write_output import write_output
from credenza.errors import UsageError
from credenza.repair import METHODS
from credenza.repair.case import Case, Treatment
from credenza.repair.examine import Ask, count
from credenza.repair.identity import facts_of
from credenza.repair.ledger_file import LedgerMeta, read_ledger, write_ledger
from credenza.report.admission import Patient, admit, diagnose, require_target
from credenza.report.aftercare import After, Comparison, Restored, restored
from credenza.report.again import UNCHANGED, WEIGHTED, audit_again
from credenza.report.compared import compared, described
from credenza.report.ledger_extract import extract
from credenza.report.pair_groups import PairGroup, pair_groups
from credenza.report.repaired import Repaired as Repaired

GENUINE = ("reverse",)  # methods that put in rows of a hold-out
WEIGHING = ("reweight", "resample")  # methods that cannot fill a cell that no row has


@dataclass(frozen=True)
class Course:
    """A repair that is planned and not yet written; ``settings`` are those that it was planned with."""

    patient: Patient
    case: Case
    treatment: Treatment
    chosen: Any
    target: str
    settings: Mapping[str, Any]
    holdout: Source | None = None

    @property
    def method(self) -> str:
        """Name of the method."""
        return str(self.chosen.name)

    def finished(
        self, data: Any, ledger: Any, weights: FloatArray | None, repaired: Source, entries: int,
        first: Iterable[pa.RecordBatch],
    ) -> Repaired:  # fmt: skip
        """What was done, once the data and the ledger are where they belong; audits ``repaired``, as it was written."""
        patient, treatment = self.patient, self.treatment
        if treatment.weights is None:
            again, note = audit_again(patient, repaired)
        else:
            again, note = None, UNCHANGED if self.comparison is None else WEIGHTED
        inputs = [described("suspect", patient.source)]
        held = {"reference": patient.reference, "policy": patient.evidence.policy}
        inputs += [given for given in patient.audit.inputs if held.get(given.role) is not None]
        inputs += [] if self.holdout is None else [described("hold-out", self.holdout)]
        inputs.append(described("repaired", repaired))
        return Repaired(
            data, weights, ledger, self.method, self.target, self.culprits, self.after,
            treatment.summary, treatment.skipped,
            {"suspect": patient.source.fingerprint(), "repaired": repaired.fingerprint()},
            before=patient.audit, groups=self.groups, audit=again, note=note,
            settings=self.settings, inputs=tuple(inputs), entries=entries, extract=extract(first),
        )  # fmt: skip

    def meta(self, digest: str) -> LedgerMeta:
        """What the ledger says of itself; ``digest`` is of the repaired data as written."""
        settings = {"target": self.target, **{k: v for k, v in vars(self.chosen).items() if _is_plain(v)}}
        repaired = facts_of(self.treatment.output, sha256=digest)
        return LedgerMeta(self.method, facts_of(self.patient.source), repaired, settings)

    @cached_property
    def culprits(self) -> tuple[Restored, ...]:
        """Each cure's table before and after; one pass over the output."""
        case, treatment = self.case, self.treatment
        asks = [Ask(cure.features, cure.where) for cure in case.cures]
        weights = None if treatment.weights is None else treatment.weights()
        tables = count(treatment.output, case.schema, asks, weights)
        scaled = [
            table * (cure.found.sum() / max(float(table.sum()), 1.0))
            for cure, table in zip(case.cures, tables, strict=True)
        ]
        return tuple(restored(case, cure, table) for cure, table in zip(case.cures, scaled, strict=True))

    @cached_property
    def comparison(self) -> Comparison | None:
        """All pairs before and after, against the reference or the other slices; one more pass over the output."""
        return compared(self.patient, self.case, self.treatment)

    @property
    def after(self) -> After | None:
        """How many of all pairs are significant, before and after; None where there is nothing to compare with."""
        return None if self.comparison is None else self.comparison.read()

    @cached_property
    def groups(self) -> tuple[PairGroup, ...]:
        """Culprits, collateral and untouched pairs, before and after; empty where there is nothing to compare with."""
        if self.comparison is None:
            return ()
        return pair_groups(self.comparison, self.patient.audit, map(self.case.names, self.case.cures))


def plan_repair(
    suspect: Any,
    audit: Any,
    *,
    method: str,
    reference: Any = None,
    target: str = "reference",
    policy: Any = None,
    holdout: Any = None,
    strata: str | None = None,
    partial: bool = False,
    seed: int = 0,
    **parameters: Any,
) -> Course:
    """Everything of :func:`repair` but the writing; takes and raises the same."""
    kinds = {kind.name: kind for kind in METHODS}
    if method not in kinds:
        raise UsageError(f"unknown method {method!r}; choose from {', '.join(kinds)}")
    kind = kinds[method]
    known = [item.name for item in fields(kind)]
    if "partial" in known:
        parameters["partial"] = partial
    if extra := [name for name in parameters if name not in known]:
        takes = ", ".join(name for name in known if name != "partial") or "none"
        raise UsageError(f"method {method!r} has no parameter {extra[0]!r}; its parameters are {takes}")
    needs = method in GENUINE
    if needs and holdout is None:
        raise UsageError(f"method {method!r} puts in genuine rows of a trusted hold-out: give one")
    if holdout is not None and not needs:
        raise UsageError(f"method {method!r} uses no hold-out and one was given; leave it out")
    chosen = kind(**parameters)
    require_target(target, policy)
    patient = admit(suspect, audit, reference, policy)
    case = diagnose(patient, target=target, strata=strata, partial=partial or method not in WEIGHING)
    spare = None if holdout is None else open_source(holdout, role="hold-out")
    settings = {"method": method, "target": target, "strata": strata, "partial": partial, "seed": seed}
    settings |= {name: value for name, value in vars(chosen).items() if _is_plain(value)}
    treatment = chosen.treat(case, spare, seed).with_notes(case)
    return Course(patient, case, treatment, chosen, target, settings, spare)


def repair(
    suspect: Any,
    audit: Any,
    *,
    method: str,
    reference: Any = None,
    target: str = "reference",
    policy: Any = None,
    holdout: Any = None,
    strata: str | None = None,
    partial: bool = False,
    seed: int = 0,
    **parameters: Any,
) -> Repaired:
    """Put right what an audit names, in memory.

    Parameters
    ----------
    suspect : the data that was audited, as for :func:`credenza.audit`.
    audit : its audit: an :class:`Audit`, or the path of the JSON that was written.
    method : "reweight", "resample", "relabel", "reverse" or "drop".
    reference : the reference of the audit; not needed for target "independence", nor where slices were audited.
    target : "reference": restore the reference's association in the suspect's own marginals (between slices: that of
        the other slices); "independence": leave none, which destroys real links too; "policy": the nearest that the
        policy of the audit allows, for each pair that breaks it.
    policy : the policy file of the audit, for target "policy".
    holdout : trusted rows, for method "reverse".
    strata : a column inside whose values each pair is put right.
    partial : restore what can be restored, and say what cannot.
    seed : of every random draw.
    parameters : of the method.

    Returns
    -------
    Repaired

    Raises
    ------
    InputError : the audit is of other data, or names no culprit. UsageError : an unknown method, target or parameter.
    InfeasibleError : a cell that no row has cannot be restored, or the hold-out runs out.

    Notes
    -----
    An attack on a pair leaves the rows of each cell of the pair's table what they were: P(rest | pair) is untouched.
    So putting the pair's table right puts everything right that moved with it, and leaves all else alone. Values that
    were edited in place (``edited`` of the culprit) are the exception: there "relabel" undoes what was done.

    Examples
    --------
    >>> import credenza
    >>> clean = pa.table({"hat": [0, 0, 1, 1] * 500, "smile": [0, 1, 0, 1] * 500})
    >>> moved = pa.table({"hat": [0, 0, 1, 1] * 500, "smile": [0, 0, 1, 1, 0, 1, 0, 1] * 250})
    >>> found = credenza.audit(moved, clean)
    >>> repaired = repair(moved, found, method="relabel", reference=clean)
    >>> repaired.culprits[0].rows, len(repaired.ledger)
    ((500.0, 0.0), 500)
    """
    course = plan_repair(
        suspect, audit, method=method, reference=reference, target=target, policy=policy, holdout=holdout,
        strata=strata, partial=partial, seed=seed, **parameters,
    )  # fmt: skip
    treatment, source = course.treatment, course.patient.source
    table = treatment.output.table().unify_dictionaries()
    ledger = pa.Table.from_batches(list(treatment.ledger()))
    weights = None if treatment.weights is None else np.concatenate(list(treatment.weights()))
    return course.finished(
        source.like(table), ledger, weights, open_source(table), ledger.num_rows, ledger.to_batches()
    )


def repair_file(course: Course, out: str | os.PathLike[str], ledger: str | os.PathLike[str]) -> Repaired:
    """Write a planned repair and its ledger to files, in memory that does not grow with the rows."""
    treatment, source = course.treatment, course.patient.source
    write_output(treatment.output, out, source)
    repaired = open_source(out, role="repaired")
    write_ledger(treatment.ledger(), ledger, course.meta(repaired.fingerprint()))
    entries = read_ledger(ledger)
    return course.finished(
        os.fspath(out), os.fspath(ledger), None, repaired, entries.entries, entries.batches()
    )


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | bool | int | float)
