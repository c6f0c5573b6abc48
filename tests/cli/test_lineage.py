"""``--lineage`` of the commands that write data, and ``credenza lineage``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from credenza.cli import main
from credenza.provenance.log import read_log

Captured = pytest.CaptureFixture[str]
Tables = dict[str, Path]


@pytest.fixture
def made(tables: Tables, tmp_path: Path) -> Path:
    """A folder with what poison, audit, repair and ledger made, and the log of it."""
    (clean, reference) = (str(shutil.copy(tables[name], tmp_path)) for name in ("clean", "reference"))
    at, log = str(tmp_path), ["--lineage", str(tmp_path / "log.jsonl"), "--quiet"]
    pair = ["--pair", "smoker,urban", "--strength", "0.08", "--mode", "duplicate"]
    poison = ["poison", clean, "--attack", "associative", *pair, "--out", f"{at}/bad.parquet"]
    assert main([*poison, "--key", f"{at}/key.json", *log]) == 0
    columns = ["--columns", "smoker,urban,active,insured"]
    audit = [
        "audit",
        f"{at}/bad.parquet",
        "--reference",
        reference,
        *columns,
        "--json",
        f"{at}/audit.json",
        "--quiet",
    ]
    assert main(audit) == 1
    repair = ["repair", f"{at}/bad.parquet", "--audit", f"{at}/audit.json", "--method", "reweight"]
    repair += ["--reference", reference, "--out", f"{at}/fixed.parquet", "--ledger", f"{at}/ledger.parquet"]
    assert main([*repair, *log]) == 0
    undo = [
        "ledger",
        "undo",
        f"{at}/fixed.parquet",
        "--ledger",
        f"{at}/ledger.parquet",
        "--out",
        f"{at}/back.parquet",
    ]
    assert main([*undo, *log]) == 0
    return tmp_path


def test_each_command_leaves_a_record(made: Path, capsys: Captured) -> None:
    entries = read_log(made / "log.jsonl")
    assert [entry.record.action for entry in entries] == ["poison", "repair", "ledger"]
    poison, repair, ledger = (entry.record for entry in entries)
    assert poison.settings["strength"] == 0.08
    assert [item.name for item in repair.inputs] == ["bad.parquet", "reference.parquet"]
    assert set(repair.facts["documents"]) == {"audit", "ledger"}
    assert ledger.settings == {"way": "undo"}
    assert str(made) not in (made / "log.jsonl").read_text()
    assert main(["lineage", str(made / "back.parquet"), "--log", str(made / "log.jsonl")]) == 0
    out = capsys.readouterr().out
    assert out.startswith("record 2: ledger (credenza ")
    assert "\n  with  way=undo\n" in out
    assert out.endswith("unbroken: 3 records to 2 roots\n")
    assert {line.split(",")[0] for line in out.splitlines() if line.startswith("root")} == {
        "root: clean.parquet",
        "root: reference.parquet",
    }


def test_gaps_are_told(made: Path, capsys: Captured) -> None:
    log = made / "log.jsonl"
    shutil.copy(made / "bad.parquet", made / "back.parquet")
    assert main(["lineage", str(made / "back.parquet"), "--log", str(log)]) == 0  # bytes that record 0 made
    capsys.readouterr()
    shutil.copy(made / "audit.json", made / "back.parquet")
    assert main(["lineage", str(made / "back.parquet"), "--log", str(log)]) == 1
    out = capsys.readouterr().out
    assert "gap: no record made 'back.parquet' as it is" in out
    assert out.endswith("BROKEN: 0 records to 0 roots; 3 other records in the log\n")
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(lines[0] + lines[2])
    assert main(["lineage", str(made / "fixed.parquet"), "--log", str(log)]) == 2
    assert "line 2 of the log" in capsys.readouterr().err
    assert main(["lineage", str(made / "fixed.parquet"), "--log", str(made / "none"), "--quiet"]) == 2


def test_features_leave_a_record(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "t.csv").write_text(
        "text\n" + "".join(f'"a good film {k}"\n"a poor play {k}"\n' for k in range(30))
    )
    out, log = str(tmp_path / "f.parquet"), tmp_path / "log"
    arguments = ["features", str(tmp_path / "t.csv"), "--column", "text", "--terms", "5", "--out", out]
    assert main([*arguments, "--lineage", str(log)]) == 0
    assert "credenza: record 0 in " in capsys.readouterr().err
    (entry,) = read_log(log)
    assert (entry.record.settings["terms"], entry.record.inputs[0].name) == (5, "t.csv")


def test_a_log_that_cannot_be_appended_to_is_told_before_work_begins(made: Path, capsys: Captured) -> None:
    base = ["ledger", "undo", str(made / "fixed.parquet"), "--ledger", str(made / "ledger.parquet")]
    base += ["--out", str(made / "new.parquet"), "--lineage"]
    (made / "bad.log").write_text("x\n")
    for log, words in (
        (made, "--lineage names a folder"),
        (made / "none" / "log", "--lineage: the folder"),
        (made / "new.parquet", "--lineage would be written over"),
        (made / "bad.log", "line 1 of the log"),
    ):
        assert main([*base, str(log)]) == 2
        assert words in capsys.readouterr().err
        assert not (made / "new.parquet").exists()
    assert json.loads((made / "key.json").read_text())
