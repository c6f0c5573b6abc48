from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from credenza.association.profile import Profile
from credenza.errors import InputError, UsageError
from credenza.provenance.claims import append_claim
from credenza.provenance.dsse import signed_bundle
from credenza.provenance.keys import PrivateKey
from credenza.provenance.log import append
from credenza.provenance.manifest import BUNDLE
from credenza.provenance.record import Record
from credenza.provenance.sign import sign
from credenza.provenance.verify import Verification, verify
from credenza.report import profile

Keys = dict[str, PrivateKey]


@pytest.fixture
def signed(data: Path, keys: Keys) -> Path:
    """The folder with all that a manifest can have: a profile, a log of two records, two claims."""
    log = data.parent / "log.jsonl"
    for action in ("features", "poison"):
        append(log, Record(action, (), (), {"seed": 0}))
    sign(data, keys["mine"], profile=profile(data / "one.parquet"), lineage=log)
    for name in ("a", "b"):
        (data.parent / name).write_text(name)
        append_claim(data, data.parent / name, keys["mine"])
    return data


def kinds(found: Verification) -> set[str]:
    return {problem.kind for problem in found.problems}


def check(folder: Path, keys: Keys, **options: object) -> Verification:
    return verify(folder, [keys["mine"].public], **options)  # type: ignore[arg-type]


def test_what_was_signed_passes(signed: Path, keys: Keys) -> None:
    found = check(signed, keys)
    assert (found.ok, found.checked, len(found.claims)) == (True, 3, 2)
    assert found.signer == keys["mine"].public
    assert Profile.load(signed / ".credenza" / "profile.czp").rows == 9_000
    moved = signed.rename(signed.with_name("elsewhere"))
    assert check(moved, keys).ok


def edit_rows(path: Path) -> None:
    table = pq.read_table(path)
    values = table["count"].to_numpy().copy()
    values[5_000] += 1
    pq.write_table(table.set_column(2, "count", [values]), path)


Do = Callable[[Path], object]
CASES: dict[str, tuple[Do, str, str]] = {
    "a changed byte": (
        lambda d: (d / "README.txt").write_text("two waves of a survei\n"), "changed", "'README.txt' changed",
    ),
    "a longer file": (
        lambda d: (d / "README.txt").write_text("?"), "changed", "'README.txt' changed from 22 to 1 bytes",
    ),
    "changed rows": (
        lambda d: edit_rows(d / "one.parquet"), "changed", ": rows 4,096 to 8,191 changed, the other 4,904 did not",
    ),
    "a renamed file": (
        lambda d: (d / "one.parquet").rename(d / "1.parquet"), "renamed",
        "'one.parquet' was renamed to '1.parquet'",
    ),
    "a look-alike": (
        lambda d: (d / "one.parquet").rename(d / "\u043ene.parquet"), "renamed",
        "'one.parquet' was renamed to '\u043ene.parquet', which looks the same",
    ),
    "an added look-alike": (
        lambda d: (d / "\u043ene.parquet").write_text("x"), "added",
        "'\u043ene.parquet' was added, and looks like 'one.parquet'",
    ),
    "an added file": (lambda d: (d / "later" / ".x").touch(), "added", "'later/.x' was added"),
    "another case": (
        lambda d: (d / "ONE.parquet").touch(), "look-alike",
        "'ONE.parquet' and 'one.parquet' differ in case or form of Unicode alone",
    ),
    "a missing file": (lambda d: (d / "README.txt").unlink(), "missing", "'README.txt' is missing"),
    "a link": (lambda d: (d / "l").symlink_to("one.parquet"), "link", "'l' is a link, which is not followed"),
    "a pipe": (lambda d: os.mkfifo(d / "p"), "link", "'p' is no file"),
    "a missing profile": (
        lambda d: (d / ".credenza/profile.czp").unlink(), "profile", "the profile is missing",
    ),
    "a changed profile": (
        lambda d: (d / ".credenza/profile.czp").write_bytes(b"PK"), "profile", "the profile changed",
    ),
    "changed leaves": (lambda d: (d / ".credenza/rows.bin").write_bytes(bytes(160)), "rows", "cannot be told"),
    "missing leaves": (lambda d: (d / ".credenza/rows.bin").unlink(), "rows", "which rows changed cannot be told"),
    "a missing log": (
        lambda d: (d / ".credenza/lineage.jsonl").unlink(), "lineage", "the log of the lineage is missing",
    ),
    "a cut log": (
        lambda d: cut(d / ".credenza/lineage.jsonl"), "lineage", "the log has 1 records, of 2 that were signed",
    ),
    "another log": (
        lambda d: relog(d / ".credenza/lineage.jsonl"), "lineage", "the log is another one than was signed",
    ),
    "a damaged log": (
        lambda d: (d / ".credenza/lineage.jsonl").write_text("x\n"), "lineage", "is not JSON that can be trusted",
    ),
    "a file beside the manifest": (
        lambda d: (d / ".credenza/x").touch(), "added", "'x' was added beside the manifest",
    ),
    "the first claim removed": (
        lambda d: (d / ".credenza/claims/0001.sigstore.json").unlink(), "claim",
        "claims were left out, renamed or added",
    ),
    "a renamed claim": (
        lambda d: (d / ".credenza/claims/0002.sigstore.json").rename(d / ".credenza/claims/0003.sigstore.json"),
        "claim", "is not claim number 2",
    ),
    "claims swapped": (lambda d: swap(d / ".credenza/claims"), "claim", "does not follow the one before it"),
    "a damaged claim": (
        lambda d: (d / ".credenza/claims/0001.sigstore.json").write_text("{}"), "claim", "no Sigstore bundle",
    ),
    "no signature": (lambda d: unsign(d / ".credenza" / BUNDLE), "signature", "the signature is missing"),
}  # fmt: skip


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])


def relog(path: Path) -> None:
    path.unlink()
    for action in ("features", "repair"):
        append(path, Record(action, (), (), {}))


def swap(folder: Path) -> None:
    one, two = (folder / f"000{number}.sigstore.json" for number in (1, 2))
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)


def unsign(path: Path) -> None:
    document = json.loads(path.read_bytes())
    document["dsseEnvelope"]["signatures"] = []
    path.write_text(json.dumps(document))


@pytest.mark.parametrize("name", CASES)
def test_what_changed_is_found_and_named(name: str, signed: Path, keys: Keys) -> None:
    change, kind, words = CASES[name]
    change(signed)
    found = check(signed, keys)
    assert kind in kinds(found)
    assert any(words in problem.message for problem in found.problems), found.problems
    assert all("\n" not in problem.message for problem in found.problems)


def test_another_key_does_not_vouch(signed: Path, keys: Keys) -> None:
    found = verify(signed, [keys["other"].public])
    assert kinds(found) == {"signature", "claim"}
    assert found.signer is None
    assert found.problems[0].message.startswith("the manifest is not vouched for: signed with another key (")
    assert verify(signed, [keys["other"].public, keys["mine"].public]).ok
    found = verify(signed, [])
    assert (found.ok, found.notes) == (True, ("the signature was not checked, since no key was given",))


def test_a_manifest_of_other_data_is_found(signed: Path, keys: Keys) -> None:
    other = signed.with_name("other")
    shutil.copytree(signed, other)
    shutil.rmtree(other / ".credenza")
    rng = np.random.default_rng(0)
    (other / "README.txt").write_bytes(rng.bytes(22))
    sign(other, keys["mine"])
    shutil.copy(other / ".credenza" / BUNDLE, signed / ".credenza" / BUNDLE)
    assert kinds(check(signed, keys)) == {"changed", "profile", "claim"}


def test_a_subset_is_verified_by_itself(signed: Path, keys: Keys) -> None:
    (signed / "README.txt").write_text("changed")
    found = check(signed, keys, only=["*.parquet"])
    assert (found.ok, found.checked) == (True, 2)
    assert kinds(check(signed, keys, only=["README*"])) == {"changed"}
    (signed / "later" / "two.parquet").unlink()
    assert kinds(check(signed, keys, only=["later/*"])) == {"missing"}
    with pytest.raises(
        UsageError, match=r"^--only \*.csv fits none of 3 files of the manifest; give another$"
    ):
        check(signed, keys, only=["*.csv"])


def test_what_was_never_signed_is_one_line(data: Path, keys: Keys) -> None:
    with pytest.raises(
        InputError, match=r"has no manifest at .*: it was not signed, or that was removed; credenza sign"
    ):
        check(data, keys)
    with pytest.raises(InputError, match=r"^no such file or folder"):
        check(data / "none", keys)


def test_a_manifest_of_a_file_is_not_one_of_a_folder(signed: Path, keys: Keys) -> None:
    home = sign(signed / "one.parquet", keys["mine"]).home
    found = check(signed, keys, bundle=home / BUNDLE)
    assert found.problems[0].message == "the manifest is of the file 'one.parquet', not of a folder"


def test_what_model_signing_writes_is_verified(data: Path, keys: Keys) -> None:
    """Its statement has one hash a file, and leaves out what it is told to."""
    document = sign(data, keys["ecdsa"]).manifest.to_statement()
    shutil.rmtree(data / ".credenza")
    del document["predicate"]["credenza"]
    document["predicate"]["serialization"]["ignore_paths"] = ["model.sig"]
    path = data / "model.sig"
    path.write_text(json.dumps(json.loads(signed_bundle(document, keys["ecdsa"])), indent=1))
    found = verify(data, [keys["ecdsa"].public], bundle=path)
    assert (found.problems, found.checked, found.manifest.plain) == ((), 3, True)
    (data / ".credenza").mkdir()
    (data / ".credenza" / "x").touch()
    (data / "README.txt").write_text("?")
    assert kinds(verify(data, [keys["ecdsa"].public], bundle=path)) == {"added", "changed"}


def test_a_bundle_without_a_key_of_ones_own_says_what_is_left_out(data: Path, keys: Keys) -> None:
    path = sign(data, keys["ecdsa"]).home / BUNDLE
    document = json.loads(path.read_bytes())
    document["verificationMaterial"] = {"certificate": {"rawBytes": ""}}
    path.write_text(json.dumps(document))
    found = verify(data, [keys["ecdsa"].public])
    assert found.notes[0].endswith("its chain, identity, log entry and time were not checked")
    assert kinds(found) == {"signature"}  # the form is not ours
