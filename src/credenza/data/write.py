"""Files that are whole or absent: written beside the target, then renamed over it."""

from __future__ import annotations

import contextlib
import errno
import gzip
import json
import math
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from credenza.errors import InputError, UsageError

Batches = Iterator[pa.RecordBatch]
# The disk is full, a quota is used up, the file is larger than the process or the file system allows.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it over ``path`` when the block ends well.

    When the block raises, the temporary file is removed and ``path`` stays as it was. A killed process leaves
    the old file or none (and a hidden temporary file, which folders of data ignore). A device or a pipe, such as
    /dev/stdout, has nothing to keep and must not be renamed over: it is written to directly.

    Raises
    ------
    UsageError : the folder does not exist, ``path`` is a folder, or there is no room for the file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = Path(folder) / "note.txt"
    ...     with replacing(target) as temporary:
    ...         _ = temporary.write_text("done")
    ...     target.read_text()
    'done'
    """
    target = Path(path).expanduser()
    if not target.parent.is_dir():
        raise UsageError(f"cannot write {target}: no folder {target.parent}; create it first")
    if target.is_dir():
        raise UsageError(f"cannot write {target}: it is a folder; give a file name")
    direct = target.exists() and not target.is_file()
    temporary = target if direct else target.with_name(f".{target.name}.{secrets.token_hex(6)}.tmp")
    try:
        yield temporary
        if not direct:
            temporary.replace(target)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        reason = os.strerror(error.errno).lower()
        raise UsageError(f"cannot write {target}: {reason}; make room, or give another path") from error
    finally:
        if not direct:
            temporary.unlink(missing_ok=True)


def write_bytes(data: bytes, path: str | os.PathLike[str]) -> None:
    """Write bytes to ``path``, whole or not at all; see :func:`replacing` for the errors raised."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(text: str, path: str | os.PathLike[str]) -> None:
    """Write UTF-8 text to ``path`` with line ends as given, whole or not at all.

    See :func:`replacing` for the errors raised.
    """
    write_bytes(text.encode("utf-8"), path)


def write_table(data: pa.Table | Iterable[pa.RecordBatch], path: str | os.PathLike[str]) -> None:
    """Write an Arrow table, or record batches as they come, in the format that the suffix names.

    Parameters
    ----------
    data : a table, or an iterable of record batches of one schema (at least one batch).
    path : target; .parquet, .pq, .csv, .tsv, .jsonl, .ndjson, .arrow, .feather, .ipc, and .gz after the text
    ones.

    Raises
    ------
    UsageError : unknown suffix, missing folder, target is a folder.
    InputError : no batches, values that the format cannot hold (infinities or bytes in JSON Lines, nested
        values in CSV).

    Notes
    -----
    CSV does not tell an empty string from a missing value. JSON Lines holds dates as ISO text and NaN as
    null. Batches are written one at a time; memory stays at one batch (one row group for Parquet).

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_table(pa.table({"a": [1, 2]}), Path(folder) / "t.csv")
    ...     (Path(folder) / "t.csv").read_text()
    '"a"\\n1\\n2\\n'
    """
    writer = _writer(Path(path))
    source = iter(data.to_batches() or [_no_rows(data)]) if isinstance(data, pa.Table) else iter(data)
    first = next(source, None)
    if first is None:
        raise InputError(f"cannot write {path}: no record batches; give at least one")
    with replacing(path) as temporary:
        try:
            writer(_chain(first, source), first.schema, temporary)
        except pa.ArrowException as error:
            raise InputError(f"cannot write {path}: {one_line(error)}; choose another format") from error


def require_format(path: str | os.PathLike[str]) -> None:
    """Refuse a path whose suffix names no table format, before the work whose outcome it is to hold.

    Raises
    ------
    UsageError : unknown suffix; the message lists the known ones.
    """
    _writer(Path(path))


def one_line(error: BaseException, limit: int = 200) -> str:
    """Return the first line of an error's text, shortened, for use inside a message."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    line = lines[0].strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _no_rows(table: pa.Table) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.array([], field.type) for field in table.schema], schema=table.schema
    )


def _chain(first: pa.RecordBatch, rest: Batches) -> Batches:
    yield first
    yield from rest


def _writer(path: Path) -> Callable[[Batches, pa.Schema, Path], None]:
    suffix = path.suffix.lower()
    packed = suffix == ".gz"
    if packed:
        suffix = path.with_suffix("").suffix.lower()
    text = {".csv": ",", ".tsv": "\t"}
    if suffix in text:
        return lambda batches, schema, to: _write_csv(batches, schema, to, text[suffix], packed)
    if suffix in (".jsonl", ".ndjson"):
        return lambda batches, schema, to: _write_jsonl(batches, to, packed)
    if not packed and suffix in (".parquet", ".pq"):
        return _write_parquet
    if not packed and suffix in (".arrow", ".feather", ".ipc"):
        return _write_arrow
    raise UsageError(
        f"cannot write {path}: unknown format {path.suffix or 'without suffix'!r}; "
        "use .parquet, .csv, .tsv, .jsonl, .arrow, .csv.gz or .jsonl.gz"
    )


def _write_parquet(batches: Batches, schema: pa.Schema, path: Path) -> None:
    with pa.parquet.ParquetWriter(path, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _write_arrow(batches: Batches, schema: pa.Schema, path: Path) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _write_csv(batches: Batches, schema: pa.Schema, path: Path, delimiter: str, packed: bool) -> None:
    options = pa.csv.WriteOptions(delimiter=delimiter)
    plain = pa.schema([pa.field(field.name, _csv_type(field.type)) for field in schema])
    with (
        pa.CompressedOutputStream(str(path), "gzip") if packed else pa.OSFile(str(path), "wb") as sink,
        pa.csv.CSVWriter(sink, plain, write_options=options) as writer,
    ):
        for batch in batches:
            writer.write_batch(batch.cast(plain))


def _csv_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.large_string() if str(kind) == "string_view" else kind


def _write_jsonl(batches: Batches, path: Path, packed: bool) -> None:
    opener: Callable[..., Any] = gzip.open if packed else open
    with opener(path, "wt", encoding="utf-8", newline="\n") as file:
        for batch in batches:
            for row in batch.to_pylist():
                values = {name: _json_value(name, value) for name, value in row.items()}
                file.write(json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n")


def _json_value(name: str, value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        if math.isnan(value):
            return None
        raise InputError(f"column {name!r} holds infinities, which JSON Lines cannot; write Parquet or CSV")
    if isinstance(value, bytes):
        raise InputError(f"column {name!r} holds bytes, which JSON Lines cannot; write Parquet or Arrow")
    if isinstance(value, list):
        return [_json_value(name, item) for item in value]
    if isinstance(value, dict):
        return {key: _json_value(name, item) for key, item in value.items()}
    if isinstance(value, date | time):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value if _is_json(value) else str(value)


def _is_json(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)
