"""What a command that writes data leaves beside it: from what, with what settings, by which version, what came out."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np

from credenza._version import __version__
from credenza.data import Source, open_source, write_bytes
from credenza.errors import InputError
from credenza.provenance.canonical import canonical, plain, read_object

LINEAGE_SCHEMA = "credenza.lineage/1"
_FAMILY = LINEAGE_SCHEMA.rsplit("/", 1)[0] + "/"
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class Artifact:
    """A table that went in or came out.

    Attributes
    ----------
    role : what it was to the command, such as "clean". name : of the file or folder, without the folders around it.
    kind : "parquet", "csv", ... rows, columns : how many.
    sha256 : of the bytes of the file; of the files of a folder in reading order, one after another; of the values of
        a table that lies in no file.
    """

    role: str
    name: str
    kind: str
    rows: int
    columns: int
    sha256: str


def artifact_of(role: str, source: Source | str | os.PathLike[str]) -> Artifact:
    """What a record says of a table; an open source, or a path. Cost: reads all of its bytes.

    Raises
    ------
    InputError : nothing there that can be read, see :func:`credenza.data.open_source`.

    Examples
    --------
    >>> import pyarrow as pa
    >>> artifact_of("clean", open_source(pa.table({"a": [1, 2]}))).rows
    2
    """
    opened = open_source(source, role=role)
    name = Path(opened.name).name if opened.files else opened.name
    return Artifact(role, name, opened.kind, opened.rows, len(opened.columns), opened.fingerprint())


def package_versions() -> dict[str, str]:
    """Versions that decide what comes out."""
    return {
        "credenza": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pyarrow": version("pyarrow"),
    }


@dataclass(frozen=True)
class Record:
    """One step of a lineage: the data that a command read, what it was asked, and the data that it wrote.

    Records are joined to a chain by their hashes: an output of one is an input of the next. A record holds no time
    and no place, so that the same step leaves the same bytes; who signs it says when.

    Attributes
    ----------
    action : the command, such as "synth mix".
    inputs, outputs : what was read and what was written.
    settings : what was asked, the seed included; with the same inputs and versions it makes the same output.
    facts : what came of it, such as the share of synthetic rows.
    notes : what a person must know, one sentence each.
    versions : of credenza, Python, numpy and pyarrow.

    Examples
    --------
    >>> step = Record("synth mix", (), (), {"seed": 0}, {"synthetic_share": 0.5})
    >>> Record.from_json(step.to_json()) == step, len(step.digest())
    (True, 64)
    """

    action: str
    inputs: tuple[Artifact, ...]
    outputs: tuple[Artifact, ...]
    settings: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=package_versions)
    schema: str = LINEAGE_SCHEMA

    def __post_init__(self) -> None:
        for name in ("settings", "facts", "versions"):
            object.__setattr__(self, name, plain(getattr(self, name), name))

    def to_json(self) -> bytes:
        """The record as canonical JSON (RFC 8785), valid against ``lineage.schema.json``."""
        return canonical(asdict(self))

    def digest(self) -> str:
        """SHA-256 (hex) of :meth:`to_json`."""
        return hashlib.sha256(self.to_json()).hexdigest()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write :meth:`to_json`, and nothing else, to a file; whole or not at all."""
        write_bytes(self.to_json(), path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        InputError : no such file, or no record, see :meth:`from_json`.
        """
        try:
            text = Path(path).expanduser().read_bytes()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InputError(f"cannot read the record {path}: {reason}; give a lineage record") from error
        return cls.from_json(text, what=f"the record {path}")

    @classmethod
    def from_json(cls, text: str | bytes, *, what: str = "the record") -> Self:
        """Read a record; white space and the order of names do not matter.

        Raises
        ------
        InputError : no JSON object, another schema or a later version of it, something absent, unknown or of another
            kind. What is unknown is not passed over: a signature is on all of it.
        """
        document = read_object(text, what)
        found = document.get("schema")
        if found != LINEAGE_SCHEMA:
            later = isinstance(found, str) and found.startswith(_FAMILY)
            advice = "update credenza" if later else "give a lineage record"
            raise InputError(f"{what} has the schema {found!r}; {LINEAGE_SCHEMA!r} is read here: {advice}")
        _require_fields(document, _FORMS, what)
        for group in ("inputs", "outputs"):
            document[group] = tuple(_artifact(item, f"{what}: {group}") for item in document[group])
        document["notes"] = tuple(document["notes"])
        return cls(**document)


_FORMS: dict[str, type] = {
    "action": str, "inputs": list, "outputs": list, "settings": dict, "facts": dict, "notes": list, "versions": dict,
    "schema": str,
}  # fmt: skip
_ARTIFACT: dict[str, type] = {
    "role": str, "name": str, "kind": str, "rows": int, "columns": int, "sha256": str,
}  # fmt: skip


def _artifact(item: Any, what: str) -> Artifact:
    if not isinstance(item, dict):
        raise InputError(f"{what} holds a {type(item).__name__}; each is an object with role, name and hash")
    _require_fields(item, _ARTIFACT, what)
    if len(item["sha256"]) != 64 or not _HEX.issuperset(item["sha256"]):
        raise InputError(
            f"{what} has the hash {item['sha256'][:70]!r}; a SHA-256 has 64 digits of 0-9 and a-f"
        )
    return Artifact(**item)


def _require_fields(found: Mapping[str, Any], forms: Mapping[str, type], what: str) -> None:
    """Refuse an object that has not these names, all of them and no others, with values of these kinds."""
    if absent := [name for name in forms if name not in found]:
        raise InputError(f"{what} lacks {', '.join(absent)}; give it as it was written")
    if more := sorted(set(found) - set(forms)):
        raise InputError(f"{what} has {more[0]!r}, which no record has; give it as it was written")
    for name, form in forms.items():
        if not isinstance(found[name], form) or (form is int and isinstance(found[name], bool)):
            kind = type(found[name]).__name__
            raise InputError(
                f"{what} has a {kind} as {name}, not a {form.__name__}; give it as it was written"
            )
    for group in ("notes", "versions"):
        listed = found.get(group, ())
        values = listed.values() if isinstance(listed, dict) else listed
        if not all(isinstance(value, str) for value in values):
            raise InputError(
                f"{what} has something else than text among its {group}; give it as it was written"
            )
