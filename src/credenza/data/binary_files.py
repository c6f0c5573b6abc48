"""Parquet and Arrow IPC files as streams of record batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from credenza.data.write import one_line
from credenza.errors import InputError

_ARROW_FILE = b"ARROW1"
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
        try:
            with pq.ParquetFile(self._path, buffer_size=_BUFFER) as file:
                if (file.metadata.num_rows, file.schema_arrow) != (self.rows, self.schema):
                    raise InputError(f"{self._label} has changed since it was opened; audit files at rest")
                for batch in file.iter_batches(batch_size=size, columns=list(columns)):
                    yield batch.select(list(columns))
        except (pa.ArrowException, OSError) as error:
            raise InputError(_broken(self._label, "Parquet", error)) from error


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
