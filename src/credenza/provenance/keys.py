"""Keys that sign and keys that verify: Ed25519 and ECDSA P-256, in PEM files. No private key is ever shown."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from credenza.errors import InputError, MissingExtraError, UsageError

KeyType = Literal["ed25519", "ecdsa"]
KEY_TYPES: tuple[KeyType, ...] = ("ed25519", "ecdsa")
LARGEST = 100_000  # bytes that a file of a key may have


@dataclass(frozen=True)
class PublicKey:
    """A key that verifies.

    Attributes
    ----------
    kind : "ed25519" or "ecdsa" (P-256 with SHA-256).
    hint : SHA-256 (hex) of the key in PEM form, as model-signing names keys in its bundles.
    """

    kind: str
    hint: str
    _key: Any = field(repr=False, compare=False)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether the holder of the private key signed the message."""
        crypto = _crypto()
        try:
            if self.kind == "ed25519":
                self._key.verify(signature, message)
            else:
                self._key.verify(signature, message, crypto.ec.ECDSA(crypto.hashes.SHA256()))
        except crypto.InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class PrivateKey:
    """A key that signs; its ``repr`` shows the public half alone."""

    public: PublicKey
    _key: Any = field(repr=False, compare=False)

    def sign(self, message: bytes) -> bytes:
        """Signature of a message: 64 bytes of Ed25519 (RFC 8032), or ECDSA in DER."""
        if self.public.kind == "ed25519":
            return bytes(self._key.sign(message))
        crypto = _crypto()
        return bytes(self._key.sign(message, crypto.ec.ECDSA(crypto.hashes.SHA256())))


def generate_keys(
    prefix: str | os.PathLike[str], *, kind: KeyType = "ed25519", passphrase: bytes | None = None
) -> tuple[Path, Path]:
    """Make a pair of keys: PREFIX.key, which its owner alone may read, and PREFIX.pub.

    Parameters
    ----------
    prefix : path of both without the suffix. kind : "ed25519" or "ecdsa" (P-256, which model-signing reads).
    passphrase : the private key is encrypted with it, if given (PKCS#8).

    Returns
    -------
    (private, public)
        The paths.

    Raises
    ------
    UsageError : an unknown kind, an empty passphrase, no folder, or one of the files is there: keys are not replaced.
    MissingExtraError : cryptography is not installed.
    """
    if kind not in KEY_TYPES:
        raise UsageError(f"unknown type of key {kind!r}; give one of {', '.join(KEY_TYPES)}")
    if passphrase == b"":
        raise UsageError("the passphrase is empty; give one, or leave it out for a key that is not encrypted")
    crypto = _crypto()
    paths = Path(f"{os.fspath(prefix)}.key"), Path(f"{os.fspath(prefix)}.pub")
    for path in paths:
        if not path.parent.is_dir():
            raise UsageError(f"cannot write {path}: no folder {path.parent}; create it first")
        if path.exists():
            raise UsageError(f"{path} exists, and keys are not replaced; give another prefix")
    key = crypto.ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else crypto.p256()
    form = crypto.serialization
    cipher = form.BestAvailableEncryption(passphrase) if passphrase else form.NoEncryption()
    secret = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, cipher)
    with open(os.open(paths[0], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
    paths[1].write_bytes(_pem(key.public_key()))
    return paths


def load_private(path: str | os.PathLike[str], *, passphrase: bytes | None = None) -> PrivateKey:
    """Read a private key.

    Raises
    ------
    InputError : no such file; others than its owner may read it; no PEM, or of a kind that is not known here; it is
        encrypted and there is no passphrase, or another one. MissingExtraError : cryptography is not installed.
    """
    crypto = _crypto()
    data = _read(path, "private key")
    if b"PUBLIC KEY" in data or b"CERTIFICATE" in data:
        raise InputError(f"{path} is a public key, which cannot sign; give the private one (.key)")
    mode = stat.S_IMODE(Path(path).stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        raise InputError(
            f"the private key {path} may be used by others (mode {mode:o}); run: chmod 600 {path}"
        )
    encrypted = b"ENCRYPTED" in data
    if encrypted and passphrase is None:
        raise InputError(f"the private key {path} is encrypted; give its passphrase with --passphrase-file")
    if not encrypted and passphrase is not None:
        raise InputError(f"the private key {path} is not encrypted; leave --passphrase-file out")
    try:
        key = crypto.serialization.load_pem_private_key(data, passphrase)
    except (ValueError, TypeError, crypto.UnsupportedAlgorithm):  # what they say could hold parts of the key
        what = "a wrong passphrase, or no PEM of a private key" if encrypted else "no PEM of a private key"
        raise InputError(
            f"{path} cannot be read as a private key: {what}; credenza keygen makes one"
        ) from None
    return PrivateKey(_public(key.public_key(), path), key)


def load_public(path: str | os.PathLike[str]) -> PublicKey:
    """Read a public key, or that of a certificate; the certificate's own signature is not looked at.

    Raises
    ------
    InputError : no such file, no PEM, a private key, or of a kind that is not known here.
    MissingExtraError : cryptography is not installed.
    """
    crypto = _crypto()
    data = _read(path, "public key")
    if b"PRIVATE KEY" in data:
        raise InputError(f"{path} is a private key, which only signing needs; give the public one (.pub)")
    try:
        if b"BEGIN CERTIFICATE" in data:
            key = crypto.load_certificate(data).public_key()
        else:
            key = crypto.serialization.load_pem_public_key(data)
    except (ValueError, TypeError, crypto.UnsupportedAlgorithm) as error:
        raise InputError(
            f"{path} is no PEM of a public key or a certificate; credenza keygen makes keys"
        ) from error
    return _public(key, path)


def read_passphrase(path: str | os.PathLike[str]) -> bytes:
    """The first line of a file, without the line's end.

    Raises
    ------
    InputError : no such file, others may read it, or its first line is empty.
    """
    data = _read(path, "passphrase")
    mode = stat.S_IMODE(Path(path).stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        raise InputError(
            f"the passphrase {path} may be read by others (mode {mode:o}); run: chmod 600 {path}"
        )
    line = data.splitlines()[0] if data.splitlines() else b""
    if not line:
        raise InputError(f"the first line of {path} is empty; write the passphrase there")
    return line


def _read(path: str | os.PathLike[str], what: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"cannot read the {what} {path}: {reason}; give a file that holds it") from error
    if len(data) > LARGEST:
        raise InputError(f"{path} is too large for a {what} (over {LARGEST:,} bytes); give the right file")
    return data


def _public(key: Any, path: str | os.PathLike[str]) -> PublicKey:
    crypto = _crypto()
    if isinstance(key, crypto.ed25519.Ed25519PublicKey):
        kind = "ed25519"
    elif isinstance(key, crypto.ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1":
        kind = "ecdsa"
    else:
        found = type(key).__name__.strip("_").removesuffix("PublicKey")
        curve = getattr(getattr(key, "curve", None), "name", "")
        raise InputError(
            f"{path} is a key of {found} {curve}".rstrip() + "; give one of Ed25519 or ECDSA P-256"
        )
    return PublicKey(kind, hashlib.sha256(_pem(key)).hexdigest(), key)


def _pem(key: Any) -> bytes:
    form = _crypto().serialization
    data: bytes = key.public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    return data


class _Crypto:
    """What is used of cryptography."""

    def __init__(self) -> None:
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519
        from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificate

        self.InvalidSignature, self.UnsupportedAlgorithm = InvalidSignature, UnsupportedAlgorithm
        self.hashes, self.serialization, self.ec, self.ed25519 = hashes, serialization, ec, ed25519
        self.load_certificate, self.load_der = load_pem_x509_certificate, load_der_x509_certificate

    def p256(self) -> Any:
        """A new private key on the curve P-256."""
        return self.ec.generate_private_key(self.ec.SECP256R1())


def _crypto() -> _Crypto:
    try:
        import_module("cryptography")
    except ImportError as error:
        raise MissingExtraError(
            "signatures need cryptography, which is not installed: pip install 'credenza[sign]'"
        ) from error
    return _Crypto()
