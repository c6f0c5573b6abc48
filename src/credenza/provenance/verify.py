"""Verifying a folder or a file against its signed manifest: offline, whole or in part."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from credenza.errors import InputError, UsageError
from credenza.provenance import manifest as form
from credenza.provenance.beside import Findings, Problem, check_beside, signed_leaves
from credenza.provenance.claims import Claim, read_claims
from credenza.provenance.dsse import Bundle, read_bundle, read_statement
from credenza.provenance.hashing import Hashed, Listing, hash_files, list_files, matching
from credenza.provenance.keys import PublicKey
from credenza.provenance.manifest import File, Manifest, home_of
from credenza.provenance.names import plain_case, skeleton, strange, twins
from credenza.provenance.rows import changed_rows
from credenza.provenance.sign import listed


@dataclass(frozen=True)
class Verification:
    """What verifying found.

    Attributes
    ----------
    manifest : what was signed. signer : the key that vouches for it; None where none of those that were given does.
    problems : what is not as it was signed. checked : files whose bytes were hashed. claims : on the data, in order.
    notes : what was not checked, and other things to know.
    """

    manifest: Manifest
    signer: PublicKey | None
    problems: tuple[Problem, ...]
    checked: int
    claims: tuple[Claim, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether all that was looked at is as it was signed."""
        return not self.problems


def verify(
    data: str | os.PathLike[str],
    keys: Sequence[PublicKey],
    *,
    only: Sequence[str] = (),
    bundle: str | os.PathLike[str] | None = None,
) -> Verification:
    """Compare a folder or a file with its manifest, and the manifest with its signature.

    Parameters
    ----------
    data : the folder or file. keys : those that are trusted; one of them must have signed. None at all: the signature
        is not checked, and a note says so.
    only : glob patterns; the files that one of them fits are looked at, and no others. All by default.
    bundle : the signed manifest, where it lies elsewhere or was written by model-signing; what lies beside the manifest
        (profile, rows, lineage, claims) is then taken from the folder that it is in.

    Returns
    -------
    Verification

    Raises
    ------
    InputError : no data, no manifest, one that cannot be read or is of a newer schema, files that change meanwhile.
    UsageError : ``only`` fits no file.

    Notes
    -----
    Nothing is fetched. A bundle that Sigstore signed without a key of one's own is accepted when its certificate is
    given as the key; its chain to Fulcio, the identity in it, Rekor's log and the time are not checked. Removing the
    latest claims, or the records that a log got after it was signed, leaves no trace. The name of the folder itself is
    not compared. Cost: SHA-256 of the files; of a changed table one pass over its values.
    """
    root = Path(data)
    listed(root)
    home = home_of(root) if bundle is None else Path(bundle).parent
    file = home / form.BUNDLE if bundle is None else Path(bundle)
    if not file.exists():
        raise InputError(
            f"{root} has no manifest at {file}: it was not signed, or that was removed; credenza sign signs"
        )
    opened = read_bundle(file)
    manifest = Manifest.from_statement(read_statement(opened, f"the manifest {file}"), f"the manifest {file}")
    found = Findings()
    signer = _check_signature(opened, manifest, keys, file.name, found)
    checked = _check_files(root, manifest, only, home, file, found)
    claims: tuple[Claim, ...] = ()
    if not manifest.plain:
        check_beside(home, manifest, found)
        claims, faults = read_claims(home / form.CLAIMS, opened.digest, manifest, keys)
        for name, message in faults:
            found.add("claim", name, message)
    return Verification(manifest, signer, tuple(found.problems), checked, claims, tuple(found.notes))


def _check_signature(
    opened: Bundle, manifest: Manifest, keys: Sequence[PublicKey], name: str, found: Findings
) -> PublicKey | None:
    if opened.keyless:
        found.notes.append(
            "signed with Sigstore's certificate of a day: its chain, identity, log entry and time were not checked"
        )
    if not manifest.plain and opened.altered():
        found.add("signature", name, "the bundle is not in the form that was written: it was changed")
    if not keys:
        found.notes.append("the signature was not checked, since no key was given")
        return None
    signer = opened.signer(keys)
    if signer is None:
        found.add("signature", name, f"the manifest is not vouched for: {opened.unsigned_because(keys)}")
    elif opened.hint and opened.hint != signer.hint and not opened.keyless:
        found.add("signature", name, "the bundle names another key than the one that signed")
    return signer


def _check_files(
    root: Path, manifest: Manifest, only: Sequence[str], home: Path, file: Path, found: Findings
) -> int:
    """Compare the files; how many were hashed."""
    if manifest.alone != root.is_file():
        kinds = ("file", "folder") if manifest.alone else ("folder", "file")
        found.add(
            "missing",
            manifest.name,
            f"the manifest is of the {kinds[0]} {manifest.name!r}, not of a {kinds[1]}",
        )
        return 0
    whole = manifest.plain and root.is_dir()  # what another tool signs has no folder of ours to leave out
    listing = list_files(root, manifest.ignored) if whole else listed(root, manifest.ignored)
    present = _without(listing, file) if root.is_dir() else listing
    signed = {entry.name: entry for entry in manifest.files}
    wanted = set(matching([*signed, *present.files], only))
    if only and not wanted:
        raise UsageError(
            f"--only {', '.join(only)} fits none of {len(signed):,} files of the manifest; give another"
        )
    _check_names(present, wanted, only, found)
    paths = {name: path for name, path in present.files.items() if name in wanted}
    new = {name for name in paths if name not in signed}
    hashed = hash_files(paths)
    leaves = signed_leaves(home, manifest)
    for name, entry in signed.items():
        if name in hashed:
            _compare(entry, hashed[name], paths[name], leaves.get(name), found)
    lost = [entry for name, entry in signed.items() if name in wanted and name not in hashed]
    _check_moves(lost, {name: hashed[name] for name in sorted(new)}, present, found)
    return len(hashed)


def _without(listing: Listing, file: Path) -> Listing:
    """The listing less the bundle itself, where that lies among the data."""
    kept = {name: path for name, path in listing.files.items() if not _same(path, file)}
    return Listing(kept, listing.links, listing.others)


def _same(path: Path, other: Path) -> bool:
    return path.name == other.name and path.samefile(other)


def _check_names(present: Listing, wanted: set[str], only: Sequence[str], found: Findings) -> None:
    for name in matching(present.links, only):
        found.add("link", name, f"{name!r} is a link, which is not followed")
    for name in matching(present.others, only):
        found.add("link", name, f"{name!r} is no file")
    for pair in twins(wanted & set(present.files), plain_case):
        found.add(
            "look-alike", pair[-1], f"{' and '.join(map(repr, pair))} differ in case or form of Unicode alone"
        )
    odd = [name for name in present.files if name in wanted and strange(name)]
    found.notes.extend(f"the name {name!r} {strange(name)}" for name in odd)


def _compare(entry: File, now: Hashed, path: Path, leaves: list[bytes] | None, found: Findings) -> None:
    if now.sha256 == entry.sha256 and entry.size in (None, now.size):
        return
    message = f"{entry.name!r} changed"
    if entry.size not in (None, now.size):
        message += f" from {entry.size:,} to {now.size:,} bytes"
    if entry.table is not None and leaves is not None:
        message += f": {changed_rows(path, entry.table, leaves)}"
    found.add("changed", entry.name, message)


def _check_moves(lost: list[File], new: dict[str, Hashed], present: Listing, found: Findings) -> None:
    """Files that are gone and files that came; equal bytes make one renamed file of two."""
    left = dict(new)
    for entry in lost:
        moved = next((name for name, item in left.items() if item.sha256 == entry.sha256), None)
        if moved is not None:
            del left[moved]
            found.add(
                "renamed", entry.name, f"{entry.name!r} was renamed to {moved!r}{_like(moved, entry.name)}"
            )
        elif entry.name not in present.links:
            found.add("missing", entry.name, f"{entry.name!r} is missing")
    names = [*present.files, *(entry.name for entry in lost)]
    for name in left:
        likes = [other for other in names if other != name and skeleton(other) == skeleton(name)]
        more = f", and looks like {likes[0]!r}" if likes else ""
        found.add("added", name, f"{name!r} was added{more}")


def _like(name: str, other: str) -> str:
    return ", which looks the same" if skeleton(name) == skeleton(other) else ""
