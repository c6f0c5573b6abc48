"""Which rows of a table that grew were signed before, and which were not: told by the hashes of its chunks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from credenza.data import Source, open_source
from credenza.data.binary_files import Reader
from credenza.data.files import FolderReader
from credenza.data.spans import Span, spans_of
from credenza.errors import InputError
from credenza.provenance.hashing import hash_files
from credenza.provenance.manifest import File, Manifest
from credenza.provenance.merkle import differing
from credenza.provenance.rows import Table, column_change, leaves_of


@dataclass(frozen=True)
class Growth:
    """A table beside an earlier manifest of it.

    Attributes
    ----------
    spans : rows that were not signed, as (first, one past the last), ascending. rows : of the table.
    signed : rows that the manifest has. changes : (file, sentence) for each file whose signed rows are not all there.
    """

    spans: tuple[Span, ...]
    rows: int
    signed: int
    changes: tuple[tuple[str, str], ...]

    @property
    def added(self) -> int:
        """How many rows were not signed."""
        return sum(end - first for first, end in self.spans)

    @property
    def kept(self) -> int:
        """How many rows are, bit for bit and in their places, those that were signed."""
        return self.rows - self.added


def growth_of(source: Source, manifest: Manifest, leaves: Mapping[str, list[bytes]]) -> Growth:
    """Compare the rows of a table with those that were signed.

    Parameters
    ----------
    source : a file, the files of a folder or glob, or a frame. A file is looked up by its name, unless the manifest is
        of one file alone.
    leaves : hashes of the signed rows, as :func:`credenza.provenance.beside.signed_leaves` gives them.

    Returns
    -------
    Growth
        A signed row counts as kept when its whole chunk (4,096 rows) stands where it stood: rows that were put in
        before it, or sorted otherwise, make it a row that was not signed, and a change.

    Raises
    ------
    InputError : the manifest has no table, or the hashes of its rows are missing or changed; images or sounds; a frame,
        and the manifest has several tables.

    Notes
    -----
    A column that was read as another type than when it was signed, as happens in text files when the first decimal
    comes, is compared in the old type where its old values fit. Cost: SHA-256 of the files, and of files that changed
    one pass over as many rows as were signed.
    """
    known = {file.name: file for file in manifest.files if file.table is not None and "/" not in file.name}
    if not known:
        raise InputError(f"the manifest of {manifest.name} has no table: which rows are new cannot be told")
    if bare := sorted(set(known) - set(leaves)):
        raise InputError(
            f"the hashes of the rows of {bare[0]!r} beside the manifest are not those that were signed: "
            "put rows.bin back, or audit all rows"
        )
    spans: list[Span] = []
    changes: list[tuple[str, str]] = []
    at = 0
    parts = _parts(source, manifest, known)
    for part in parts:
        found, change = _compare(part, leaves)
        spans += [(at + first, at + end) for first, end in found if end > first]
        changes += [(part.name, f"{part.name!r}: {change}")] if change else []
        at += part.rows
    if Path(source.name).expanduser().is_dir():
        lost = sorted(set(known) - {part.name for part in parts})
        changes += [(name, f"{name!r}, which was signed, is missing") for name in lost]
    signed = sum(file.table.rows for file in known.values() if file.table)
    return Growth(tuple(_joined(spans)), at, signed, tuple(changes))


@dataclass(frozen=True)
class _Part:
    """One file of a table: its name, its rows, what was signed of it, and whether its bytes are still those."""

    name: str
    rows: int
    data: Source | Path
    signed: File | None
    same: bool = False


def _parts(source: Source, manifest: Manifest, known: Mapping[str, File]) -> list[_Part]:
    """The files in the order of their rows."""
    only = next(iter(known.values())) if len(known) == 1 else None
    if not source.files:
        if only is None:
            raise InputError(
                f"the manifest of {manifest.name} has {len(known):,} tables: give the path of the data, not a frame"
            )
        return [_Part(source.name, source.rows, source, only)]
    readers = source.reader.readers if isinstance(source.reader, FolderReader) else (source.reader,)
    if len(readers) != len(source.files):
        raise InputError(f"{source.name} is no table in files: which of its rows are new cannot be told")
    if manifest.alone and len(source.files) == 1:
        return [_Part(source.files[0].name, source.rows, source, only)]
    hashed = hash_files({path.name: path for path in source.files if path.name in known})
    found = []
    for path, reader in zip(source.files, readers, strict=True):
        file = known.get(path.name)
        same = file is not None and hashed[path.name].sha256 == file.sha256
        found.append(_Part(path.name, reader.rows, path, file, same))
    return found


def _compare(part: _Part, leaves: Mapping[str, list[bytes]]) -> tuple[list[Span], str]:
    """The rows of a file that were not signed, and in words what became of those that were, "" if nothing."""
    table = part.signed.table if part.signed else None
    if part.signed is None or table is None:
        return [(0, part.rows)], ""
    if part.same:
        return [], ""
    source = part.data if isinstance(part.data, Source) else open_source(part.data)
    old = min(part.rows, table.rows)
    head = _in_types(spans_of(source, [(0, old)]), table.columns)
    if isinstance(head, str):
        return [(0, part.rows)], head
    runs = differing(leaves[part.signed.name], leaves_of(head, table.chunk_rows))
    spans = [(first * table.chunk_rows, min(end * table.chunk_rows, old)) for first, end in runs]
    return [*spans, (old, part.rows)], _change(runs, spans, part.rows, table)


def _change(runs: Sequence[Span], spans: Sequence[Span], rows: int, table: Table) -> str:
    if not runs:
        return ""
    first = runs[0][0] * table.chunk_rows
    if rows < table.rows:
        return f"{table.rows:,} signed rows became {rows:,}; the first change is in row {first:,} or after it"
    changed = sum(end - start for start, end in spans)
    return (
        f"of {table.rows:,} signed rows {changed:,} are in chunks that changed, the first change in row {first:,} or "
        "after it; where rows were only sorted anew, audit all of them"
    )


def _in_types(head: Source, columns: Sequence[tuple[str, str]]) -> Source | str:
    """The rows in the types that were signed; or why they cannot be brought into them."""
    found = tuple((field.name, str(field.type)) for field in head.schema)
    if found == tuple(columns):
        return head
    change = f"columns changed: {column_change(tuple(columns), found)}"
    if [name for name, _ in columns] != [name for name, _ in found]:
        return change
    try:
        wanted = [
            pa.field(name, field.type if str(field.type) == kind else pa.type_for_alias(kind))
            for (name, kind), field in zip(columns, head.schema, strict=True)
        ]
        reader = _CastReader(head.reader, pa.schema(wanted))
        for _ in reader.scan([name for name, _ in columns], 65_536):
            pass
    except (ValueError, pa.ArrowException):
        return change
    return head.over(reader, ())


class _CastReader:
    """Reads another reader's rows in the types of a schema; raises ArrowInvalid where a value does not fit."""

    def __init__(self, base: Reader, schema: pa.Schema) -> None:
        self._base = base
        self.schema = schema
        self.rows: int = base.rows

    def scan(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        schema = pa.schema([self.schema.field(name) for name in columns])
        for batch in self._base.scan(columns, size):
            arrays = [batch.column(k).cast(field.type) for k, field in enumerate(schema)]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _joined(spans: Sequence[Span]) -> Iterator[Span]:
    """Spans that touch as one."""
    held: Span | None = None
    for first, end in spans:
        if held is not None and held[1] == first:
            held = (held[0], end)
            continue
        if held is not None:
            yield held
        held = (first, end)
    if held is not None:
        yield held
