"""A poisoned or repaired table in the kind it was given in: a table file, a folder of table files, images or sounds."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from credenza.contracts import IntArray
from credenza.data.files import format_of
from credenza.data.media import MediaReader
from credenza.data.media_bytes import is_file_column
from credenza.data.media_output import write_media
from credenza.data.sources import Source
from credenza.data.write import NO_ROOM, require_format, write_table
from credenza.errors import InputError, UsageError


def write_output(output: Source, path: str | os.PathLike[str], like: Source) -> IntArray | None:
    """Write ``output`` to ``path``, in the kind that ``like`` was given in.

    A path with the suffix of a table format becomes one table file. Any other path becomes a folder, where ``like`` is
    one: of table files with the same names, cut at the same rows and each in the format of its name (rows that were
    added come in a file of their own); or of images or sounds, see :func:`credenza.data.media_output.write_media`.

    Parameters
    ----------
    output : what is written, usually :func:`credenza.data.edits.edited` over ``like``. path : where to; a folder must
        not exist yet, or be empty. like : the data as the user gave it.

    Returns
    -------
    For each row of ``output`` the row that it is when what was written is opened, shape (n,); None where they are the
    same, as they are but for folders of images or sounds.

    Raises
    ------
    UsageError : the suffix names no format and ``like`` is no folder, the folder around ``path`` does not exist,
        ``path`` is a folder that is not empty, or there is no room; the same file name twice (a glob over folders); a
        column, such as weights, that a folder of images or sounds has no place for.
    InputError : values that the format cannot hold, labels or names that cannot be those of files.

    Notes
    -----
    Whole or absent: written beside ``path`` and renamed. Cost: one pass over ``output``. Memory: a batch, and for
    images and sounds the names and metadata of all files. The files of one folder take on the column types that they
    have in common (whole numbers become floats where one file has floats).

    Examples
    --------
    >>> import tempfile
    >>> from credenza.data import open_source
    >>> with tempfile.TemporaryDirectory() as name:
    ...     clean = Path(name, "clean")
    ...     clean.mkdir()
    ...     for start in (0, 2):
    ...         write_table(pa.table({"a": [start, start + 1]}), clean / f"{start}.csv")
    ...     source = open_source(clean)
    ...     write_output(source, Path(name, "again"), source)
    ...     sorted(file.name for file in Path(name, "again").iterdir())
    ['0.csv', '2.csv']
    """
    target = Path(path).expanduser()
    if format_of(target) is not None:
        require_format(target)
        _refuse_bytes(output, target, like)
        _write_part(_batches(output, [target.name]), target)
    elif isinstance(like.reader, MediaReader):
        _refuse_inside(target, like.reader.layout.root)
        _refuse_columns(output, target, like.reader)
        with replacing_folder(target) as temporary:
            return write_media(output, temporary, like.reader)
    elif like.files and not (len(like.files) == 1 and like.files[0] == Path(like.name).expanduser()):
        shards = output.shards or ((like.files[0].name, output.rows),)
        _require_distinct(shards, target)
        with replacing_folder(target) as temporary:
            _write_shards(output, shards, temporary)
    else:
        require_format(target)
    return None


@contextlib.contextmanager
def replacing_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``; rename it to ``path`` when the block ends well.

    When the block raises, the temporary folder is removed. A killed process leaves no folder (or the empty one that
    was there), and a hidden temporary one.

    Raises
    ------
    UsageError : the folder around it does not exist, ``path`` is a file or a folder that is not empty, or there is
        no room.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     with replacing_folder(Path(name) / "new") as folder:
    ...         _ = (folder / "a.txt").write_text("a")
    ...     os.listdir(name), os.listdir(Path(name) / "new")
    (['new'], ['a.txt'])
    """
    target = Path(path).expanduser()
    if not target.parent.is_dir():
        raise UsageError(f"cannot write {target}: no folder {target.parent}; create it first")
    if target.exists() and not target.is_dir():
        raise UsageError(f"cannot write {target}: it is a file; give the name of a new folder")
    if target.is_dir() and any(target.iterdir()):
        raise UsageError(f"cannot write {target}: the folder is not empty; give the name of a new one")
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(6)}.tmp")
    try:
        temporary.mkdir()
        yield temporary
        if target.is_dir():
            target.rmdir()
        temporary.rename(target)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        reason = os.strerror(error.errno).lower()
        raise UsageError(f"cannot write {target}: {reason}; make room, or give another path") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _refuse_inside(target: Path, root: Path) -> None:
    if target.resolve().is_relative_to(root.resolve()):
        raise UsageError(f"cannot write {target}: it lies in the folder that is read; give a path elsewhere")


def _refuse_columns(output: Source, target: Path, like: MediaReader) -> None:
    """Refuse a column that would be lost without a word."""
    added = [name for name in output.columns if name not in like.schema.names]
    if added:
        raise UsageError(
            f"cannot write {target}: a folder of {like.layout.kind} has no place for column {added[0]!r}; "
            f"give a table file, such as {target.name}.parquet"
        )


def _require_distinct(shards: tuple[tuple[str, int], ...], target: Path) -> None:
    names = [name for name, _ in shards]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"cannot write {target}: {names.count(name)} of the files are called {name}; give a table file"
            )


def _batches(output: Source, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """All rows, with what the schema says besides names and types, as files of these names want them."""
    schema, batches = output.schema, output.batches()
    if any(format_of(Path(name)) == "arrow" for name in names):
        batches = _one_dictionary(output, batches)
    for batch in batches:
        yield pa.RecordBatch.from_arrays(batch.columns, schema=schema) if _fits(batch, schema) else batch


def _fits(batch: pa.RecordBatch, schema: pa.Schema) -> bool:
    return bool(batch.schema.types == schema.types)


def _refuse_bytes(output: Source, path: Path, like: Source) -> None:
    """Refuse to write bytes as text, which CSV would do where they happen to be UTF-8."""
    for field in output.schema:
        if format_of(path) in ("csv", "jsonl") and is_file_column(field.type):
            raise InputError(
                f"cannot write {path}: column {field.name!r} holds bytes; write Parquet or Arrow"
                + (", or a folder" if isinstance(like.reader, MediaReader) else "")
            )


def _write_part(batches: Iterator[pa.RecordBatch], path: Path) -> None:
    """Write a table file; JSON Lines may be called .json here, as they may where they are read."""
    if path.suffix.lower() == ".json":
        lines = path.with_suffix(".jsonl")
        write_table(batches, lines)
        lines.rename(path)
    else:
        write_table(batches, path)


def _one_dictionary(output: Source, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Give a column of categories the same list of them in all batches, as Arrow files want it; one more pass."""
    names = [field.name for field in output.schema if pa.types.is_dictionary(field.type)]
    if not names:
        yield from batches
        return
    levels = {name: pa.array([], output.schema.field(name).type.value_type) for name in names}
    for batch in output.batches(names):
        for name in names:
            levels[name] = pa.chunked_array([levels[name], batch[name].dictionary]).unique()
    for batch in batches:
        arrays = list(batch.columns)
        for name in names:
            old = batch[name]
            where = (
                pc.index_in(old.dictionary, value_set=levels[name])
                .take(old.indices)
                .cast(old.type.index_type)
            )
            new = pa.DictionaryArray.from_arrays(where, levels[name], ordered=old.type.ordered)
            arrays[batch.schema.get_field_index(name)] = new
        yield pa.RecordBatch.from_arrays(arrays, schema=batch.schema)


def _write_shards(output: Source, shards: tuple[tuple[str, int], ...], folder: Path) -> None:
    rest = _Rows(_batches(output, [name for name, _ in shards]), output.schema)
    for name, rows in shards:
        _write_part(rest.take(rows), folder / name)


class _Rows:
    """Record batches that are handed out by numbers of rows."""

    def __init__(self, batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> None:
        self._batches = batches
        self._left = pa.RecordBatch.from_arrays([pa.array([], kind) for kind in schema.types], schema=schema)

    def take(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield the next rows; one empty batch where there are to be none."""
        if rows == 0:
            yield self._left.slice(0, 0)
        while rows:
            if not self._left.num_rows:
                self._left = next(self._batches)
            part = self._left.slice(0, rows)
            self._left = self._left.slice(part.num_rows)
            rows -= part.num_rows
            if part.num_rows:
                yield part
