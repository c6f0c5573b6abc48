from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from credenza.cli import main

Captured = pytest.CaptureFixture[str]
Tables = dict[str, Path]


@pytest.fixture
def audited(tables: Tables, tmp_path: Path) -> list[str]:
    """What begins a repair of the poisoned table."""
    report = tmp_path / "audit.json"
    suspect, reference = str(tables["poisoned"]), str(tables["reference"])
    assert main(["audit", suspect, "--reference", reference, "--json", str(report), "--quiet"]) == 1
    return [suspect, "--audit", str(report), "--reference", reference]


def outputs(folder: Path) -> list[str]:
    return ["--out", str(folder / "fixed.parquet"), "--ledger", str(folder / "ledger.parquet")]


def test_reweighting_writes_data_and_ledger(audited: list[str], tmp_path: Path, capsys: Captured) -> None:
    capsys.readouterr()
    arguments = ["repair", *audited, "--method", "reweight", *outputs(tmp_path)]
    assert main([*arguments, "--json", str(tmp_path / "repair.json")]) == 0
    out, err = capsys.readouterr()
    assert "rows misplaced" in out
    assert "pairs that differ from the reference: " in out
    assert err == f"credenza: wrote {tmp_path / 'fixed.parquet'} and {tmp_path / 'ledger.parquet'}\n"
    fixed = pq.read_table(tmp_path / "fixed.parquet")
    assert fixed.column_names[-1] == "weight"
    assert pq.read_metadata(tmp_path / "ledger.parquet").num_rows == fixed.num_rows
    assert json.loads((tmp_path / "repair.json").read_text())["method"] == "reweight"


def test_the_ledger_undoes_it(audited: list[str], tables: Tables, tmp_path: Path) -> None:
    assert main(["repair", *audited, "--method", "relabel", *outputs(tmp_path), "--quiet"]) == 0
    back = tmp_path / "back.parquet"
    undo = ["ledger", "undo", str(tmp_path / "fixed.parquet"), "--ledger", str(tmp_path / "ledger.parquet")]
    assert main([*undo, "--out", str(back), "--quiet"]) == 0
    assert pq.read_table(back).equals(pq.read_table(tables["poisoned"]))


def test_the_page_and_the_lines_tell_of_both_audits(
    audited: list[str], tmp_path: Path, capsys: Captured
) -> None:
    capsys.readouterr()
    page = tmp_path / "repair.html"
    arguments = ["repair", *audited, "--method", "resample", *outputs(tmp_path), "--html", str(page)]
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert err.startswith(f"credenza: wrote {page}\n")
    assert "\naudit before: flagged, 1 culprit" in out
    assert "\naudit after:  " in out
    assert [line.split()[0] for line in out.splitlines() if "->" in line][1:4] == [
        "culprits",
        "collateral",
        "untouched",
    ]
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_page_does_not_replace_an_input(audited: list[str], tmp_path: Path, capsys: Captured) -> None:
    capsys.readouterr()
    assert (
        main(
            [
                "repair",
                *audited,
                "--method",
                "relabel",
                *outputs(tmp_path),
                "--html",
                audited[2],
            ]
        )
        == 2
    )
    assert "--html would overwrite an input: found " in capsys.readouterr().err


def test_json_on_standard_output_is_alone(audited: list[str], tmp_path: Path, capsys: Captured) -> None:
    capsys.readouterr()
    options = [
        "--method",
        "relabel",
        "--target",
        "independence",
        *outputs(tmp_path),
        "--json",
        "-",
        "--quiet",
    ]
    assert main(["repair", *audited, *options]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["target"] == "independence"
    assert err == ""


def test_nothing_is_written_when_it_cannot_be_done(
    audited: list[str], tables: Tables, tmp_path: Path, capsys: Captured
) -> None:
    capsys.readouterr()
    other = [str(tables["clean"]), *audited[1:]]
    assert main(["repair", *other, "--method", "reweight", *outputs(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("credenza: error: the audit is of another suspect: ")
    assert err.count("\n") == 1
    assert not (tmp_path / "fixed.parquet").exists()
    assert not (tmp_path / "ledger.parquet").exists()
