"""What a repair has done: the pairs that were named, before and after, and what an audit says now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from credenza.association.counts import PairCounts
from credenza.association.measures import mcc, mutual_information
from credenza.association.multiplicity import adjust
from credenza.association.profile import layout_of
from credenza.association.samples import Sample
from credenza.association.shift import pair_shift
from credenza.association.weighted import Weigher
from credenza.contracts import FloatArray
from credenza.data.encode import encode
from credenza.data.schema import Schema
from credenza.data.sources import Source
from credenza.repair.case import Case, Cure, aim


@dataclass(frozen=True)
class Restored:
    """One pair before and after.

    ``mi`` in nats and ``mcc`` (of two levels a feature, else None), each of (aimed at, before, after); ``rows`` that
    were in a wrong cell before and are after, by weight where there are weights; ``where`` the slice, or "".
    """

    features: tuple[str, str]
    where: str
    mi: tuple[float, float, float]
    mcc: tuple[float, float, float] | None
    rows: tuple[float, float]


@dataclass(frozen=True)
class After:
    """Pairs that are significant against the reference: before, after, and which remain; ``tested`` pairs."""

    tested: int
    before: int
    after: int
    left: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def restored(case: Case, cure: Cure, after: FloatArray) -> Restored:
    """Compare the tables of a cure; ``after`` has the same total as ``cure.found``."""
    tables = [np.asarray(table, float) for table in (cure.wanted, cure.found, after)]
    shares = [table / table.sum() for table in tables]
    binary = all(size == 2 for size in cure.found.shape)
    again = aim(np.asarray(after), cure.wanted)
    return Restored(
        features=case.names(cure),
        where="" if cure.where is None else " = ".join(cure.where),
        mi=tuple(float(mutual_information(share)) for share in shares),  # type: ignore[arg-type]
        mcc=tuple(float(mcc(share)) for share in shares) if binary else None,  # type: ignore[arg-type]
        rows=(cure.misplaced, float(np.abs(after - again).sum() / 2)),
    )


def weighted_sample(source: Source, schema: Schema, weights: Iterator[FloatArray]) -> Sample:
    """Weighted pair counts, scaled to the effective sample size (sum w)^2 / sum w^2; one pass, O(K^2) numbers."""
    planes = int(sum(schema.sizes))
    joint, total, square = np.zeros((planes, planes)), 0.0, 0.0
    pending = np.zeros(0)
    for batch in source.batches(schema.names):
        while len(pending) < batch.num_rows:
            pending = np.concatenate([pending, next(weights)])
        mine, pending = pending[: batch.num_rows], pending[batch.num_rows :]
        joint += Weigher(encode(batch, schema), tuple(int(s) for s in schema.sizes)).joint(mine)
        total += float(mine.sum())
        square += float(mine @ mine)
    size = total**2 / square
    return Sample(joint * (size / total), size)


def pairs_left(
    reference: PairCounts, before: PairCounts, after: Sample, schema: Schema, *, fdr: float, correction: str
) -> After:
    """Test all pairs against the reference, as rung 2 does before anything is explained."""
    layout, sample = layout_of(schema), Sample.of(reference)
    first, second = pair_shift(sample, Sample.of(before), layout), pair_shift(sample, after, layout)

    def significant(log_p: FloatArray, tested: np.ndarray) -> np.ndarray:
        flagged = np.zeros(len(log_p), dtype=bool)
        flagged[tested] = adjust(log_p[tested], correction) <= fdr
        return flagged

    was, now = (significant(shift.log_p, shift.tested) for shift in (first, second))
    i, j = layout.pairs
    left = [(schema.features[int(i[k])].name, schema.features[int(j[k])].name) for k in np.flatnonzero(now)]
    order = np.argsort(second.log_p[now])
    return After(int(second.tested.sum()), int(was.sum()), int(now.sum()), tuple(left[k] for k in order))


def told(after: After | None) -> Mapping[str, Any] | None:
    """Plain data of the test, if there was a reference to test against."""
    return None if after is None else after.to_dict()
