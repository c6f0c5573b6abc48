"""Signed statements: in-toto Statement v1 in a DSSE envelope in a Sigstore bundle v0.3."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from credenza.errors import InputError
from credenza.provenance.canonical import canonical, read_object
from credenza.provenance.keys import PrivateKey, PublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_MEDIA = "application/vnd.dev.sigstore.bundle"
MEDIA_TYPE = f"{_MEDIA}.v0.3+json"


@dataclass(frozen=True)
class Bundle:
    """A bundle as read.

    Attributes
    ----------
    payload : the bytes that were signed. signatures : of them. hint : which key signed, as the bundle says.
    keyless : signed with a certificate of a day, which only Sigstore's own services can vouch for.
    raw : the file itself.
    """

    payload: bytes
    signatures: tuple[bytes, ...]
    hint: str
    keyless: bool = False
    raw: bytes = b""

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the payload."""
        return hashlib.sha256(self.payload).hexdigest()

    def altered(self) -> bool:
        """Whether the file is another than the one that was written here, in what no signature covers."""
        return len(self.signatures) != 1 or self.raw != _document(self.payload, self.signatures[0], self.hint)

    def signer(self, keys: Sequence[PublicKey]) -> PublicKey | None:
        """The first of these keys that one of the signatures is of; None if there is none."""
        message = pae(PAYLOAD_TYPE, self.payload)
        for key in keys:
            if any(key.verifies(signature, message) for signature in self.signatures):
                return key
        return None

    def unsigned_because(self, keys: Sequence[PublicKey]) -> str:
        """Why none of these keys vouches for the payload, in words."""
        if not self.signatures:
            return "the signature is missing"
        if self.hint and not self.keyless and self.hint not in {key.hint for key in keys}:
            given = ", ".join(key.hint[:12] for key in keys)
            return f"signed with another key ({self.hint[:12]}, not {given})"
        return "the signature is not one of this key on this content"


def pae(payload_type: str, payload: bytes) -> bytes:
    """What is signed of an envelope: DSSE v1.0.0, protocol.md, "PAE".

    Examples
    --------
    >>> pae("http://example.com/HelloWorld", b"hello world")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def signed_bundle(statement: Mapping[str, Any], key: PrivateKey) -> bytes:
    """A statement, signed, as the JSON of a Sigstore bundle with a hint at the public key."""
    payload = canonical(statement)
    return _document(payload, key.sign(pae(PAYLOAD_TYPE, payload)), key.public.hint)


def statement(
    subject: Sequence[Mapping[str, Any]], predicate_type: str, predicate: Mapping[str, Any]
) -> dict[str, Any]:
    """An in-toto Statement v1 (in-toto attestation framework, spec/v1/statement.md)."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": list(subject),
        "predicateType": predicate_type,
        "predicate": predicate,
    }


def read_bundle(path: Path) -> Bundle:
    """Read a bundle; nothing of it is verified.

    Raises
    ------
    InputError : no such file, no bundle of version 0.1 to 0.3, or one without a DSSE envelope of an in-toto statement.
    """
    what = f"the signature {path}"
    try:
        text = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"cannot read {what}: {reason}; give what credenza sign wrote") from error
    document = read_object(text, what)
    try:
        return replace(_bundle(document), raw=text)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(
            f"{what} is no Sigstore bundle with a DSSE envelope ({reason}); sign again"
        ) from error


def read_statement(bundle: Bundle, what: str) -> dict[str, Any]:
    """The in-toto statement that a bundle holds.

    Raises
    ------
    InputError : no statement of version 1 with a subject and a predicate.
    """
    found = read_object(bundle.payload, what)
    if found.get("_type") != STATEMENT_TYPE:
        raise InputError(f"{what} is of the type {found.get('_type')!r}; {STATEMENT_TYPE} is read here")
    subject, predicate = found.get("subject"), found.get("predicate")
    named = isinstance(subject, list) and all(isinstance(s, dict) for s in subject)
    if not named or not isinstance(predicate, dict) or not isinstance(found.get("predicateType"), str):
        raise InputError(f"{what} lacks a subject or a predicate; give what credenza sign wrote")
    return found


def _document(payload: bytes, signature: bytes, hint: str) -> bytes:
    document = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {"publicKey": {"hint": hint}, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": ""}],
        },
    }
    return canonical(document) + b"\n"


def _bundle(document: dict[str, Any]) -> Bundle:
    media = document["mediaType"]
    known = (f"{_MEDIA}+json;version=0.", f"{_MEDIA}.v0.")
    if not isinstance(media, str) or not media.startswith(known):
        raise ValueError(f"media type {media!r}, not {MEDIA_TYPE}")
    envelope, material = document["dsseEnvelope"], document["verificationMaterial"]
    if envelope["payloadType"] != PAYLOAD_TYPE:
        raise ValueError(f"payload type {envelope['payloadType']!r}, not {PAYLOAD_TYPE}")
    hint = (material.get("publicKey") or {}).get("hint") or ""
    signatures = tuple(_decoded(item["sig"]) for item in envelope.get("signatures", []))
    keyless = "certificate" in material or "x509CertificateChain" in material
    return Bundle(_decoded(envelope["payload"]), signatures, str(hint), keyless)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"base64: {error}") from error
