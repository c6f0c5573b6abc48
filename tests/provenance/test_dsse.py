from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from credenza.errors import InputError
from credenza.provenance.dsse import (
    MEDIA_TYPE,
    PAYLOAD_TYPE,
    pae,
    read_bundle,
    read_statement,
    signed_bundle,
    statement,
)
from credenza.provenance.keys import PrivateKey

Keys = dict[str, PrivateKey]
STATEMENT = statement(
    [{"name": "d", "digest": {"sha256": "0" * 64}}], "https://example.org/p", {"é": [1, None]}
)


def test_the_envelope_is_that_of_the_specification(keys: Keys, tmp_path: Path) -> None:
    for key in keys.values():
        (tmp_path / "b.json").write_bytes(signed_bundle(STATEMENT, key))
        document = json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))
        assert document["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json" == MEDIA_TYPE
        assert document["verificationMaterial"]["publicKey"] == {"hint": key.public.hint}
        envelope = document["dsseEnvelope"]
        payload = base64.b64decode(envelope["payload"])
        assert json.loads(payload) == STATEMENT
        message = b"DSSEv1 28 application/vnd.in-toto+json " + str(len(payload)).encode() + b" " + payload
        assert pae(PAYLOAD_TYPE, payload) == message
        assert key.public.verifies(base64.b64decode(envelope["signatures"][0]["sig"]), message)


def test_a_bundle_is_read_as_it_was_written(keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "b.json").write_bytes(signed_bundle(STATEMENT, keys["mine"]))
    bundle = read_bundle(tmp_path / "b.json")
    assert read_statement(bundle, "it") == STATEMENT
    assert not bundle.altered()
    assert not bundle.keyless
    both = [keys["other"].public, keys["mine"].public]
    assert bundle.signer(both) == keys["mine"].public
    assert bundle.signer(both[:1]) is None
    mine, other = (keys[name].public.hint[:12] for name in ("mine", "other"))
    assert bundle.unsigned_because(both[:1]) == f"signed with another key ({mine}, not {other})"
    assert bundle.unsigned_because(both) == "the signature is not one of this key on this content"


def test_bytes_all_over_a_bundle_count(keys: Keys, tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    data = signed_bundle(STATEMENT, keys["mine"])
    for place in range(0, len(data), 7):
        for bit in (0, place % 6 + 1):
            path.write_bytes(data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :])
            try:
                bundle = read_bundle(path)
            except InputError:
                continue
            signer = bundle.signer([keys["mine"].public])
            assert bundle.altered() or signer is None or bundle.hint != signer.hint, place


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    place = document
    *parts, last = path.split(".")
    for part in parts:
        place = place[part]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("mediaType", "text/plain", "media type 'text/plain', not application/vnd.dev.sigstore"),
        ("mediaType", 3, "media type 3"),
        ("dsseEnvelope", None, "KeyError: 'dsseEnvelope'"),
        ("dsseEnvelope", [], "TypeError"),
        ("dsseEnvelope.payloadType", "x", "payload type 'x', not application/vnd.in-toto"),
        ("dsseEnvelope.payload", "%", "base64"),
        ("dsseEnvelope.signatures", [{}], "KeyError: 'sig'"),
        ("verificationMaterial", None, "KeyError: 'verificationMaterial'"),
    ],
)
def test_what_is_no_bundle_is_one_line(
    path: str, value: Any, message: str, keys: Keys, tmp_path: Path
) -> None:
    document = changed(json.loads(signed_bundle(STATEMENT, keys["mine"])), path, value)
    (tmp_path / "b.json").write_text(json.dumps(document))
    with pytest.raises(
        InputError, match=rf"is no Sigstore bundle with a DSSE envelope \(.*{message}.*\); sign again$"
    ):
        read_bundle(tmp_path / "b.json")


def test_a_missing_signature_is_told(keys: Keys, tmp_path: Path) -> None:
    document = changed(json.loads(signed_bundle(STATEMENT, keys["mine"])), "dsseEnvelope.signatures", [])
    (tmp_path / "b.json").write_text(json.dumps(document))
    bundle = read_bundle(tmp_path / "b.json")
    assert bundle.signer([keys["mine"].public]) is None
    assert bundle.unsigned_because([keys["mine"].public]) == "the signature is missing"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            STATEMENT | {"_type": "https://in-toto.io/Statement/v0.1"},
            "is of the type 'https://in-toto.io/Statement/v0",
        ),
        (STATEMENT | {"subject": {}}, "lacks a subject or a predicate"),
        (STATEMENT | {"subject": [1]}, "lacks a subject or a predicate"),
        (STATEMENT | {"predicate": []}, "lacks a subject or a predicate"),
        (STATEMENT | {"predicateType": 1}, "lacks a subject or a predicate"),
    ],
)
def test_what_is_no_statement_is_one_line(
    content: dict[str, Any], message: str, keys: Keys, tmp_path: Path
) -> None:
    (tmp_path / "b.json").write_bytes(signed_bundle(content, keys["mine"]))
    with pytest.raises(InputError, match=message):
        read_statement(read_bundle(tmp_path / "b.json"), "it")


def test_no_bundle_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"^cannot read the signature .*no such file.*; give what credenza sign wrote$"
    ):
        read_bundle(tmp_path / "none")
    (tmp_path / "b").write_text("{")
    with pytest.raises(InputError, match=r"^the signature .* is not JSON that can be trusted"):
        read_bundle(tmp_path / "b")
