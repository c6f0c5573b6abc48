"""From rows to codes: one byte a value."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from credenza.data.columns import Family, as_floats, as_strings, family, plain, truth
from credenza.data.schema import Feature, Kind, Schema
from credenza.data.sources import BATCH_ROWS, Source
from credenza.errors import InputError

Codes = NDArray[np.uint8]
_PLAIN = (Family.BOOL, Family.NUMBER)


def encode(batch: pa.RecordBatch | pa.Table, schema: Schema) -> Codes:
    """Return the code of every row and feature.

    Parameters
    ----------
    batch : n rows with the schema's columns (others are ignored). schema : m features.

    Returns
    -------
    uint8, shape (n, m), Fortran order: each feature's codes lie together. Values in [0, L).

    Raises
    ------
    InputError : a column is absent or of another kind; a value is missing or new and the feature has no level
        for it (extend the schema first).

    Notes
    -----
    Cost O(n m log L). A value equal to an edge belongs to the bin below it.

    Examples
    --------
    >>> from credenza.data import fit_schema, sketch
    >>> table = pa.table({"sex": ["m", "f"], "x": [1.0, None]})
    >>> schema = fit_schema(sketch(table))
    >>> encode(table, schema).tolist()
    [[1, 0], [0, 1]]
    """
    codes = np.empty((batch.num_rows, len(schema.features)), dtype=np.uint8, order="F")
    for position, feature in enumerate(schema.features):
        if feature.name not in batch.schema.names:
            raise InputError(f"column {feature.name!r} is absent; give data with the columns of the schema")
        codes[:, position] = encode_column(batch.column(feature.name), feature)
    return codes


def encode_source(source: Source, schema: Schema, *, size: int = BATCH_ROWS) -> Iterator[Codes]:
    """Yield :func:`encode` of one batch of a source after another, in row order.

    Examples
    --------
    >>> from credenza.data import fit_schema, open_source, sketch
    >>> source = open_source(pa.table({"a": [0, 1, 1]}))
    >>> [codes.ravel().tolist() for codes in encode_source(source, fit_schema(sketch(source)), size=2)]
    [[0, 1], [1]]
    """
    for batch in source.batches(schema.names, size=size):
        yield encode(batch, schema)


def encode_column(column: pa.Array | pa.ChunkedArray, feature: Feature) -> Codes:
    """Return the codes of one column, shape (n,); see :func:`encode`."""
    if column.null_count == len(column):
        return _pooled(np.full(len(column), -1), np.ones(len(column), bool), feature)
    kind = family(column.type)
    numeric = kind is Family.TEMPORAL if feature.kind is Kind.DATETIME else kind in _PLAIN
    if feature.kind in (Kind.CONTINUOUS, Kind.DATETIME) and numeric:
        numbers = as_floats(column)
        return _pooled(np.searchsorted(feature.edges, numbers, side="left"), np.isnan(numbers), feature)
    if feature.spells_truth and Family.STRING in (kind, feature.family) and kind in (*_PLAIN, Family.STRING):
        codes, missing = _truth_codes(column, feature)
    elif feature.family is kind or {feature.family, kind} <= set(_PLAIN):
        codes, missing = (
            _text_codes(column, feature) if kind is Family.STRING else _number_codes(column, feature)
        )
    else:
        raise InputError(
            f"column {feature.name!r} is {column.type}, the schema says {feature.kind} of {feature.family}; "
            "give the same kind on both sides"
        )
    return _pooled(codes, missing, feature)


def _pooled(codes: NDArray[np.integer], missing: NDArray[np.bool_], feature: Feature) -> Codes:
    """Put missing values and unknown ones (codes below zero) into their levels."""
    unknown = (codes < 0) & ~missing
    result = codes.astype(np.uint8)
    for where, level, what in ((missing, feature.missing, "missing"), (unknown, feature.other, "new")):
        if not where.any():
            continue
        if level is None:
            raise InputError(
                f"column {feature.name!r} has {what} values and no level for them; "
                "extend the schema with this data"
            )
        result[where] = level
    return result


def _number_codes(column: pa.Array, feature: Feature) -> tuple[NDArray[np.integer], NDArray[np.bool_]]:
    numbers = as_floats(column)
    levels = np.array([float(value) for value in feature.values])
    order = np.argsort(levels)
    place = np.minimum(np.searchsorted(levels[order], numbers), len(levels) - 1)
    found = levels[order][place] == numbers
    return np.where(found, order[place], -1), np.isnan(numbers)


def _text_codes(column: pa.Array, feature: Feature) -> tuple[NDArray[np.integer], NDArray[np.bool_]]:
    levels = pa.array(feature.values, pa.large_string())
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if isinstance(column, pa.DictionaryArray) and column.dictionary.null_count == 0:
        inner = pc.fill_null(pc.index_in(as_strings(column.dictionary), value_set=levels), -1)
        indices = pc.fill_null(column.indices, 0).to_numpy(zero_copy_only=False)
        codes = inner.to_numpy(zero_copy_only=False)[indices]
        return codes, np.asarray(column.is_null().to_numpy(zero_copy_only=False))
    strings = as_strings(column)
    codes = pc.fill_null(pc.index_in(strings, value_set=levels), -1).to_numpy(zero_copy_only=False)
    return codes, np.asarray(strings.is_null().to_numpy(zero_copy_only=False))


def _truth_codes(column: pa.Array, feature: Feature) -> tuple[NDArray[np.integer], NDArray[np.bool_]]:
    """Match values by meaning where a side spells true and false as strings."""
    places = {truth(value): code for code, value in enumerate(feature.values)}
    coded = pc.dictionary_encode(plain(column))
    inner = [places.get(truth(value), -1) for value in coded.dictionary.to_pylist()]
    missing = np.asarray(coded.is_null().to_numpy(zero_copy_only=False))
    nan = np.array([value != value for value in coded.dictionary.to_pylist()])
    indices = pc.fill_null(coded.indices, 0).to_numpy(zero_copy_only=False)
    return np.array(inner)[indices], missing | nan[indices]
