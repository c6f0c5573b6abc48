"""What a folder of images or sounds looks like: the files, their labels, their metadata. Nothing is opened here."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from credenza.data.files import format_of
from credenza.errors import InputError

SUFFIXES = dict.fromkeys((".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"), "images") | {".wav": "sounds"}
OTHER_SUFFIXES = frozenset(
    {".tif", ".tiff", ".heic", ".avif", ".jp2", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".aiff"}
)
METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
_CONVERT = "convert them to PNG, JPEG, WebP, BMP, GIF or WAV, or keep them elsewhere"


@dataclass(frozen=True)
class Layout:
    """A folder of images or sounds.

    Attributes
    ----------
    root : the folder. kind : "images" or "sounds".
    names : the files, as paths relative to the folder with slashes, sorted.
    foldered : whether each lies in one subfolder. metadata : the name of the metadata file, or None.
    """

    root: Path
    kind: str
    names: tuple[str, ...]
    foldered: bool
    metadata: str | None


def kind_of(name: str) -> str | None:
    """Return "images" or "sounds" for a file name with such a suffix, else None.

    Examples
    --------
    >>> kind_of("a/b.JPG"), kind_of("c.wav"), kind_of("d.txt")
    ('images', 'sounds', None)
    """
    return SUFFIXES.get(os.path.splitext(name)[1].lower())


def media_layout(root: Path, label: str) -> Layout | None:
    """Find out whether a folder holds images or sounds, and which; None for a folder of tables or of nothing.

    It does when such files lie directly in it, or in its subfolders and no table lies beside these (except for
    metadata). Names that begin with a dot are ignored, and so are files with suffixes that mean nothing here.

    Parameters
    ----------
    root : an existing folder. label : what messages call it.

    Raises
    ------
    InputError : images among sounds, tables or formats that are not read; several metadata files; some files in
        subfolders and some not, or deeper than one, without metadata to say what that means; a link that leads out
        of the folder, to a folder or nowhere; a name that is not UTF-8.

    Notes
    -----
    Cost: one listing of every folder, and a look at each link.
    """
    here = [entry for entry in _entries(root) if not entry.is_dir()]
    tables = sorted(e.name for e in here if _is_table(e.name) and e.name not in METADATA and e.name[0] != "_")
    metadata = sorted(e.name for e in here if e.name in METADATA)
    direct = any(kind_of(e.name) for e in here)
    if not direct and (tables or not (metadata or _below(root))):
        return None
    media: list[str] = []
    others: list[str] = []
    for name in _walk(root, "", root.resolve(), label):
        (media if kind_of(name) else others).append(name)
    if not media:
        return None
    media.sort()
    kind = _one_kind(media, label)
    _refuse_others(sorted(others), kind, label)
    if len(metadata) > 1:
        raise InputError(f"{label} has {metadata[0]} and {metadata[1]}; keep one of them")
    foldered = _foldered(media, label, bool(metadata))
    return Layout(root, kind, tuple(media), foldered, metadata[0] if metadata else None)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted((e for e in found if not e.name.startswith(".")), key=lambda entry: entry.name)
    except PermissionError as error:
        raise InputError(f"folder {folder} may not be listed; check its permissions") from error


def _is_table(name: str) -> bool:
    return format_of(Path(name)) is not None


def _below(root: Path) -> bool:
    """Whether an image or sound lies in a subfolder."""
    folders = (Path(entry) for entry in _entries(root) if entry.is_dir())
    return any(kind_of(entry.name) for folder in folders for entry in _entries(folder))


def _walk(folder: Path, prefix: str, root: Path, label: str) -> Iterator[str]:
    """Yield the paths of all files, relative to the root."""
    for entry in _entries(folder):
        name = prefix + entry.name
        if entry.is_symlink():
            _check_link(Path(entry), name, root, label)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry), f"{name}/", root, label)
            continue
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"{label}: file name {name!a} is not UTF-8; rename it") from error
        yield name


def _check_link(path: Path, name: str, root: Path, label: str) -> None:
    target = path.resolve()
    if not target.is_relative_to(root):
        raise InputError(f"{label}: {name} is a link that leads out of the folder; put a copy in its place")
    if not target.is_file():
        what = "to a folder" if target.is_dir() else "to nothing"
        raise InputError(f"{label}: {name} is a link {what}; links to files in the folder are followed")


def _one_kind(media: Sequence[str], label: str) -> str:
    kinds = {str(kind_of(name)): name for name in reversed(media)}
    if len(kinds) > 1:
        raise InputError(
            f"{label} mixes images ({kinds['images']}) and sounds ({kinds['sounds']}); give one folder of each"
        )
    return next(iter(kinds))


def _refuse_others(names: Sequence[str], kind: str, label: str) -> None:
    """Refuse what the user may take for a part of the data, and which is not read."""
    for name in names:
        if os.path.splitext(name)[1].lower() in OTHER_SUFFIXES:
            raise InputError(f"{label} mixes {kind} with {name}, which is not read; {_CONVERT}")
        if name not in METADATA and _is_table(name):
            raise InputError(
                f"{label} mixes {kind} with the table {name}; give the table itself, or move it (one that "
                f"describes the {kind} is called metadata.csv, with file_name as a column, and lies directly in there)"
            )


def _foldered(media: Sequence[str], label: str, described: bool) -> bool:
    """Whether all files lie in one subfolder each, which may then be their label."""
    by_depth = {name.count("/"): name for name in reversed(media)}
    if not described and max(by_depth) > 1:
        raise InputError(
            f"{label}: {by_depth[max(by_depth)]} lies {max(by_depth)} folders deep; give a folder of files, "
            "of one subfolder a label, or one with metadata.csv"
        )
    if not described and len(by_depth) > 1:
        raise InputError(
            f"{label}: {by_depth[0]} lies directly in the folder and {by_depth[1]} in a subfolder; "
            "put all of them into one subfolder a label, or none"
        )
    return set(by_depth) == {1}
