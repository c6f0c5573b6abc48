"""From a path, folder or glob to files of one format and one set of columns."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pyarrow as pa

from credenza.data.binary_files import ArrowReader, ParquetReader, Reader, reject_duplicates
from credenza.data.columns import Family, family, plain_type
from credenza.errors import InputError

if TYPE_CHECKING:
    from credenza.data.text_files import TextReader

FORMATS = {
    ".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson":
    "jsonl", ".json": "jsonl", ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow",
}  # fmt: skip
_KNOWN = "Parquet (.parquet), CSV (.csv, .tsv), JSON Lines (.jsonl) or Arrow (.arrow, .feather)"


@dataclass(frozen=True)
class OpenedPath:
    """A path as found: the text to show, its format, how to read it, the files in reading order."""

    name: str
    kind: str
    reader: Reader
    files: tuple[Path, ...]


class FolderReader:
    """Files of one format and one set of columns, one after another, cast to the schema they share.

    ``readers`` holds one reader a file.
    """

    def __init__(self, readers: Sequence[Reader], schema: pa.Schema) -> None:
        self.readers = tuple(readers)
        self.schema: pa.Schema = schema
        self.rows: int = sum(reader.rows for reader in readers)

    def scan(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        schema = pa.schema([self.schema.field(name) for name in columns])
        for reader in self.readers:
            for batch in reader.scan(columns, size):
                yield batch if batch.schema.equals(schema) else batch.cast(schema)


def open_path(path: str | os.PathLike[str], role: str) -> OpenedPath:
    """Open a file, a folder (of tables, images or sounds) or a glob.

    Raises
    ------
    InputError : nothing there, no data files, mixed formats or columns, a file that is empty or damaged.
    """
    shown = os.fspath(path)
    found = Path(shown).expanduser()
    if found.is_dir():
        from credenza.data.media import open_media

        if (media := open_media(found, shown, role)) is not None:
            return media
        files = _files_in(found, shown, role)
    elif found.exists():
        files = (found,)
    else:
        files = _matching(str(found), shown, role)
    kind = _common_format(files, shown, role)
    if len(files) == 1:
        label = f"{role} ({shown})" if files[0] == found else f"{role} ({files[0].name} in {shown})"
        return OpenedPath(shown, kind, _open_file(files[0], kind, label), files)
    readers = [_open_file(file, kind, f"{role} ({file.name} in {shown})") for file in files]
    return OpenedPath(shown, kind, _join(readers, files, f"{role} ({shown})"), files)


def format_of(path: Path) -> str | None:
    """Return the format that a file's suffix names, or None.

    Examples
    --------
    >>> format_of(Path("a.csv.gz")), format_of(Path("a.parquet")), format_of(Path("a.png"))
    ('csv', 'parquet', None)
    """
    suffix = path.suffix.lower()
    if suffix == ".gz":
        inner = FORMATS.get(path.with_suffix("").suffix.lower())
        return inner if inner in ("csv", "jsonl") else None
    return FORMATS.get(suffix)


def _files_in(folder: Path, shown: str, role: str) -> tuple[Path, ...]:
    names = sorted(p.name for p in folder.iterdir() if p.is_file() and not p.name.startswith((".", "_")))
    files = tuple(folder / name for name in names if format_of(folder / name))
    if not files:
        held = f"{len(names)} other files" if names else "nothing"
        raise InputError(
            f"{role}: folder {shown} holds no data files ({held}); give {_KNOWN} files directly in it"
        )
    return files


def _matching(pattern: str, shown: str, role: str) -> tuple[Path, ...]:
    if not glob.has_magic(pattern):
        raise InputError(f"{role}: no such file or folder: {shown}; give the path of a data file")
    files = tuple(Path(p) for p in sorted(glob.glob(pattern)) if Path(p).is_file())
    if not files:
        raise InputError(f"{role}: no file matches {shown}; give a pattern that names data files")
    return files


def _common_format(files: Sequence[Path], shown: str, role: str) -> str:
    first: tuple[str, Path] | None = None
    for file in files:
        kind = format_of(file)
        if kind is None:
            raise InputError(f"{role}: {file.name} is not a data format we know; give {_KNOWN}")
        if first is None:
            first = (kind, file)
        elif first[0] != kind:
            raise InputError(
                f"{role}: {shown} mixes formats: {first[1].name} is {first[0]}, {file.name} is {kind}; "
                f"keep one, for example with the pattern *{first[1].suffix}"
            )
    assert first is not None
    return first[0]


def _open_file(path: Path, kind: str, label: str) -> Reader:
    if not os.access(path, os.R_OK):
        raise InputError(f"{label} may not be read; check its permissions")
    if path.stat().st_size == 0:
        raise InputError(f"{label} is empty (0 bytes); give a file with data")
    reader = _opener(kind)(path, label)
    reject_duplicates(reader.schema.names, label)
    return reader


def _opener(kind: str) -> Callable[[Path, str], Reader]:
    """What opens files of a format; DuckDB, which reads the text ones, is only loaded for them."""
    if kind in ("parquet", "arrow"):
        return ParquetReader if kind == "parquet" else ArrowReader
    from credenza.data.csv_files import open_csv
    from credenza.data.text_files import open_jsonl

    return open_csv if kind == "csv" else open_jsonl


def _join(readers: Sequence[Reader], files: Sequence[Path], label: str) -> FolderReader:
    """Unify the schemas of the files, reading text files again as text where their sniffed types disagree."""
    first = readers[0].schema
    for reader, file in zip(readers[1:], files[1:], strict=True):
        odd = sorted(set(first.names) ^ set(reader.schema.names))
        if odd:
            holder, lacks = (files[0], file) if odd[0] in first.names else (file, files[0])
            raise InputError(
                f"{label} mixes columns: {odd[0]!r} is in {holder.name} but not in {lacks.name}; "
                "give files with the same columns"
            )
    if not isinstance(readers[0], ParquetReader | ArrowReader):
        _agree(cast("Sequence[TextReader]", readers))
    fields = [_common_field(name, readers, files, label) for name in first.names]
    return FolderReader(readers, pa.schema(fields))


def _agree(readers: Sequence[TextReader]) -> None:
    for name in readers[0].schema.names:
        filled = [r for r in readers if name not in r.empty]
        families = {family(r.schema.field(name).type) for r in filled}
        if len(families) > 1:
            for reader in readers:
                reader.retype([name], "VARCHAR")
        elif filled and len(filled) < len(readers):
            for reader in readers:
                if name in reader.empty:
                    reader.retype([name], filled[0].sql_type(name))


def _common_field(name: str, readers: Sequence[Reader], files: Sequence[Path], label: str) -> pa.Field:
    kinds = [reader.schema.field(name).type for reader in readers]
    if all(kind == kinds[0] for kind in kinds):
        return pa.field(name, kinds[0])
    plain = [plain_type(kind) for kind in kinds]
    if {family(kind) for kind in plain} <= {Family.STRING, Family.NULL}:
        return pa.field(name, pa.large_string())
    try:
        schemas = [pa.schema([(name, kind)]) for kind in plain]
        return pa.unify_schemas(schemas, promote_options="permissive").field(0)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        other = next(
            i for i, kind in enumerate(plain) if family(kind) is not family(plain[0]) or kind != plain[0]
        )
        raise InputError(
            f"{label} mixes types: {name!r} is {kinds[0]} in {files[0].name} but {kinds[other]} in "
            f"{files[other].name}; write it with one type"
        ) from error
