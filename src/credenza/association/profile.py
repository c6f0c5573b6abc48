"""A profile: the statistics of a table that stand in for it. No raw rows, mergeable, and a reference for audits."""

from __future__ import annotations

import io
import json
import os
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from credenza._version import __version__
from credenza.association.census import numeric_names
from credenza.association.counts import PairCounts
from credenza.association.moments import Moments
from credenza.association.probes import Layout
from credenza.data import Duplicates, Schema, joined_schema, level_map, write_bytes
from credenza.errors import InputError

FORMAT = "credenza.profile/1"
SUFFIX = ".czp"
MOMENTS = ("count", "mean", "square", "product")
# What zip archives, numpy arrays, JSON and their contents raise when they are damaged or forged.
UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    RuntimeError,
    OverflowError,
    zlib.error,
    zipfile.BadZipFile,
)


def layout_of(schema: Schema) -> Layout:
    """The levels and their order, as the statistics need them."""
    return Layout(tuple(int(s) for s in schema.sizes), tuple(f.ordered for f in schema.features))


@dataclass(frozen=True)
class Profile:
    """Schema, pair counts and moments of a table.

    Attributes
    ----------
    schema : the features and their levels (level names and bin edges are in the file; rows are not).
    counts : exact pair counts.
    moments : of the continuous columns.
    duplicates : how often whole rows coincide; None for a merged profile, which cannot know it.
    source : what was profiled. sha256 : of its content, "" when merged. seed : of the pass that fitted the levels.
    """

    schema: Schema
    counts: PairCounts
    moments: Moments
    duplicates: Duplicates | None
    source: str
    sha256: str
    seed: int

    @property
    def rows(self) -> int:
        """n, the rows behind the profile."""
        return self.counts.rows

    def __add__(self, other: Profile) -> Profile:
        """The profile of both tables.

        Raises
        ------
        InputError : the levels differ. Profile the second table with ``like=`` the first.
        """
        try:
            schema = joined_schema(self.schema, other.schema)
        except InputError as error:
            raise InputError(
                f"profiles of {self.source} and {other.source} have differing levels: "
                "make the second one like the first (credenza profile DATA --like FIRST.czp)"
            ) from error
        return replace(
            self,
            schema=schema,
            counts=self.extended(schema) + other.extended(schema),
            moments=self.moments + other.moments,
            duplicates=None,
            source=f"{self.source} + {other.source}",
            sha256="",
        )

    def extended(self, schema: Schema) -> PairCounts:
        """The counts in the layout of an extended schema."""
        planes = level_map(self.schema, schema)
        return self.counts.relaid(schema.sizes, planes)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one file (.czp, a zip of plain arrays and JSON; no pickle), or leave what was there."""
        meta = {
            "format": FORMAT,
            "credenza": __version__,
            "schema": self.schema.to_dict(),
            "rows": self.rows,
            "numeric": list(self.moments.names),
            "duplicates": None if self.duplicates is None else vars(self.duplicates),
            "source": self.source,
            "sha256": self.sha256,
            "seed": self.seed,
        }
        k = len(self.counts.joint)
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            meta=np.frombuffer(json.dumps(meta, allow_nan=False).encode(), np.uint8),
            joint=self.counts.joint[np.triu_indices(k)],
            **{name: getattr(self.moments, name) for name in MOMENTS},
        )
        write_bytes(buffer.getvalue(), path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Profile:
        """Read what :meth:`save` wrote.

        Raises
        ------
        InputError : there is no such file, or it is not a profile.
        """
        if not Path(path).is_file():
            raise InputError(f"no profile at {path}: give a file written by credenza profile")
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise _unreadable(str(path), error) from error
        return cls.from_bytes(data, str(path))

    @classmethod
    def from_bytes(cls, data: bytes, what: str) -> Profile:
        """Read the content of a file that :meth:`save` wrote; ``what`` is its name in messages.

        Raises
        ------
        InputError : it is not a profile.
        """
        try:
            content = io.BytesIO(data)
            if not zipfile.is_zipfile(content):
                raise ValueError("not a zip archive")
            with np.load(content, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            meta = json.loads(arrays.pop("meta").tobytes())
            return cls._read(meta, arrays)
        except UNREADABLE as error:
            raise _unreadable(what, error) from error

    @classmethod
    def _read(cls, meta: dict[str, Any], arrays: dict[str, Any]) -> Profile:
        if meta["format"] != FORMAT:
            raise ValueError(f"format {meta['format']!r}, not {FORMAT!r}")
        schema = Schema.from_dict(meta["schema"])
        k = schema.planes
        numeric = tuple(map(str, meta["numeric"]))
        if numeric != numeric_names(schema):
            raise ValueError("moments of other columns than the continuous ones")
        upper = np.zeros((k, k), np.int64)
        upper[np.triu_indices(k)] = _shaped(arrays, "joint", (k * (k + 1) // 2,), np.int64)
        joint = upper + np.triu(upper, 1).T
        state = {name: _shaped(arrays, name, (len(numeric),) * 2, np.float64) for name in MOMENTS}
        known = meta["duplicates"]
        return cls(
            schema=schema,
            counts=PairCounts.of_joint(tuple(int(s) for s in schema.sizes), int(meta["rows"]), joint),
            moments=Moments(numeric, **state),
            duplicates=None if known is None else Duplicates(**known),
            source=str(meta["source"]),
            sha256=str(meta["sha256"]),
            seed=int(meta["seed"]),
        )


def _unreadable(what: str, error: Exception) -> InputError:
    reason = f"{type(error).__name__}: {error}".splitlines()[0]
    return InputError(f"{what} is not a profile ({reason}): give a file written by credenza profile")


def _shaped(arrays: dict[str, Any], name: str, shape: tuple[int, ...], dtype: type[np.generic]) -> Any:
    array = arrays[name]
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(f"array {name!r} is {array.dtype} {array.shape}, not {np.dtype(dtype)} {shape}")
    return array
