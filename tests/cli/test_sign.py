"""``credenza keygen``, ``sign`` and ``verify`` from the shell's side."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from credenza.cli import main
from credenza.cli.verify import MOST_NAMED

Captured = pytest.CaptureFixture[str]
Tables = dict[str, Path]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the keys "mine" and "locked"."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "phrase").write_text("open sesame\n")
    (folder / "phrase").chmod(0o600)
    assert main(["keygen", "--out", str(folder / "mine"), "--quiet"]) == 0
    locked = ["keygen", "--out", str(folder / "locked"), "--type", "ecdsa", "--quiet"]
    assert main([*locked, "--passphrase-file", str(folder / "phrase")]) == 0
    return folder


@pytest.fixture
def folder(tables: Tables, tmp_path: Path) -> Path:
    """A folder of two tables."""
    made = tmp_path / "release"
    made.mkdir()
    for name in ("clean", "reference"):
        shutil.copy(tables[name], made / f"{name}.parquet")
    return made


def test_keys_are_made_and_named(tmp_path: Path, capsys: Captured) -> None:
    assert main(["keygen", "--out", str(tmp_path / "k")]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(
        r"credenza: wrote .*k.key \(keep it\) and .*k.pub \(give it away; [0-9a-f]{12}\)\n", err
    )
    assert main(["keygen", "--out", str(tmp_path / "k")]) == 2
    assert "keys are not replaced" in capsys.readouterr().err


def test_signed_verified_changed_found(folder: Path, keys: Path, capsys: Captured) -> None:
    assert main(["sign", str(folder), "--key", str(keys / "mine.key")]) == 0
    err = capsys.readouterr().err
    assert re.search(r"signed 2 files, [\d,]+ bytes, 8,000 rows with [0-9a-f]{12}\n", err)
    assert "without statistics" not in err
    verify = ["verify", str(folder), "--key", str(keys / "mine.pub")]
    assert main(verify) == 0
    assert capsys.readouterr().out.startswith("release: as signed; 2 of 2 files checked, signed by ")
    (folder / "new\u202e.txt").write_text("x")
    assert main([*verify, "--quiet"]) == 1
    assert capsys.readouterr() == ("", "")
    assert main(verify) == 1
    out, err = capsys.readouterr()
    assert out.startswith("added: 'new\\u202e.txt' was added\nrelease: NOT as signed: 1 problem; ")
    assert "has invisible characters" in err
    assert main([*verify, "--only", "*.parquet"]) == 0
    assert main([*verify, "--only", "*.csv"]) == 2


def test_many_problems_are_counted(folder: Path, keys: Path, capsys: Captured) -> None:
    main(["sign", str(folder), "--key", str(keys / "mine.key"), "--no-profile", "--quiet"])
    for number in range(MOST_NAMED + 2):
        (folder / f"{number:03}.txt").touch()
    assert main(["verify", str(folder), "--key", str(keys / "mine.pub")]) == 1
    assert "\nand 2 more\n" in capsys.readouterr().out


def test_an_audit_is_claimed(folder: Path, keys: Path, capsys: Captured) -> None:
    phrase = ["--passphrase-file", str(keys / "phrase")]
    sign = ["sign", str(folder / "clean.parquet"), "--key", str(keys / "locked.key"), *phrase]
    assert main([*sign, "--croissant", str(folder.parent / "c.json"), "--quiet"]) == 0
    assert json.loads((folder.parent / "c.json").read_text())["name"] == "clean.parquet"
    audit = ["audit", str(folder / "clean.parquet"), "--reference", str(folder / "reference.parquet")]
    given = ["--manifest", str(folder / "clean.parquet.credenza"), "--key", str(keys / "locked.pub")]
    assert main([*audit, *given, "--json", str(folder.parent / "a.json"), "--quiet"]) == 0
    assert main([*sign, "--claim", str(folder.parent / "a.json")]) == 0
    assert capsys.readouterr().err.endswith("0001.sigstore.json\n")
    assert main(["verify", str(folder / "clean.parquet"), "--key", str(keys / "locked.pub")]) == 0
    assert "claim: audit PASSED (a.json), by " in capsys.readouterr().out
    assert main([*sign, "--claim", "a.json", "--replace"]) == 2
    assert "leave the other options out, or sign first" in capsys.readouterr().err


def test_what_was_added_is_audited_against_the_signed_profile(
    tables: Tables, keys: Path, tmp_path: Path, capsys: Captured
) -> None:
    table = tmp_path / "t.parquet"
    shutil.copy(tables["reference"], table)
    assert main(["sign", str(table), "--key", str(keys / "mine.key"), "--quiet"]) == 0
    signed = tmp_path / "t.parquet.credenza"
    audit = ["audit", str(table), "--reference", str(signed), "--added-only"]
    vouched = [*audit, "--key", str(keys / "mine.pub")]
    assert main(vouched) == 0
    assert "4,000 rows as signed, none added" in " ".join(capsys.readouterr().out.split())
    old = pq.read_table(table)
    for name, status in (("clean", 0), ("poisoned", 1)):
        pq.write_table(pa.concat_tables([old, pq.read_table(tables[name])]), table)
        assert main(vouched) == status
        assert "4,000 rows, 7 columns" in capsys.readouterr().out
    pq.write_table(pa.concat_tables([old, old.slice(0, 2)]), table)
    assert main([*vouched, "--quiet"]) == 3
    assert main([*audit, "--key", str(keys / "locked.pub")]) == 2
    err = capsys.readouterr().err
    assert err.startswith("credenza: error: the reference is not vouched for: ")
    assert err.count("\n") == 1


def test_statistics_that_cannot_be_made_are_left_out(tmp_path: Path, keys: Path, capsys: Captured) -> None:
    (tmp_path / "notes.txt").write_text("no table")
    assert main(["sign", str(tmp_path), "--key", str(keys / "mine.key")]) == 0
    assert "signed without statistics: data: folder" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="permissions are of Unix")
def test_keys_that_cannot_be_used_are_one_line(
    folder: Path, keys: Path, tmp_path: Path, capsys: Captured
) -> None:
    shutil.copy(keys / "mine.key", tmp_path / "open.key")
    (tmp_path / "open.key").chmod(0o644)
    for key, words in (
        (tmp_path / "open.key", "may be used by others (mode 644); run: chmod 600"),
        (keys / "locked.key", "is encrypted; give its passphrase with --passphrase-file"),
        (keys / "mine.pub", "is a public key, which cannot sign"),
    ):
        assert main(["sign", str(folder), "--key", str(key)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert words in err
        assert err.count("\n") == 1
        assert "PRIVATE" not in err
    assert main(["verify", str(folder), "--key", str(keys / "mine.pub")]) == 2
    assert "was not signed, or that was removed" in capsys.readouterr().err
