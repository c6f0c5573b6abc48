"""Which feature of a pair was edited in place, if any, by what the rest of the rows says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from credenza.contracts import FloatArray, IntArray
from credenza.data import Schema, encode
from credenza.data.sources import Source
from credenza.repair.case import Case, Cure
from credenza.repair.choice import STEEPEST
from credenza.repair.likeness import SAMPLE, fitted
from credenza.repair.picker import leaving
from credenza.repair.retable import goal

CONVINCED = 3.0  # log likelihood ratio, from which on a feature is taken to have been edited


def informed(case: Case, seed: int) -> Case:
    """The case, with ``edited`` of its cures filled in where the audit left it open and the reference's rows tell.

    Formula: if values of a feature were edited in place, the rest of the rows of an over-filled cell o is a mixture
    (1 - sum_t s_t) p_o + sum_t s_t p_t of what goes with the cells t that they came from, s being the shares that are
    too many; if whole rows were exchanged, it is p_o. The ratios p_t / p_o are those of a logistic regression of the
    feature on the rest, fitted to the reference. The log likelihood ratio of mixture and p_o is summed over the rows of
    the over-filled cells; the feature with the larger sum was edited, if that is above 3 (odds of twenty to one).

    Notes
    -----
    Where the audit has a judgement, that stands. Left alone: pairs of slices, whose rows need not be like those of the
    reference. Cost: a pass over suspect and reference, and two fits for each cure, on 20,000 rows at most.
    """
    if case.reference is None or all(_settled(cure) for cure in case.cures):
        return case
    rng = np.random.default_rng((seed, 7))
    suspect, reference = (_Rows.of(source, case.schema, rng) for source in (case.source, case.reference))
    cures = []
    for cure in case.cures:
        if not _settled(cure):
            said = [_evidence(cure, axis, suspect, reference) for axis in (0, 1)]
            place = int(np.argmax(said))
            if said[place] > CONVINCED:
                cure = replace(cure, edited=cure.features[place])
        cures.append(cure)
    return replace(case, cures=tuple(cures))


def _settled(cure: Cure) -> bool:
    return cure.edited is not None or cure.where is not None


def _evidence(cure: Cure, axis: int, suspect: _Rows, reference: _Rows) -> float:
    """Log likelihood ratio of an edit of the feature along ``axis``, against an exchange of rows."""
    feature, partner = cure.features[axis], cure.features[1 - axis]
    c = reference.model(feature)
    change = goal(cure.wanted, cure.found, None) - cure.found
    wanted = cure.wanted if axis == 0 else cure.wanted.T  # by level of the feature, then of the partner
    found = cure.found if axis == 0 else cure.found.T
    told = 0.0
    for cell, (targets, counts) in leaving(change, axis).items():
        i, j = cell[axis], cell[1 - axis]
        here = np.flatnonzero((suspect.codes[:, feature] == i) & (suspect.codes[:, partner] == j))
        scores = suspect.others(feature)[here] @ c[:-1] + c[-1]
        gap = scores[:, targets] - scores[:, [i]]
        ratio = np.exp(np.clip(gap, -STEEPEST, STEEPEST)) * (
            wanted[i, j] / np.maximum(wanted[targets, j], 0.5)
        )
        shares = counts / found[i, j]
        told += float(np.log(np.maximum(1.0 - shares.sum() + ratio @ shares, 1e-12)).sum())
    return told


@dataclass(frozen=True)
class _Rows:
    """Codes of a seeded sample of rows, shape (n, m)."""

    codes: IntArray
    schema: Schema

    @classmethod
    def of(cls, source: Source, schema: Schema, rng: np.random.Generator) -> _Rows:
        rows = np.sort(rng.choice(source.rows, min(SAMPLE, source.rows), replace=False))
        parts, start = [], 0
        for batch in source.batches(schema.names):
            low, high = np.searchsorted(rows, [start, start + batch.num_rows])
            parts.append(encode(batch, schema)[rows[low:high] - start])
            start += batch.num_rows
        return cls(np.concatenate(parts), schema)

    @cached_property
    def _planes(self) -> sparse.csc_array:
        n, m = self.codes.shape
        places = (self.codes + self.schema.offsets[:-1]).ravel()
        ones = sparse.csr_array(
            (np.ones(n * m), places, np.arange(0, n * m + 1, m)), shape=(n, self.schema.planes)
        )
        return ones.tocsc()

    def others(self, feature: int) -> sparse.csr_array:
        """One column of zeros and ones for each level of each other feature."""
        own = np.arange(self.schema.offsets[feature], self.schema.offsets[feature + 1])
        return self._planes[:, np.setdiff1d(np.arange(self.schema.planes), own)].tocsr()

    def model(self, feature: int) -> FloatArray:
        """Coefficients of the feature's levels on the rest, the intercepts last."""
        return fitted(
            self.others(feature), np.eye(self.schema.features[feature].size)[self.codes[:, feature]], None
        )
