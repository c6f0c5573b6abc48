"""Arrow columns as plain numbers or strings: what :mod:`sketch` and :mod:`encode` have in common.

Every physical type falls into one family, and a family has one plain representation:

========  ======================================  ==========================================
family    Arrow types                             plain representation
========  ======================================  ==========================================
bool      bool                                    float64 0 / 1, NaN when missing
number    integers, floats, decimals, durations,  float64 (durations and times of day in
          times of day                            seconds), NaN when missing
temporal  dates, timestamps                       float64 microseconds since 1970 (UTC)
string    strings of all widths                   Arrow large_string
null      null                                    nothing but missing values
nested    lists, structs, maps, unions            none: such columns are skipped
binary    byte strings                            none: such columns are skipped
========  ======================================  ==========================================
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from credenza.contracts import FloatArray

_UNITS_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
_TRUTH = {
    "true": True, "1": True, "1.0": True, "yes": True, "t": True, "y": True,
    "false": False, "0": False, "0.0": False, "no": False, "f": False, "n": False,
}  # fmt: skip


class Family(StrEnum):
    """What a column is made of, whatever its width or encoding."""

    BOOL = "bool"
    NUMBER = "number"
    TEMPORAL = "temporal"
    STRING = "string"
    NULL = "null"
    NESTED = "nested"
    BINARY = "binary"


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Strip the encodings (dictionary, run-end, extension) from an Arrow type.

    Examples
    --------
    >>> plain_type(pa.dictionary(pa.int32(), pa.string()))
    DataType(string)
    """
    while True:
        if isinstance(kind, pa.BaseExtensionType):
            kind = kind.storage_type
        elif pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
            kind = kind.value_type
        else:
            return kind


@lru_cache(maxsize=4_096)
def family(kind: pa.DataType) -> Family:
    """Return the family of an Arrow type.

    Examples
    --------
    >>> family(pa.int8()), family(pa.dictionary(pa.int32(), pa.string()))
    (<Family.NUMBER: 'number'>, <Family.STRING: 'string'>)
    """
    kind, types = plain_type(kind), pa.types
    if types.is_boolean(kind):
        return Family.BOOL
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return Family.NUMBER
    if types.is_time(kind) or types.is_duration(kind):
        return Family.NUMBER
    if types.is_date(kind) or types.is_timestamp(kind):
        return Family.TEMPORAL
    if types.is_string(kind) or types.is_large_string(kind) or _is_view(kind, "string_view"):
        return Family.STRING
    if types.is_null(kind):
        return Family.NULL
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return Family.BINARY
    return Family.BINARY if _is_view(kind, "binary_view") else Family.NESTED


def _is_view(kind: pa.DataType, name: str) -> bool:
    return str(kind) == name


def plain(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return one contiguous Arrow array without dictionary, run-end or extension encoding."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
        if isinstance(array, pa.ChunkedArray):
            array = pa.concat_arrays(array.chunks)
    while True:
        if isinstance(array, pa.ExtensionArray):
            array = array.storage
        elif isinstance(array, pa.DictionaryArray):
            array = array.dictionary_decode()
        elif pa.types.is_run_end_encoded(array.type):
            array = pc.run_end_decode(array)
        else:
            return array


def as_floats(array: pa.Array | pa.ChunkedArray) -> FloatArray:
    """Return a bool, number, temporal or null column as float64; missing values are NaN.

    Dates and timestamps become microseconds since 1970 (UTC when the column has a time zone), durations and
    times of day seconds. Integers beyond 2^53 are rounded to the nearest float64. Negative zero becomes zero.
    Cost: O(n).

    Examples
    --------
    >>> as_floats(pa.array([1, None, 3])).tolist()
    [1.0, nan, 3.0]
    >>> as_floats(pa.array([True, False])).tolist()
    [1.0, 0.0]
    """
    array = plain(array)
    if pa.types.is_null(array.type):
        return np.full(len(array), np.nan)
    numbers, divisor = _numbers(array)
    values = np.asarray(numbers.to_numpy(zero_copy_only=False), dtype=np.float64)  # nulls become NaN
    return (values if divisor == 1.0 else values / divisor) + 0.0


def _numbers(array: pa.Array) -> tuple[pa.Array, float]:
    """Return the array as Arrow numbers, and what to divide them by."""
    kind, types = array.type, pa.types
    if types.is_boolean(kind):
        return array.cast(pa.uint8()), 1.0
    if types.is_date(kind) or types.is_timestamp(kind):
        zone = getattr(kind, "tz", None)
        return array.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64()), 1.0
    if types.is_time(kind):
        width = pa.int32() if types.is_time32(kind) else pa.int64()
        return array.cast(width), _UNITS_PER_SECOND[kind.unit]
    if types.is_duration(kind):
        return array.cast(pa.int64()), _UNITS_PER_SECOND[kind.unit]
    if types.is_decimal(kind):
        return array.cast(pa.float64(), safe=False), 1.0
    return array, 1.0


def as_strings(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a string column as a large_string array; dictionaries are decoded.

    Examples
    --------
    >>> as_strings(pa.array(["a", None]).dictionary_encode()).to_pylist()
    ['a', None]
    """
    array = plain(array)
    return array if pa.types.is_large_string(array.type) else array.cast(pa.large_string())


def truth(value: Any) -> bool | None:
    """Return the meaning of a value that spells true or false, else None.

    True, 1, "1", "true", "t", "yes" and "y" mean true; False, 0, "0", "false", "f", "no" and "n" mean false;
    letter case and surrounding blanks do not matter. Two binary columns of different families are the same
    feature when all of their values have a meaning here.

    Examples
    --------
    >>> truth(1.0), truth("False "), truth("male")
    (True, False, None)
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | float | np.number):
        return bool(value) if value in (0, 1) else None
    return _TRUTH.get(str(value).strip().lower())
