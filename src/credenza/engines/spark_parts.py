"""What a Spark task reads: a partition of a frame, or a run of row groups and files of a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from credenza.data.binary_files import Reader
from credenza.data.files import FolderReader, OpenedPath
from credenza.data.sources import BATCH_ROWS
from credenza.data.write import one_line
from credenza.errors import InputError

_BUFFER = 1 << 20  # bytes of a column that are read at once, so that memory does not grow with row groups
Batches = Iterator[pa.RecordBatch]
# number of the part, number of its first row, its rows
Part = tuple[int, int, Batches]


@dataclass(frozen=True)
class Plan:
    """A pass over a source: a Spark frame, and what makes parts of the batches that a task gets of it.

    ``most`` bounds how many parts there will be.
    """

    frame: Any
    parts: Callable[[Batches], Iterator[Part]]
    most: int


@dataclass(frozen=True)
class FrameParts:
    """One part for each partition; its rows are numbered from ``partition << 40`` on, apart from all others."""

    names: tuple[str, ...]

    def __call__(self, batches: Batches) -> Iterator[Part]:
        from pyspark import TaskContext

        context = TaskContext.get()
        number = context.partitionId() if context is not None else 0
        yield number, number << 40, (batch.rename_columns(list(self.names)) for batch in joined(batches))


@dataclass(frozen=True)
class Piece:
    """A file, or one row group of a Parquet file."""

    reader: Reader
    rows: int


class RowGroup:
    """One row group of a Parquet file, read by the worker that needs it."""

    def __init__(self, path: Path, label: str, schema: pa.Schema, group: int, rows: int) -> None:
        self._path, self._label, self._group = path, label, group
        self.schema: pa.Schema = schema
        self.rows: int = rows

    def scan(self, columns: Sequence[str], size: int) -> Batches:
        """Yield the columns in batches of at most ``size`` rows."""
        names = list(columns)
        try:
            with pq.ParquetFile(self._path, buffer_size=_BUFFER) as file:
                for batch in file.iter_batches(batch_size=size, row_groups=[self._group], columns=names):
                    yield batch.select(names)
        except (pa.ArrowException, OSError) as error:
            raise InputError(
                f"{self._label} cannot be read on a Spark worker ({one_line(error).rstrip('.')}); every worker must "
                "reach the file, whole, under the same path"
            ) from error


@dataclass(frozen=True)
class FileParts:
    """Runs of pieces by number; the frame holds the numbers, one in each partition. Rows have their true numbers."""

    runs: tuple[tuple[int, tuple[Piece, ...]], ...]
    schema: pa.Schema

    def __call__(self, batches: Batches) -> Iterator[Part]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                start, pieces = self.runs[number]
                yield number, start, self._rows(pieces)

    def _rows(self, pieces: tuple[Piece, ...]) -> Batches:
        for piece in pieces:
            for batch in piece.reader.scan(self.schema.names, BATCH_ROWS):
                yield batch if batch.schema.equals(self.schema) else batch.cast(self.schema)


def pieces_of(opened: OpenedPath, role: str, parts: int) -> tuple[Piece, ...]:
    """Return what a folder is read by, in row order: files, or row groups of Parquet where files are too few."""
    whole = opened.reader.readers if isinstance(opened.reader, FolderReader) else (opened.reader,)
    if opened.kind != "parquet" or len(whole) >= parts:
        return tuple(Piece(reader, reader.rows) for reader in whole)
    found = []
    for path, reader in zip(opened.files, whole, strict=True):
        label = f"{role} ({path.name})"
        with pq.ParquetFile(path) as file:
            sizes = [file.metadata.row_group(k).num_rows for k in range(file.metadata.num_row_groups)]
        found += [Piece(RowGroup(path, label, reader.schema, k, n), n) for k, n in enumerate(sizes)]
    return tuple(found)


def runs_of(pieces: Sequence[Piece], parts: int) -> tuple[tuple[int, tuple[Piece, ...]], ...]:
    """Deal consecutive pieces into at most about ``parts`` runs of like size: (first row, pieces).

    Examples
    --------
    >>> pieces = [Piece(None, rows) for rows in (3, 3, 2, 9)]
    >>> [(start, len(run)) for start, run in runs_of(pieces, 3)]
    [(0, 2), (6, 2)]
    """
    target = max(1, -(-sum(piece.rows for piece in pieces) // max(parts, 1)))
    runs: list[tuple[int, tuple[Piece, ...]]] = []
    start, rows, run = 0, 0, []
    for piece in pieces:
        run.append(piece)
        rows += piece.rows
        if rows >= target:
            runs.append((start, tuple(run)))
            start, rows, run = start + rows, 0, []
    if run:
        runs.append((start, tuple(run)))
    return tuple(runs)


def joined(batches: Batches, size: int = BATCH_ROWS) -> Batches:
    """Join small batches, so that the cost of a batch does not depend on Spark's settings.

    Examples
    --------
    >>> small = [pa.record_batch({"a": [k]}) for k in range(5)]
    >>> [batch.num_rows for batch in joined(iter(small), 2)]
    [2, 2, 1]
    """
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows >= size:
            yield _one(held)
            held, rows = [], 0
    if rows:
        yield _one(held)


def _one(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)
