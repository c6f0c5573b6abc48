"""The manifest: what is signed of a dataset, as an in-toto statement that model-signing reads, too."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from credenza.errors import InputError
from credenza.provenance.dsse import statement
from credenza.provenance.names import unsafe
from credenza.provenance.rows import Table

MANIFEST_SCHEMA = "credenza.manifest/1"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"
HOME = ".credenza"  # the folder of a manifest, in the folder of data or behind the name of a file
BUNDLE, PROFILE, LEAVES, LOG, CLAIMS = (
    "manifest.sigstore.json",
    "profile.czp",
    "rows.bin",
    "lineage.jsonl",
    "claims",
)
_ALONE = "."  # model-signing's name of a file that is signed by itself
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class File:
    """A file: its name, SHA-256 (hex), size in bytes (None: not known), and what is known of it as a table.

    ``not_a_table`` is the reason why ``table`` is None.
    """

    name: str
    sha256: str
    size: int | None = None
    table: Table | None = None
    not_a_table: str = ""


@dataclass(frozen=True)
class Manifest:
    """What is signed of a dataset.

    Attributes
    ----------
    name : of the folder or file. alone : it is a file. files : sorted by name; of a file that is signed alone, itself.
    ignored : relative paths that are left out.
    profile : SHA-256 of the profile beside the manifest; None without one, and ``no_profile`` says why.
    lineage : (records, SHA-256 of the last one's line) of the log beside it; None without one.
    supersedes : SHA-256 of the manifest that this one takes the place of; None of a first one.
    versions : of credenza and pyarrow. signed_at : UTC, as the signer's clock said.
    plain : it comes from another tool and says of the files no more than their hashes.
    """

    name: str
    alone: bool
    files: tuple[File, ...]
    ignored: tuple[str, ...] = ()
    profile: str | None = None
    no_profile: str = ""
    lineage: tuple[int, str] | None = None
    supersedes: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    signed_at: str = ""
    plain: bool = False

    @property
    def root(self) -> str:
        """SHA-256 (hex) over the hashes of all files in the order of their names: what claims are about."""
        return hashlib.sha256(b"".join(bytes.fromhex(file.sha256) for file in self.files)).hexdigest()

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(file.table.rows for file in self.files if file.table)

    @property
    def subject(self) -> list[dict[str, Any]]:
        """The dataset as the subject of a statement."""
        return [{"name": self.name, "digest": {"sha256": self.root}}]

    def to_statement(self) -> dict[str, Any]:
        """The manifest as a statement; what model-signing does not know is below ``credenza``, which it passes over."""
        names = [_ALONE if self.alone else file.name for file in self.files]
        resources = [
            {"name": name, "algorithm": "sha256", "digest": file.sha256}
            for name, file in zip(names, self.files, strict=True)
        ]
        more = {
            "schema": MANIFEST_SCHEMA,
            "name": self.name,
            "alone": self.alone,
            "files": [_file_dict(file) for file in self.files],
            "profile": self.profile,
            "no_profile": self.no_profile,
            "lineage": None if self.lineage is None else list(self.lineage),
            "supersedes": self.supersedes,
            "versions": dict(self.versions),
            "signed_at": self.signed_at,
        }
        serialization = {
            "method": "files",
            "hash_type": "sha256",
            "allow_symlinks": False,
            "ignore_paths": [HOME, *self.ignored],
        }
        predicate = {"serialization": serialization, "resources": resources, "credenza": more}
        return statement(self.subject, PREDICATE_TYPE, predicate)

    @classmethod
    def from_statement(cls, found: Mapping[str, Any], what: str) -> Manifest:
        """Read what :meth:`to_statement` gave, or what model-signing wrote (one hash a file).

        Raises
        ------
        InputError : another type of predicate; a newer schema; something absent or of another kind; a name that leads
            out of the folder or stands twice; a root that is not that of the files.
        """
        if found["predicateType"] != PREDICATE_TYPE:
            raise InputError(
                f"{what} is a statement of the type {found['predicateType']!r}, no manifest; "
                f"{PREDICATE_TYPE} is read here"
            )
        more = found["predicate"].get("credenza")
        if isinstance(more, dict) and more.get("schema") != MANIFEST_SCHEMA:
            raise InputError(
                f"{what} has the schema {more.get('schema')!r}; {MANIFEST_SCHEMA!r} is read here: update credenza"
            )
        try:
            manifest = _read(found, more)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise InputError(f"{what} is not a manifest that can be read ({reason}); sign again") from error
        _require_names(manifest, what)
        if found["subject"] != manifest.subject:
            raise InputError(f"{what} contradicts itself: its root is not that of its files; sign again")
        return manifest


def home_of(data: Path) -> Path:
    """Where the manifest of a folder or file lies.

    Examples
    --------
    >>> home_of(Path("survey.csv")).name
    'survey.csv.credenza'
    """
    return data / HOME if data.is_dir() else data.with_name(data.name + HOME)


def offsets(files: Sequence[File]) -> dict[str, tuple[int, int]]:
    """Which leaves of ``rows.bin`` are those of each table: (first, one past the last)."""
    places, at = {}, 0
    for file in files:
        if file.table is not None:
            places[file.name] = (at, at + file.table.chunks)
            at += file.table.chunks
    return places


def _file_dict(file: File) -> dict[str, Any]:
    found: dict[str, Any] = {"name": file.name, "size": file.size}
    if file.table is None:
        return found | {"not_a_table": file.not_a_table}
    table = {**vars(file.table), "columns": [list(column) for column in file.table.columns]}
    return found | {"table": table}


def _read(found: Mapping[str, Any], more: Any) -> Manifest:
    predicate = found["predicate"]
    form = predicate["serialization"]
    if form["method"] != "files" or form["hash_type"] != "sha256":
        raise ValueError(f"method {form['method']!r} with {form['hash_type']!r}, not 'files' with 'sha256'")
    ignored = tuple(str(path) for path in form.get("ignore_paths", ()) if path != HOME or more is None)
    hashes = [(str(item["name"]), _sha256(item["digest"])) for item in predicate["resources"]]
    if any(item["algorithm"] != "sha256" for item in predicate["resources"]):
        raise ValueError("a hash that is no SHA-256")
    if more is None:
        name = str(found["subject"][0]["name"])
        alone = [file for file, _ in hashes] == [_ALONE]
        files = tuple(File(name if alone else file, digest) for file, digest in hashes)
        return Manifest(name, alone, files, ignored, plain=True)
    files = tuple(
        _file(item, digest, known, alone=more["alone"])
        for item, (known, digest) in zip(more["files"], hashes, strict=True)
    )
    return Manifest(
        name=str(more["name"]),
        alone=bool(more["alone"]),
        files=files,
        ignored=ignored,
        profile=None if more["profile"] is None else _sha256(more["profile"]),
        no_profile=str(more["no_profile"]),
        lineage=None if more["lineage"] is None else (int(more["lineage"][0]), _sha256(more["lineage"][1])),
        supersedes=None if more["supersedes"] is None else _sha256(more["supersedes"]),
        versions={str(k): str(v) for k, v in more["versions"].items()},
        signed_at=str(more["signed_at"]),
    )


def _file(item: Mapping[str, Any], digest: str, known: str, *, alone: bool) -> File:
    name = str(item["name"])
    if known != (_ALONE if alone else name):
        raise ValueError(f"the names {known!r} and {name!r} of one file")
    if "table" not in item:
        return File(name, digest, int(item["size"]), None, str(item["not_a_table"]))
    fields = dict(item["table"])
    fields["columns"] = tuple((str(column), str(kind)) for column, kind in fields["columns"])
    table = Table(**fields)
    if not (isinstance(table.rows, int) and isinstance(table.chunk_rows, int) and table.chunk_rows > 0):
        raise ValueError(f"{table.rows!r} rows in chunks of {table.chunk_rows!r}")
    _sha256(table.root)
    return File(name, digest, int(item["size"]), table)


def _sha256(text: Any) -> str:
    if not isinstance(text, str) or len(text) != 64 or not _HEX.issuperset(text):
        raise ValueError(f"{str(text)[:70]!r} is no SHA-256 in hex")
    return text


def _require_names(manifest: Manifest, what: str) -> None:
    names = [file.name for file in manifest.files]
    for name in (*names, *manifest.ignored):
        if reason := unsafe(name):
            raise InputError(
                f"{what} names the path {name!r}, which {reason}; such a manifest is not followed"
            )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{what} names {twice!r} twice; such a manifest is not followed")
    if manifest.alone and ("/" in manifest.name or names != [manifest.name]):
        raise InputError(f"{what} is of the file {manifest.name!r} and names {names[:3]}; sign again")
