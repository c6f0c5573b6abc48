"""Columns whose values are whole files (images, sounds): plain bytes, or structs of bytes and a path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from credenza.data.columns import Family, family, plain, plain_type
from credenza.errors import InputError, UsageError


def is_file_column(kind: pa.DataType) -> bool:
    """Whether a column of this Arrow type can hold whole files: bytes, or a struct with a field "bytes".

    Examples
    --------
    >>> is_file_column(pa.binary()), is_file_column(pa.string())
    (True, False)
    >>> is_file_column(pa.struct({"bytes": pa.binary(), "path": pa.string()}))
    True
    """
    kind = plain_type(kind)
    if not pa.types.is_struct(kind):
        return family(kind) is Family.BINARY
    position = kind.get_field_index("bytes")
    return position >= 0 and family(kind.field(position).type) is Family.BINARY


def file_contents(
    column: pa.Array | pa.ChunkedArray, noun: str, names: Sequence[str] | None = None
) -> list[tuple[str, bytes]]:
    """Return what messages call each value, and its bytes; ``noun`` is "image" or "sound".

    A value is called by its name where ``names`` are given, else by its path, else by its row in the column.

    Raises
    ------
    InputError : the column cannot hold files, or a value is missing.
    """
    if not is_file_column(column.type):
        raise InputError(
            f"a column of {column.type} holds no {noun}s; give bytes of whole files, or structs of bytes and path"
        )
    array = plain(column)
    paths: Sequence[str | None] = [None] * len(array)
    if pa.types.is_struct(array.type):
        if array.type.get_field_index("path") >= 0:
            paths = [None if value is None else str(value) for value in _child(array, "path").to_pylist()]
        array = _child(array, "bytes")
    found = []
    for row, (data, path) in enumerate(zip(array.to_pylist(), names or paths, strict=True)):
        label = f"{noun} {path!r}" if path else f"{noun} in row {row:,} of {len(array):,}"
        if data is None:
            raise InputError(f"{label} is missing; leave such rows out, or embed the bytes of its file")
        found.append((label, data))
    return found


def require_one_each(values: Sequence[Any], like: pa.Array | pa.ChunkedArray, noun: str) -> None:
    """Raise UsageError unless there are as many values as the column has rows.

    Examples
    --------
    >>> require_one_each([1, 2], pa.array([b"", b""]), "image")
    """
    if len(values) != len(like):
        raise UsageError(f"{len(values):,} {noun}s for {len(like):,} rows; give one a row")


def with_contents(like: pa.Array | pa.ChunkedArray, contents: Sequence[bytes]) -> pa.Array:
    """Return the column with other files in it: the same Arrow type, and the same paths where it has them.

    ``contents`` holds one file for each row of ``like``.

    Examples
    --------
    >>> column = pa.array([{"bytes": b"1", "path": "a.png"}])
    >>> with_contents(column, [b"2"]).to_pylist()
    [{'bytes': b'2', 'path': 'a.png'}]
    """
    array = plain(like)
    if not pa.types.is_struct(array.type):
        return _typed(contents, like.type)
    fields = list(array.type)
    parts = [
        _typed(contents, field.type) if field.name == "bytes" else _child(array, field.name)
        for field in fields
    ]
    return pa.StructArray.from_arrays(parts, fields=fields)


def _child(array: pa.StructArray, name: str) -> pa.Array:
    """A field of a struct column; missing where the struct itself is."""
    return array.flatten()[array.type.get_field_index(name)]


def _typed(contents: Sequence[bytes], kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return pa.array(contents, kind.value_type).dictionary_encode().cast(kind)
    return pa.array(contents, kind)
