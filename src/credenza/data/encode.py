"""From rows to codes: one byte a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from credenza.contracts import FloatArray
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
    places = {name: place for place, name in enumerate(batch.schema.names)}
    for position, feature in enumerate(schema.features):
        if feature.name not in places:
            raise InputError(f"column {feature.name!r} is absent; give data with the columns of the schema")
        codes[:, position] = encode_column(batch.column(places[feature.name]), feature)
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
        return _pooled(np.zeros(len(column), np.uint8), np.ones(len(column), bool), None, feature)
    kind = family(column.type)
    numeric = kind is Family.TEMPORAL if feature.kind is Kind.DATETIME else kind in _PLAIN
    if feature.kind in (Kind.CONTINUOUS, Kind.DATETIME) and numeric:
        numbers = as_floats(column)
        return _pooled(_bins(numbers, feature.edges), np.isnan(numbers), None, feature)
    if feature.values == (False, True) and isinstance(column, pa.BooleanArray):
        return _pooled(*_bits(column), None, feature)
    if feature.spells_truth and Family.STRING in (kind, feature.family) and kind in (*_PLAIN, Family.STRING):
        codes, missing = _truth_codes(column, feature)
    elif feature.family is kind is Family.STRING:
        codes, missing = _text_codes(column, feature)
    elif {feature.family, kind} <= set(_PLAIN):
        numbers = as_floats(column)
        return _pooled(*_matches(numbers, feature.values), feature)
    else:
        raise InputError(
            f"column {feature.name!r} is {column.type}, the schema says {feature.kind} of {feature.family}; "
            "give the same kind on both sides"
        )
    return _pooled(codes.astype(np.uint8), missing, (codes < 0) & ~missing, feature)


def _pooled(
    codes: Codes, missing: NDArray[np.bool_], unknown: NDArray[np.bool_] | None, feature: Feature
) -> Codes:
    """Put missing values and unknown ones into their levels."""
    for where, level, what in ((missing, feature.missing, "missing"), (unknown, feature.other, "new")):
        if where is None or not where.any():
            continue
        if level is None:
            raise InputError(
                f"column {feature.name!r} has {what} values and no level for them; "
                "extend the schema with this data"
            )
        np.copyto(codes, np.uint8(level), where=where)
    return codes


def _bins(numbers: FloatArray, edges: Sequence[float]) -> Codes:
    """Return how many edges lie below each number: a pass an edge, which is faster than a search a number."""
    codes = np.zeros(len(numbers), np.uint8)
    above = np.empty(len(numbers), bool)
    for edge in edges:
        np.greater(numbers, edge, out=above)
        codes += above
    return codes


def _matches(
    numbers: FloatArray, values: Sequence[bool | float | str]
) -> tuple[Codes, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the place of each number among the values, which are missing, and which are none of them."""
    codes = np.zeros(len(numbers), np.uint8)
    known = np.zeros(len(numbers), bool)
    for code, value in enumerate(values):
        equal = numbers == float(value)
        known |= equal
        codes += equal.view(np.uint8) * np.uint8(code)
    missing = np.isnan(numbers)
    return codes, missing, ~(known | missing)


def _bits(column: pa.BooleanArray) -> tuple[Codes, NDArray[np.bool_]]:
    """Return the bits of a bool column, one a byte, and which are missing."""
    rows, (valid, values) = len(column), column.buffers()
    lost = ~_unpacked(valid, column.offset, rows).view(bool) if column.null_count else np.zeros(rows, bool)
    return _unpacked(values, column.offset, rows), lost


def _unpacked(buffer: pa.Buffer, start: int, rows: int) -> Codes:
    raw = np.frombuffer(buffer, np.uint8)[start >> 3 : (start + rows + 7) >> 3]
    return np.unpackbits(raw, bitorder="little")[start & 7 :][:rows]


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
