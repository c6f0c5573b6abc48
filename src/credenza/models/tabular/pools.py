"""The values behind each level of a column: codes become values of the column's own Arrow type again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from credenza.contracts import FloatArray, IntArray
from credenza.data.columns import Family, as_floats, as_strings, family, plain, plain_type
from credenza.data.encode import encode_column
from credenza.data.schema import Feature
from credenza.errors import InputError

Tensors = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Pool:
    """The distinct values of one column, level after level and ascending within a level, and how often each occurs.

    Attributes
    ----------
    kind : the column's Arrow type. values : (d,) plain Arrow array (no dictionary); nulls are values too.
    counts : int64 (d,), rows of each value. ends : int64 (L,), end of each level among the values.
    declared : values of a dictionary column's dictionary in their order, used or not; None for other columns.

    Examples
    --------
    >>> pool = Pool.of(pa.array([3, 1, None, 3]), None)
    >>> pool.values.to_pylist(), pool.counts.tolist()
    ([1, 3, None], [1, 2, 1])
    >>> pool.drawn(np.zeros(4, np.uint8), np.array([0.0, 0.3, 0.6, 0.9])).to_pylist()
    [1, 3, 3, None]
    """

    kind: pa.DataType
    values: pa.Array
    counts: IntArray
    ends: IntArray
    declared: pa.Array | None = None

    @classmethod
    def of(cls, column: pa.Array | pa.ChunkedArray, feature: Feature | None) -> Pool:
        """The pool of a column; without a feature all values lie in one level. Cost O(n + d log d)."""
        coded = pc.dictionary_encode(_takeable(plain(column)), null_encoding="encode")
        values = coded.dictionary
        counts = np.bincount(coded.indices.to_numpy(zero_copy_only=False), minlength=len(values))
        levels = np.zeros(len(values), np.uint8) if feature is None else encode_column(values, feature)
        order = np.lexsort((_ranks(values), levels))
        size = 1 if feature is None else feature.size
        ends = np.searchsorted(levels[order], np.arange(size), side="right")
        declared = _declared(column) if pa.types.is_dictionary(_storage(column.type)) else None
        return cls(
            column.type,
            values.take(pa.array(order)),
            counts[order].astype(np.int64),
            ends.astype(np.int64),
            declared,
        )

    @property
    def size(self) -> int:
        """L, the number of levels."""
        return len(self.ends)

    @cached_property
    def marginal(self) -> IntArray:
        """Rows (L,) of each level."""
        return np.asarray(np.diff(self._rows[self.ends], prepend=0))

    @cached_property
    def _rows(self) -> IntArray:
        """Rows before each value, (d + 1,)."""
        return np.concatenate(([0], np.cumsum(self.counts)))

    @property
    def single(self) -> bool:
        """Whether every level holds one value, so that nothing is left to draw inside it."""
        return len(self.values) == self.size and bool(np.array_equal(self.ends, np.arange(1, self.size + 1)))

    def drawn(self, levels: NDArray[np.uint8], inside: FloatArray | None) -> pa.Array:
        """Values of the levels: quantile ``inside`` of the rows of each.

        Parameters
        ----------
        levels : uint8 (n,). inside : (n,) in [0, 1), uniform for draws from the level; not needed where
            :attr:`single`.

        Returns
        -------
        Arrow array (n,) of the column's type. Cost O(n log d).
        """
        if self.single or inside is None:
            places = np.concatenate(([0], self.ends))[levels] if inside is None else levels
        else:
            below = np.concatenate(([0], self._rows[self.ends]))[levels]
            ranks = below + np.floor(inside * self.marginal[levels]).astype(np.int64)
            places = np.searchsorted(self._rows[1:], ranks, side="right")
        places = np.minimum(places, len(self.values) - 1)
        return _encoded(self.values.take(pa.array(places)), self.kind, self.declared)

    def state(self) -> tuple[dict[str, Any], Tensors]:
        """Plain settings and arrays; :meth:`restored` reads them back."""
        settings, tensors = _stored(self.values, "values")
        if self.declared is not None:
            more, arrays = _stored(self.declared, "declared")
            settings, tensors = settings | more, tensors | arrays
        return settings, {**tensors, "counts": self.counts, "ends": self.ends}

    @classmethod
    def restored(
        cls, kind: pa.DataType, settings: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
    ) -> Pool:
        """Read what :meth:`state` returned.

        Raises
        ------
        InputError : something is absent.
        """
        try:
            values = _read(plain_type(kind), "values", settings, tensors)
            declared = None
            if pa.types.is_dictionary(_storage(kind)):
                declared = _read(plain_type(kind), "declared", settings, tensors)
            return cls(kind, values, tensors["counts"], tensors["ends"], declared)
        except KeyError as error:
            raise InputError(f"a stored column has no {error}; fit and save the model again") from error


def _ranks(values: pa.Array) -> NDArray[np.integer[Any]]:
    """The place of each value in ascending order; missing ones last."""
    known = family(values.type)
    if known is Family.STRING:
        order = pc.sort_indices(as_strings(values)).to_numpy(zero_copy_only=False)
    else:
        order = np.argsort(as_floats(values), kind="stable")
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    return ranks


def _storage(kind: pa.DataType) -> pa.DataType:
    return _storage(kind.storage_type) if isinstance(kind, pa.BaseExtensionType) else kind


def _declared(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The dictionary of a dictionary column, the chunks' dictionaries joined."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    while isinstance(column, pa.ExtensionArray):
        column = column.storage
    if isinstance(column, pa.ChunkedArray):
        column = column.unify_dictionaries().chunk(0)
    return _takeable(plain(column.dictionary))


def _takeable(values: pa.Array) -> pa.Array:
    """Texts of all widths as one type that Arrow can pick from; other values as they are."""
    return as_strings(values) if family(values.type) is Family.STRING else values


def _encoded(values: pa.Array, kind: pa.DataType, declared: pa.Array | None) -> pa.Array:
    """Plain values in the encodings of the column's type."""
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, _encoded(values, kind.storage_type, declared))
    if pa.types.is_dictionary(kind) and declared is not None:
        indices = pc.index_in(values, value_set=declared, skip_nulls=True).cast(kind.index_type)
        return pa.DictionaryArray.from_arrays(indices, declared.cast(kind.value_type), ordered=kind.ordered)
    if pa.types.is_run_end_encoded(kind):
        return pc.run_end_encode(values.cast(kind.value_type), run_end_type=kind.run_end_type)
    return values.cast(kind)


def _stored(values: pa.Array, name: str) -> tuple[dict[str, Any], Tensors]:
    """Texts and decimals as a list, anything else as a tensor; nulls as a tensor beside it."""
    kind = values.type
    if family(kind) in (Family.STRING, Family.NULL) or pa.types.is_decimal(kind):
        listed = values.to_pylist()
        return {name: [None if value is None else str(value) for value in listed]}, {}
    numbers = values.cast(pa.uint8()) if pa.types.is_boolean(kind) else values
    if pa.types.is_temporal(kind):
        numbers = values.view(pa.int32() if kind.bit_width == 32 else pa.int64())
    null = np.asarray(values.is_null().to_numpy(zero_copy_only=False), dtype=np.uint8)
    filled = numbers.fill_null(0) if values.null_count else numbers
    return {}, {name: np.array(filled.to_numpy(zero_copy_only=False)), f"{name}.null": null}


def _read(
    kind: pa.DataType, name: str, settings: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
) -> pa.Array:
    """The array that :func:`_stored` took apart."""
    if name in settings:
        listed = settings[name]
        if pa.types.is_null(kind):
            return pa.nulls(len(listed))
        return _takeable(pa.array(listed, pa.large_string()).cast(kind))
    numbers = pa.array(tensors[name], mask=tensors[f"{name}.null"].astype(bool))
    if pa.types.is_boolean(kind):
        return numbers.cast(pa.bool_())
    return numbers.view(kind) if pa.types.is_temporal(kind) else numbers
