"""Tables in a manifest: their rows in chunks, each hashed by its values, so that it can be said which rows changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from credenza.data import Source, open_source
from credenza.data.columns import plain
from credenza.data.files import format_of
from credenza.errors import InputError
from credenza.provenance.canonical import canonical
from credenza.provenance.merkle import differing, root_of

CHUNK_ROWS = 4_096
_AT_ONCE = 16  # chunks that are read in one batch


@dataclass(frozen=True)
class Table:
    """What a manifest says of a table.

    Attributes
    ----------
    format : "parquet", "csv", "jsonl" or "arrow". rows : n. columns : (name, Arrow type) of each, in order.
    chunk_rows : rows of a chunk; the last one may have fewer. root : Merkle root over the chunks (hex).
    """

    format: str
    rows: int
    columns: tuple[tuple[str, str], ...]
    chunk_rows: int
    root: str

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return -(-self.rows // self.chunk_rows)


def table_of(path: Path) -> tuple[Table, list[bytes]] | str:
    """What is to be known of a file that is a table, with its leaf hashes; else the reason why it is none.

    Cost: one pass over all values. Files of unknown formats are not opened.
    """
    if format_of(path) is None:
        return "no format of tables"
    try:
        source = open_source(path)
        leaves = leaves_of(source)
    except InputError as error:
        return str(error)
    columns = tuple((field.name, str(field.type)) for field in source.schema)
    root = root_of(leaves).hex()
    return Table(source.kind, source.rows, columns, CHUNK_ROWS, root), leaves


def leaves_of(source: Source, chunk_rows: int = CHUNK_ROWS) -> list[bytes]:
    """Hash of each chunk of rows, in order.

    Parameters
    ----------
    source : an open table. chunk_rows : rows of a chunk, a multiple of 8.

    Returns
    -------
    list of bytes
        SHA-256(0x00 || header || column || column ...) for each chunk. The header is canonical JSON of the column names
        and types and of the number of rows; a column is one bit a row that says which values are there, and then the
        values that are, in Arrow's layout: little-endian numbers, bits, or 64-bit lengths followed by the bytes.

    Notes
    -----
    Not the bytes of an Arrow IPC message: its padding and metadata are not fixed between versions of Arrow.
    Dictionaries and runs are written out; two files hash alike when names, types and values are the same, whatever
    their format.
    """
    return [
        leaf for table in _regular(source, chunk_rows * _AT_ONCE) for leaf in _batch_leaves(table, chunk_rows)
    ]


def changed_rows(path: Path, known: Table, leaves: list[bytes]) -> str:
    """Which rows of a file are not those of a manifest, in words; ``leaves`` are the signed ones.

    Examples
    --------
    >>> from credenza.data import write_table
    >>> write_table(pa.table({"a": range(10_000)}), "t.parquet")
    >>> table, leaves = table_of(Path("t.parquet"))
    >>> write_table(pa.table({"a": [*range(5_000), 0, *range(5_001, 10_000)]}), "t.parquet")
    >>> changed_rows(Path("t.parquet"), table, leaves)
    'rows 4,096 to 8,191 changed, the other 5,904 did not'
    """
    found = table_of(path)
    if isinstance(found, str):
        return f"cannot be read as a table any more: {found}"
    now, fresh = found
    if now.columns != known.columns:
        return f"columns changed: {column_change(known.columns, now.columns)}"
    runs = differing(leaves, fresh)
    if not runs:
        return "no value of its rows changed: it was written again"
    if now.rows != known.rows and runs[-1][1] >= known.chunks:
        first = runs[0][0] * known.chunk_rows
        return f"{known.rows:,} rows became {now.rows:,}; from row {first:,} on rows were put in, left out or changed"
    spans = [(a * known.chunk_rows, min(b * known.chunk_rows, now.rows)) for a, b in runs]
    words = ", ".join(f"{a:,} to {b - 1:,}" for a, b in spans[:5])
    more = f" and {len(spans) - 5} more runs" if len(spans) > 5 else ""
    left = now.rows - sum(b - a for a, b in spans)
    return f"rows {words}{more} changed, the other {left:,} did not"


def column_change(before: tuple[tuple[str, str], ...], after: tuple[tuple[str, str], ...]) -> str:
    lost = [f"{name!r} ({kind}) is gone" for name, kind in before if (name, kind) not in after]
    new = [f"{name!r} ({kind}) is new" for name, kind in after if (name, kind) not in before]
    return ", ".join((lost + new)[:4]) or "their order"


def _regular(source: Source, size: int) -> Iterator[pa.Table]:
    """The rows in tables of ``size`` rows; the last one may have fewer."""
    pending: list[pa.RecordBatch] = []
    rows = 0
    for batch in source.batches(size=size):
        while rows + batch.num_rows >= size:
            head = batch.slice(0, size - rows)
            yield pa.Table.from_batches([*pending, head])
            pending, rows, batch = [], 0, batch.slice(head.num_rows)
        if batch.num_rows:
            pending.append(batch)
            rows += batch.num_rows
    if pending:
        yield pa.Table.from_batches(pending)


def _batch_leaves(table: pa.Table, chunk_rows: int) -> Iterator[bytes]:
    columns = [plain(column) for column in table.columns]
    about = [[field.name, str(column.type)] for field, column in zip(table.schema, columns, strict=True)]
    for start in range(0, table.num_rows, chunk_rows):
        rows = min(chunk_rows, table.num_rows - start)
        digest = hashlib.sha256(b"\x00" + canonical([rows, about]))
        for column in columns:
            _add(digest, column.slice(start, rows))
        yield digest.digest()


def _add(digest: Any, array: pa.Array) -> None:
    """Add one column of a chunk: which values are there, then the values."""
    kind, types = array.type, pa.types
    if array.null_count:
        digest.update(np.packbits(array.is_valid().to_numpy(zero_copy_only=False)).tobytes())
        array = array.drop_null()
    else:
        digest.update(_ones(len(array)))
    if types.is_null(kind) or not len(array):
        return
    if types.is_boolean(kind):
        digest.update(np.packbits(array.to_numpy(zero_copy_only=False)).tobytes())
    elif (width := _width(kind)) is not None:
        digest.update(
            memoryview(array.buffers()[1])[array.offset * width : (array.offset + len(array)) * width]
        )
    elif types.is_struct(kind):
        for field in range(kind.num_fields):
            _add(digest, pc.struct_field(array, field))
    elif types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        digest.update(pc.list_value_length(array).cast(pa.int64()).to_numpy().tobytes())
        _add(digest, pc.list_flatten(array))
    else:
        _add_bytes(digest, array)


def _add_bytes(digest: Any, array: pa.Array) -> None:
    """Add strings or byte strings; of types without a layout of their own here, the text of each value."""
    binary = pa.large_binary()
    kind, types = array.type, pa.types
    text = types.is_string(kind) or types.is_large_string(kind) or str(kind) in ("string_view", "binary_view")
    if text or types.is_binary(kind) or types.is_large_binary(kind):
        array = array.cast(binary)
    else:
        array = pa.array([repr(value).encode() for value in array.to_pylist()], binary)
    _, raw, data = array.buffers()
    offsets = np.frombuffer(raw, "<i8")[array.offset : array.offset + len(array) + 1]
    digest.update(np.diff(offsets).tobytes())
    if data is not None:
        digest.update(memoryview(data)[int(offsets[0]) : int(offsets[-1])])


def _width(kind: pa.DataType) -> int | None:
    """Bytes of a value of fixed width; None of other types."""
    fixed = pa.types.is_primitive(kind) or pa.types.is_decimal(kind) or pa.types.is_fixed_size_binary(kind)
    return kind.bit_width // 8 if fixed else None


def _ones(rows: int) -> bytes:
    """The packed bits of so many values that are all there."""
    whole, rest = divmod(rows, 8)
    return b"\xff" * whole + (bytes([(0xFF << (8 - rest)) & 0xFF]) if rest else b"")
