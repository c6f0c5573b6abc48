from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from credenza.cli import main
from credenza.cli.demo import ending

Captured = pytest.CaptureFixture[str]


def test_the_demo_tells_the_story_and_keeps_its_files(tmp_path: Path, capsys: Captured) -> None:
    folder = tmp_path / "new" / "demo"
    assert main(["demo", "--out", str(folder)]) == 0
    out, err = capsys.readouterr()
    key = json.loads((folder / "key.json").read_text(encoding="utf-8"))
    audit = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    assert [set(item["features"]) for item in audit["culprits"]] == [set(key["moves"][0]["features"])]
    assert "Before the attack the audit says: clear." in out
    assert "The answer key, and what the audit says of it:" in out
    assert re.search(r"\n  pair +\w+ x \w+ +the same\n", out)
    assert max(map(len, out.splitlines())) <= 92
    for name in key["moves"][0]["features"]:
        assert f"share of {name}" in out
    assert str(folder) in err
    assert {"reference.parquet", "suspect.parquet", "clean.parquet", "report.html"} <= {
        path.name for path in folder.iterdir()
    }


def test_the_demo_leaves_nothing_behind(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert main(["demo"]) == 0
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err == ""


def test_an_audit_that_misses_is_said() -> None:
    key = {"moves": [{"features": ["a", "b"]}]}
    assert list(ending(key, ())) == ["", "The answer key says a x b; the audit named no pair."]


def test_a_file_is_no_folder(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "x"
    path.write_text("")
    assert main(["demo", "--out", str(path)]) == 2
    assert (
        capsys.readouterr().err
        == f"credenza: error: cannot write the demo to {path}: it is a file; give a folder\n"
    )
