"""Embeddings on disk, by all that decides them; what is damaged is made again."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from credenza._version import __version__
from credenza.data.features.base import Unreadable
from credenza.data.write_output import replacing_folder
from credenza.errors import UsageError
from credenza.models.embedding.base import Embedded

SCHEMA = "credenza.embeddings/1"
ABOUT = "about.json"
ARRAYS = ("values", "rows", "losses")


class Cache:
    """A folder of embeddings; one folder an entry, named by a digest of all that decides it.

    An entry holds ``values.npy`` (float32 (r, d), good for ``--embeddings`` where all rows could be read),
    ``rows.npy`` and ``losses.npy`` where there are such, and ``about.json`` with the settings and the SHA-256 of each
    array. It is written beside its place and renamed, so that a killed run leaves no half of one. Two runs may share a
    folder.

    Parameters
    ----------
    folder : where entries are kept, made if need be; None keeps nothing.

    Raises
    ------
    UsageError : the folder around it does not exist, or it is a file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     cache = Cache(Path(name, "kept"))
    ...     made = Embedded(np.ones((2, 3), np.float32), name="net")
    ...     _ = cache.get({"data": "0f"}, lambda: made)
    ...     again = cache.get({"data": "0f"}, lambda: None)
    >>> again.values.tolist(), again.name
    ([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]], 'net')
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = None if folder is None else folder.expanduser()
        if self.folder is None:
            return
        if not self.folder.parent.is_dir():
            raise UsageError(
                f"--cache names {str(folder)!r}, and there is no folder {self.folder.parent}; create it first"
            )
        if self.folder.exists() and not self.folder.is_dir():
            raise UsageError(f"--cache names {str(folder)!r}, which is a file; give a folder")

    def place(self, key: Mapping[str, Any], what: str = "embeddings") -> Path | None:
        """The folder of an entry with this key; None without a cache. ``what`` begins its name."""
        if self.folder is None:
            return None
        self.folder.mkdir(exist_ok=True)
        text = json.dumps({"schema": SCHEMA, "credenza": __version__, **key}, sort_keys=True)
        return self.folder / f"{what}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"

    def get(self, key: Mapping[str, Any], make: Callable[[], Embedded]) -> Embedded:
        """The entry with this key, which is made (and kept) where it is absent or damaged.

        Parameters
        ----------
        key : JSON-able, all that decides the outcome; the version of this library counts as well.

        Raises
        ------
        UsageError : there is no room.
        """
        place = self.place(key)
        if place is None:
            return make()
        found = _read(place)
        if found is not None:
            return found
        made = make()
        shutil.rmtree(place, ignore_errors=True)
        with replacing_folder(place) as temporary:
            _write(made, key, temporary)
        return made


def _write(made: Embedded, key: Mapping[str, Any], folder: Path) -> None:
    digests = {}
    for name in ARRAYS:
        values = getattr(made, name)
        if values is not None:
            np.save(folder / f"{name}.npy", values, allow_pickle=False)
            digests[name] = _digest(folder / f"{name}.npy")
    about = {
        "schema": SCHEMA,
        "credenza": __version__,
        "kind": made.kind,
        "name": made.name,
        "unreadable": [asdict(item) for item in made.unreadable],
        "key": dict(key),
        "sha256": digests,
    }
    (folder / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def _read(folder: Path) -> Embedded | None:
    """The entry; None where it is absent, damaged, or of another version."""
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        if about["schema"] != SCHEMA:
            return None
        arrays: dict[str, NDArray[Any]] = {}
        for name, digest in about["sha256"].items():
            if _digest(folder / f"{name}.npy") != digest:
                return None
            arrays[name] = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        unreadable = tuple(Unreadable(**item) for item in about["unreadable"])
        return Embedded(
            arrays["values"],
            arrays.get("rows"),
            unreadable,
            arrays.get("losses"),
            str(about["kind"]),
            str(about["name"]),
        )
    except (OSError, ValueError, EOFError, KeyError, TypeError, AttributeError):
        return None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
