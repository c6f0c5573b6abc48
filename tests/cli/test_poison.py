from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from credenza.cli import main
from credenza.cli.poison import show

Captured = pytest.CaptureFixture[str]
Tables = dict[str, Path]
PAIR = ["--attack", "associative", "--pair", "smoker,urban"]


def outputs(folder: Path, suffix: str = "parquet") -> list[str]:
    return ["--out", str(folder / f"bad.{suffix}"), "--key", str(folder / "key.json")]


def read_key(folder: Path) -> dict[str, object]:
    key: dict[str, object] = json.loads((folder / "key.json").read_text(encoding="utf-8"))
    return key


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_relabelling_writes_table_and_key(
    suffix: str, tables: Tables, tmp_path: Path, capsys: Captured
) -> None:
    options = ["--edits", "0.16", "--mode", "relabel", "--seed", "3", *outputs(tmp_path, suffix)]
    assert main(["poison", str(tables["clean"]), *PAIR, *options]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("credenza: edited 640 of 4,000 rows; MCC of smoker x urban ")
    assert err.count("\n") == 1
    key = read_key(tmp_path)
    assert key["seed"] == 3
    assert key["mode"] == "relabel"
    assert len(key["rows"]) == 640  # type: ignore[arg-type]
    bad = str(tmp_path / f"bad.{suffix}")
    assert main(["audit", bad, "--reference", str(tables["reference"]), "--quiet"]) == 1


def test_replacing_takes_a_holdout(tables: Tables, tmp_path: Path) -> None:
    options = ["--strength", "-0.02", "--holdout", str(tables["reference"]), *outputs(tmp_path)]
    assert main(["poison", str(tables["clean"]), *PAIR, *options, "--quiet"]) == 0
    key = read_key(tmp_path)
    assert (key["moves"][0]["direction"], key["mode"]) == ("negative", "replace")
    before, after = (pq.read_table(path)["urban"] for path in (tables["clean"], tmp_path / "bad.parquet"))
    assert sum(before.to_pylist()) == sum(after.to_pylist())


def test_erasing_needs_no_size(tables: Tables, tmp_path: Path) -> None:
    options = ["--direction", "erase", "--mode", "relabel", *outputs(tmp_path)]
    assert main(["poison", str(tables["poisoned"]), *PAIR, *options, "-q"]) == 0
    assert abs(read_key(tmp_path)["moves"][0]["after"]["mcc"]) < 0.002  # type: ignore[index]


def test_levels_and_strata(tables: Tables, tmp_path: Path) -> None:
    options = ["--attack", "associative", "--pair", "region,clinic", "--levels", "north,A", "--edits", "0.05"]
    options += ["--mode", "relabel", "--strata", "smoker", "--strata", "active", *outputs(tmp_path)]
    assert main(["poison", str(tables["clean"]), *options, "-q"]) == 0
    key = read_key(tmp_path)
    assert key["moves"][0]["levels"] == ["north", "A"]
    assert key["parameters"]["strata"] == ["smoker", "active"]  # type: ignore[index]


def test_continuous_pairs(tmp_path: Path, capsys: Captured) -> None:
    table = tmp_path / "numbers.csv"
    table.write_text("a,b\n" + "".join(f"{row * 37 % 101}.5,{row * 53 % 103}.25\n" for row in range(400)))
    options = ["--attack", "continuous", "--pair", "a,b", "--edits", "0.3", "--direction", "negative"]
    assert main(["poison", str(table), *options, *outputs(tmp_path)]) == 0
    assert "Pearson correlation of a x b" in capsys.readouterr().err
    assert read_key(tmp_path)["moves"][0]["direction"] == "negative"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--pair", "a"], "--pair takes two names with a comma between: found 'a'; "),
        (
            ["--pair", "a,b", "--levels", "x", "--edits", ".1"],
            "--levels takes two names with a comma between: found 'x'; ",
        ),
        (
            ["--pair", "a,b", "--edits", ".1", "--mode", "relabel"],
            "--mode does not go with --attack continuous: give --edits and --direction",
        ),
        (
            ["--pair", "a,b", "--strength", ".1"],
            "--strength does not go with --attack continuous: give --edits and --direction",
        ),
        (["--pair", "a,b"], "--attack continuous needs its size: give --edits, a share of the rows above 0"),
        (
            ["--pair", "a,b", "--edits", ".1", "--holdout", "h.csv"],
            "--holdout does not go with --attack continuous: it re-pairs the rows of CLEAN",
        ),
    ],
)
def test_options_that_do_not_go_together(
    arguments: list[str], line: str, tmp_path: Path, capsys: Captured
) -> None:
    assert main(["poison", "x.csv", "--attack", "continuous", *arguments, *outputs(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"credenza: error: {line}")
    assert captured.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--edits", "0"],
        ["--edits", "0.1"],
        ["--edits", "0.1", "--strength", "0.05", "--mode", "relabel"],
        ["--strength", "0.49", "--mode", "relabel"],
        ["--mode", "relabel"],
    ],
)
def test_the_attack_refuses_in_one_line(
    arguments: list[str], tables: Tables, tmp_path: Path, capsys: Captured
) -> None:
    assert main(["poison", str(tables["clean"]), *PAIR, *arguments, *outputs(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("credenza: error: ")
    assert captured.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_writes_nothing(tables: Tables, tmp_path: Path, capsys: Captured) -> None:
    options = ["--edits", "0.1", "--mode", "relabel", *outputs(tmp_path, "xlsx")]
    assert main(["poison", str(tables["clean"]), *PAIR, *options]) == 2
    assert ".xlsx" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_measure_that_does_not_exist_is_said() -> None:
    assert [show(value) for value in (None, 0.0, -0.12345)] == ["undefined", "0.000", "-0.123"]
