"""Text files behind DuckDB, scanned out of core; JSON Lines are opened here, CSV in :mod:`csv_files`.

Types are sniffed from the first rows; a column whose later values do not fit is read as text rather than
failing half-way.
"""

from __future__ import annotations

import codecs
import gzip
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from credenza.data.binary_files import resized
from credenza.data.write import one_line
from credenza.errors import InputError

_WIDER = {"BIGINT": ("DOUBLE",), "DATE": ("TIMESTAMP",)}
_CHUNK = 1 << 20
_RAGGED = re.compile(r"on Line: (\d+).*Expected Number of Columns: (\d+) Found: (\d+)", re.DOTALL)


def connect() -> duckdb.DuckDBPyConnection:
    """Open a private in-memory DuckDB that keeps row order and uses no network."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "preserve_insertion_order": "true",
        "autoinstall_known_extensions": "false",
        "temp_directory": str(Path(tempfile.gettempdir()) / "credenza-duckdb"),
    }
    return duckdb.connect(":memory:", config=config)


def literal(text: str) -> str:
    """Quote a string for SQL.

    Examples
    --------
    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Quote a column name for SQL.

    Examples
    --------
    >>> identifier("age in years")
    '"age in years"'
    """
    return '"' + name.replace('"', '""') + '"'


def arrow_stream(relation: Any, size: int) -> Iterator[pa.RecordBatch]:
    """Yield a DuckDB relation's rows as record batches (the method's name differs between versions)."""
    method = getattr(relation, "to_arrow_reader", None) or relation.fetch_record_batch
    return resized(iter(method(size)), size)


class TextReader:
    """A CSV or JSON Lines file behind a DuckDB table function.

    Parameters
    ----------
    database : a private DuckDB. path, label : the file, and what messages call it.
    function : builds the SQL table function from the types by DuckDB column name (None: let DuckDB sniff).
    names : the file's own column names in order, which are then c0, c1, ... in SQL, and whose types DuckDB sniffs from
        the first rows only, so that the others need a check; or None where DuckDB knows both.
    """

    def __init__(
        self,
        database: duckdb.DuckDBPyConnection,
        path: Path,
        label: str,
        function: Callable[[Mapping[str, str] | None], str],
        *,
        names: Sequence[str] | None = None,
    ) -> None:
        self._database, self._path, self._label, self._function = database, path, label, function
        self._types = self._sniffed(None if names is None else [f"c{k}" for k in range(len(names))])
        self._sql_names = dict(zip(names or self._types, self._types, strict=True))
        if names is not None:
            counts, changed = self._settled()
            self._types.update(changed)
        else:
            counts = self._fetch(f"SELECT {_counts(self._types)} FROM {function(self._types)}")[0]
        self.rows: int = counts[0]
        self.empty: frozenset[str] = frozenset(
            name for name, count in zip(self._sql_names, counts[1:], strict=True) if count == 0
        )
        self.schema: pa.Schema = self._arrow_schema()

    def __getstate__(self) -> dict[str, Any]:
        """A copy in another process opens a DuckDB of its own, and knows the types already."""
        return {**self.__dict__, "_database": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _database=connect())

    def _sniffed(self, sql_names: Sequence[str] | None) -> dict[str, str]:
        """Return DuckDB's first guess of the types; whole numbers, to be settled, where it cannot make one."""
        sql = f"DESCRIBE SELECT * FROM {self._function(None)}"
        if sql_names is None:
            described = self._fetch(sql)
        else:
            try:
                described = self._database.cursor().sql(sql).fetchall()
            except duckdb.Error:
                described = []
            if [row[0] for row in described] != sql_names:
                return dict.fromkeys(sql_names, "BIGINT")
        return {row[0]: "VARCHAR" if row[1] in ("JSON", "UUID") else row[1] for row in described}

    def _settled(self) -> tuple[tuple[int, ...], dict[str, str]]:
        """Read every value as text once; return the counts, and the types of columns that need another."""
        typed = {name: kind for name, kind in self._types.items() if kind != "VARCHAR"}
        choices = {name: [kind, *_WIDER.get(kind, ())] for name, kind in typed.items()}
        terms = "".join(
            f", count({identifier(name)}) = {_fitting(identifier(name), kind)}"
            for name, kinds in choices.items()
            for kind in kinds
        )
        text = dict.fromkeys(self._types, "VARCHAR")
        row = self._fetch(f"SELECT {_counts(self._types)}{terms} FROM {self._function(text)}")[0]
        counts, fits = row[: len(self._types) + 1], iter(row[len(self._types) + 1 :])
        best = {name: [kind for kind in kinds if next(fits)] for name, kinds in choices.items()}
        return counts, {
            name: kinds[0] if kinds else self._unusual(name, typed[name]) for name, kinds in best.items()
        }

    def _unusual(self, name: str, kind: str) -> str:
        """Judge a column that does not cast as it stands: dates in the format DuckDB sniffed, or text."""
        if not kind.startswith(("DATE", "TIME")):
            return "VARCHAR"
        others = {other: "VARCHAR" for other in self._types if other != name}
        try:
            sql = f"SELECT count({identifier(name)}) FROM {self._function({**others, name: kind})}"
            self._database.cursor().sql(sql).fetchall()
        except duckdb.ConversionException:
            return "VARCHAR"
        return kind

    def retype(self, columns: Sequence[str], kind: str) -> None:
        """Read some columns as another DuckDB type from now on."""
        for name in columns:
            self._types[self._sql_names[name]] = kind
        self.schema = self._arrow_schema()

    def sql_type(self, column: str) -> str:
        """Return the DuckDB type that a column is read as."""
        return self._types[self._sql_names[column]]

    def _arrow_schema(self) -> pa.Schema:
        sql = self._select_sql(tuple(self._sql_names)) + " LIMIT 0"
        relation: Any = self._database.cursor().sql(sql)
        method = getattr(relation, "to_arrow_table", None) or relation.fetch_arrow_table
        return pa.schema([*zip(self._sql_names, method().schema.types, strict=True)])

    def _select_sql(self, columns: Sequence[str]) -> str:
        wanted = ", ".join(identifier(self._sql_names[name]) for name in columns)
        return f"SELECT {wanted} FROM {self._function(self._types)}"

    def scan(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        schema = pa.schema([self.schema.field(name) for name in columns])
        try:
            for batch in arrow_stream(self._database.cursor().sql(self._select_sql(columns)), size):
                yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)
        except (duckdb.Error, pa.ArrowException) as error:
            raise unreadable(self._path, self._label, error) from error

    def _fetch(self, sql: str) -> list[tuple[Any, ...]]:
        return fetched(self._database, sql, self._path, self._label)


def fetched(database: duckdb.DuckDBPyConnection, sql: str, path: Path, label: str) -> list[tuple[Any, ...]]:
    """Run a query on a file; what DuckDB refuses becomes an InputError."""
    try:
        return list(database.cursor().sql(sql).fetchall())
    except duckdb.Error as error:
        raise unreadable(path, label, error) from error


def open_jsonl(path: Path, label: str) -> TextReader:
    """Open JSON Lines (.json: one object a line, or one array of objects), plain or gzipped."""
    where = literal(no_glob(str(path)))
    shape = "auto" if ".json" in path.suffixes[-2:] else "newline_delimited"

    def function(types: Mapping[str, str] | None) -> str:
        sniffed = "sample_size=-1, map_inference_threshold=-1"
        how = sniffed if types is None else f"columns={struct(types)}"
        return f"read_json({where}, format='{shape}', records='true', {how})"

    database = connect()
    reader = TextReader(database, path, label, function)
    if reader.empty:
        objects = f"read_json_objects({where}, format='{shape}')"
        keys = fetched(database, f"SELECT DISTINCT unnest(json_keys(json)) FROM {objects}", path, label)
        for key in sorted({str(row[0]) for row in keys} - set(reader.schema.names)):
            raise InputError(
                f"{label}: key {key!r} differs from another only in letter case; rename one of them"
            )
    return reader


def not_utf8(path: Path, label: str) -> InputError | None:
    """Return the error for the first bytes of a text file that are not UTF-8, or None."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    opener: Callable[..., Any] = gzip.open if path.suffix.lower() == ".gz" else open
    offset = 0
    try:
        with opener(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                pending = len(decoder.getstate()[0])
                decoder.decode(chunk)
                offset += len(chunk)
            pending = len(decoder.getstate()[0])
            decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        at = offset - pending + error.start
        return InputError(
            f"{label} is not UTF-8: byte 0x{error.object[error.start]:02x} at offset {at:,}; "
            "save it as UTF-8 (for example: iconv -f LATIN1 -t UTF-8)"
        )
    except (OSError, EOFError) as error:
        reason = one_line(error)
        return InputError(f"{label} cannot be unpacked ({reason}); it may be cut short: write it again")
    return None


def unreadable(path: Path, label: str, error: BaseException) -> InputError:
    """Return the error for a file that DuckDB refuses: not UTF-8, or DuckDB's reason."""
    table = path.name.lower().removesuffix(".gz").endswith(("csv", "tsv"))
    right = "give every row the fields of the header" if table else "give one JSON object a line"
    if found := not_utf8(path, label):
        return found
    if ragged := _RAGGED.search(str(error)):
        line, known, fields = (int(number) for number in ragged.groups())
        has = f"{fields:,}" if fields < known else f"more than {known:,}"  # DuckDB stops counting there
        return InputError(f"{label}: fields on line {line:,}: {has}, in the header: {known:,}; {right}")
    if "state machine" in str(error):
        return InputError(
            f"{label} mixes line endings or is broken CSV; write it again with one kind of line ending"
        )
    return InputError(f"{label} cannot be read ({_reason(error)}); {right}")


def _counts(names: Iterable[str]) -> str:
    return "count(*)" + "".join(f", count({identifier(name)})" for name in names)


def _fitting(column: str, kind: str) -> str:
    """Return the SQL count of texts that are of a type, without the rounding that DuckDB's casts allow."""
    exact = {"BIGINT": "DOUBLE", "DATE": "TIMESTAMP"}.get(kind)
    cast = f"try_cast({column} AS {kind})"
    return f"count(*) FILTER ({cast} = try_cast({column} AS {exact}))" if exact else f"count({cast})"


def struct(types: Mapping[str, str]) -> str:
    """Spell types by column name in SQL."""
    return "{" + ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in types.items()) + "}"


def no_glob(path: str) -> str:
    """Escape what DuckDB would take for a pattern in a path."""
    return "".join(f"[{mark}]" if mark in "[*?" else mark for mark in path)


def _reason(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    kept = [line for line in lines[:4] if not line.startswith(("Original Line", "Possible", "*"))]
    text = " ".join(kept).split("Error: ")[-1]
    return text if len(text) <= 200 else text[:199] + "…"
