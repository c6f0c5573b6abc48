from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from credenza.cli import main

Captured = pytest.CaptureFixture[str]


def test_a_clean_batch_passes(tables: dict[str, Path], tmp_path: Path, capsys: Captured) -> None:
    html, rows = tmp_path / "v.html", tmp_path / "v.parquet"
    command = ["validate", str(tables["clean"]), "--reference", str(tables["reference"])]
    assert main([*command, "--json", "-", "--html", str(html), "--rows", str(rows)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["verdict"]) == ("credenza.audit/1", "clear")
    assert [o["code"] for o in found["outcomes"]] == ["CZ001", "CZ201", "CZ601", "CZ602", "CZ603", "CZ604"]
    assert html.read_text(encoding="utf-8").startswith("<!")
    assert "CZ603" in pq.read_table(rows).column_names


def test_a_poisoned_batch_does_not(tables: dict[str, Path], capsys: Captured) -> None:
    command = ["validate", str(tables["poisoned"]), "--reference", str(tables["reference"])]
    assert main([*command, "--checks", "cz201,cz601"]) == 1
    assert "smoker" in capsys.readouterr().out


def test_what_was_asked_and_could_not_be_checked_is_status_3(
    tables: dict[str, Path], capsys: Captured
) -> None:
    command = ["validate", str(tables["clean"]), "--reference", str(tables["reference"])]
    assert main([*command, "--checks", "CZ604"]) == 3
    assert "not checked: CZ604 not applicable: needs a column of its class labels" in capsys.readouterr().err


def test_bad_input_is_one_line(tables: dict[str, Path], tmp_path: Path, capsys: Captured) -> None:
    small = tmp_path / "small.parquet"
    pq.write_table(pq.read_table(tables["reference"])[:20], small)
    assert main(["validate", str(tables["clean"]), "--reference", str(small)]) == 2
    assert capsys.readouterr().err.endswith("has 20 rows; 50 or more are needed\n")
