"""Which data a ledger is of: its size, schema and digests, and the data read as it was then."""

from __future__ import annotations

import base64
import binascii
import copy
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from credenza.data.binary_files import Reader
from credenza.data.columns import Family, family
from credenza.data.edits import VIEWS, cast_values
from credenza.data.files import FolderReader
from credenza.data.keys import row_keys_of
from credenza.data.sources import Source
from credenza.data.write import one_line
from credenza.errors import InputError


@dataclass(frozen=True)
class Facts:
    """What is known of data on one side of a repair; see :func:`facts_of`.

    Attributes
    ----------
    name, kind : as shown, and of :class:`credenza.data.Source`.
    rows : n. schema : Arrow schema. shards : (name, rows) of each file of a folder.
    sha256 : of the bytes of its files (hex), None for what is no file.
    content : digest of names and values in row order (hex), see :class:`Digest`.
    """

    name: str
    kind: str
    rows: int
    schema: pa.Schema
    content: str
    sha256: str | None = None
    shards: tuple[tuple[str, int], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The facts as JSON-able values."""
        schema = base64.b64encode(self.schema.serialize().to_pybytes()).decode("ascii")
        return {**vars(self), "schema": schema, "shards": [list(shard) for shard in self.shards]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Facts:
        """Facts from what :meth:`to_dict` gave.

        Raises
        ------
        ValueError, TypeError, KeyError : the values are not those.
        """
        try:
            schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(values["schema"], validate=True)))
        except (pa.ArrowException, OSError, binascii.Error) as error:
            raise ValueError(f"schema: {one_line(error)}") from error
        shards = tuple((str(name), int(rows)) for name, rows in values["shards"])
        return cls(**{**values, "schema": schema, "shards": shards, "rows": int(values["rows"])})


class Digest:
    """SHA-256 over the column names and over a 64-bit key of every row, in order (:func:`row_keys_of`).

    It is the same however the rows are cut, encoded or stored: for a Parquet file and the CSV or frame of the same
    values. Missing values and NaN count as the same, zeros of either sign, and 1 and 1.0 and true. It tells data apart
    that differ by accident; the row keys are not made to withstand someone who looks for two rows with the same key.
    Cost: that of the row keys, and 3 ns a row.

    Examples
    --------
    >>> one, two = Digest(["a"]), Digest(["a"])
    >>> one.update(pa.record_batch({"a": [1, 2]}))
    >>> for value in (1.0, 2.0):
    ...     two.update(pa.record_batch({"a": [value]}))
    >>> one.hexdigest() == two.hexdigest()
    True
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._total = hashlib.sha256(repr(list(self._names)).encode())

    def update(self, batch: pa.RecordBatch) -> None:
        """Add the rows of a batch."""
        self._total.update(row_keys_of(batch, self._names).astype("<u8", copy=False).tobytes())

    def hexdigest(self) -> str:
        """The digest of what was added so far."""
        return self._total.hexdigest()


def digest_of(source: Source) -> str:
    """The digest of all rows of a source; one pass."""
    digest = Digest(source.columns)
    for batch in source.batches():
        digest.update(batch)
    return digest.hexdigest()


def facts_of(source: Source, *, content: str | None = None, sha256: str | None = None) -> Facts:
    """What is to be known of data on one side of a repair.

    Parameters
    ----------
    source : the suspect; or the repaired data before it is written, so that its exact types are known.
    content : its digest, when that is known (see :func:`watched`); else one pass is made.
    sha256 : of the files that it was written to; by default of the source's own files, where it has some.

    Examples
    --------
    >>> from credenza.data import open_source
    >>> facts = facts_of(open_source(pa.table({"a": [1, 2]})))
    >>> facts.rows, facts.sha256, len(facts.content)
    (2, None, 64)
    """
    if sha256 is None and source.files:
        sha256 = source.fingerprint()
    content = digest_of(source) if content is None else content
    return Facts(source.name, source.kind, source.rows, source.schema, content, sha256, source.shards)


class WatchedReader:
    """Reads another reader; the digest of each pass over all of its columns goes to ``told`` before the last batch."""

    def __init__(self, base: Reader, told: Callable[[str], None]) -> None:
        self._base, self._told = base, told
        self.schema: pa.Schema = base.schema
        self.rows: int = base.rows

    def scan(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        batches = self._base.scan(columns, size)
        if list(columns) != self.schema.names:
            yield from batches
            return
        digest, left = Digest(columns), self.rows
        for batch in batches:
            digest.update(batch)
            left -= batch.num_rows
            if left == 0 and (batch.num_rows or not self.rows):
                self._told(digest.hexdigest())
            yield batch


def watched(source: Source, told: Callable[[str], None]) -> Source:
    """The source, which gives its digest to ``told`` while all of its columns are read; it costs no other pass.

    Examples
    --------
    >>> from credenza.data import open_source
    >>> found = []
    >>> source = open_source(pa.table({"a": [1, 2]}))
    >>> table = watched(source, found.append).table()
    >>> found == [digest_of(source)]
    True
    """
    return source.over(WatchedReader(source.reader, told))


class ConformedReader:
    """Reads another reader in the types of a schema, whose columns it has."""

    def __init__(self, base: Reader, schema: pa.Schema, label: str) -> None:
        self._base, self._label = base, label
        self.schema: pa.Schema = schema
        self.rows: int = base.rows

    def scan(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        schema = pa.schema([self.schema.field(name) for name in columns])
        for batch in self._base.scan(columns, size):
            arrays = [self._cast(*pair) for pair in zip(batch.columns, schema, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _cast(self, column: pa.Array, field: pa.Field) -> pa.Array:
        try:
            return cast_values(column, field.type)
        except pa.ArrowException as error:
            raise InputError(
                f"{self._label}: column {field.name!r} is {column.type}, which does not go into the {field.type} "
                f"that it was ({one_line(error)}); give the data as it was written"
            ) from error


def conformed(source: Source, schema: pa.Schema) -> Source:
    """The source with the columns of ``schema``, in their order and types.

    Text files do not say their types: columns that were text then are read as text now, whatever they look like.

    Raises
    ------
    InputError : it has other columns; and, while it is read, a value does not go into the type that it was.
    """
    if odd := [*(set(source.columns) ^ set(schema.names))]:
        name = min(odd)
        where = "the data lacks" if name in schema.names else "the ledger does not know"
        raise InputError(f"{source.name} is not the data of this ledger: {where} column {name!r}")
    reader = source.reader
    if source.kind in ("csv", "jsonl"):
        reader = _as_text(reader, [f.name for f in schema if family(f.type) is Family.STRING])
    if reader is source.reader and reader.schema.equals(schema, check_metadata=True):
        return source
    return source.over(ConformedReader(reader, schema, source.name))


def _as_text(reader: Reader, names: Sequence[str]) -> Any:
    """A reader of text files that takes some columns for text; the given one stays as it is."""
    other = [name for name in names if family(reader.schema.field(name).type) is not Family.STRING]
    if not other:
        return reader
    if isinstance(reader, FolderReader):
        parts = [_as_text(part, names) for part in reader.readers]
        fields = [pa.field(f.name, VIEWS["string_view"]) if f.name in other else f for f in reader.schema]
        return FolderReader(parts, pa.schema(fields))
    reader = copy.deepcopy(reader)
    if hasattr(reader, "retype"):
        reader.retype(other, "VARCHAR")
    return reader
