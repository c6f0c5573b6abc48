"""The contents of one column, row by row, with the columns that are carried along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from credenza.data.columns import Family, as_strings, family, plain
from credenza.data.media import FILE, MediaReader
from credenza.data.media_bytes import is_file_column
from credenza.data.progress import tracked
from credenza.data.sources import Source
from credenza.data.write import one_line
from credenza.errors import InputError, UsageError

FILE_ROWS, TEXT_ROWS, FOLDER_ROWS = 256, 2_048, 1_024  # rows in memory at once
LEAST_SPACES = 3  # on average, in a column that is taken for texts
_SAMPLE = 256


class Contents:
    """Rows of a source as (what messages call it, its content) beside the columns that are carried along.

    The content of a file in a folder is its path, and is read by :meth:`load`, so that one that cannot be read costs
    only its own row.
    """

    def __init__(self, source: Source, column: str, carried: Sequence[str]) -> None:
        self._source, self._column, self._carried = source, column, tuple(carried)
        self._folder = source.reader if isinstance(source.reader, MediaReader) else None

    def batches(self, label: str) -> Iterator[tuple[pa.RecordBatch, list[tuple[str, Any]]]]:
        """Yield the carried columns of some rows, and their contents; ``label`` is what progress calls the pass."""
        if self._folder is not None:
            names, size = [*self._carried, FILE], FOLDER_ROWS
        else:
            names = [*self._carried, self._column]
            texts = family(self._source.schema.field(self._column).type) is Family.STRING
            size = TEXT_ROWS if texts else FILE_ROWS
        distinct = list(dict.fromkeys(names))
        first = 0
        for batch in tracked(self._source.batches(distinct, size=size), self._source.rows, label):
            content = batch.column(distinct.index(names[-1]))
            yield batch.select(self._carried), list(self._items(content, first))
            first += batch.num_rows

    def load(self, label: str, value: Any) -> Any:
        """The content itself; InputError, naming ``label``, where its file cannot be read."""
        if not isinstance(value, Path):
            return value
        try:
            return value.read_bytes()
        except OSError as error:
            reason = one_line(error) if error.strerror is None else error.strerror.lower()
            raise InputError(
                f"file {label!r} cannot be read ({reason}); check it, or leave it out"
            ) from error

    def _items(self, column: pa.Array, first: int) -> Iterator[tuple[str, Any]]:
        if self._folder is not None:
            for name in column.to_pylist():
                yield name, self._folder.layout.root / name
            return
        array = plain(column)
        paths: Sequence[str | None] = [None] * len(array)
        if pa.types.is_struct(array.type):
            children = dict(zip((field.name for field in array.type), array.flatten(), strict=True))
            paths = children["path"].to_pylist() if "path" in children else paths
            array = children["bytes"]
        for row, (value, path) in enumerate(zip(array.to_pylist(), paths, strict=True), first):
            yield str(path) if path else f"row {row:,}", value


def find_contents(source: Source, column: str | None = None) -> tuple[str, str]:
    """Which column holds the contents, and what they are: "images", "sounds" or "text".

    Parameters
    ----------
    source : a folder of images or sounds; or a table with a column of whole files (bytes, or structs of bytes and path)
        or of texts.
    column : the column; without it the only one of whole files, or else the only one of texts (values of four words
        or more on average).

    Raises
    ------
    UsageError : no such column, or no or several candidates. InputError : a column that holds neither.

    Examples
    --------
    >>> from credenza.data import open_source
    >>> find_contents(open_source(pa.table({"id": ["a"], "review": ["A film that one forgets."]})))
    ('review', 'text')
    """
    if isinstance(source.reader, MediaReader):
        if column not in (None, source.reader.content):
            raise UsageError(
                f"a folder of {source.kind} has its contents in {source.reader.content!r}: found {column!r}"
            )
        return str(source.reader.content), source.kind
    if column is None:
        column = _only_candidate(source)
    head = next(source.batches([column], size=_SAMPLE)).column(0)
    if is_file_column(head.type):
        return column, _sniffed(head)
    if family(head.type) is not Family.STRING:
        raise InputError(
            f"column {column!r} holds {head.type}; give one of texts, or of bytes of whole files"
        )
    return column, "text"


def candidate_columns(source: Source) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which columns may be contents: those of whole files, and those of texts of four words or more on average.

    One read of the first 256 rows of the columns of text.

    Examples
    --------
    >>> from credenza.data import open_source
    >>> candidate_columns(open_source(pa.table({"id": ["a"], "review": ["A film that one forgets."]})))
    ((), ('review',))
    """
    files = tuple(field.name for field in source.schema if is_file_column(field.type))
    texts = [field.name for field in source.schema if family(field.type) is Family.STRING]
    if not texts:
        return files, ()
    head = next(source.batches(texts, size=_SAMPLE))
    pairs = zip(texts, head.columns, strict=True)
    return files, tuple(name for name, column in pairs if _reads_as_text(column))


def _only_candidate(source: Source) -> str:
    files, texts = candidate_columns(source)
    found = files or texts
    if len(found) == 1:
        return found[0]
    shown = ", ".join(map(repr, (found or source.columns)[:8]))
    what = "several columns may be" if found else "no column looks like"
    raise UsageError(f"{source.name}: {what} the contents ({shown}); name the one that is")


def _reads_as_text(column: pa.Array) -> bool:
    spaces = pc.mean(pc.count_substring(as_strings(column).drop_null(), " ")).as_py()
    return bool(spaces is not None and spaces >= LEAST_SPACES)


def _sniffed(column: pa.Array) -> str:
    array = plain(column)
    if pa.types.is_struct(array.type):
        array = array.flatten()[array.type.get_field_index("bytes")]
    first = next((value for value in array.to_pylist() if value), b"")
    return "sounds" if first[:4] == b"RIFF" and first[8:12] == b"WAVE" else "images"


def carried_columns(
    source: Source, content: str | None, carry: Sequence[str] | None
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Names of the columns that are taken over, and of those that cannot be, each with the reason.

    Parameters
    ----------
    content : the column of contents, which is not taken over. carry : names; None for all, () for none.

    Raises
    ------
    UsageError : an unknown column, or one asked for that cannot be taken over.

    Examples
    --------
    >>> from credenza.data import open_source
    >>> source = open_source(pa.table({"text": ["a b c d"], "label": [1], "marks": [[1, 2]]}))
    >>> carried, left_out = carried_columns(source, "text", None)
    >>> carried, list(left_out)
    (('label',), ['marks'])
    """
    reasons = {}
    for name in source.columns if not carry else ():
        kind = source.schema.field(name).type
        if name != content and family(kind) in (Family.NESTED, Family.BINARY):
            reasons[name] = f"it holds {kind}, which has no levels"
    if carry is None:
        return tuple(name for name in source.columns if name != content and name not in reasons), reasons
    for name in carry:
        if name not in source.columns:
            shown = ", ".join(map(repr, source.columns[:8]))
            raise UsageError(f"{source.name} has no column {name!r} to carry along; it has {shown}")
        if name == content or family(source.schema.field(name).type) in (Family.NESTED, Family.BINARY):
            raise UsageError(f"column {name!r} cannot be carried along: it holds contents or nested values")
    return tuple(dict.fromkeys(carry)), {}
