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

CONVINCED = (
    0.5  # of the way from an exchange to an edit, from which on a feature is taken to have been edited
)
SURE = 3.0  # standard errors that the way must have been gone by
LEAST = 1e-12


def informed(case: Case, seed: int) -> Case:
    """The case, with ``edited`` of its cures filled in where the audit left it open and the reference's rows tell.

    Formula: if values of a feature were edited in place, the rest of the rows of an over-filled cell o is a mixture
    (1 - sum_t s_t) p_o + sum_t s_t p_t of what goes with the cells t that they came from, s being the shares that are
    too many; if whole rows were exchanged, it is p_o. The ratios p_t / p_o are those of a logistic regression of the
    feature on the rest, fitted to the reference. The mean log likelihood ratio of mixture and p_o over the rows of the
    over-filled cells is set beside what rows of the reference give for either case: 0 is that of an exchange, 1 that of
    an edit. A feature was edited if its value is above 0.5, and 3 standard errors above 0; of two the likelier one.

    Notes
    -----
    Where the audit has a judgement, that stands. Features of other cures are no part of the rest, as they were moved
    too. Left alone: pairs of slices, whose rows need not be like those of the reference. Cost: a pass over suspect and
    reference, and two fits for each cure, on 20,000 rows at most.
    """
    if case.reference is None or all(_settled(cure) for cure in case.cures):
        return case
    rng = np.random.default_rng((seed, 7))
    suspect, reference = (_Rows.of(source, case.schema, rng) for source in (case.source, case.reference))
    moved = {f for cure in case.cures for f in cure.features}
    cures = []
    for cure in case.cures:
        if not _settled(cure):
            without = tuple(sorted(moved - set(cure.features)))
            said = [_Evidence.of(cure, axis, suspect, reference, without) for axis in (0, 1)]
            if likely := [axis for axis in (0, 1) if said[axis].way > CONVINCED]:
                place = int(max(likely, key=[side.seen for side in said].__getitem__))
                cure = replace(cure, edited=cure.features[place])
        cures.append(cure)
    return replace(case, cures=tuple(cures))


def _settled(cure: Cure) -> bool:
    return cure.edited is not None or cure.where is not None


@dataclass(frozen=True)
class _Evidence:
    """Sums over the over-filled cells: seen in the suspect, expected of an exchange and of an edit; variance seen."""

    seen: float
    kept: float
    edited: float
    variance: float

    @property
    def way(self) -> float:
        """How far from an exchange (0) to an edit (1); 0 where chance could have gone so far."""
        gone, whole = self.seen - self.kept, self.edited - self.kept
        return gone / whole if whole > 0 and gone > SURE * self.variance**0.5 else 0.0

    @classmethod
    def of(
        cls, cure: Cure, axis: int, suspect: _Rows, reference: _Rows, without: tuple[int, ...]
    ) -> _Evidence:
        """Of an edit of the feature along ``axis``."""
        feature, partner = cure.features[axis], cure.features[1 - axis]
        c = reference.model(feature, without)
        wanted, found = (table if axis == 0 else table.T for table in (cure.wanted, cure.found))
        seen = kept = edited = variance = 0.0
        for place, (targets, counts) in leaving(
            goal(cure.wanted, cure.found, None) - cure.found, axis
        ).items():
            i, j = place[axis], place[1 - axis]
            shares = counts / found[i, j]
            ratio = wanted[i, j] / np.maximum(wanted[targets, j], 0.5)

            def ratios(rows: _Rows, level: int) -> FloatArray:
                """Log likelihood ratios of mixture and cell, of rows that have ``level`` and the cell's partner."""
                at = np.flatnonzero((rows.codes[:, feature] == level) & (rows.codes[:, partner] == j))  # noqa: B023
                scores = rows.others(feature, without)[at] @ c[:-1] + c[-1]
                gap = np.clip(scores[:, targets] - scores[:, [i]], -STEEPEST, STEEPEST)  # noqa: B023
                mixed = 1.0 - shares.sum() + (np.exp(gap) * ratio) @ shares  # noqa: B023
                return np.asarray(np.log(np.maximum(mixed, LEAST)))

            own, stay = ratios(suspect, i), ratios(reference, i)
            come = [ratios(reference, int(t)) for t in targets]
            if not len(own) or not len(stay) or not all(len(part) for part in come):
                continue
            size = float(found[i, j])
            seen += size * float(own.mean())
            kept += size * float(stay.mean())
            back = sum(float(s * part.mean()) for s, part in zip(shares, come, strict=True))
            edited += size * ((1.0 - float(shares.sum())) * float(stay.mean()) + back)
            variance += size**2 * float(own.var() / len(own) + stay.var() / len(stay))
        return cls(seen, kept, edited, variance)


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

    def others(self, feature: int, without: tuple[int, ...]) -> sparse.csr_array:
        """One column of zeros and ones for each level of each other feature but some."""
        offsets = self.schema.offsets
        left = [f for f in range(len(self.schema.features)) if f not in {feature, *without}]
        planes = [np.zeros(0, np.int64), *(np.arange(offsets[f], offsets[f + 1]) for f in left)]
        return self._planes[:, np.concatenate(planes)].tocsr()

    def model(self, feature: int, without: tuple[int, ...]) -> FloatArray:
        """Coefficients of the feature's levels on the rest, the intercepts last."""
        truth = np.eye(self.schema.features[feature].size)[self.codes[:, feature]]
        return fitted(self.others(feature, without), truth, None)
