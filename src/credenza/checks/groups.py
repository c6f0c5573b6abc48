"""Rows by group: slices of one provenance, strata of equal values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from credenza.contracts import IntArray
from credenza.data import Feature, Source
from credenza.data.columns import plain


@dataclass(frozen=True)
class Groups:
    """Which group each row is in.

    Attributes
    ----------
    labels : what to call each group, such as "contributor = c7".
    index : int (n,), the group of each row.
    """

    labels: tuple[str, ...]
    index: IntArray

    def sizes(self) -> IntArray:
        """Rows of each group."""
        return np.bincount(self.index, minlength=len(self.labels)).astype(np.int64)

    @classmethod
    def of_codes(cls, codes: np.ndarray, features: Sequence[Feature]) -> Groups:
        """Group rows by the levels of some features; every combination of levels has a number, empty or not."""
        shape = [f.size for f in features]
        index = np.ravel_multi_index(tuple(codes[:, k].astype(np.int64) for k in range(len(features))), shape)
        labels = []
        for flat in range(int(np.prod(shape))):
            levels = np.unravel_index(flat, shape)
            labels.append(
                ", ".join(f"{f.name} = {f.levels[int(k)]}" for f, k in zip(features, levels, strict=True))
            )
        return cls(tuple(labels), np.asarray(index, np.int64))


def group_rows(source: Source, columns: tuple[str]) -> Groups:
    """Group the rows of a source by the raw values of a column, in order of first appearance."""
    (column,) = columns
    seen: dict[str, int] = {}
    parts = []
    for batch in source.batches((column,)):
        encoded = plain(batch.column(column)).dictionary_encode(null_encoding="encode")
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        names = ["(missing)" if v is None else str(v) for v in encoded.dictionary.to_pylist()]
        numbers = np.array([seen.setdefault(name, len(seen)) for name in names], np.int64)
        parts.append(numbers[np.asarray(encoded.indices.to_numpy(zero_copy_only=False))])
    index = np.concatenate(parts) if parts else np.empty(0, np.int64)
    return Groups(tuple(f"{column} = {name}" for name in seen), index)
