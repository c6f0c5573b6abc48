"""Objects in memory as record batches: pandas, Polars, Arrow, DuckDB; none of them is imported from here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from credenza.data.binary_files import Reader, reject_duplicates, resized
from credenza.data.columns import Family, as_floats, as_strings, family, plain
from credenza.data.text_files import arrow_stream, identifier
from credenza.data.write import one_line
from credenza.errors import InputError


@dataclass(frozen=True)
class Frame:
    """An object in memory: what to show, its kind, how to read it, how to make more of its kind."""

    name: str
    kind: str
    reader: Reader
    like: Callable[[pa.Table], Any]


class TableReader:
    """An Arrow table in memory."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.schema: pa.Schema = table.schema
        self.rows: int = table.num_rows

    def scan(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        return resized(iter(self._table.select(list(columns)).to_batches(max_chunksize=size)), size)


class RelationReader:
    """A DuckDB relation; every scan runs its query again on its own connection."""

    def __init__(self, relation: Any) -> None:
        self._relation = relation
        self.rows: int = relation.count("*").fetchall()[0][0]
        reader = relation.limit(0)
        method = getattr(reader, "to_arrow_table", None) or reader.fetch_arrow_table
        self.schema: pa.Schema = method().schema

    def scan(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        return arrow_stream(self._relation.project(", ".join(map(identifier, columns))), size)


class LazyReader:
    """A Polars LazyFrame; collected a batch at a time where this Polars can, else at once."""

    def __init__(self, lazy: Any) -> None:
        self._lazy = lazy
        self.rows: int = int(nw.from_native(lazy).select(nw.len()).collect().item())
        self.schema: pa.Schema = _polars_table(lazy.head(0).collect()).schema

    def scan(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        chosen = self._lazy.select(list(columns))
        if hasattr(chosen, "collect_batches"):
            frames = chosen.collect_batches(chunk_size=size, maintain_order=True)
        else:
            frames = iter([chosen.collect()])
        for frame in frames:
            yield from resized(iter(_polars_table(frame).to_batches()), size)


def open_frame(data: Any, role: str) -> Frame:
    """Recognise an object in memory.

    Raises
    ------
    InputError : the object is of no kind that we read, or its columns cannot be turned into Arrow.
    """
    known = nw.dependencies
    if known.is_pandas_dataframe(data):
        return Frame("pandas DataFrame", "pandas", TableReader(_pandas_table(data, role)), _to_pandas)
    if known.is_polars_dataframe(data):
        return Frame("Polars DataFrame", "polars", TableReader(_polars_table(data)), _to_polars)
    if known.is_polars_lazyframe(data):
        return Frame("Polars LazyFrame", "polars", LazyReader(data), lambda table: _to_polars(table).lazy())
    if isinstance(data, pa.RecordBatch):
        data = pa.Table.from_batches([data])
    if isinstance(data, pa.Table):
        return Frame("Arrow table", "pyarrow", TableReader(data), lambda table: table)
    if known.is_duckdb_relation(data):
        reject_duplicates(data.columns, role)
        return Frame("DuckDB relation", "duckdb", RelationReader(data), _to_relation)
    if hasattr(data, "__arrow_c_stream__") and not isinstance(data, pa.RecordBatchReader):
        return Frame(type(data).__name__, "pyarrow", TableReader(pa.table(data)), lambda table: table)
    raise InputError(
        f"{role}: cannot read a {type(data).__module__}.{type(data).__name__}; "
        "give a path, or a pandas, Polars, Arrow or DuckDB table"
    )


def content_digest(reader: Reader, size: int = 65_536) -> str:
    """Return the SHA-256 of names and values; library, chunking and width of the columns do not matter."""
    total = hashlib.sha256(repr(reader.schema.names).encode())
    for field in reader.schema:
        total.update(family(field.type).encode())
        for batch in _regular(reader.scan([field.name], size), size):
            _digest_column(total, batch.column(0))
    return total.hexdigest()


def _regular(batches: Iterator[pa.RecordBatch], size: int) -> Iterator[pa.Table]:
    """Re-cut batches so that all but the last have exactly ``size`` rows."""
    pending: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        while rows + batch.num_rows >= size:
            head = batch.slice(0, size - rows)
            yield pa.Table.from_batches([*pending, head])
            pending, rows, batch = [], 0, batch.slice(head.num_rows)
        if batch.num_rows:
            pending.append(batch)
            rows += batch.num_rows
    if pending:
        yield pa.Table.from_batches(pending)


def _digest_column(total: Any, column: pa.ChunkedArray) -> None:
    kind = family(column.type)
    if kind is Family.STRING:
        strings = as_strings(column)
        lengths = pc.fill_null(pc.binary_length(strings), -1)
        total.update(lengths.to_numpy(zero_copy_only=False).tobytes())
        total.update(_joined_bytes(strings.drop_null()))
    elif kind is Family.BOOL:
        total.update(pc.fill_null(plain(column).cast(pa.uint8()), 2).to_numpy(zero_copy_only=False).tobytes())
    elif kind in (Family.NESTED, Family.BINARY):
        total.update(repr(column.to_pylist()).encode())
    else:
        total.update(as_floats(column).tobytes())


def _joined_bytes(strings: pa.LargeStringArray) -> memoryview:
    """Return the bytes of all strings, one behind the other, without copying them."""
    _, raw, data = strings.buffers()
    if data is None or len(strings) == 0:
        return memoryview(b"")
    offsets = np.frombuffer(raw, np.int64)[strings.offset : strings.offset + len(strings) + 1]
    return memoryview(data)[int(offsets[0]) : int(offsets[-1])]


def _pandas_table(frame: Any, role: str) -> pa.Table:
    names = [str(name) for name in frame.columns]
    reject_duplicates(names, role)
    renamed = frame.set_axis(names, axis=1)
    try:
        return pa.Table.from_pandas(renamed, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        fixed = {name: _mixed_column(renamed[name], name, role) for name in names}
        return pa.Table.from_pandas(renamed.assign(**fixed), preserve_index=False)


def _mixed_column(series: Any, name: str, role: str) -> Any:
    """Return a pandas column that Arrow takes: as it is, or as text where it mixes types."""
    try:
        pa.Array.from_pandas(series)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return series.map(str, na_action="ignore")
    except pa.ArrowNotImplementedError as error:
        raise InputError(
            f"{role}: column {name!r} has no Arrow type ({one_line(error)}); convert or drop it"
        ) from error
    return series


def _polars_table(frame: Any) -> pa.Table:
    import polars as pl

    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def _to_pandas(table: pa.Table) -> Any:
    return table.to_pandas()


def _to_polars(table: pa.Table) -> Any:
    import polars as pl

    return pl.from_arrow(table)


def _to_relation(table: pa.Table) -> Any:
    import duckdb

    return duckdb.from_arrow(table)
