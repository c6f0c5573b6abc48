"""CelebA from the folder that its authors hand out: attributes as a table, photographs as pixels."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.data.pictures import decode_images
from credenza.data.progress import tracked
from credenza.errors import InputError, UsageError
from credenza.studies.faces.values import require_known

Images = NDArray[np.uint8]

PARTITIONS = ("train", "valid", "test")
_ATTRIBUTES = ("list_attr_celeba.txt", "list_attr_celeba.csv")
_PARTITION = ("list_eval_partition.txt", "list_eval_partition.csv")
_PHOTOGRAPHS = "img_align_celeba"
_AT_ONCE = 256


@dataclass(frozen=True)
class Listing:
    """A file of one line an image: its path, the names of its columns, the images, their values (n, columns)."""

    path: Path
    columns: tuple[str, ...]
    names: tuple[str, ...]
    values: NDArray[np.int8]


def celeba(
    folder: str | os.PathLike[str],
    *,
    size: int = 64,
    attributes: Sequence[str] | None = None,
    partition: str | None = None,
    limit: int | None = None,
    crop: int = 178,
) -> tuple[Images, pa.Table]:
    """Read CelebA, its aligned and cropped version, from a folder.

    Parameters
    ----------
    folder : holds ``img_align_celeba/`` with photographs of 178 x 218 pixels, and ``list_attr_celeba.txt`` (a count, a
        line of names, then lines of -1 and 1) or ``.csv``, directly or in ``Anno/``; it may hold
        ``list_eval_partition.txt`` or ``.csv``, directly or in ``Eval/``.
    size : pixels along each side of what is returned, 8 or more.
    attributes : which to return; None for all, in the order of the file.
    partition : "train", "valid" or "test" for a part of the images. limit : at most so many, the first of the list.
    crop : side of the centre square that is cut out and scaled, in pixels of the photograph; 178 keeps its full width.

    Returns
    -------
    tuple
        uint8 (n, size, size, 3), and a table of n rows: ``image_id``, ``partition`` where the folder says it, and the
        attributes as bools.

    Raises
    ------
    InputError : a file or folder is missing or not of this layout; an unknown attribute (near misses are named);
        an attribute asked for that has one value; a listed photograph is missing, unreadable or smaller than the crop.
    UsageError : a size, crop, limit or partition that cannot be.
    MissingExtraError : Pillow is not installed.

    Notes
    -----
    Scaled with an area average (Pillow's BOX filter), which does not ring. Memory: the returned array, 2.5 GB for all
    202,599 at 64 pixels. Cost: 1 to 2 ms a photograph. Source: Liu et al. 2015, the data set's own
    README. Left out: identities, landmarks and bounding boxes.

    Examples
    --------
    >>> from PIL import Image
    >>> Path("img_align_celeba").mkdir()
    >>> for name in ("1.jpg", "2.jpg"):
    ...     Image.new("RGB", (178, 218), "teal").save(Path("img_align_celeba", name))
    >>> lines = ["2", "Bangs Smiling", "1.jpg -1  1", "2.jpg  1  1"]
    >>> _ = Path("list_attr_celeba.txt").write_text("\\n".join(lines))
    >>> images, table = celeba(".", size=16)
    >>> images.shape, table.to_pylist()[1]
    ((2, 16, 16, 3), {'image_id': '2.jpg', 'Bangs': True, 'Smiling': True})
    """
    _require_numbers(size, crop, limit)
    root = existing(folder)
    listing = _attributes(root)
    chosen = tuple(listing.columns if attributes is None else attributes)
    for name in chosen:
        require_known(name, listing.columns, f"an attribute of {listing.path.name}")
    parts = _partitions(root, listing.names, partition)
    rows = (
        np.arange(len(listing.names))
        if partition is None
        else np.flatnonzero(parts == PARTITIONS.index(partition))
    )
    rows = rows[:limit]
    marks = {name: listing.values[rows, listing.columns.index(name)] > 0 for name in chosen}
    if attributes is not None:
        require_two_values(marks, "images")
    names = [listing.names[row] for row in rows]
    columns: dict[str, Any] = {"image_id": pa.array(names, pa.string())}
    if parts is not None:
        columns["partition"] = pa.array([PARTITIONS[parts[row]] for row in rows], pa.string())
    columns |= {name: pa.array(values) for name, values in marks.items()}
    return _photographs(_photograph_folder(root), names, listing.path.name, size, crop), pa.table(columns)


def is_celeba(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a list of attributes as CelebA's authors hand it out."""
    return _found(Path(folder), _ATTRIBUTES, "Anno") is not None


def celeba_attributes(folder: str | os.PathLike[str]) -> pa.Table:
    """The attributes of :func:`celeba` without the photographs, which need not be there.

    Returns
    -------
    pyarrow.Table
        ``image_id`` and the attributes as bools, in the order of the file; 202,599 rows of 40 attributes in CelebA.

    Raises
    ------
    InputError : no list of attributes, or one that is not of its layout.

    Examples
    --------
    >>> lines = ["2", "Bangs Smiling", "1.jpg -1  1", "2.jpg  1  1"]
    >>> _ = Path("list_attr_celeba.txt").write_text("\\n".join(lines))
    >>> celeba_attributes(".").to_pylist()[0]
    {'image_id': '1.jpg', 'Bangs': False, 'Smiling': True}
    """
    listing = _attributes(existing(folder))
    marks = dict(zip(listing.columns, (listing.values > 0).T, strict=True))
    return pa.table({"image_id": pa.array(listing.names, pa.string()), **marks})


def existing(folder: str | os.PathLike[str]) -> Path:
    """The path of a folder that exists."""
    root = Path(folder)
    if not root.is_dir():
        raise InputError(
            f"{root} is {'a file' if root.exists() else 'not there'}; give the folder of the data set"
        )
    return root


def require_two_values(marks: dict[str, NDArray[np.bool_]], rows: str) -> None:
    """Refuse an attribute that was asked for and tells no rows apart."""
    for name, values in marks.items():
        if values.all() or not values.any():
            found = (
                "no rows are left"
                if not len(values)
                else f"is {str(bool(values[0])).lower()} in all {len(values):,} {rows}"
            )
            raise InputError(f"attribute {name!r} {found}; choose one that takes both values, or more {rows}")


def _require_numbers(size: int, crop: int, limit: int | None) -> None:
    if size < 8:
        raise UsageError(f"size is {size}; images have at least 8 pixels along each side")
    if crop < 1:
        raise UsageError(f"crop is {crop}; give the side of a square in pixels, such as 178")
    if limit is not None and limit < 1:
        raise UsageError(f"limit is {limit}; give at least 1, or none for all images")


def _found(root: Path, names: Sequence[str], below: str) -> Path | None:
    candidates = (folder / name for folder in (root, root / below) for name in names)
    return next((path for path in candidates if path.is_file()), None)


def _attributes(root: Path) -> Listing:
    path = _found(root, _ATTRIBUTES, "Anno")
    if path is None:
        raise InputError(
            f"{root} has no {_ATTRIBUTES[0]} or {Path(_ATTRIBUTES[1]).suffix}, so its images have no attributes; "
            f"give the folder that holds it and {_PHOTOGRAPHS}/"
        )
    listing = _listing(path, headed=True)
    strange = np.argwhere(abs(listing.values) != 1)
    if len(strange):
        row, column = strange[0]
        raise InputError(
            f"{path.name}: {listing.columns[column]} of {listing.names[row]} is {listing.values[row, column]}; "
            "attributes are -1 or 1"
        )
    return listing


def _partitions(root: Path, names: Sequence[str], asked: str | None) -> NDArray[np.int8] | None:
    """The number of each image's partition, in the order of ``names``."""
    if asked is not None and asked not in PARTITIONS:
        raise UsageError(f"partition {asked!r} does not exist; there are {', '.join(PARTITIONS)}")
    path = _found(root, _PARTITION, "Eval")
    if path is None:
        if asked is None:
            return None
        raise InputError(
            f"{root} has no {_PARTITION[0]}, which says what {asked!r} is; add it, or take all images"
        )
    listing = _listing(path, headed=path.suffix == ".csv")
    values = dict(zip(listing.names, listing.values[:, 0] if listing.values.size else [], strict=True))
    for name in names:
        if values.get(name, -1) not in range(len(PARTITIONS)):
            raise InputError(
                f"{path.name} puts {name} into no partition; it must say 0, 1 or 2 for every image"
            )
    return np.array([values[name] for name in names], np.int8)


def _listing(path: Path, headed: bool) -> Listing:
    """Read a list: of text, with a count and names on top where it is headed, or of commas with names on top."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path.name} cannot be read as text ({type(error).__name__}); get it again"
        ) from error
    commas = path.suffix == ".csv"
    cells = list(csv.reader(lines)) if commas else [line.split() for line in lines]
    top = (1 if commas else 2) if headed else 0
    columns = tuple(cells[top - 1][commas:]) if top and len(cells) >= top else ("partition",)
    rows = [(number, row) for number, row in enumerate(cells[top:], top + 1) if row]
    if not rows:
        raise InputError(f"{path.name} lists no images; it may be cut short, get it again")
    if not columns:
        raise InputError(f"{path.name} names no columns on its line {top}; get it again")
    if headed and not commas and cells[0] != [str(len(rows))]:
        raise InputError(
            f"{path.name} says that it lists {' '.join(cells[0]) or 'nothing'} and lists {len(rows)} images; "
            "it may be cut short, get it again"
        )
    values = np.array(list(_numbers(path, rows, len(columns))), np.int8)
    return Listing(path, columns, tuple(row[0] for _, row in rows), values)


def _numbers(path: Path, rows: Sequence[tuple[int, list[str]]], wide: int) -> Iterator[list[int]]:
    small = {str(number): number for number in range(-9, 10)}
    for number, row in rows:
        if len(row) != wide + 1 or not all(cell.strip() in small for cell in row[1:]):
            raise InputError(
                f"{path.name}, line {number}: found {' '.join(row)[:40]!r}; expected the name of an image and "
                f"{wide} whole number{'s' * (wide > 1)}"
            )
        yield [small[cell.strip()] for cell in row[1:]]


def _photograph_folder(root: Path) -> Path:
    for folder in (root / _PHOTOGRAPHS / _PHOTOGRAPHS, root / _PHOTOGRAPHS, root / "Img" / _PHOTOGRAPHS):
        if folder.is_dir():
            return folder
    raise InputError(f"{root} has no folder {_PHOTOGRAPHS}; unpack {_PHOTOGRAPHS}.zip there")


def _photographs(folder: Path, names: Sequence[str], listed: str, size: int, crop: int) -> Images:
    present = {entry.name for entry in os.scandir(folder)}
    for name in names:
        if name not in present:
            raise InputError(
                f"{name} is listed in {listed} and missing from {folder}; unpack the photographs again"
            )
    out = np.empty((len(names), size, size, 3), np.uint8)
    parts = [
        pa.array(names[start : start + _AT_ONCE], pa.string()) for start in range(0, len(names), _AT_ONCE)
    ]
    batches = (pa.record_batch({"name": part}) for part in parts)
    row = 0
    for batch in tracked(batches, len(names), "photographs"):
        for name in batch["name"].to_pylist():
            out[row] = _scaled(folder / name, size, crop)
            row += 1
    return out


def _scaled(path: Path, size: int, crop: int) -> Images:
    """Cut the centre square out of one photograph and scale it."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({(error.strerror or '').lower()})") from error
    (pixels,) = decode_images(pa.array([content], pa.binary()), names=[path.name])
    height, width = pixels.shape[:2]
    if min(height, width) < crop:
        raise InputError(
            f"{path} has {width} x {height} pixels; a centre square of {crop} needs more, crop less"
        )
    top, left = (height - crop) // 2, (width - crop) // 2
    pillow = import_module("PIL.Image")
    square = pillow.fromarray(np.ascontiguousarray(pixels[top : top + crop, left : left + crop])).convert(
        "RGB"
    )
    return np.asarray(square.resize((size, size), pillow.Resampling.BOX))
