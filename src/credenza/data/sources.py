"""The door: whatever the user has, as record batches in row order.

Files are never read whole: Parquet and Arrow come a batch at a time through pyarrow, CSV and JSON Lines
through a DuckDB scan. A folder or glob is its files in name order, one after another.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from credenza.data.ahead import ahead
from credenza.data.binary_files import Reader, reject_duplicates
from credenza.data.files import FolderReader, open_path
from credenza.data.repeats import Duplicates, Repeats, row_keys_of
from credenza.errors import InputError, UsageError

BATCH_ROWS = 65_536
BATCH_BYTES = 2**28  # a batch of a wide table has fewer rows


class Source:
    """A table that can be read again and again, in the same row order; made by :func:`open_source`.

    Attributes
    ----------
    name : what to show. kind : "parquet", "csv", "jsonl", "arrow", "pandas", "polars", "pyarrow" or "duckdb".
    columns : names. schema : Arrow schema. rows : how many. files : paths in reading order, empty for frames.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        reader: Reader,
        like: Callable[[pa.Table], Any],
        files: tuple[Path, ...] = (),
        shards: tuple[tuple[str, int], ...] = (),
    ) -> None:
        self._shards = shards
        self._name, self._kind, self._reader, self._like, self._files = name, kind, reader, like, files

    def __repr__(self) -> str:
        return f"Source({self.name!r}, kind={self.kind!r}, rows={self.rows}, columns={len(self.columns)})"

    @property
    def name(self) -> str:
        return self._name

    @property
    def kind(self) -> str:
        return self._kind

    @property
    def files(self) -> tuple[Path, ...]:
        return self._files

    @property
    def shards(self) -> tuple[tuple[str, int], ...]:
        """(name, rows) of each file, where there are several; empty otherwise."""
        return self._shards

    @property
    def reader(self) -> Reader:
        """What the rows are read with."""
        return self._reader

    @property
    def schema(self) -> pa.Schema:
        return self._reader.schema

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self._reader.schema.names)

    @property
    def rows(self) -> int:
        return self._reader.rows

    def batches(
        self, columns: Sequence[str] | None = None, *, size: int | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order, at most ``size`` at a time, with the columns in the order asked for.

        Without a size: ``BATCH_ROWS``, or fewer where so many would take more than about ``BATCH_BYTES``.

        Raises
        ------
        UsageError : an unknown column, or ``size`` below 1. InputError : the file turns out to be damaged.
        """
        chosen = self._chosen(columns)
        if size is None:
            size = self._batch_rows(chosen)
        if size < 1:
            raise UsageError(f"batch size is {size}; give 1 or more")
        batches = self._reader.scan(chosen, size)
        return ahead(batches) if self.files and self.rows > size else batches

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the columns as one Arrow table in memory."""
        chosen = self._chosen(columns)
        schema = pa.schema([self.schema.field(name) for name in chosen], metadata=self.schema.metadata)
        batches = [batch.replace_schema_metadata(None) for batch in self.batches(chosen)]
        bare = schema.remove_metadata()
        return pa.Table.from_batches([batch.cast(bare) for batch in batches], bare).cast(schema)

    def over(self, reader: Reader, shards: tuple[tuple[str, int], ...] | None = None) -> Source:
        """Another source of the same kind, whose rows come from ``reader``; it has no files of its own."""
        return Source(
            self._name, self._kind, reader, self._like, shards=self._shards if shards is None else shards
        )

    def like(self, table: pa.Table) -> Any:
        """Return an Arrow table as the kind of object that the user gave (a path: the table itself)."""
        return self._like(table)

    def fingerprint(self) -> str:
        """Return a SHA-256 (hex): of the bytes of the files in reading order, or of the values of a frame.

        Frames with equal names and values have equal fingerprints, whatever library holds them. Cost: reads
        all.
        """
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        if not self.files:
            from credenza.data.frames import content_digest

            return content_digest(self._reader)
        if (own := getattr(self._reader, "digest", None)) is not None:  # names count, too
            return str(own())
        digest = hashlib.sha256()
        for path in self.files:
            with path.open("rb") as file:
                while chunk := file.read(1 << 20):  # hashing takes 2% of the time of decoding
                    digest.update(chunk)
        return digest.hexdigest()

    def duplicates(self, columns: Sequence[str] | None = None) -> Duplicates:
        """Count coinciding rows in one pass; see :class:`credenza.data.Repeats` for what is exact.

        Missing values equal each other.

        Examples
        --------
        >>> open_source(pa.table({"a": [1, 1, 1, 2]})).duplicates()
        Duplicates(rows=4, distinct=2, pairs=3, most=3, triples=1, share=1.0, error=0.0)
        """
        chosen = self._chosen(columns)
        seen = Repeats.empty()
        for batch in self.batches(chosen):
            seen.update(row_keys_of(batch, chosen))
        return seen.read()

    def _batch_rows(self, columns: Sequence[str]) -> int:
        kinds = (self.schema.field(name).type for name in columns)
        row_bytes = sum(1 / 8 if pa.types.is_boolean(kind) else 8.0 for kind in kinds)
        return int(min(BATCH_ROWS, max(1_024, BATCH_BYTES / row_bytes // 64 * 64)))

    def _chosen(self, columns: Sequence[str] | None) -> tuple[str, ...]:
        chosen = self.columns if columns is None else tuple(columns)
        if not chosen:
            raise UsageError(f"{self.name}: no columns were chosen; name at least one")
        known = set(self.columns)
        for name in chosen:
            if name not in known:
                raise UsageError(f"{self.name} has no column {name!r}; {_nearest(name, self.columns)}")
        return chosen


def open_source(data: Any, *, role: str = "data") -> Source:
    """Open whatever the user has as a :class:`Source`.

    Parameters
    ----------
    data : path (str or Path) of a Parquet, CSV, TSV, JSON Lines or Arrow/Feather file (text ones also with
        .gz), of a folder of them, or a glob; or a pandas or Polars frame (eager or lazy), an Arrow table, a
        DuckDB relation. A Source is returned as it is.
    role : what error messages call it ("suspect", "reference").

    Raises
    ------
    InputError : nothing there, unknown or damaged or empty data, no rows, no columns, duplicate column names,
        a folder of mixed formats or columns, text that is not UTF-8, an object of another type.

    Notes
    -----
    Opening counts the rows. Parquet and Arrow say how many they have; CSV and JSON Lines are read once for
    it, which settles their column types too. Spark frames belong to the Spark engine.

    Examples
    --------
    >>> source = open_source(pa.table({"age": [31, 45], "sex": ["f", "m"]}))
    >>> source.rows, source.columns, source.kind
    (2, ('age', 'sex'), 'pyarrow')
    """
    if isinstance(data, Source):
        return data
    if isinstance(data, str | os.PathLike):
        opened = open_path(cast("str | os.PathLike[str]", data), role)
        readers = opened.reader.readers if isinstance(opened.reader, FolderReader) else ()
        shards = tuple((file.name, part.rows) for file, part in zip(opened.files, readers, strict=False))
        source = Source(opened.name, opened.kind, opened.reader, lambda table: table, opened.files, shards)
    else:
        from credenza.data.frames import open_frame

        frame = open_frame(data, role)
        source = Source(frame.name, frame.kind, frame.reader, frame.like)
    label = f"{role} ({source.name})"
    if not source.columns:
        raise InputError(f"{label} has no columns; give a table with at least one")
    reject_duplicates(source.columns, label)
    if source.rows == 0:
        raise InputError(f"{label} has no rows; give a table with at least one")
    return source


def _nearest(name: str, columns: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, columns, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    shown = ", ".join(map(repr, columns[:8]))
    return f"it has {shown}" + (f" and {len(columns) - 8} more" if len(columns) > 8 else "")
