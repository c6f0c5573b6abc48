"""Rows by group: slices of one provenance, strata of equal values. All of it is folded over the batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.association.counts import PairCounts
from credenza.association.estimate import Power
from credenza.contracts import IntArray
from credenza.data import Schema, encode
from credenza.data.columns import plain


class Grouping(Protocol):
    """Says which group each row of a batch is in, from some of its columns."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it looks at."""
        ...

    def __call__(self, batch: pa.RecordBatch) -> tuple[list[str], IntArray]:
        """(labels of the groups met, index (n,) into them)."""
        ...


@dataclass(frozen=True)
class ByColumn:
    """Groups of equal raw values of one column: "contributor = c7"."""

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The one column."""
        return (self.column,)

    def __call__(self, batch: pa.RecordBatch) -> tuple[list[str], IntArray]:
        encoded = plain(batch.column(self.column)).dictionary_encode(null_encoding="encode")
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        names = ["(missing)" if v is None else str(v) for v in encoded.dictionary.to_pylist()]
        index = np.asarray(encoded.indices.to_numpy(zero_copy_only=False), np.int64)
        return [f"{self.column} = {name}" for name in names], index


@dataclass(frozen=True)
class ByLevels:
    """Groups of equal levels of some features: "sex = f, region = north"."""

    schema: Schema

    @classmethod
    def of(cls, schema: Schema, names: Sequence[str]) -> ByLevels:
        """Group by these features of a schema."""
        return cls(Schema(tuple(schema.features[schema.index(name)] for name in names)))

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the features."""
        return self.schema.names

    def __call__(self, batch: pa.RecordBatch) -> tuple[list[str], IntArray]:
        combinations, index = np.unique(encode(batch, self.schema), axis=0, return_inverse=True)
        features = self.schema.features
        labels = [
            ", ".join(f"{f.name} = {f.levels[int(k)]}" for f, k in zip(features, levels, strict=True))
            for levels in combinations
        ]
        return labels, index.reshape(-1).astype(np.int64)


class RowFilter(Protocol):
    """Picks rows out of a batch, from some of its columns."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it looks at."""
        ...

    def __call__(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        """Mask (n,) of the rows picked."""
        ...


@dataclass(frozen=True)
class InGroup:
    """Picks the rows of one group out of a batch."""

    grouping: Grouping
    label: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that tell the group."""
        return self.grouping.columns

    def __call__(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        labels, index = self.grouping(batch)
        return np.asarray(index == (labels.index(self.label) if self.label in labels else -1))


@dataclass(frozen=True)
class OutsideGroups:
    """Picks the rows that are in none of some groups out of a batch."""

    grouping: Grouping
    labels: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that tell the groups."""
        return self.grouping.columns

    def __call__(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        labels, index = self.grouping(batch)
        return np.asarray(~np.isin(index, [k for k, label in enumerate(labels) if label in self.labels]))


@dataclass
class GroupSizes:
    """Rows of each group, in order of first appearance."""

    grouping: Grouping
    sizes: dict[str, int] = field(default_factory=dict)

    def update(self, batch: pa.RecordBatch) -> GroupSizes:
        """Add rows, in place."""
        labels, index = self.grouping(batch)
        for label, rows in zip(labels, np.bincount(index, minlength=len(labels)).tolist(), strict=True):
            self.sizes[label] = self.sizes.get(label, 0) + rows
        return self

    def merge(self, other: GroupSizes) -> GroupSizes:
        """The sizes in both parts."""
        both = dict(self.sizes)
        for label, rows in other.sizes.items():
            both[label] = both.get(label, 0) + rows
        return GroupSizes(self.grouping, both)


@dataclass
class GroupCounts:
    """Exact pair counts of chosen groups; memory: R^2 integers a group."""

    grouping: Grouping
    schema: Schema
    counts: dict[str, PairCounts]

    @classmethod
    def empty(cls, grouping: Grouping, schema: Schema, labels: Iterable[str]) -> GroupCounts:
        """The counts of no rows of these groups."""
        return cls(grouping, schema, {label: PairCounts.empty(schema.sizes) for label in labels})

    def update(self, batch: pa.RecordBatch) -> GroupCounts:
        """Add rows, in place; those of other groups are passed over."""
        labels, index = self.grouping(batch)
        codes = encode(batch, self.schema)
        for number, label in enumerate(labels):
            if label in self.counts:
                rows = np.asfortranarray(codes[index == number])
                self.counts[label] = self.counts[label].update(rows)
        return self

    def merge(self, other: GroupCounts) -> GroupCounts:
        """The counts of both parts."""
        both = {label: counts.merge(other.counts[label]) for label, counts in self.counts.items()}
        return GroupCounts(self.grouping, self.schema, both)


def could_have_missed(powers: Sequence[Power]) -> str:
    """What a clear outcome would not have shown in a group of typical size; "" when no group could show anything."""
    seen = [power for power in powers if np.isfinite(power.strength).any()]
    if not seen:
        return ""
    typical = float(np.median([power.typical() for power in seen]))
    if np.isinf(typical):
        return ". A typical pair is too rare to show any shift"
    return f". A shift of strength {typical:.3f} on a typical pair would have shown with {seen[0].power:.0%} power"
