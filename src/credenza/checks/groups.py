"""Rows by group: slices of one provenance, strata of equal values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from credenza.association.estimate import Power
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
    def of_codes(
        cls, first: np.ndarray, second: np.ndarray, features: Sequence[Feature]
    ) -> tuple[Groups, Groups]:
        """Group the rows of two samples by the levels of some features; one number for a combination in both.

        Parameters
        ----------
        first, second : uint8 (n, len(features)) and (k, len(features)).

        Returns
        -------
        Groups of the first sample and of the second, with the same labels: the combinations that occur in either.
        """
        combinations, index = np.unique(np.concatenate([first, second]), axis=0, return_inverse=True)
        labels = tuple(
            ", ".join(f"{f.name} = {f.levels[int(k)]}" for f, k in zip(features, levels, strict=True))
            for levels in combinations
        )
        index = index.reshape(-1).astype(np.int64)
        return cls(labels, index[: len(first)]), cls(labels, index[len(first) :])


def could_have_missed(powers: Sequence[Power]) -> str:
    """What a clear outcome would not have shown in a group of typical size; "" when no group could show anything."""
    seen = [power for power in powers if np.isfinite(power.strength).any()]
    if not seen:
        return ""
    typical = float(np.median([power.typical() for power in seen]))
    if np.isinf(typical):
        return ". A typical pair is too rare to show any shift"
    return f". A shift of strength {typical:.3f} on a typical pair would have shown with {seen[0].power:.0%} power"


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
