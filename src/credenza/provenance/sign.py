"""Signing a folder or a file: hashes, tables, profile and lineage go into one manifest, and a key vouches for it."""

from __future__ import annotations

import datetime
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from credenza._version import __version__
from credenza.association.profile import Profile
from credenza.data.write import write_bytes
from credenza.errors import InputError, UsageError
from credenza.provenance import manifest as form
from credenza.provenance.dsse import read_bundle, signed_bundle
from credenza.provenance.hashing import Hashed, Listing, hash_files, list_files, require_unchanged
from credenza.provenance.keys import PrivateKey
from credenza.provenance.log import read_log
from credenza.provenance.manifest import File, Manifest, home_of
from credenza.provenance.names import plain_case, skeleton, strange, twins, unsafe
from credenza.provenance.rows import table_of


@dataclass(frozen=True)
class Signed:
    """What was signed.

    Attributes
    ----------
    manifest : what the key vouches for. home : the folder that it lies in. bytes : size of all files.
    notices : what a person should know, one sentence each: names that deceive, tables that could not be read.
    """

    manifest: Manifest
    home: Path
    bytes: int
    notices: tuple[str, ...]


def sign(
    data: str | os.PathLike[str],
    key: PrivateKey,
    *,
    profile: Profile | None = None,
    no_profile: str = "none was given",
    lineage: str | os.PathLike[str] | None = None,
    ignored: Sequence[str] = (),
    replace: bool = False,
    at: datetime.datetime | None = None,
) -> Signed:
    """Sign a folder or a file.

    Parameters
    ----------
    data : all files of a folder, hidden ones and those of its folders included; or one file.
    key : see :func:`credenza.provenance.keys.load_private`.
    profile : statistics of the data, against which a later release is audited without the old rows; kept beside the
        manifest, which holds its hash. no_profile : the reason why there is none.
    lineage : a log, see :mod:`credenza.provenance.log`; a copy goes beside the manifest, which holds its last hash.
    ignored : relative paths of a folder to leave out, such as ".git"; the manifest names them.
    replace : sign what is signed already; the new manifest names the hash of the old one. Claims on the old one go.
    at : when; now by default. Nobody vouches for the signer's clock.

    Returns
    -------
    Signed
        The manifest is in the folder ``.credenza`` of a folder, or in FILE.credenza beside a file: the signed bundle
        ``manifest.sigstore.json``, ``profile.czp``, ``rows.bin`` (a hash of every 4,096 rows of every table) and
        ``lineage.jsonl``.

    Raises
    ------
    InputError : nothing there, an empty folder, links or pipes in it, names that are not safe or that file systems
        mistake for each other, files that change meanwhile; a log that is damaged or does not go on from the one beside
        the manifest.
    UsageError : it is signed already; ``ignored`` leads out of the folder.

    Notes
    -----
    Cost: SHA-256 of all bytes, in parallel, and one pass over the values of all tables, file by file.
    In-toto Statement v1 with the predicate of model-signing 1.0, DSSE 1.0, Sigstore bundle 0.3. Left out: signing
    without a key of one's own (Sigstore's Fulcio and Rekor), which needs the network; and a trusted time.
    """
    root = Path(data)
    home = home_of(root)
    ignored = tuple(path.rstrip("/") for path in ignored)
    for path in ignored:
        if reason := unsafe(path):
            raise UsageError(f"cannot ignore {path!r}, which {reason}; give a path relative to the folder")
    supersedes = _superseded(root, home, replace=replace)
    listing = listed(root, ignored)
    _require_clean(root, listing)
    hashed = hash_files(listing.files)
    files, leaves, notices = _files(listing.files, hashed)
    log = _log_bytes(lineage, home / form.LOG)
    require_unchanged(listing.files, hashed)
    if list(listed(root, ignored).files) != list(listing.files):
        raise InputError(
            f"{root} is being written (files came or went meanwhile): wait until nothing writes to it, and try again"
        )
    home.mkdir(exist_ok=True)
    manifest = Manifest(
        name=root.resolve().name,
        alone=root.is_file(),
        files=files,
        ignored=ignored,
        profile=_kept_profile(profile, home / form.PROFILE),
        no_profile="" if profile is not None else no_profile,
        lineage=None if log is None else _head(home / form.LOG, log),
        supersedes=supersedes,
        versions={"credenza": __version__, "pyarrow": version("pyarrow")},
        signed_at=(at or datetime.datetime.now(datetime.UTC)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    write_bytes(b"".join(leaves), home / form.LEAVES)
    for claim in (home / form.CLAIMS).glob("*.json"):
        claim.unlink()
    write_bytes(signed_bundle(manifest.to_statement(), key), home / form.BUNDLE)
    return Signed(
        manifest, home, sum(item.size for item in hashed.values()), (*_deceptive(listing), *notices)
    )


def listed(root: Path, ignored: Sequence[str] = ()) -> Listing:
    """What a manifest of a folder or a file is about; the manifest's own folder is left out."""
    if root.is_dir():
        return list_files(root, (form.HOME, *ignored))
    if root.is_symlink():
        return Listing({}, (root.name,), ())
    if not root.is_file():
        raise InputError(f"no such file or folder: {root}; give the path of the data")
    return Listing({root.name: root}, (), ())


def _superseded(root: Path, home: Path, *, replace: bool) -> str | None:
    """Hash of the manifest that is there; refuses it without ``replace``."""
    if home.is_symlink() or (home.exists() and not home.is_dir()):
        raise InputError(f"{home} is no folder of a manifest, but a link or a file; delete it")
    bundle = home / form.BUNDLE
    if not bundle.exists():
        return None
    if not replace:
        raise UsageError(f"{root} is signed already ({bundle}); give --replace to sign it anew")
    return read_bundle(bundle).digest


def _require_clean(root: Path, listing: Listing) -> None:
    """Refuse what could not be told apart or followed safely later."""
    if listing.links:
        raise InputError(
            f"{root} holds a link, {listing.links[0]!r}, which can lead anywhere; put the file itself there"
        )
    if listing.others:
        raise InputError(f"{root} holds {listing.others[0]!r}, which is no file; remove it or --ignore it")
    if not listing.files:
        raise InputError(f"the folder {root} holds no files; give one with data")
    for name in listing.files:
        if reason := unsafe(name):
            raise InputError(f"{root} holds a file with the name {name!r}, which {reason}; rename it")
    if same := twins(listing.files, plain_case):
        raise InputError(
            f"{root} holds {' and '.join(map(repr, same[0]))}, which other file systems take for one; rename one"
        )


def _deceptive(listing: Listing) -> list[str]:
    """Names that a reader could take for others."""
    found = [f"the name {name!r} {reason}" for name in listing.files if (reason := strange(name))]
    return found + [
        f"the names {' and '.join(map(repr, pair))} look alike" for pair in twins(listing.files, skeleton)
    ]


def _files(
    paths: Mapping[str, Path], hashed: Mapping[str, Hashed]
) -> tuple[tuple[File, ...], list[bytes], list[str]]:
    """The files with their tables, the leaf hashes of all of them, and which could not be read as tables."""
    files: list[File] = []
    leaves: list[bytes] = []
    notices = []
    for name, path in paths.items():
        found, known = table_of(path), hashed[name]
        if isinstance(found, str):
            files.append(File(name, known.sha256, known.size, None, " ".join(found.split())))
            if found != "no format of tables":
                notices.append(f"{name!r} is signed as bytes, not as a table: {found}")
            continue
        table, hashes = found
        files.append(File(name, known.sha256, known.size, table))
        leaves += hashes
    return tuple(files), leaves, notices


def _kept_profile(profile: Profile | None, path: Path) -> str | None:
    if profile is None:
        path.unlink(missing_ok=True)
        return None
    profile.save(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _log_bytes(given: str | os.PathLike[str] | None, kept: Path) -> bytes | None:
    """The log to sign: the one that is given, which must go on from the one that is there, or that one."""
    old = kept.read_bytes() if kept.exists() else None
    if given is None:
        return old
    entries = read_log(given)
    if not entries:
        raise InputError(f"the log {given} is empty; give one that --lineage wrote")
    data = Path(given).read_bytes()
    if not data.endswith(b"\n"):  # one record by itself
        from credenza.provenance.log import START, line_of

        data = line_of(0, START, entries[0].record)
    if old is not None and not data.startswith(old):
        raise InputError(f"the log {given} does not go on from {kept}, which is signed; append to that one")
    return data


def _head(path: Path, data: bytes) -> tuple[int, str]:
    """Write the log beside the manifest; how many records it has, and the hash of the last line."""
    write_bytes(data, path)
    entries = read_log(path)
    return len(entries), entries[-1].digest
