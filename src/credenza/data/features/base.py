"""What a kind of content has to offer to become columns of numbers, and the record of how a table of them was made."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from credenza.errors import InputError

RECIPE_KEY = b"credenza.features"
RECIPE_SCHEMA = "credenza.features/1"
KINDS = ("images", "text", "sounds", "graph")


class Measure(Protocol):
    """Turns contents (one a row) into columns; everything that has to be fitted is fitted before it is made."""

    kind: str
    noun: str

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """The columns that come out."""
        ...

    def read(self, label: str, value: Any) -> Any:
        """What is measured of one content; InputError, naming ``label``, where it cannot be read."""
        ...

    def arrays(self, measured: Sequence[Any]) -> list[pa.Array]:
        """The columns of so many rows, in the order of ``fields``."""
        ...

    def settings(self) -> dict[str, Any]:
        """What another table needs to be measured alike, JSON-able."""
        ...


@dataclass(frozen=True)
class Unreadable:
    """A row that was left out: its number in the data, what it is called, and why, as one line."""

    row: int
    name: str
    reason: str


@dataclass(frozen=True)
class Features:
    """What :func:`credenza.data.features.write_features` did.

    Attributes
    ----------
    kind : "images", "text", "sounds" or "graph".
    rows : rows written. columns : names of the columns that were made. carried : names of those taken over.
    left_out : columns that were not taken over, each with the reason.
    unreadable : rows of the data that are not in the output; for a graph always empty.
    """

    kind: str
    rows: int
    columns: tuple[str, ...]
    carried: tuple[str, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    unreadable: tuple[Unreadable, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """How the columns of a table were made, so that another one gets the same: its kind and settings."""

    kind: str
    settings: Mapping[str, Any]

    def metadata(self) -> dict[bytes, bytes]:
        """As metadata of an Arrow schema.

        Examples
        --------
        >>> Recipe("images", {"grid": 2}).metadata()
        {b'credenza.features': b'{"schema": "credenza.features/1", "kind": "images", "settings": {"grid": 2}}'}
        """
        found = {"schema": RECIPE_SCHEMA, "kind": self.kind, "settings": dict(self.settings)}
        return {RECIPE_KEY: json.dumps(found, ensure_ascii=False).encode()}


def read_recipe(path: str | os.PathLike[str]) -> Recipe:
    """How a file that ``credenza features`` wrote was made.

    Parameters
    ----------
    path : Parquet file.

    Raises
    ------
    InputError : no such file, not Parquet, without a recipe (it was not made by ``credenza features``, or was
        written again by something that drops metadata), or with one of another version.

    Examples
    --------
    >>> import tempfile
    >>> schema = pa.schema([("red", pa.float64())], Recipe("images", {"grid": 2}).metadata())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pq.write_table(pa.table({"red": [1.0]}, schema), Path(folder, "f.parquet"))
    ...     read_recipe(Path(folder, "f.parquet"))
    Recipe(kind='images', settings={'grid': 2})
    """
    shown = f"features file {os.fspath(path)!r}"
    try:
        metadata = pq.read_schema(Path(path).expanduser()).metadata or {}
    except FileNotFoundError as error:
        raise InputError(f"there is no {shown}; check the path") from error
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{shown} is not a Parquet file; give one that credenza features wrote") from error
    if RECIPE_KEY not in metadata:
        raise InputError(f"{shown} does not say how it was made; give one that credenza features wrote")
    try:
        held = json.loads(metadata[RECIPE_KEY])
        schema, kind, settings = held["schema"], held["kind"], held["settings"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{shown} has a damaged record of how it was made; write it again") from error
    if schema != RECIPE_SCHEMA or kind not in KINDS or not isinstance(settings, dict):
        raise InputError(f"{shown} was made by another version ({schema}, {kind}); write it again")
    return Recipe(kind, settings)
