"""Writing a folder of images or sounds from a table of them: where each file goes, and the metadata with it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa

from credenza.contracts import IntArray
from credenza.data.edits import flat, take_values
from credenza.data.media import FILE, FILE_NAME, LABEL, MediaReader
from credenza.data.media_layout import kind_of
from credenza.data.sources import Source
from credenza.data.write import write_table
from credenza.errors import InputError


def write_media(output: Source, folder: Path, like: MediaReader) -> IntArray:
    """Write each row's image or sound to the path that ``file`` names, and the other columns to the metadata file.

    Contents are written as they are, so that what was not edited is the same byte for byte. Where the folders are the
    labels, a file whose label is not its folder goes to the folder of that label. A file that moved, or came from
    elsewhere, and meets another one there is called like "name-2.png"; files that stay keep their names.

    The metadata file keeps its name, format and column order, and the order of its rows when none were added; it is
    copied byte by byte when no value changed. Files that are neither are not copied.

    Parameters
    ----------
    output : rows with the columns of ``like``. folder : an empty folder. like : the folder that was read.

    Returns
    -------
    For each row of ``output`` the row that it is when the written folder is opened; shape (n,). Files that move to
    another folder change the order of the rows.

    Raises
    ------
    InputError : a label or a file name that cannot be one (empty, hidden, leading out of the folder, of another kind
        of file), a row without contents.

    Notes
    -----
    Cost: one pass over ``output`` and one over its columns other than the contents. Memory: a batch, and those columns.
    """
    table = output.table([name for name in output.columns if name != like.content])
    targets = _targets(table, like)
    made: set[str] = set()
    rows: Iterator[str] = iter(targets)
    for batch in output.batches([like.content]):
        for content, target in zip(batch.column(0).to_pylist(), rows, strict=False):
            if content is None:
                raise InputError(f"{target} has no {like.content}; give bytes in every row")
            parent = target.rpartition("/")[0]
            if parent not in made:
                (folder / parent).mkdir(parents=True, exist_ok=True)
                made.add(parent)
            (folder / target).write_bytes(content)
    if like.layout.metadata is not None:
        _write_metadata(table, targets, folder, like)
    return np.argsort(np.argsort(np.array(targets, dtype=object)))


def _targets(table: pa.Table, like: MediaReader) -> list[str]:
    """The path of each row's file, each once; those of files that stay are given out first."""
    files = table[FILE].to_pylist()
    labels = table[LABEL].to_pylist() if like.labelled else [None] * len(files)
    wanted = [_place(file, label, like) for file, label in zip(files, labels, strict=True)]
    before, targets = like.layout.names, [""] * len(files)
    used: set[str] = set()
    stays = [row < len(before) and before[row] == name for row, name in enumerate(wanted)]
    for first in (True, False):
        for row, name in enumerate(wanted):
            if stays[row] is first:
                targets[row] = _unused(name, used)
                used.add(targets[row])
    return targets


def _place(file: str | None, label: str | None, like: MediaReader) -> str:
    """Where a file with this name and label belongs."""
    if file is None or not _is_inside(file) or kind_of(file) != like.layout.kind:
        known = like.layout.names[0]
        raise InputError(f"file name {file!r} cannot be written; give {like.content} files such as {known!r}")
    if not like.labelled:
        return file
    if label is None or "/" in label or "\\" in label or not _is_inside(label):
        raise InputError(f"label {label!r} of {file} cannot be the name of a folder; give another label")
    return f"{label}/{file.partition('/')[2] or file}"


def _is_inside(name: str) -> bool:
    parts = name.split("/")
    return "\0" not in name and all(part and not part.startswith(".") for part in parts)


def _unused(name: str, used: set[str]) -> str:
    path, number, found = PurePosixPath(name), 2, name
    while found in used:
        found = str(path.with_name(f"{path.stem}-{number}{path.suffix}"))
        number += 1
    return found


def _write_metadata(table: pa.Table, targets: list[str], folder: Path, like: MediaReader) -> None:
    assert like.layout.metadata is not None
    assert like.order is not None
    clean = like.table.select(table.column_names)
    if table.num_rows == clean.num_rows and table.equals(clean) and targets == list(like.layout.names):
        shutil.copyfile(like.layout.root / like.layout.metadata, folder / like.layout.metadata)
        return
    columns = {name: table[name] for name in like.described if name != FILE_NAME}
    columns[FILE_NAME] = pa.chunked_array([pa.array(targets, pa.string())])
    if table.num_rows == like.rows:
        first = np.argsort(like.order)
        columns = {name: take_values(column, first) for name, column in columns.items()}
    arrays = [flat(columns[name]) for name in like.described]
    write_table(pa.Table.from_arrays(arrays, names=list(like.described)), folder / like.layout.metadata)
