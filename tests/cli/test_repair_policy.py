from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from credenza.cli import main

Captured = pytest.CaptureFixture[str]
Tables = dict[str, Path]
POLICY = '[[pair]]\nfeatures = ["urban", "smoker"]\nexpect = "independent"\n'


@pytest.fixture
def declared(tables: Tables, tmp_path: Path) -> list[str]:
    """What begins a repair of the poisoned table to a policy, without any reference."""
    policy, report = tmp_path / "policy.toml", tmp_path / "audit.json"
    policy.write_text(POLICY, encoding="utf-8")
    suspect = str(tables["poisoned"])
    assert main(["audit", suspect, "--policy", str(policy), "--json", str(report), "--quiet"]) == 1
    out = ["--out", str(tmp_path / "fixed.parquet"), "--ledger", str(tmp_path / "ledger.parquet")]
    return [suspect, "--audit", str(report), *out]


def test_a_repair_to_a_policy_needs_no_reference(
    declared: list[str], tmp_path: Path, capsys: Captured
) -> None:
    policy = str(tmp_path / "policy.toml")
    capsys.readouterr()
    options = ["--method", "relabel", "--set", "rows=random", "--target", "policy", "--policy", policy]
    report = str(tmp_path / "repair.json")
    assert main(["repair", *declared, *options, "--json", report]) == 0
    out = capsys.readouterr().out
    assert "urban and smoker: MCC +0.3" in out
    assert "declared independent (-0.05 to +0.05)" in out
    assert json.loads(Path(report).read_text())["target"] == "policy"
    assert main(["audit", str(tmp_path / "fixed.parquet"), "--policy", policy, "--quiet"]) == 0
    undo = ["ledger", "undo", str(tmp_path / "fixed.parquet"), "--ledger", str(tmp_path / "ledger.parquet")]
    assert main([*undo, "--out", str(tmp_path / "back.parquet"), "--quiet"]) == 0
    assert pq.read_table(tmp_path / "back.parquet").equals(pq.read_table(declared[0]))


def test_repeated_rows_are_told(declared: list[str], tmp_path: Path, capsys: Captured) -> None:
    capsys.readouterr()
    options = ["--method", "resample", "--target", "policy", "--policy", str(tmp_path / "policy.toml")]
    assert main(["repair", *declared, *options]) == 0
    out = capsys.readouterr().out
    assert "rows were repeated (" in out
    assert "which an audit finds as duplicates (CZ002); thin, or reweight, to have none" in out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--target", "policy"], "target 'policy' needs the policy of the audit and none was given: give its file"),
        (
            ["--target", "independence", "--policy", "{policy}"],
            "target 'independence' uses no policy and one was given: leave it out, or use target 'policy'",
        ),
        (["--target", "policy", "--policy", "absent.toml"], "cannot read the policy absent.toml: No such file"),
    ],
)  # fmt: skip
def test_refusals_are_one_line_and_nothing_is_written(
    options: list[str], told: str, declared: list[str], tmp_path: Path, capsys: Captured
) -> None:
    capsys.readouterr()
    given = [option.replace("{policy}", str(tmp_path / "policy.toml")) for option in options]
    assert main(["repair", *declared, "--method", "relabel", *given]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"credenza: error: {told}")
    assert err.count("\n") == 1
    assert not (tmp_path / "fixed.parquet").exists()
    assert not (tmp_path / "ledger.parquet").exists()
