"""Further claims on signed data: an audit's verdict, a repair's ledger; each signed by itself and appended."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from credenza.data import open_source, write_bytes
from credenza.data.write import one_line
from credenza.errors import InputError
from credenza.provenance import manifest as form
from credenza.provenance.canonical import read_object
from credenza.provenance.dsse import Bundle, read_bundle, read_statement, signed_bundle, statement
from credenza.provenance.keys import PrivateKey, PublicKey
from credenza.provenance.manifest import Manifest, home_of

TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
DOCUMENT = "https://github.com/credenza-audit/credenza/claim/v1"
_SUFFIX = ".sigstore.json"
_RESULTS = {"flagged": "FAILED", "clear": "PASSED", "inconclusive": "WARNED"}


@dataclass(frozen=True)
class Claim:
    """A claim as read: the file, what it says in one line, its type, its predicate, and the hint of who signed it."""

    name: str
    summary: str
    kind: str
    predicate: Mapping[str, Any]
    signer: str


def append_claim(data: str | os.PathLike[str], document: str | os.PathLike[str], key: PrivateKey) -> Path:
    """Sign a claim on data that is signed already; the manifest and the claims before stay as they are.

    Parameters
    ----------
    data : the folder or file. key : of whoever claims, not necessarily the one that signed the manifest.
    document : what ``credenza audit --json`` wrote, which becomes an in-toto test result (v0.1), or the JSON or ledger
        of a repair, or any other file, which is claimed by its hash.

    Returns
    -------
    Path
        The new file ``claims/NNNN.sigstore.json`` beside the manifest. Its predicate holds the hash of the claim
        before, or of the manifest, so that a claim that is missing between others shows.

    Raises
    ------
    InputError : the data is not signed; no such document; an audit or a ledger of other data.
    """
    root = Path(data)
    home = home_of(root)
    if not (home / form.BUNDLE).exists():
        raise InputError(f"{root} has no manifest at {home / form.BUNDLE}: sign the data before its claims")
    bundle = read_bundle(home / form.BUNDLE)
    what = f"the manifest {home / form.BUNDLE}"
    manifest = Manifest.from_statement(read_statement(bundle, what), what)
    kind, predicate, digests = _claim_of(Path(document))
    _require_same(root, manifest, Path(document), digests)
    folder = home / form.CLAIMS
    folder.mkdir(exist_ok=True)
    names = sorted(path.name for path in folder.glob(f"*{_SUFFIX}"))
    previous = read_bundle(folder / names[-1]).digest if names else bundle.digest
    predicate["credenza"] = {**predicate["credenza"], "previous": previous}
    path = folder / f"{len(names) + 1:04}{_SUFFIX}"
    write_bytes(signed_bundle(statement(manifest.subject, kind, predicate), key), path)
    return path


def read_claims(
    folder: Path, manifest_digest: str, manifest: Manifest, keys: Sequence[PublicKey]
) -> tuple[tuple[Claim, ...], list[tuple[str, str]]]:
    """The claims beside a manifest, in order, and what is wrong with them as (file, sentence)."""
    claims: list[Claim] = []
    faults: list[tuple[str, str]] = []
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    previous = manifest_digest
    for number, path in enumerate(paths, 1):
        name = f"{form.CLAIMS}/{path.name}"
        if path.name != f"{number:04}{_SUFFIX}" or path.is_symlink():
            faults.append(
                (name, f"{name!r} is not claim number {number}: claims were left out, renamed or added")
            )
        try:
            bundle = read_bundle(path)
            found = read_statement(bundle, f"the claim {path}")
        except InputError as error:
            faults.append((name, str(error)))
            continue
        faults += [
            (name, f"the claim {name!r} {fault}")
            for fault in _faults(bundle, found, previous, manifest, keys)
        ]
        claims.append(_read_claim(name, found, bundle.hint))
        previous = bundle.digest
    return tuple(claims), faults


def _faults(
    bundle: Bundle, found: Mapping[str, Any], previous: str, manifest: Manifest, keys: Sequence[PublicKey]
) -> list[str]:
    faults = []
    if bundle.altered():
        faults.append("is not in the form that was written: it was changed")
    if keys and bundle.signer(keys) is None:
        faults.append(f"is not vouched for: {bundle.unsigned_because(keys)}")
    if found["subject"] != manifest.subject:
        faults.append("is about other data")
    more = found["predicate"].get("credenza")
    if not isinstance(more, dict) or more.get("previous") != previous:
        faults.append("does not follow the one before it: claims were left out or put in another order")
    return faults


def _read_claim(name: str, found: Mapping[str, Any], hint: str) -> Claim:
    predicate, kind = found["predicate"], found["predicateType"]
    more = predicate.get("credenza")
    about = more.get("document") if isinstance(more, dict) else None
    label = about.get("name", "?") if isinstance(about, dict) else "?"
    said = f"audit {predicate.get('result')}" if kind == TEST_RESULT else "claim"
    return Claim(name, f"{said} ({label})", kind, predicate, hint)


def _claim_of(path: Path) -> tuple[str, dict[str, Any], set[str]]:
    """Type and predicate of a claim by a document, and the hashes of the data that it is about, if it names any."""
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(
            f"cannot read the claim {path}: {reason}; give an audit's JSON, a ledger or a file"
        ) from error
    about = {"name": path.name, "size": len(data), "digest": {"sha256": hashlib.sha256(data).hexdigest()}}
    if path.suffix.lower() == ".json":
        found = read_object(data, f"the claim {path}")
        schema = found.get("schema")
        if schema == "credenza.audit/1":
            return TEST_RESULT, _test_result(found, about, path), _suspects(found)
        digests = _suspects(found) if schema == "credenza.repair/1" else set()
        return DOCUMENT, {"credenza": {"document": about | {"schema": schema}}}, digests
    ledger = _ledger(path)
    kind = None if ledger is None else ledger.get("schema")
    digests = set() if ledger is None else {ledger[side]["sha256"] for side in ("suspect", "repaired")}
    method = {} if ledger is None else {"method": ledger.get("method")}
    return DOCUMENT, {"credenza": {"document": about | {"schema": kind}, **method}}, digests - {None}


def _test_result(audit: Mapping[str, Any], about: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The predicate of an in-toto test result (spec/predicates/test-result.md), and what stayed unchecked."""
    try:
        tests: dict[str, list[str]] = {"passed": [], "warned": [], "failed": [], "unchecked": []}
        for outcome in audit["outcomes"]:
            alarms = any(item["severity"] == "alarm" for item in outcome["findings"])
            place = {"clear": "passed", "flagged": "failed" if alarms else "warned"}.get(outcome["status"])
            tests[place or "unchecked"].append(outcome["code"])
        result = _RESULTS[audit["verdict"]]
        inputs = [
            {
                "name": str(item["source"]),
                "digest": {"sha256": item["sha256"]},
                "annotations": {"role": item["role"]},
            }
            for item in audit["inputs"]
            if item["sha256"]
        ]
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{path} is no audit that can be read ({error!r}); give what audit --json wrote"
        ) from error
    return {
        "result": "WARNED" if result == "PASSED" and tests["warned"] else result,
        "configuration": inputs,
        "passedTests": tests["passed"],
        "warnedTests": tests["warned"],
        "failedTests": tests["failed"],
        "credenza": {"document": dict(about), "verdict": audit["verdict"], "unchecked": tests["unchecked"]},
    }


def _suspects(found: Mapping[str, Any]) -> set[str]:
    """Hashes of the suspect (and of what a repair made of it)."""
    inputs = found.get("inputs")
    items = inputs if isinstance(inputs, list) else []
    return {
        str(item["sha256"])
        for item in items
        if isinstance(item, dict) and item.get("role") in ("suspect", "repaired") and item.get("sha256")
    }


def _ledger(path: Path) -> dict[str, Any] | None:
    """What a ledger of a repair says of itself; None of another file."""
    try:
        told = (pa.parquet.read_schema(path).metadata or {}).get(b"credenza.ledger")
    except (pa.ArrowException, OSError):
        return None
    if told is None:
        return None
    found = read_object(told, f"the ledger {path}")
    if not all(
        isinstance(found.get(side), dict) and "sha256" in found[side] for side in ("suspect", "repaired")
    ):
        raise InputError(
            f"{path} is a ledger that does not say what it is of; give what credenza repair wrote"
        )
    return found


def _require_same(root: Path, manifest: Manifest, document: Path, digests: set[str]) -> None:
    """Refuse a document about other data than what is signed."""
    if not digests or digests & {file.sha256 for file in manifest.files}:
        return
    try:
        whole = open_source(root).fingerprint()
    except InputError as error:
        whole = one_line(error)
    if whole not in digests:
        raise InputError(
            f"{document} is about other data (SHA-256 {min(digests)[:12]}) than {root} holds; give one about this data"
        )
