from __future__ import annotations

import json
from pathlib import Path

import pytest

from credenza.cli import main

Captured = pytest.CaptureFixture[str]
NUMBERS = ["dilute", "--poisoned", "100", "--total", "5000", "--target", "0.01"]


def test_a_share_is_one_line(capsys: Captured) -> None:
    assert main(NUMBERS) == 0
    told = "add 5,000 clean rows: 10,000 in all, share of poisoned rows 2% -> 1%\n"
    assert capsys.readouterr() == (told, "")


def test_a_strength_by_numbers_as_json(capsys: Captured) -> None:
    assert main(["dilute", "--now", "0.05", "--total", "1000", "--strength", "0.01", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {"add": 4_000, "total": 5_000, "before": 0.05, "after": 0.01, "warning": ""}


def test_a_strength_is_measured(tables: dict[str, Path], capsys: Captured) -> None:
    given = [
        "dilute",
        str(tables["poisoned"]),
        "--reference",
        str(tables["reference"]),
        "--pair",
        "smoker,urban",
    ]
    assert main([*given, "--strength", "0.02"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("smoker = True with urban = True: strength +0.0")
    assert second.startswith("add 1")
    assert main([*given, "--strength", "0.02", "--clean", str(tables["clean"]), "--levels", "True,True"]) == 0
    assert "strength +0.0" in capsys.readouterr().out


def test_the_illusion_is_refused(tables: dict[str, Path], capsys: Captured) -> None:
    poisoned = str(tables["poisoned"])
    command = ["dilute", poisoned, "--poisoned", "640", "--target", "0.01"]
    assert main([*command, "--fitted-on", str(tables["reference"])]) == 0
    assert capsys.readouterr().out.startswith("add 60,000 clean rows: 64,000 in all")
    assert main([*command, "--fitted-on", poisoned]) == 1
    shown = capsys.readouterr()
    assert shown.out == "no number of these rows dilutes the poison\n"
    assert shown.err.startswith(
        "credenza: warning: the rows come from a generator that was fitted on the suspect"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--target", "0.1"],
            "--target takes --poisoned and --total: give how many rows are poisoned, of how many",
        ),
        ([], "give either --target, a share of rows, or --strength, of an association"),
        (["--strength", "0.1", "--target", "0.1"], "give either --target, a share of rows, or --strength"),
        (
            ["--strength", "0.1"],
            "--strength takes SUSPECT, --reference and --pair, or the numbers --now and --total",
        ),
        (
            ["--strength", "0.1", "--now", "0.2"],
            "--now takes --total: give how many rows have the association",
        ),
        (
            [*NUMBERS[1:], "--fitted-on", "x"],
            "--fitted-on is compared with SUSPECT: give the suspect's data too",
        ),
    ],
)
def test_what_is_missing_is_said_in_a_line(arguments: list[str], message: str, capsys: Captured) -> None:
    assert main(["dilute", *arguments]) == 2
    assert message in capsys.readouterr().err
