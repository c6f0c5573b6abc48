"""What lies beside a manifest: the hashes of rows, the profile, the log; and what of it is not as it was signed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from credenza.errors import InputError
from credenza.provenance import manifest as form
from credenza.provenance.log import read_log
from credenza.provenance.manifest import Manifest, offsets
from credenza.provenance.merkle import root_of

_HASH = 32  # bytes
_KNOWN = {form.BUNDLE, form.PROFILE, form.LEAVES, form.LOG}


@dataclass(frozen=True)
class Problem:
    """Something that is not as it was signed.

    Attributes
    ----------
    kind : "signature", "changed", "missing", "added", "renamed", "link", "look-alike", "profile", "rows", "lineage" or
        "claim".
    name : of the file. message : one sentence.
    """

    kind: str
    name: str
    message: str


@dataclass
class Findings:
    """What was found so far."""

    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, kind: str, name: str, message: str) -> None:
        """One problem more."""
        self.problems.append(Problem(kind, name, message))


def signed_leaves(home: Path, manifest: Manifest) -> dict[str, list[bytes]]:
    """The leaf hashes of each table, as far as they lead to the signed root."""
    try:
        data = (home / form.LEAVES).read_bytes()
    except OSError:
        return {}
    hashes = [data[at : at + _HASH] for at in range(0, len(data), _HASH)]
    tables = {file.name: file.table for file in manifest.files if file.table}
    parts = {name: hashes[first:end] for name, (first, end) in offsets(manifest.files).items()}
    return {name: part for name, part in parts.items() if root_of(part).hex() == tables[name].root}


def check_beside(home: Path, manifest: Manifest, found: Findings) -> None:
    """The files beside the manifest."""
    tables = [file.name for file in manifest.files if file.table]
    size = (home / form.LEAVES).stat().st_size if (home / form.LEAVES).is_file() else -1
    expected = _HASH * sum(end - first for first, end in offsets(manifest.files).values())
    if size != expected or set(signed_leaves(home, manifest)) != set(tables):
        found.add(
            "rows", form.LEAVES, f"{form.LEAVES} is not as it was signed: which rows changed cannot be told"
        )
    _check_profile(home / form.PROFILE, manifest, found)
    _check_log(home / form.LOG, manifest, found)
    for path in sorted(home.iterdir()):
        folder = path.name == form.CLAIMS and path.is_dir() and not path.is_symlink()
        if not folder and (path.name not in _KNOWN or path.is_symlink() or not path.is_file()):
            found.add("added", path.name, f"{path.name!r} was added beside the manifest")


def _check_profile(path: Path, manifest: Manifest, found: Findings) -> None:
    if manifest.profile is None:
        if path.exists():
            found.add(
                "profile", path.name, "there is a profile beside the manifest, which was signed without one"
            )
    elif not path.is_file():
        found.add("profile", path.name, "the profile is missing")
    elif hashlib.sha256(path.read_bytes()).hexdigest() != manifest.profile:
        found.add("profile", path.name, "the profile changed")


def _check_log(path: Path, manifest: Manifest, found: Findings) -> None:
    if not path.exists():
        if manifest.lineage is not None:
            found.add("lineage", path.name, "the log of the lineage is missing")
        return
    try:
        entries = read_log(path)
    except InputError as error:
        found.add("lineage", path.name, str(error))
        return
    count, head = manifest.lineage or (0, "")
    if len(entries) < count:
        found.add(
            "lineage", path.name, f"the log has {len(entries):,} records, of {count:,} that were signed"
        )
    elif count and entries[count - 1].digest != head:
        found.add("lineage", path.name, "the log is another one than was signed")
    elif more := len(entries) - count:
        found.notes.append(f"the log got {more:,} record{'s' * (more != 1)} after it was signed")
