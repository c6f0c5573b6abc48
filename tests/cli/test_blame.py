from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from credenza.cli import main
from credenza.report.json import load_schema

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Eight contributors of 80 rows, of whom c5 flips 40% of the labels; and trusted rows."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1_140, 3))
    ill = x[:, 0] + 0.5 * rng.normal(size=1_140) > 0
    who = np.repeat([f"c{j}" for j in range(8)], 80)
    flipped = np.where((who == "c5") & (rng.random(640) < 0.4), ~ill[:640], ill[:640])
    columns = {"x": x[:640, 0], "y": x[:640, 1], "z": x[:640, 2], "who": who}
    pq.write_table(pa.table({**columns, "ill": flipped}), "train.parquet")
    pq.write_table(pa.table({**columns, "ill": ill[:640]}), "honest.parquet")
    trusted = {"x": x[640:, 0], "y": x[640:, 1], "z": x[640:, 2], "ill": ill[640:]}
    pq.write_table(pa.table(trusted), "test.parquet")
    pq.write_table(pa.table({**trusted, "ill": ["maybe"] * 500}), "other.parquet")
    return tmp_path


def test_the_flipper_is_named(files: Path, capsys: Captured) -> None:
    command = ["blame", "train.parquet", "--slices", "who", "--labels", "ill", "--test", "test.parquet"]
    assert main([*command, "--parts", "10", "--json", "found.json", "--html", "page.html"]) == 1
    assert "FLAGGED  The rows of c5 harm the model." in capsys.readouterr().out
    found = json.loads(Path("found.json").read_text())
    jsonschema.validate(found, load_schema())
    (finding,) = found["outcomes"][0]["findings"]
    assert finding["subject"][0] == "c5"
    assert finding["q"] <= 0.05
    assert found["settings"]["model"] == "logistic"
    assert "The rows of c5 harm the model" in Path("page.html").read_text(encoding="utf-8")


def test_nobody_stands_out(files: Path, capsys: Captured) -> None:
    command = ["blame", "honest.parquet", "--slices", "who", "--labels", "ill", "--test", "test.parquet"]
    assert main([*command, "--parts", "10"]) == 0
    assert "CLEAR  No contributor stands out." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--slices", "ho", "--labels", "ill", "--test", "test.parquet"],
            "--slices names 'ho', which train.parquet",
        ),
        (
            ["--slices", "who", "--labels", "who", "--test", "test.parquet"],
            "--slices and --labels both name 'who'",
        ),
        (
            ["--slices", "who", "--labels", "sick", "--test", "test.parquet"],
            "--labels names 'sick', which train",
        ),
        (
            ["--slices", "who", "--labels", "ill", "--test", "other.parquet"],
            "other.parquet has rows of the class 'maybe'",
        ),
        (
            ["--slices", "ill", "--labels", "who", "--test", "test.parquet"],
            "--labels names 'who', which test.parquet",
        ),
        (
            ["--slices", "who", "--labels", "ill", "--test", "test.parquet", "--columns", "w"],
            "--columns names 'w', which train.parquet does not have",
        ),
        (
            ["--slices", "who", "--labels", "ill", "--test", "test.parquet", "--model", "images"],
            "which column holds the images?",
        ),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    files: Path, capsys: Captured, arguments: list[str], message: str
) -> None:
    assert main(["blame", "train.parquet", *arguments]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1


def test_too_few_contributors_and_parts_is_status_3(files: Path, capsys: Captured) -> None:
    table = pq.read_table("train.parquet")
    two = pa.array(np.where(np.arange(640) < 320, "a", "b"))
    pq.write_table(table.set_column(3, "who", two), "two.parquet")
    command = ["blame", "two.parquet", "--slices", "who", "--labels", "ill", "--test", "test.parquet"]
    assert main([*command, "--parts", "0"]) == 3
    assert "not checked: CZ802 skipped: 2 contributors and 0 random parts: 5 contributors or 8 parts" in (
        capsys.readouterr().err
    )
