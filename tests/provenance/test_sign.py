from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from credenza.errors import InputError, UsageError
from credenza.provenance import sign as module
from credenza.provenance.dsse import read_bundle, read_statement, signed_bundle
from credenza.provenance.hashing import hash_files
from credenza.provenance.keys import PrivateKey
from credenza.provenance.log import append
from credenza.provenance.manifest import BUNDLE, File, Manifest, home_of, offsets
from credenza.provenance.record import Record
from credenza.provenance.sign import sign
from credenza.provenance.verify import verify

Keys = dict[str, PrivateKey]


def test_what_is_signed_is_what_is_there(data: Path, keys: Keys) -> None:
    at = datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC)
    done = sign(data, keys["mine"], at=at)
    files = {file.name: file for file in done.manifest.files}
    assert list(files) == ["README.txt", "later/two.parquet", "one.parquet"]
    for name, file in files.items():
        content = (data / name).read_bytes()
        assert (file.sha256, file.size) == (hashlib.sha256(content).hexdigest(), len(content))
    table = files["one.parquet"].table
    assert table is not None
    assert (table.rows, table.chunks, table.format) == (9_000, 3, "parquet")
    assert table.columns == (("hat", "bool"), ("age", "double"), ("count", "int64"), ("colour", "string"))
    assert files["README.txt"].not_a_table == "no format of tables"
    assert done.manifest.rows == 14_000
    assert done.manifest.signed_at == "2026-11-22T00:00:00Z"
    assert offsets(done.manifest.files) == {"later/two.parquet": (0, 2), "one.parquet": (2, 5)}
    assert (done.home / "rows.bin").stat().st_size == 5 * 32
    first = (done.home / BUNDLE).read_bytes()
    again = sign(data, keys["mine"], at=at, replace=True)
    assert again.manifest.supersedes == read_bundle_digest(first, data.parent / "first")
    assert verify(data, [keys["mine"].public]).manifest == again.manifest


def read_bundle_digest(content: bytes, path: Path) -> str:
    path.write_bytes(content)
    return read_bundle(path).digest


def test_the_statement_is_one_that_model_signing_reads(data: Path, keys: Keys) -> None:
    done = sign(data, keys["ecdsa"], ignored=["later"])
    found = read_statement(read_bundle(done.home / BUNDLE), "it")
    assert found["predicateType"] == "https://model_signing/signature/v1.0"
    predicate = found["predicate"]
    assert predicate["serialization"] == {
        "method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": [".credenza", "later"],
    }  # fmt: skip
    digests = [item["digest"] for item in predicate["resources"]]
    assert [item["name"] for item in predicate["resources"]] == ["README.txt", "one.parquet"]
    root = hashlib.sha256(bytes.fromhex("".join(digests))).hexdigest()
    assert found["subject"] == [{"name": "survey", "digest": {"sha256": root}}]
    assert verify(data, [keys["ecdsa"].public]).ok


def test_a_file_is_signed_by_itself(data: Path, keys: Keys) -> None:
    done = sign(data / "one.parquet", keys["mine"])
    assert done.home == data / "one.parquet.credenza" == home_of(data / "one.parquet")
    assert done.manifest.to_statement()["predicate"]["resources"][0]["name"] == "."
    assert verify(data / "one.parquet", [keys["mine"].public]).ok
    os.replace(data / "one.parquet", data / "1.parquet")
    os.replace(done.home, data / "1.parquet.credenza")
    (problem,) = verify(data / "1.parquet", [keys["mine"].public]).problems
    assert problem.message == "'one.parquet' was renamed to '1.parquet'"


def test_a_log_goes_along_and_goes_on(data: Path, keys: Keys) -> None:
    log = data.parent / "log.jsonl"
    append(log, Record("poison", (), (), {"seed": 0}))
    done = sign(data, keys["mine"], lineage=log)
    assert done.manifest.lineage is not None
    assert done.manifest.lineage[0] == 1
    assert verify(data, [keys["mine"].public]).ok
    append(done.home / "lineage.jsonl", Record("repair", (), (), {}))
    found = verify(data, [keys["mine"].public])
    assert (found.ok, found.notes) == (True, ("the log got 1 record after it was signed",))
    with pytest.raises(
        InputError, match=r"does not go on from .*lineage.jsonl, which is signed; append to that one$"
    ):
        sign(data, keys["mine"], lineage=log, replace=True)
    assert sign(data, keys["mine"], replace=True).manifest.lineage == (
        2,
        head_of(done.home / "lineage.jsonl"),
    )
    (data.parent / "empty").touch()
    with pytest.raises(InputError, match=r"^the log .*empty is empty; give one that --lineage wrote$"):
        sign(data, keys["mine"], lineage=data.parent / "empty", replace=True)


def head_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes().splitlines(keepends=True)[-1]).hexdigest()


def test_one_record_becomes_a_log(data: Path, keys: Keys) -> None:
    Record("synth mix", (), (), {"seed": 0}).save(data.parent / "record.json")
    done = sign(data, keys["mine"], lineage=data.parent / "record.json")
    assert done.manifest.lineage == (1, head_of(done.home / "lineage.jsonl"))


def test_it_is_signed_once(data: Path, keys: Keys) -> None:
    sign(data, keys["mine"])
    with pytest.raises(UsageError, match=r"is signed already \(.*\); give --replace to sign it anew$"):
        sign(data, keys["mine"])


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (
            lambda d: (d / "l").symlink_to("/etc"),
            r"holds a link, 'l', which can lead anywhere; put the file itself",
        ),
        (lambda d: os.mkfifo(d / "p"), r"holds 'p', which is no file; remove it or --ignore it$"),
        (lambda d: (d / "a\nb").touch(), r"the name 'a\\nb', which has a control character; rename it$"),
        (lambda d: (d / "a\\b").touch(), r"which has a backslash; rename it$"),
        (
            lambda d: (d / "ONE.parquet").touch(),
            r"'ONE.parquet' and 'one.parquet', which other file systems take for",
        ),
        (
            lambda d: [(d / n).touch() for n in ("\u00e9", "e\u0301")],
            r"which other file systems take for one; rename",
        ),
        (
            lambda d: (d / ".credenza").symlink_to("/tmp"),
            r".credenza is no folder of a manifest, but a link or a file",
        ),
        (lambda d: (d / ".credenza").touch(), r".credenza is no folder of a manifest"),
    ],
)
def test_what_could_not_be_verified_later_is_refused(
    prepare: Callable[[Path], Any], message: str, data: Path, keys: Keys
) -> None:
    prepare(data)
    with pytest.raises(InputError, match=message):
        sign(data, keys["mine"])
    assert not (data / ".credenza" / BUNDLE).exists()


def test_names_that_deceive_and_files_that_are_no_tables_are_told(data: Path, keys: Keys) -> None:
    (data / "\u043ene.parquet").write_bytes(b"no table")
    notices = sign(data, keys["mine"]).notices
    assert notices[0] == "the name '\u043ene.parquet' mixes letters of CYRILLIC and LATIN"
    assert notices[1] == "the names 'one.parquet' and '\u043ene.parquet' look alike"
    assert notices[2].startswith("'\u043ene.parquet' is signed as bytes, not as a table: data (")
    assert verify(data, [keys["mine"].public]).ok


def test_nothing_to_sign_is_one_line(tmp_path: Path, keys: Keys) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"^the folder .*empty holds no files; give one with data$"):
        sign(tmp_path / "empty", keys["mine"])
    with pytest.raises(InputError, match=r"^no such file or folder: .*none; give the path of the data$"):
        sign(tmp_path / "none", keys["mine"])
    for path in ("../x", "/etc"):
        with pytest.raises(UsageError, match=rf"^cannot ignore '{path}', which .*; give a path relative to"):
            sign(tmp_path / "empty", keys["mine"], ignored=[path])


def test_a_folder_that_is_written_meanwhile_is_one_line(
    data: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(paths: Any) -> Any:
        found = hash_files(paths)
        (data / "new.txt").write_text("new")
        return found

    monkeypatch.setattr(module, "hash_files", slow)
    with pytest.raises(
        InputError, match=r"is being written \(files came or went meanwhile\): wait until nothing"
    ):
        sign(data, keys["mine"])
    assert not (data / ".credenza").exists()


def statement_of(data: Path, keys: Keys) -> dict[str, Any]:
    return read_statement(read_bundle(sign(data, keys["mine"]).home / BUNDLE), "it")


def put(found: dict[str, Any], place: str, value: Any) -> None:
    *parts, last = (int(part) if part.isdigit() else part for part in place.split("/"))
    inside: Any = found
    for part in parts:
        inside = inside[part]
    inside[last] = value


MORE = "predicate/credenza"


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (
            "predicateType",
            "https://slsa.dev/provenance/v1",
            "statement of the type 'https://slsa.dev/.*, no manifest",
        ),
        (
            f"{MORE}/schema",
            "credenza.manifest/2",
            "has the schema 'credenza.manifest/2'; .* is read here: update cred",
        ),
        (f"{MORE}/files", [], "is not a manifest that can be read .*; sign again"),
        (f"{MORE}/signed_at", None, "contradict|can be read|None"),
        (f"{MORE}/profile", "abc", "'abc' is no SHA-256 in hex"),
        (f"{MORE}/files/2/table/chunk_rows", 0, "9000 rows in chunks of 0"),
        (f"{MORE}/files/2/name", "three.parquet", "the names 'one.parquet' and 'three.parquet' of one file"),
        ("predicate/resources/0/digest", "0" * 64, "contradicts itself: its root is not that of its files"),
        ("predicate/resources/0/algorithm", "md5", "a hash that is no SHA-256"),
        (
            "predicate/serialization/method",
            "shards",
            "method 'shards' with 'sha256', not 'files' with 'sha256'",
        ),
        ("predicate/serialization/ignore_paths", ["../x"], "names the path '../x', which has a part '..'"),
        (f"{MORE}/alone", True, "of one file|names"),
        ("subject", [], "contradicts itself"),
    ],
)
def test_a_manifest_that_cannot_be_followed_is_one_line(
    place: str, value: Any, message: str, data: Path, keys: Keys
) -> None:
    found = statement_of(data, keys)
    put(found, place, value)
    if place.endswith("signed_at"):
        del found["predicate"]["credenza"]["signed_at"]
    (data / ".credenza" / BUNDLE).write_bytes(signed_bundle(found, keys["mine"]))
    with pytest.raises(InputError, match=message):
        verify(data, [keys["mine"].public])


@pytest.mark.parametrize("name", ["../README.txt", "/etc/passwd", "a/./b", "x\\y"])
def test_names_that_lead_out_of_the_folder_are_not_followed(name: str, data: Path, keys: Keys) -> None:
    manifest = sign(data, keys["mine"]).manifest
    bad = dataclasses.replace(manifest, files=(File(name, "0" * 64, 0), *manifest.files))
    (data / ".credenza" / BUNDLE).write_bytes(signed_bundle(bad.to_statement(), keys["mine"]))
    with pytest.raises(InputError, match=r"names the path .*; such a manifest is not followed$"):
        verify(data, [keys["mine"].public])
    twice = dataclasses.replace(manifest, files=(manifest.files[0], *manifest.files))
    (data / ".credenza" / BUNDLE).write_bytes(signed_bundle(twice.to_statement(), keys["mine"]))
    with pytest.raises(InputError, match=r"names 'README.txt' twice; such a manifest is not followed$"):
        verify(data, [keys["mine"].public])


def test_a_manifest_of_another_file_alone_is_not_followed(data: Path, keys: Keys) -> None:
    manifest = sign(data / "one.parquet", keys["mine"]).manifest
    bad = dataclasses.replace(manifest, name="a/one.parquet")
    with pytest.raises(InputError, match=r"is of the file 'a/one\.parquet' and names"):
        Manifest.from_statement(bad.to_statement(), "it")


def test_a_manifest_survives_json(data: Path, keys: Keys) -> None:
    manifest = sign(data, keys["mine"]).manifest
    again = Manifest.from_statement(json.loads(json.dumps(manifest.to_statement())), "it")
    assert again == manifest
    assert pq.read_table(data / "one.parquet").num_rows == 9_000
