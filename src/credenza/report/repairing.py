"""``credenza.repair``: put right what an audit names, and look again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from credenza._version import __version__
from credenza.association.counts import PairCounts
from credenza.association.samples import Sample
from credenza.contracts import FloatArray
from credenza.data.schema import Schema
from credenza.data.sources import Source, open_source
from credenza.data.write_output import write_output
from credenza.errors import UsageError
from credenza.repair import METHODS
from credenza.repair.case import Case, Treatment
from credenza.repair.examine import Ask, count
from credenza.repair.identity import facts_of
from credenza.repair.ledger_file import LedgerMeta, write_ledger
from credenza.report.admission import Patient, admit, diagnose
from credenza.report.aftercare import After, Restored, pairs_left, restored, weighted_sample

SCHEMA = "credenza.repair/1"
GENUINE = ("reverse",)  # methods that put in rows of a hold-out
WEIGHING = ("reweight", "resample")  # methods that cannot fill a cell that no row has


@dataclass(frozen=True)
class Repaired:
    """A repaired table, and what was done.

    Attributes
    ----------
    data : the repaired data, in the kind of the suspect (a path: an Arrow table), or the path it was written to.
    weights : weights of its rows, mean 1, shape (n,); None where the method gives none.
    ledger : every change, an Arrow table, or the path it was written to.
    culprits : the pairs that were put right, before and after.
    after : what all pairs say against the reference now; None without one.
    summary : what the method did, in numbers. skipped : cells that could not be restored, in words.
    """

    data: Any
    weights: FloatArray | None
    ledger: Any
    method: str
    target: str
    culprits: tuple[Restored, ...]
    after: After | None
    summary: Mapping[str, Any]
    skipped: tuple[str, ...]
    hashes: Mapping[str, str | None]

    def to_json(self) -> str:
        """What was done, as JSON text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Plain data of what was done; the data, the weights and the ledger are not part of it."""
        return {
            "schema": SCHEMA,
            "method": self.method,
            "target": self.target,
            "culprits": [asdict(culprit) for culprit in self.culprits],
            "after": None if self.after is None else asdict(self.after),
            "summary": dict(self.summary),
            "skipped": list(self.skipped),
            "hashes": dict(self.hashes),
            "versions": {"credenza": __version__},
        }


@dataclass(frozen=True)
class Course:
    """A repair that is planned and not yet written."""

    patient: Patient
    case: Case
    treatment: Treatment
    chosen: Any
    target: str

    @property
    def method(self) -> str:
        """Name of the method."""
        return str(self.chosen.name)

    def finished(self, data: Any, ledger: Any, weights: FloatArray | None, digest: str) -> Repaired:
        """What was done, once the data and the ledger are where they belong."""
        return Repaired(
            data, weights, ledger, self.method, self.target, self.culprits, self.after,
            self.treatment.summary, self.treatment.skipped,
            {"suspect": self.patient.source.fingerprint(), "repaired": digest},
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
    def after(self) -> After | None:
        """All pairs against the reference, before and after; one more pass over the output."""
        evidence, schema = self.patient.evidence, self.case.schema
        if self.patient.reference is None:
            return None
        reference, before = evidence.reference_counts, evidence.suspect_counts
        if not isinstance(reference, PairCounts) or not isinstance(before, PairCounts):
            return None
        settings = evidence.settings
        sample = self._sample(schema)
        correction = "by" if settings.correction == "by" else "bh"
        return pairs_left(reference, before, sample, schema, fdr=settings.fdr, correction=correction)

    def _sample(self, schema: Schema) -> Sample:
        output, weights = self.treatment.output, self.treatment.weights
        sample = weighted_sample(output, schema, _ones(output) if weights is None else weights())
        worth = min(float(self.treatment.summary.get("effective_rows", sample.size)), sample.size)
        return Sample(sample.joint * (worth / sample.size), worth)


def plan_repair(
    suspect: Any,
    audit: Any,
    *,
    method: str,
    reference: Any = None,
    target: str = "reference",
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
    patient = admit(suspect, audit, reference)
    case = diagnose(patient, target=target, strata=strata, partial=partial or method not in WEIGHING)
    spare = None if holdout is None else open_source(holdout, role="hold-out")
    return Course(patient, case, chosen.treat(case, spare, seed), chosen, target)


def repair(
    suspect: Any,
    audit: Any,
    *,
    method: str,
    reference: Any = None,
    target: str = "reference",
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
        the other slices); "independence": leave none, which destroys real links too.
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
        suspect, audit, method=method, reference=reference, target=target, holdout=holdout, strata=strata,
        partial=partial, seed=seed, **parameters,
    )  # fmt: skip
    treatment, source = course.treatment, course.patient.source
    table = treatment.output.table().unify_dictionaries()
    ledger = pa.Table.from_batches(list(treatment.ledger()))
    weights = None if treatment.weights is None else np.concatenate(list(treatment.weights()))
    return course.finished(source.like(table), ledger, weights, open_source(table).fingerprint())


def repair_file(course: Course, out: str | os.PathLike[str], ledger: str | os.PathLike[str]) -> Repaired:
    """Write a planned repair and its ledger to files, in memory that does not grow with the rows."""
    treatment, source = course.treatment, course.patient.source
    write_output(treatment.output, out, source)
    digest = open_source(out, role="repaired").fingerprint()
    write_ledger(treatment.ledger(), ledger, course.meta(digest))
    return course.finished(os.fspath(out), os.fspath(ledger), None, digest)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | bool | int | float)


def _ones(source: Source) -> Iterator[FloatArray]:
    """A weight of 1 for each row."""
    left = source.rows
    while left > 0:
        yield np.ones(min(left, 65_536))
        left -= 65_536
