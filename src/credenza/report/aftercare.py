"""What a repair has done: the pairs that were named, before and after, and all pairs tested again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.association.measures import mcc, mutual_information
from credenza.association.probes import Layout
from credenza.association.profile import layout_of
from credenza.association.samples import Sample
from credenza.association.shift import PairShift, pair_shift
from credenza.association.weighted import Weigher
from credenza.contracts import FloatArray
from credenza.data.encode import encode
from credenza.data.schema import Schema
from credenza.data.sources import Source
from credenza.repair.case import Case, Cure, aim

ONES = 65_536  # weights of 1 that are made at once


class RowPick(Protocol):
    """Picks rows out of a batch, from some of its columns."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it looks at."""
        ...

    def __call__(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        """Which rows, shape (n,)."""
        ...


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

    @property
    def met(self) -> bool:
        """Whether the pair is where it should be: of the misplaced rows at most 2% are left, or three."""
        return self.rows[1] <= max(3.0, 0.02 * self.rows[0])


@dataclass(frozen=True)
class After:
    """Pairs that are significant against the reference: before, after, and which remain; ``tested`` pairs.

    ``against`` says what the suspect was compared with: "reference", or "other slices" where there is none.
    """

    tested: int
    before: int
    after: int
    left: tuple[tuple[str, str], ...]
    against: str = "reference"

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """All pairs of the suspect against the reference, before a repair and after it.

    Attributes
    ----------
    schema : m features. reference, before, after : pair counts, those after by weight where there are weights.
    fdr, correction : of the tests. against : what ``reference`` is, in words.
    """

    schema: Schema
    reference: Sample
    before: Sample
    after: Sample
    fdr: float
    correction: str
    against: str = "reference"

    @cached_property
    def layout(self) -> Layout:
        """Levels and order of the features."""
        return layout_of(self.schema)

    @cached_property
    def shifts(self) -> tuple[PairShift, PairShift]:
        """The tests of all P pairs, as rung 2 makes them before anything is explained: (before, after)."""
        before, after = (pair_shift(self.reference, side, self.layout) for side in (self.before, self.after))
        return before, after

    @cached_property
    def significant(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which pairs are, at the false discovery rate of the audit: (before, after), each of shape (P,)."""

        before, after = (shift.q(self.correction) <= self.fdr for shift in self.shifts)
        return before, after

    def names(self, pair: int) -> tuple[str, str]:
        """Column names of a pair."""
        i, j = self.layout.pairs
        return self.schema.features[int(i[pair])].name, self.schema.features[int(j[pair])].name

    def read(self) -> After:
        """How many pairs are significant, and which are left, smallest p first."""
        was, now = self.significant
        second = self.shifts[1]
        left = np.flatnonzero(now)
        left = left[np.argsort(second.log_p[left], kind="stable")]
        names = tuple(self.names(int(k)) for k in left)
        return After(int(second.tested.sum()), int(was.sum()), int(now.sum()), names, self.against)


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


def weighted_sample(
    source: Source, schema: Schema, weights: Iterator[FloatArray] | None = None, inside: RowPick | None = None
) -> Sample:
    """Weighted pair counts, scaled to the effective sample size (sum w)^2 / sum w^2; one pass, O(K^2) numbers.

    Parameters
    ----------
    weights : of the rows, in pieces of any length; None for 1 each. inside : only the rows that it picks.
    """
    planes = int(sum(schema.sizes))
    joint, total, square = np.zeros((planes, planes)), 0.0, 0.0
    pending = np.zeros(0)
    weights = _ones(source) if weights is None else weights
    columns = [*schema.names, *(() if inside is None else inside.columns)]
    for batch in source.batches(list(dict.fromkeys(columns))):
        while len(pending) < batch.num_rows:
            pending = np.concatenate([pending, next(weights)])
        mine, pending = pending[: batch.num_rows], pending[batch.num_rows :]
        if inside is not None:
            mine = np.where(inside(batch), mine, 0.0)
        joint += Weigher(encode(batch, schema), tuple(int(s) for s in schema.sizes)).joint(mine)
        total += float(mine.sum())
        square += float(mine @ mine)
    if not square:
        return Sample(joint, 0.0)
    size = total**2 / square
    return Sample(joint * (size / total), size)


def _ones(source: Source) -> Iterator[FloatArray]:
    """A weight of 1 for each row."""
    left = source.rows
    while left > 0:
        yield np.ones(min(left, ONES))
        left -= ONES
