"""A signed manifest stands in for its data: what vouches for it, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from credenza.errors import InputError
from credenza.provenance.keys import PrivateKey
from credenza.provenance.manifest import BUNDLE, LEAVES, PROFILE
from credenza.provenance.reference import SignedProfile, manifest_path, read_signed_profile
from credenza.provenance.sign import sign
from credenza.report import profile

Keys = dict[str, PrivateKey]


@pytest.fixture
def home(data: Path, keys: Keys, tmp_path: Path) -> Path:
    """What was signed of the first table, elsewhere; the data itself is gone."""
    table = data / "one.parquet"
    signed = sign(table, keys["mine"], profile=profile(table))
    kept = tmp_path / "october"
    shutil.move(signed.home, kept)
    table.unlink()
    return kept


def read(home: Path, *keys: PrivateKey) -> SignedProfile:
    return read_signed_profile(home / BUNDLE, [key.public for key in keys])


def test_the_profile_is_vouched_for(home: Path, keys: Keys) -> None:
    found = read(home, keys["other"], keys["mine"])
    assert found.profile.rows == found.manifest.rows == 9_000
    assert found.signer is not None
    assert found.signer.hint == keys["mine"].public.hint
    assert {name: len(hashes) for name, hashes in found.leaves.items()} == {"one.parquet": 3}
    assert read(home).signer is None


def test_a_manifest_is_told_by_its_name_or_what_it_holds(home: Path, data: Path) -> None:
    assert manifest_path(home) == manifest_path(str(home)) == manifest_path(home / BUNDLE) == home / BUNDLE
    for other in (data, home / PROFILE, "s3.parquet", None, {"a": 1}):
        assert manifest_path(other) is None


def test_what_is_not_vouched_for_is_refused(home: Path, keys: Keys) -> None:
    with pytest.raises(
        InputError,
        match=r"^the reference is not vouched for: .*signed with another key \(.*; give the key of",
    ):
        read(home, keys["other"])
    document = json.loads((home / BUNDLE).read_text())
    document["dsseEnvelope"]["signatures"] = []
    (home / BUNDLE).write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"^the reference is not vouched for: .*the signature is missing"):
        read(home, keys["mine"])


def test_another_profile_is_refused_with_and_without_a_key(home: Path, keys: Keys) -> None:
    content = bytearray((home / PROFILE).read_bytes())
    content[len(content) // 2] ^= 1
    (home / PROFILE).write_bytes(bytes(content))
    for known in ([], [keys["mine"]]):
        with pytest.raises(
            InputError, match=r"^the profile .*profile.czp is not the one that was signed: put that"
        ):
            read(home, *known)
    (home / PROFILE).unlink()
    with pytest.raises(
        InputError, match=r"^the profile of the manifest .* cannot be read at .*: no such file"
    ):
        read(home)


def test_hashes_of_rows_that_changed_are_not_used(home: Path) -> None:
    (home / LEAVES).write_bytes(bytes(96))
    assert read(home).leaves == {}


def test_a_manifest_without_a_profile_is_no_reference(data: Path, keys: Keys) -> None:
    signed = sign(data, keys["mine"], no_profile="left out")
    with pytest.raises(InputError, match=r"was signed without a profile \(left out\), and is no reference"):
        read(signed.home, keys["mine"])
    with pytest.raises(InputError, match=r"^cannot read the signature .*: no such file"):
        read_signed_profile(data / "gone.sigstore.json", [])
