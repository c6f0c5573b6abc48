"""Which samples a repair is judged by: the reference and the suspect, or the slices that were named and the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.association.counts import PairCounts
from credenza.association.planes import DENSE_PLANES
from credenza.association.samples import Sample
from credenza.contracts import InputSummary
from credenza.data.sources import Source
from credenza.repair.case import Case, Treatment
from credenza.repair.examine import Ask, rows_asked
from credenza.report.admission import Patient
from credenza.report.aftercare import Comparison, weighted_sample

SLICES = "other slices"


@dataclass(frozen=True)
class SliceRows:
    """Rows whose slice is one of ``values`` of a column, or (``own`` False) none of them."""

    column: str
    values: tuple[str, ...]
    own: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The one column."""
        return (self.column,)

    def __call__(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        others = rows_asked(batch, Ask((0, 1), without=self.values, column=self.column))
        return ~others if self.own else others


def compared(patient: Patient, case: Case, treatment: Treatment) -> Comparison | None:
    """All pairs before and after a repair, against the reference or, without one, against the slices left alone.

    Returns
    -------
    Comparison or None : None where there is neither a reference nor a slice that was named, and for tables of so many
        levels that their pairs are not counted at once.

    Notes
    -----
    Cost: one pass over the output; of slices two more over the suspect. Memory: K^2 numbers for K levels in all.
    Rows that stand several times are worth less than their number, before as after: copies that were in the suspect as
    the audit takes them (:attr:`credenza.checks.Evidence.design_effect`), those of a repair as its ``effective_rows``.
    """
    evidence = patient.evidence
    if patient.reference is None:
        return _slices(patient, case, treatment)
    reference, before = evidence.reference_counts, evidence.suspect_counts
    if not isinstance(reference, PairCounts) or not isinstance(before, PairCounts):
        return None
    worth = 1.0 / _design_effect(patient)
    after = _after(case, treatment)
    after = _scaled(after, worth) if treatment.weights is not None else after
    samples = Sample.of(reference), _scaled(Sample.of(before), worth), after
    return Comparison(case.schema, *samples, evidence.settings.fdr, _correction(patient))


def described(role: str, source: Source) -> InputSummary:
    """Data as a report lists it; files are read for their digest."""
    return InputSummary(
        role, source.name, source.kind, source.rows, len(source.columns), source.fingerprint()
    )


def _slices(patient: Patient, case: Case, treatment: Treatment) -> Comparison | None:
    column = patient.audit.settings.get("slices")
    named = tuple(sorted({cure.where[1] for cure in case.cures if cure.where and cure.where[0] == column}))
    if not column or not named or sum(case.schema.sizes) > DENSE_PLANES:
        return None
    rest, own = SliceRows(column, named, own=False), SliceRows(column, named)
    samples = (
        weighted_sample(case.source, case.schema, inside=rest),
        weighted_sample(case.source, case.schema, inside=own),
        _after(case, treatment, own),
    )
    if not all(sample.size for sample in samples):
        return None
    return Comparison(case.schema, *samples, patient.evidence.settings.fdr, _correction(patient), SLICES)


def _after(case: Case, treatment: Treatment, inside: SliceRows | None = None) -> Sample:
    """The output, by weight; rows that repeat others count for no more than they are worth."""
    output, weights = treatment.output, treatment.weights
    sample = weighted_sample(output, case.schema, None if weights is None else weights(), inside)
    if weights is not None:
        return sample
    effective = float(treatment.summary.get("effective_rows", output.rows))
    return _scaled(sample, min(1.0, effective / max(output.rows, 1)))


def _scaled(sample: Sample, worth: float) -> Sample:
    """A sample whose rows are worth less than one each."""
    return sample if worth == 1.0 else Sample(sample.joint * worth, sample.size * worth)


def _design_effect(patient: Patient) -> float:
    """Rows of the suspect that are worth one, as the audit took them; 1 where it saw no duplicates beyond chance."""
    said = [outcome.status for outcome in patient.audit.outcomes if outcome.code == "CZ002"]
    return 1.0 if said and "flagged" not in said else patient.evidence.design_effect


def _correction(patient: Patient) -> str:
    """Of many tests at once; the permutation gate is no part of a test of single pairs."""
    return "by" if patient.evidence.settings.correction == "by" else "bh"
