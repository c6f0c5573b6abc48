"""Parquet and Arrow IPC files as streams of record batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from credenza.data.parquet_bits import bit_columns
from credenza.data.parquet_pages import PageError
from credenza.data.write import one_line
from credenza.errors import InputError

_ARROW_FILE = b"ARROW1"
_TROUBLE = (PageError, pa.ArrowException, OSError)
_BUFFER = 1 << 16  # bytes read at once of every column, instead of all of its row group


class Reader(Protocol):
    """One table that can be read again and again, in row order, a batch at a time."""

    schema: pa.Schema
    rows: int

    def scan(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        """Yield the columns, in the order asked for, in batches of at most ``size`` rows."""
        ...


def resized(batches: Iterator[pa.RecordBatch], size: int) -> Iterator[pa.RecordBatch]:
    """Cut batches that are longer than ``size``; drop empty ones.

    Examples
    --------
    >>> [b.num_rows for b in resized(iter([pa.record_batch({"a": [1, 2, 3]})]), 2)]
    [2, 1]
    """
    for batch in batches:
        for start in range(0, batch.num_rows, size):
            yield batch.slice(start, size)


def reject_duplicates(names: Sequence[str], label: str) -> None:
    """Raise InputError when a column name comes twice.

    Examples
    --------
    >>> reject_duplicates(["a", "b"], "suspect")
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(
                f"{label}: column name {name!r} comes {list(names).count(name)} times; rename the others"
            )
        seen.add(name)


class ParquetReader:
    """A Parquet file, decoded a batch at a time: memory does not grow with its row groups."""

    def __init__(self, path: Path, label: str) -> None:
        self._path, self._label = path, label
        try:
            with pq.ParquetFile(path) as file:
                self.schema: pa.Schema = file.schema_arrow
                self.rows: int = file.metadata.num_rows
        except (pa.ArrowException, OSError) as error:
            raise InputError(_broken(label, "Parquet", error)) from error

    def scan(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        rows = 0
        try:
            with pq.ParquetFile(self._path, buffer_size=_BUFFER) as file:
                if (file.metadata.num_rows, file.schema_arrow) != (self.rows, self.schema):
                    raise InputError(f"{self._label} has changed since it was opened; audit files at rest")
                try:
                    for batch in self._scan_bits(file, columns, size):
                        yield batch
                        rows += batch.num_rows
                except _TROUBLE:  # pyarrow may know better; if not, it says what is wrong
                    yield from without(_decoded(file, columns, size), rows)
        except (pa.ArrowException, OSError) as error:
            raise InputError(_broken(self._label, "Parquet", error)) from error

    def _scan_bits(self, file: pq.ParquetFile, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        """Decode bool columns as bits, the others by pyarrow; put them together again."""
        schema = pa.schema([self.schema.field(name) for name in columns])
        with self._path.open("rb", buffering=0) as raw:
            bits = bit_columns(raw, file.metadata, [f.name for f in schema if pa.types.is_boolean(f.type)])
            others = [name for name in columns if name not in bits]
            parts: Iterator[tuple[int, dict[str, pa.Array]]]
            if others:
                decoded = _decoded(file, others, size)
                parts = ((b.num_rows, dict(zip(others, b.columns, strict=True))) for b in decoded)
            else:
                parts = ((min(size, self.rows - start), {}) for start in range(0, self.rows, size))
            for rows, arrays in parts:
                arrays |= {name: column.take(rows) for name, column in bits.items()}
                yield pa.RecordBatch.from_arrays([arrays[name] for name in columns], schema=schema)


def _decoded(file: pq.ParquetFile, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
    for batch in file.iter_batches(batch_size=size, columns=list(columns)):
        yield batch.select(list(columns))


def without(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Leave out the first rows.

    Examples
    --------
    >>> [b.num_rows for b in without(iter([pa.record_batch({"a": [1, 2, 3]})] * 2), 4)]
    [2]
    """
    for batch in batches:
        if rows < batch.num_rows:
            yield batch.slice(rows)
        rows = max(rows - batch.num_rows, 0)


class ArrowReader:
    """An Arrow IPC file (Feather version 2) or stream, mapped into memory rather than read."""

    def __init__(self, path: Path, label: str) -> None:
        self._path, self._label = path, label
        with path.open("rb") as file:
            self._stream = file.read(len(_ARROW_FILE)) != _ARROW_FILE
        try:
            with pa.memory_map(str(path)) as source:
                self.schema: pa.Schema = self._open(source).schema
                self.rows: int = sum(batch.num_rows for batch in self._batches(source))
        except (pa.ArrowException, OSError) as error:
            raise InputError(_broken(label, "Arrow", error)) from error

    def _open(self, source: pa.NativeFile) -> pa.RecordBatchReader | pa.RecordBatchFileReader:
        source.seek(0)
        return pa.ipc.open_stream(source) if self._stream else pa.ipc.open_file(source)

    def _batches(self, source: pa.NativeFile) -> Iterator[pa.RecordBatch]:
        reader = self._open(source)
        if self._stream:
            yield from reader
        else:
            for index in range(reader.num_record_batches):
                yield reader.get_batch(index)

    def scan(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        try:
            with pa.memory_map(str(self._path)) as source:
                for batch in resized(self._batches(source), size):
                    yield batch.select(list(columns))
        except (pa.ArrowException, OSError) as error:
            raise InputError(_broken(self._label, "Arrow", error)) from error


def _broken(label: str, kind: str, error: BaseException) -> str:
    reason = one_line(error).rstrip(".")
    return f"{label} is not a readable {kind} file ({reason}); it may be cut short or damaged: write it again"
