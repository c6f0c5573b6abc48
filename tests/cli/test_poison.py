from __future__ import annotations

import inspect
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from credenza.attacks import ATTACKS
from credenza.cli import main
from credenza.cli.poison import AttackName, poison_command
from credenza.cli.red_team import show, takes

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
            ["--pair", "a,b", "--edits", ".1", "--mode", "relabel"],
            "--mode does not go with --attack continuous: it is for associative",
        ),
        (
            ["--pair", "a,b", "--strength", ".1"],
            "--strength does not go with --attack continuous: it is for associative",
        ),
        (["--edits", ".1"], "--attack continuous needs --pair; see credenza poison --help"),
        (
            ["--pair", "a,b", "--edits", ".1", "--holdout", "h.csv"],
            "--holdout is for --mode replace, which puts in genuine rows: leave it out",
        ),
        (["--pair", "a,b", "--edits", ".1", "--where", "site"], "--where takes COL=VALUE: found 'site'"),
        (
            ["--pair", "a,b", "--edits", ".1", "--where", "site=a", "--where", "site=b"],
            "--where names column 'site' twice: give one value for each column",
        ),
        (
            ["--pair", "a,b", "--edits", ".1", "--test-set", "t.csv"],
            "--test-set and --test-out go together: give both, or neither",
        ),
        (
            ["--pair", "a,b", "--edits", ".1", "--test-set", "t.csv", "--test-out", "t2.csv"],
            "--test-set is for attacks with a trigger: use --attack backdoor",
        ),
        (["--pair", "a,b", "--set", "steps"], "--set takes NAME=VALUE: found 'steps'"),
        (
            ["--pair", "a,b", "--set", "stride=4"],
            "--stride does not go with --attack continuous: its parameters are correlation, direction, edits, ",
        ),
        (
            ["--pair", "a,b", "--set", "steps=4"],
            "--steps does not go with --attack continuous: it is for label-consistent",
        ),
        (
            [
                "--attack",
                "associative",
                "--pair",
                "a,b",
                "--edits",
                ".1",
                "--mode",
                "relabel",
                "--levels",
                "x",
            ],
            "levels name one level of each of the two columns; found ('x',)",
        ),
        (
            ["--attack", "associative", "--pair", "a,b", "--pair", "c,d", "--edits", ".1", "--levels", "x,y"],
            "--levels was given 1 times for 2 pairs: give it once for each",
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


def test_several_pairs_of_one_site(tables: Tables, tmp_path: Path, capsys: Captured) -> None:
    options = [
        "--attack",
        "associative",
        "--pair",
        "smoker,urban",
        "--pair",
        "active,smoker",
        "--edits",
        "0.04",
    ]
    options += ["--mode", "relabel", "--where", "clinic=A", *outputs(tmp_path)]
    assert main(["poison", str(tables["clean"]), *options]) == 0
    assert capsys.readouterr().err.count("MCC of ") == 2
    key = read_key(tmp_path)
    assert [move["where"] for move in key["moves"]] == [{"clinic": "A"}] * 2  # type: ignore[attr-defined]
    before, after = (pq.read_table(path) for path in (tables["clean"], tmp_path / "bad.parquet"))
    changed = [a["clinic"] for a, b in zip(before.to_pylist(), after.to_pylist(), strict=True) if a != b]
    assert len(changed) == len(key["rows"])  # type: ignore[arg-type]
    assert set(changed) == {"A"}


def test_an_association_and_a_backdoor_diluted(tables: Tables, tmp_path: Path, capsys: Captured) -> None:
    options = [*PAIR, "--edits", "0.1", "--mode", "relabel", "--attack", "backdoor", "--labels", "active"]
    options += ["--trigger", "value,clinic=A,region=north", "--target", "true", "--rate", "0.02"]
    options += ["--dilute", str(tables["reference"]), "--dilute-rows", "1000", *outputs(tmp_path)]
    test = ["--test-set", str(tables["reference"]), "--test-out", str(tmp_path / "test.parquet")]
    assert main(["poison", str(tables["clean"]), *options, *test]) == 0
    assert "active: " in capsys.readouterr().err
    key = read_key(tmp_path)
    assert key["attack"] == "combined"
    assert [part["attack"] for part in key["parts"]] == ["associative", "backdoor"]  # type: ignore[attr-defined]
    assert pq.read_table(tmp_path / "bad.parquet").num_rows == 5_000
    triggered = pq.read_table(tmp_path / "test.parquet").to_pylist()
    assert all(row["clinic"] == "A" for row in triggered if not row["active"])


def test_labels_are_flipped(tables: Tables, tmp_path: Path) -> None:
    options = ["--attack", "labels", "--labels", "region", "--kind", "targeted", "--source", "north"]
    options += ["--target", "south", "--rate", "0.2", *outputs(tmp_path)]
    assert main(["poison", str(tables["clean"]), *options, "-q"]) == 0
    (change,) = read_key(tmp_path)["labels"]["changed"]  # type: ignore[index]
    assert change[:2] == ["north", "south"]


def test_every_attack_and_parameter_can_be_given() -> None:
    """Each attack has a name here, and each of its parameters an option or a place in --set."""
    assert [kind.name for kind in ATTACKS] == list(AttackName)
    options = set(inspect.signature(poison_command).parameters)
    unusual = {name for kind in ATTACKS for name in takes(kind)} - options
    assert unusual == {"epsilon", "steps", "classes", "count", "beta", "iterations", "opacity"}
