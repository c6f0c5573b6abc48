"""``credenza synth tabular`` and ``credenza synth mix`` on files."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from mixed_tables import binary_table

from credenza.cli import main
from credenza.provenance.log import read_log
from credenza.synthetic.tabular import PROTECTED, READ_LEVELS, TRUSTED

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    pq.write_table(binary_table(1_200), tmp_path / "ref.parquet")
    pq.write_table(binary_table(800, seed=1), tmp_path / "clean.parquet")
    names = ("ref.parquet", "clean.parquet", "made.parquet", "mix.csv", "log.jsonl")
    return {name: str(tmp_path / name) for name in names}


def made(files: dict[str, str], *options: str) -> int:
    command = [
        "synth",
        "tabular",
        "--fit",
        files["ref.parquet"],
        "--rows",
        "300",
        "--out",
        files["made.parquet"],
    ]
    return main([*command, *options])


def mixed(files: dict[str, str], *options: str) -> int:
    command = ["synth", "mix", "--clean", files["clean.parquet"], "--synthetic", files["made.parquet"]]
    return main([*command, "--out", files["mix.csv"], "--lineage", files["log.jsonl"], *options])


def test_rows_are_made_mixed_and_chained(files: dict[str, str], capsys: Captured) -> None:
    assert made(files, "--lineage", files["log.jsonl"]) == 0
    lines = [TRUSTED, f"wrote {files['made.parquet']}: 300 rows; recorded in {files['log.jsonl']}"]
    assert capsys.readouterr().err.splitlines() == [f"credenza: {line}" for line in lines]
    assert mixed(files, "--share", "0.2", "--validate", files["ref.parquet"], "--poisoned", "80") == 0
    told = capsys.readouterr().err.splitlines()[-1]
    assert ": 1,000 rows, 20% synthetic, 8% poisoned where it was 10%; recorded in " in told
    first, second = (entry.record for entry in read_log(files["log.jsonl"]))
    assert first.outputs[0].sha256 == second.inputs[1].sha256
    assert second.facts["validation"]["passed"]
    assert second.settings["validation"] == {"labels": None, "text": None, "lossy": False, "seed": 0}


def test_privacy_is_told(files: dict[str, str], capsys: Captured) -> None:
    assert made(files, "--epsilon", "4", "--set", "bins=4") == 0
    notes = capsys.readouterr().err.splitlines()
    assert notes[:3] == [f"credenza: {note}" for note in (TRUSTED, PROTECTED, READ_LEVELS)]
    assert made(files, "--epsilon", "4", "--public", files["clean.parquet"], "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_rows_are_made_by_class(files: dict[str, str], capsys: Captured) -> None:
    assert made(files, "--by", "c0", "--lineage", files["log.jsonl"], "--quiet") == 0
    assert read_log(files["log.jsonl"])[-1].record.settings["by"] == "c0"
    assert pq.read_table(files["made.parquet"]).schema.equals(pq.read_table(files["ref.parquet"]).schema)
    for options, message in (
        (
            ("--by", "c0", "--epsilon", "1"),
            "a private generator is not fitted by class; leave out the epsilon, or ",
        ),
        (("--by", "no"), "there is no column 'no' to fit by; the columns are c0, c1, "),
        (
            ("--by", "c0", "--columns", "c1,c2"),
            "the column to fit by, 'c0', is not among the columns to make; add it",
        ),
    ):
        assert made(files, *options) == 2
        told = capsys.readouterr().err
        assert told.startswith(f"credenza: error: {message}")
        assert told.count("\n") == 1


def test_a_batch_that_fails_is_refused_unless_forced(files: dict[str, str], capsys: Captured) -> None:
    table = binary_table(300, seed=2)
    spoilt = table.set_column(0, "c0", table["c3"])
    pq.write_table(spoilt, files["made.parquet"])
    assert mixed(files, "--validate", files["ref.parquet"]) == 2
    message = capsys.readouterr().err
    assert "failed validation: CZ" in message
    assert message.count("\n") == 1
    assert not Path(files["mix.csv"]).exists()
    assert mixed(files, "--validate", files["ref.parquet"], "--force", "--quiet") == 0
    assert read_log(files["log.jsonl"])[-1].record.facts["validation"]["forced"]


def test_the_poison_is_taken_from_an_audit(files: dict[str, str], tmp_path: Path, capsys: Captured) -> None:
    assert made(files) == 0
    table = binary_table(800, seed=1)
    pq.write_table(table.set_column(0, "c0", table["c3"]), files["clean.parquet"])
    audit = str(tmp_path / "audit.json")
    command = ["audit", files["clean.parquet"], "--reference", files["ref.parquet"], "--json", audit]
    assert main([*command, "--quiet"]) == 1
    assert mixed(files, "--audit", audit) == 0
    poison = read_log(files["log.jsonl"])[-1].record.facts["poison"]
    assert poison["by"] == "audit audit.json"
    assert 0.02 < poison["share"] < poison["share_before"]
    capsys.readouterr()
    assert mixed(files, "--audit", str(tmp_path / "none.json")) == 2
    assert "no such file or directory; give what audit --json wrote" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--force"], "--force is for --validate: give trusted rows to validate against as well"),
        (["--poisoned", "1", "--audit", "x"], "--poisoned and --audit both tell of poisoned rows; give one of them"),
        (["--share", "2"], "share is a number from 0 to 1; found 2.0"),
        (["--share", "0.9"], "the mix takes 7,200 synthetic rows and there are 800; make more"),
    ],
)  # fmt: skip
def test_wrong_calls_are_one_line(
    files: dict[str, str], options: list[str], message: str, capsys: Captured
) -> None:
    pq.write_table(binary_table(800, seed=3), files["made.parquet"])
    assert mixed(files, *options) == 2
    assert capsys.readouterr().err.startswith(f"credenza: error: {message}")


def test_outputs_do_not_overwrite_inputs(files: dict[str, str], capsys: Captured) -> None:
    assert made(files, "--lineage", files["ref.parquet"]) == 2
    assert "--lineage would overwrite an input" in capsys.readouterr().err
