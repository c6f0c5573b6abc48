from __future__ import annotations

import datetime
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from credenza.errors import InputError, MissingExtraError, UsageError
from credenza.provenance.keys import (
    KEY_TYPES,
    KeyType,
    PrivateKey,
    generate_keys,
    load_private,
    load_public,
    read_passphrase,
)

Keys = dict[str, PrivateKey]


@pytest.mark.parametrize("kind", KEY_TYPES)
@pytest.mark.parametrize("passphrase", [None, b"open sesame"])
def test_what_one_key_signs_the_other_verifies(
    kind: KeyType, passphrase: bytes | None, tmp_path: Path
) -> None:
    secret, public = generate_keys(tmp_path / "k", kind=kind, passphrase=passphrase)
    assert (secret.name, public.name) == ("k.key", "k.pub")
    assert secret.stat().st_mode & 0o777 == 0o600
    assert (b"ENCRYPTED" in secret.read_bytes()) == (passphrase is not None)
    key = load_private(secret, passphrase=passphrase)
    known = load_public(public)
    assert key.public == known
    assert known.kind == kind
    signature = key.sign(b"message")
    assert known.verifies(signature, b"message")
    assert not known.verifies(signature, b"massage")
    assert not known.verifies(b"", b"message")
    assert not known.verifies(bytes(64), b"message")


def test_a_private_key_is_never_shown(tmp_path: Path) -> None:
    secret, _ = generate_keys(tmp_path / "k", kind="ecdsa")
    key = load_private(secret)
    body = secret.read_text().splitlines()[1]
    assert body not in repr(key)
    assert repr(key) == f"PrivateKey(public=PublicKey(kind='ecdsa', hint='{key.public.hint}'))"
    secret.write_text(secret.read_text().replace(body, body[:-8]))
    with pytest.raises(InputError) as caught:
        load_private(secret)
    assert caught.value.__cause__ is None
    assert body[:10] not in str(caught.value)


def test_keys_are_not_replaced(tmp_path: Path) -> None:
    generate_keys(tmp_path / "k")
    with pytest.raises(UsageError, match=r"k.key exists, and keys are not replaced; give another prefix$"):
        generate_keys(tmp_path / "k")
    (tmp_path / "k.key").unlink()
    with pytest.raises(UsageError, match=r"k.pub exists"):
        generate_keys(tmp_path / "k")
    with pytest.raises(UsageError, match=r"no folder .*none; create it first$"):
        generate_keys(tmp_path / "none" / "k")
    with pytest.raises(UsageError, match=r"^unknown type of key 'rsa'; give one of ed25519, ecdsa$"):
        generate_keys(tmp_path / "m", kind="rsa")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"^the passphrase is empty"):
        generate_keys(tmp_path / "m", passphrase=b"")
    assert not (tmp_path / "m.key").exists()


def test_a_private_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    secret, _ = generate_keys(tmp_path / "k")
    for mode in (0o644, 0o640, 0o604):
        secret.chmod(mode)
        with pytest.raises(
            InputError, match=rf"may be used by others \(mode {mode:o}\); run: chmod 600 .*k.key$"
        ):
            load_private(secret)


def test_passphrases_must_fit(tmp_path: Path) -> None:
    locked, _ = generate_keys(tmp_path / "locked", passphrase=b"right")
    with pytest.raises(InputError, match=r"is encrypted; give its passphrase with --passphrase-file$"):
        load_private(locked)
    with pytest.raises(InputError, match=r"cannot be read as a private key: a wrong passphrase, or no PEM"):
        load_private(locked, passphrase=b"wrong")
    plain, _ = generate_keys(tmp_path / "plain")
    with pytest.raises(InputError, match=r"is not encrypted; leave --passphrase-file out$"):
        load_private(plain, passphrase=b"right")


def test_a_passphrase_is_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "p"
    path.write_bytes(b" two words \r\nmore\n")
    path.chmod(0o600)
    assert read_passphrase(path) == b" two words "
    path.chmod(0o644)
    with pytest.raises(
        InputError, match=r"the passphrase .* may be read by others \(mode 644\); run: chmod 600"
    ):
        read_passphrase(path)
    path.chmod(0o600)
    for empty in (b"", b"\nsecond"):
        path.write_bytes(empty)
        with pytest.raises(InputError, match=r"^the first line of .* is empty; write the passphrase there$"):
            read_passphrase(path)
    with pytest.raises(InputError, match=r"^cannot read the passphrase .*no such file"):
        read_passphrase(tmp_path / "none")


def test_the_wrong_file_is_one_line(tmp_path: Path) -> None:
    secret, public = generate_keys(tmp_path / "k")
    with pytest.raises(InputError, match=r"k.pub is a public key, which cannot sign; give the private one"):
        load_private(public)
    with pytest.raises(
        InputError, match=r"k.key is a private key, which only signing needs; give the public one"
    ):
        load_public(secret)
    junk = tmp_path / "junk"
    junk.write_text("no key")
    junk.chmod(0o600)
    with pytest.raises(InputError, match=r"junk cannot be read as a private key: no PEM of a private key;"):
        load_private(junk)
    with pytest.raises(InputError, match=r"junk is no PEM of a public key or a certificate; credenza keygen"):
        load_public(junk)
    with pytest.raises(InputError, match=r"^cannot read the public key .*none: no such file"):
        load_public(tmp_path / "none")
    junk.write_bytes(bytes(200_000))
    with pytest.raises(InputError, match=r"junk is too large for a public key \(over 100,000 bytes\)"):
        load_public(junk)


def test_keys_of_other_kinds_are_named(tmp_path: Path) -> None:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    for key, name in (
        (rsa.generate_private_key(public_exponent=65537, key_size=1024), "RSA"),
        (ec.generate_private_key(ec.SECP384R1()), r"\w* ?secp384r1"),
    ):
        (tmp_path / "k").write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))
        with pytest.raises(InputError, match=rf"k is a key of {name}; give one of Ed25519 or ECDSA P-256$"):
            load_public(tmp_path / "k")


def test_the_key_of_a_certificate_verifies(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "someone")])
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(day).not_valid_after(day).sign(key, hashes.SHA256())
    )  # fmt: skip
    (tmp_path / "c.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    signature = key.sign(b"message", ec.ECDSA(hashes.SHA256()))
    assert load_public(tmp_path / "c.pem").verifies(signature, b"message")


def test_without_cryptography_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(
        MissingExtraError,
        match=r"^signatures need cryptography, which is not installed: pip install 'credenza\[sign\]'$",
    ):
        generate_keys(tmp_path / "k")
