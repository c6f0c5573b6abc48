"""A folder of images or sounds as a table: one row a file, with its label and metadata, and its bytes when asked for.

Layouts: files directly in the folder; one subfolder a label; either (or any deeper one) with a table metadata.csv,
metadata.jsonl or metadata.parquet in the folder, whose column file_name says which file each of its rows is about.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from credenza.contracts import IntArray
from credenza.data.columns import Family, family
from credenza.data.edits import take_values
from credenza.data.files import OpenedPath, open_path
from credenza.data.media_layout import Layout, media_layout
from credenza.data.write import one_line
from credenza.errors import InputError

FILE, LABEL, FILE_NAME = "file", "label", "file_name"
CONTENT = {"images": "image", "sounds": "sound"}
MEDIA_BYTES = 1 << 24  # of file contents in one batch; pixels are some ten times as many
_MOST = (1 << 31) - 1  # bytes that one value of an Arrow binary column can have


class MediaReader:
    """The files of a folder in the order of their names, read again for every scan that asks for their contents.

    ``order`` is, for every row, the row of the metadata file that describes it (None without one), and ``described``
    are the columns of that file in its own order, file_name included. ``table`` holds every column but the contents.
    """

    def __init__(self, layout: Layout, metadata: pa.Table | None, label: str) -> None:
        self.layout, self._label = layout, label
        self.content: str = CONTENT[layout.kind]
        self.rows: int = len(layout.names)
        self.order: IntArray | None = None
        self.described: tuple[str, ...] = () if metadata is None else tuple(metadata.column_names)
        columns: dict[str, Any] = {FILE: pa.array(layout.names, pa.string())}
        self.labelled: bool = layout.foldered and LABEL not in self.described
        if self.labelled:
            columns[LABEL] = pa.array([name.split("/")[0] for name in layout.names], pa.string())
        fields = [pa.field(name, pa.string()) for name in columns]
        if metadata is not None:
            self.order = self._matched(metadata[FILE_NAME])
            kept = metadata.drop_columns([FILE_NAME])
            columns |= {name: take_values(kept[name], self.order) for name in kept.column_names}
            fields += kept.schema
        self.table: pa.Table = pa.Table.from_arrays(list(columns.values()), schema=pa.schema(fields))
        self.table = self.table.combine_chunks()
        self.schema: pa.Schema = pa.schema([*fields, pa.field(self.content, pa.binary())])

    def _matched(self, file_names: pa.ChunkedArray) -> IntArray:
        """Where the metadata has the row of each file; refuses what is missing on either side."""
        shown = f"{self._label}: {self.layout.metadata}"
        rows: dict[str, int] = {}
        known = set(self.layout.names)
        for row, name in enumerate(file_names.to_pylist()):
            if name is None:
                raise InputError(f"{shown} has no file_name in row {row:,}; name a file in every row")
            name = posixpath.normpath(name)
            if name in rows:
                raise InputError(f"{shown} names {name} twice; keep one row a file")
            if name not in known:
                raise InputError(
                    f"{shown} names {name}, which the folder does not hold; remove the row or add the file"
                )
            rows[name] = row
        for name in self.layout.names:
            if name not in rows:
                raise InputError(f"{shown} has no row for {name}; add one or remove the file")
        return np.array([rows[name] for name in self.layout.names], np.int64)

    def scan(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        """Yield rows in order; with the contents, as few at a time as make about ``MEDIA_BYTES``."""
        schema = pa.schema([self.schema.field(name) for name in columns])
        start = 0
        for contents in self._contents(size) if self.content in columns else self._none(size):
            part = self.table.slice(start, len(contents))
            start += len(contents)
            arrays = [
                pa.array(contents, pa.binary()) if name == self.content else part[name].chunk(0)
                for name in columns
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _none(self, size: int) -> Iterator[Sequence[bytes | None]]:
        for start in range(0, self.rows, size):
            yield [None] * min(size, self.rows - start)

    def _contents(self, size: int) -> Iterator[list[bytes]]:
        held: list[bytes] = []
        total = 0
        for name in self.layout.names:
            data = self._content(name)
            if held and (len(held) == size or total + len(data) > MEDIA_BYTES):
                yield held
                held, total = [], 0
            held.append(data)
            total += len(data)
        yield held

    def _content(self, name: str) -> bytes:
        path = self.layout.root / name
        try:
            if (size := path.stat().st_size) > _MOST:
                raise InputError(f"{self._label}: {name} has {size:,} bytes; cut it to at most {_MOST:,}")
            return path.read_bytes()
        except OSError as error:
            reason = one_line(error) if error.strerror is None else error.strerror.lower()
            raise InputError(
                f"{self._label}: {name} cannot be read ({reason}); poison and audit folders at rest"
            ) from error

    def digest(self) -> str:
        """SHA-256 (hex) of the names and bytes of the files in reading order, the metadata file first."""
        total = hashlib.sha256()
        first = () if self.layout.metadata is None else (self.layout.metadata,)
        for name in (*first, *self.layout.names):
            data = self._content(name)
            total.update(f"{name}\n{len(data)}\n".encode())
            total.update(data)
        return total.hexdigest()


def open_media(folder: Path, shown: str, role: str) -> OpenedPath | None:
    """Open a folder of images or of WAV files as a table; None for a folder of anything else.

    The rows are the files, sorted by their relative paths. Columns: ``file``, that path with slashes; ``label``, the
    subfolder, where every file lies in one and the metadata has no column of this name; those of the metadata but
    file_name; ``image`` or ``sound``, the bytes of the file. Opening lists the files and reads the metadata only.

    Parameters
    ----------
    folder : an existing folder. shown : how the user wrote it. role : what error messages call it.

    Raises
    ------
    InputError : a layout that is not read (see :func:`credenza.data.media_layout.media_layout`), metadata without a
        column file_name, with a column that is named like one of the table, with a file twice, or where it and the
        folder do not name the same files.

    Notes
    -----
    Memory: the names and the metadata, some hundred bytes a file. The contents are read in batches of about 16 MB.
    """
    label = f"{role} ({shown})"
    layout = media_layout(folder, label)
    if layout is None:
        return None
    metadata = None if layout.metadata is None else _metadata(folder / layout.metadata, layout.kind, role)
    reader = MediaReader(layout, metadata, label)
    files = tuple(folder / name for name in layout.names)
    if layout.metadata is not None:
        files = (folder / layout.metadata, *files)
    return OpenedPath(shown, layout.kind, reader, files)


def _metadata(path: Path, kind: str, role: str) -> pa.Table:
    """The metadata file as a table; its column file_name is text."""
    opened = open_path(path, role)
    label, schema = f"{role} ({opened.name})", opened.reader.schema
    if FILE_NAME not in schema.names:
        shown = ", ".join(map(repr, schema.names[:8]))
        raise InputError(
            f"{label} has no column 'file_name' to say which file a row is about; it has {shown}"
        )
    if family(schema.field(FILE_NAME).type) is not Family.STRING:
        found = schema.field(FILE_NAME).type
        raise InputError(f"{label}: column 'file_name' is {found}; give the paths of files in the folder")
    for name in (FILE, CONTENT[kind]):
        if name in schema.names:
            raise InputError(f"{label}: column {name!r} is named like what the folder itself has; rename it")
    table = pa.Table.from_batches(opened.reader.scan(schema.names, 1 << 16), schema)
    return table.unify_dictionaries().combine_chunks()
