"""Pages of Parquet's bool columns as Arrow arrays, without a look at single values.

A page of bools is a bitmap already, behind a header and, where nulls are allowed, behind a run-length code of which
values are there. Reading it as such takes a fifth of a general decoder's time, or less.

References
----------
Apache Parquet format specification: data pages, encodings PLAIN and RLE; Thrift compact protocol for the headers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

CODECS = {"UNCOMPRESSED": None, "SNAPPY": "snappy", "GZIP": "gzip", "ZSTD": "zstd", "BROTLI": "brotli"}
_PLAIN, _RLE = 0, 3
_DATA, _INDEX, _DATA_2 = 0, 1, 3
_TRUE, _FALSE, _BINARY, _STRUCT = 1, 2, 8, 12
_WIDTHS = {3: 1, 7: 8}  # bytes of a byte and of a double
_INTEGERS = (4, 5, 6)
_DEEPEST = 8
_FRAME, _BYTES = 64, 5  # bytes of a page at most: so many, and so many for each value
_SHORT = 128  # bytes that most headers fit into


class PageError(ValueError):
    """The bytes are no page of bools, or one that is left to a general decoder."""


def read_header(data: memoryview) -> tuple[dict[int, Any], int]:
    """Return the fields of a page header by number, and its length in bytes.

    Raises
    ------
    PageError : the bytes are no Thrift structure, or it is longer than they are.
    """
    try:
        return _struct(bytes(data[:_SHORT]), 0, 0)
    except IndexError:
        pass
    try:
        return _struct(bytes(data), 0, 0)
    except IndexError as error:
        raise PageError("a page header is cut short") from error


def body_size(header: dict[int, Any]) -> int:
    """Return how many bytes follow a page's header."""
    size = header.get(3)
    if not isinstance(size, int) or size < 0:
        raise PageError("a page has no size")
    return size


def read_page(
    header: dict[int, Any], body: memoryview, codec: pa.Codec | None, nullable: bool, most: int
) -> pa.BooleanArray:
    """Decode the values of a page.

    Parameters
    ----------
    header : see :func:`read_header`. body : the bytes behind it. codec : what they are compressed with. nullable :
        whether the column may hold nulls. most : values that the page can have at most.

    Returns
    -------
    The values; none for a page that holds an index.

    Raises
    ------
    PageError : the page is shorter than its header says, or encoded otherwise.
    """
    kind, size = header.get(1), header.get(2)
    if kind == _INDEX:
        return pa.nulls(0, pa.bool_())
    if kind not in (_DATA, _DATA_2):
        raise PageError(f"page type {kind}")
    facts = header.get(5 if kind == _DATA else 8)
    if not isinstance(facts, dict) or not isinstance(size, int) or facts.get(1, -1) < 0:
        raise PageError("a page header lacks its counts")
    count = facts[1]
    if count > most or size > _FRAME + _BYTES * count:  # before anything of that size is made
        raise PageError(f"a page claims {count:,} values in {size:,} bytes, where {most:,} values are left")
    if kind == _DATA:
        raw = _decompressed(body, size, codec)
        if nullable and facts.get(3) != _RLE:
            raise PageError(f"levels in encoding {facts.get(3)}")
        width = int.from_bytes(raw[:4], "little") if nullable else 0
        levels, values = raw[4 : 4 + width], raw[4 + width if nullable else 0 :]
        encoding = facts.get(2)
    else:
        width, before = facts.get(5, 0), facts.get(6, 0)
        levels, rest = body[before : before + width], body[before + width :]
        packed = codec if facts.get(7, True) else None
        values = _decompressed(rest, size - before - width, packed) if len(rest) else rest
        encoding = facts.get(4)
    there = _runs(levels, count) if nullable and not _all_there(levels, count) else None
    return _array(values, encoding, count, there)


def _decompressed(data: memoryview, size: int, codec: pa.Codec | None) -> memoryview:
    if codec is None:
        return data
    return memoryview(codec.decompress(pa.py_buffer(data), decompressed_size=size)).cast("B")


def _array(
    values: memoryview, encoding: int | None, count: int, there: NDArray[np.bool_] | None
) -> pa.BooleanArray:
    """Return ``count`` values, of which those that are ``there`` are in the bytes."""
    held = count if there is None else int(np.count_nonzero(there))
    if encoding == _RLE:
        bits = np.packbits(_runs(values[4:], held), bitorder="little")
    elif encoding == _PLAIN:
        bits = np.frombuffer(values, np.uint8)
    else:
        raise PageError(f"values in encoding {encoding}")
    if 8 * len(bits) < held:
        raise PageError(f"a page has {8 * len(bits):,} bits for {held:,} values")
    if there is None:
        return pa.BooleanArray.from_buffers(pa.bool_(), count, [None, pa.py_buffer(bits)])
    spread = np.zeros(count, np.uint8)
    spread[there] = np.unpackbits(bits, count=held, bitorder="little")
    both = [pa.py_buffer(np.packbits(part, bitorder="little")) for part in (there, spread)]
    return pa.BooleanArray.from_buffers(pa.bool_(), count, both)


def _all_there(levels: memoryview, count: int) -> bool:
    """Whether a run of one value says that no value is missing."""
    try:
        head, at = _varint(levels, 0)
        return not head & 1 and head >> 1 >= count and levels[at] == 1
    except IndexError as error:
        raise PageError("runs are cut short") from error


def _runs(data: memoryview, count: int) -> NDArray[np.bool_]:
    """Decode ``count`` values of one bit from runs of one value and runs of bits."""
    out = np.empty(count, bool)
    filled = at = 0
    try:
        while filled < count:
            head, at = _varint(data, at)
            length = head >> 1
            if length == 0:
                raise PageError("a run has no length")
            if head & 1:
                bits = np.unpackbits(np.frombuffer(data[at : at + length], np.uint8), bitorder="little")
                take, at = min(8 * length, count - filled), at + length
                if len(bits) < take:
                    raise PageError("a run of bits is cut short")
                out[filled : filled + take] = bits[:take]
            else:
                take = min(length, count - filled)
                out[filled : filled + take] = data[at] != 0
                at += 1
            filled += take
    except IndexError as error:
        raise PageError("runs are cut short") from error
    return out


def _struct(data: bytes, at: int, depth: int) -> tuple[dict[int, Any], int]:
    if depth > _DEEPEST:
        raise PageError("a page header is nested too deep")
    fields: dict[int, Any] = {}
    number = 0
    while head := data[at]:
        at += 1
        kind = head & 15
        if head >> 4:
            number += head >> 4
        else:
            number, at = _integer(data, at)
        if kind in _INTEGERS:
            fields[number], at = _integer(data, at)
        elif kind == _STRUCT:
            fields[number], at = _struct(data, at, depth + 1)
        elif kind in (_TRUE, _FALSE):
            fields[number] = kind == _TRUE
        else:
            at = _behind(data, at, kind)
    return fields, at + 1


def _behind(data: bytes, at: int, kind: int) -> int:
    """Return where a value ends that nobody asks for."""
    if kind == _BINARY:
        length, at = _varint(data, at)
        return at + length
    if kind not in _WIDTHS:
        raise PageError(f"a page header holds a field of type {kind}")
    return at + _WIDTHS[kind]


def _varint(data: bytes | memoryview, at: int) -> tuple[int, int]:
    value = data[at]
    at += 1
    if value < 128:
        return value, at
    value, shift = value & 127, 7
    while shift <= 63:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise PageError("a number is too long")


def _integer(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at
