"""Spark frames, and paths that Spark's workers read, behind the interface of every other source."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, cast

import pyarrow as pa

from credenza.data import Duplicates, Repeats, Source
from credenza.data.binary_files import Reader, reject_duplicates
from credenza.data.columns import plain_type
from credenza.data.files import format_of, open_path
from credenza.engines.base import S
from credenza.engines.row_states import RowDigest, RowRepeats
from credenza.engines.spark_fold import fold_parts
from credenza.engines.spark_parts import FileParts, FrameParts, Plan, pieces_of, runs_of
from credenza.engines.spark_session import is_running, one_line_errors
from credenza.errors import InputError

_PIECE_BYTES = 16 << 20
_SCHEMES = {"parquet": {}, "csv": {"header": True, "inferSchema": True}, "jsonl": {}, "orc": {}}


class Planner(Protocol):
    """A reader that workers can read, too."""

    def plan(self, columns: Sequence[str], most: int) -> Plan:
        """Return a pass over these columns in at most about ``most`` parts."""
        ...


class SparkSource(Source):
    """A table that Spark's workers read: a frame, or files that every worker reaches; made by :func:`open_spark`.

    The rows of a frame come in the order of its partitions. That order, and so what :meth:`batches` yields, can be
    counted on only where Spark makes the same partitions each time, which it does when it reads files or cached data.
    """

    def __init__(
        self,
        name: str,
        session: Any,
        reader: Reader,
        like: Callable[[pa.Table], Any],
        files: tuple[Path, ...] = (),
    ) -> None:
        super().__init__(name, "spark", reader, like, files)
        self.session = session

    def fold(self, columns: Sequence[str] | None, state: S) -> S:
        """Return the state after all rows, folded by the workers; see :class:`credenza.engines.SparkEngine`.

        Raises
        ------
        InputError : a part cannot be read, or the session was stopped. UsageError : an unknown column.
        """
        chosen = self._chosen(columns)
        if not is_running(self.session):
            raise InputError(f"{self.name}: its Spark session was stopped; start one and open the data again")
        reader = cast(Planner, self._reader)
        return fold_parts(self.session, self.name, lambda most: reader.plan(chosen, most), state)

    def duplicates(self, columns: Sequence[str] | None = None) -> Duplicates:
        """Count coinciding rows on the workers; see :meth:`credenza.data.Source.duplicates`."""
        chosen = self._chosen(columns)
        return self.fold(chosen, RowRepeats(chosen, Repeats.empty())).repeats.read()

    @cached_property
    def _fingerprint(self) -> str:
        """Of files the SHA-256 of their bytes; of a frame one of names, types and rows, in whatever order."""
        if self.files:
            return super()._fingerprint
        return self.fold(None, RowDigest(self.columns)).read(self.schema)


class FrameReader:
    """A Spark frame. Columns go by position, so that names may hold dots, or differ in letter case only."""

    def __init__(self, frame: Any, name: str) -> None:
        self._name = name
        names = tuple(str(column) for column in frame.columns)
        reject_duplicates(names, name)
        with one_line_errors(name):
            self._frame = _arrow_only(frame.toDF(*(f"c{k}" for k in range(len(names)))))
            kinds = self._frame.limit(0).toArrow().schema.types
            self.rows: int = int(self._frame.count())
        self.schema: pa.Schema = pa.schema(list(zip(names, kinds, strict=True)))

    def _selected(self, columns: Sequence[str]) -> Any:
        return self._frame.select([f"c{self.schema.get_field_index(name)}" for name in columns])

    def plan(self, columns: Sequence[str], most: int) -> Plan:
        """One part a partition; where there are too many of them, neighbours are taken together."""
        return Plan(self._selected(columns).coalesce(most), FrameParts(tuple(columns)), most)

    def scan(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        """Yield the rows, sent here a partition at a time."""
        names = list(columns)
        with one_line_errors(self._name):
            rows = self._selected(columns).mapInArrow(_Sender(size), "data binary").toLocalIterator()
        while True:
            with one_line_errors(self._name):
                row = next(rows, None)
            if row is None:
                return
            for batch in pa.ipc.open_stream(bytes(row[0])):
                yield batch.rename_columns(names)


class _Sender:
    """Serialises batches on a worker, at most ``size`` rows and about 16 MiB at a time."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.__name__ = "send"

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            width = max(1, batch.nbytes // max(1, batch.num_rows))
            step = max(1, min(self._size, _PIECE_BYTES // width))
            for start in range(0, batch.num_rows, step):
                sink = pa.BufferOutputStream()
                with pa.ipc.new_stream(sink, batch.schema) as writer:
                    writer.write_batch(batch.slice(start, step))
                yield pa.record_batch({"data": pa.array([sink.getvalue().to_pybytes()], pa.binary())})


class FilesReader:
    """Files that every worker reaches, read by the readers of the local engine: the same values, in the same order."""

    def __init__(self, path: Path, role: str, session: Any) -> None:
        opened = open_path(path, role)
        self._session, self._opened, self._role, self.files = session, opened, role, opened.files
        self.schema: pa.Schema = opened.reader.schema
        self.rows: int = opened.reader.rows

    def scan(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        """Yield the rows, read here."""
        return self._opened.reader.scan(columns, size)

    def plan(self, columns: Sequence[str], most: int) -> Plan:
        """Runs of row groups and files, about as many as asked for."""
        runs = runs_of(pieces_of(self._opened, self._role, most), most)
        numbers = self._session.range(0, len(runs), 1, len(runs))
        schema = pa.schema([self.schema.field(name) for name in columns])
        return Plan(numbers, FileParts(runs, schema), len(runs))


def open_spark(data: Any, *, session: Any = None, role: str = "data") -> SparkSource:
    """Open a Spark frame, or a path that Spark's workers reach, as a source.

    Parameters
    ----------
    data : a Spark frame; or the path of files, a folder or a glob that :func:`credenza.data.open_source` knows, which
        every worker must reach under the same name; or a URL (s3a://, hdfs://, ...) of Parquet, CSV, JSON Lines or ORC,
        which Spark reads itself. session : for paths. role : what error messages call it.

    Returns
    -------
    SparkSource
        kind "spark". ``like`` gives a Spark frame where a frame was given, else the Arrow table itself.

    Raises
    ------
    InputError : the same as for :func:`credenza.data.open_source`; a stopped session; what Spark cannot read.

    Notes
    -----
    Files are read by credenza's own readers, row group by row group (text: file by file), so that types, codes and
    row order are those of the local engine; URLs and frames have the types that Spark gives them. Types without an
    equivalent in Arrow (intervals of months) are let through as bytes, which are not audited. Counting the rows of a
    frame is one Spark job.
    """
    if isinstance(data, str | os.PathLike):
        return _rowed(_open_path(os.fspath(cast("str | os.PathLike[str]", data)), session, role), role)
    found = data.sparkSession
    if not is_running(found):
        raise InputError(
            f"{role}: the Spark session of this frame was stopped; start one and make the frame again"
        )
    name = "Spark DataFrame"
    return _rowed(SparkSource(name, found, FrameReader(data, f"{role} ({name})"), _to_spark(found)), role)


def _open_path(path: str, session: Any, role: str) -> SparkSource:
    if "://" not in path:
        reader = FilesReader(Path(path).expanduser().absolute(), role, session)
        return SparkSource(path, session, reader, lambda table: table, reader.files)
    kind = "orc" if path.rstrip("/").endswith(".orc") else format_of(Path(path.rstrip("/"))) or "parquet"
    with one_line_errors(f"{role} ({path})"):
        if kind not in _SCHEMES:
            raise InputError(f"{role}: Spark does not read {path}; give Parquet, CSV, JSON Lines or ORC")
        options = _SCHEMES[kind]
        frame = session.read.format({"jsonl": "json"}.get(kind, kind)).options(**options).load(path)
    return SparkSource(path, session, FrameReader(frame, f"{role} ({path})"), lambda table: table)


def _rowed(source: SparkSource, role: str) -> SparkSource:
    label = f"{role} ({source.name})"
    if not source.columns:
        raise InputError(f"{label} has no columns; give a table with at least one")
    reject_duplicates(source.columns, label)
    if source.rows == 0:
        raise InputError(f"{label} has no rows; give a table with at least one")
    return source


def _arrow_only(frame: Any) -> Any:
    """Replace columns that have no Arrow type by empty byte strings, missing where they were missing."""
    from pyspark.errors import PySparkTypeError
    from pyspark.sql import functions

    known: dict[str, bool] = {}
    for column in frame.schema.fields:
        kind = column.dataType.simpleString()
        if kind not in known:
            try:
                frame.select(column.name).limit(0).toArrow()
                known[kind] = True
            except PySparkTypeError:
                known[kind] = False
    if all(known.values()):
        return frame
    empty = functions.lit(bytearray())
    return frame.select(
        *(
            frame[field.name]
            if known[field.dataType.simpleString()]
            else functions.when(frame[field.name].isNotNull(), empty).alias(field.name)
            for field in frame.schema.fields
        )
    )


def _to_spark(session: Any) -> Callable[[pa.Table], Any]:
    def made(table: pa.Table) -> Any:
        plain = pa.schema([pa.field(field.name, plain_type(field.type)) for field in table.schema])
        with one_line_errors("Spark DataFrame"):
            return session.createDataFrame(table.cast(plain))

    return made
