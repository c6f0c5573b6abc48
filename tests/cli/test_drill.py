"""``credenza drill``: its output, its files, its errors."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from credenza.cli.drill import RunBar, counting, numbers
from credenza.cli.progress import showing
from credenza.cli.run import main
from credenza.drill.json import load_schema
from credenza.errors import UsageError

Run = Callable[..., subprocess.CompletedProcess[str]]
QUICK = ("--pair", "smoker,urban", "--strengths", "0.01,0.08", "--runs", 2, "--null-runs", 2, "--jobs", 1)


def call(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def quick(tables: dict[str, Path], *more: object) -> tuple[object, ...]:
    return ("drill", tables["clean"], "--reference", tables["reference"], *QUICK, *more)


def test_it_tells_what_is_caught(tables: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*quick(tables)) == 0
    out, err = capsys.readouterr()
    assert "4,000 rows against 4,000 reference rows, 1 attack on pairs" in out
    assert "smoker x urban, rows put in" in out
    assert err == ""


def test_files_and_json(tables: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import jsonschema

    page, path, book = (tmp_path / name for name in ("d.html", "d.json", "j.jsonl"))
    assert call(*quick(tables, "--html", page, "--json", path, "--journal", book)) == 0
    assert f"wrote {page}" in capsys.readouterr().err
    jsonschema.validate(json.loads(path.read_text()), load_schema())
    assert call(*quick(tables, "--json", "-", "--journal", book, "--quiet")) == 0
    out, err = capsys.readouterr()
    again = json.loads(out)
    assert err == ""
    assert again["exercises"] == json.loads(path.read_text())["exercises"]


def test_quiet_prints_nothing(tables: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*quick(tables, "--quiet")) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--pair", "smokr,urban"), "column 'smokr' of a pair is not there; did you mean 'smoker'?"),
        (("--pair", "smoker"), "--pair takes two names with a comma between: found 'smoker'"),
        (("--strengths", "0.01,x"), "--strengths takes numbers with commas between: found 'x'"),
        (("--strengths", "0.7"), "a strength is a probability mass above 0 and up to 0.5; found 0.7"),
        (("--pair", "smoker,urban", "--strengths", "0.4"), "strength 0.4 is beyond what"),
        (("--kinds", "sideways"), "unknown kind of attack 'sideways'; choose from positive, negative"),
        (("--runs", "0"), "invalid value for '--runs'"),
        (("--html", "no/such/folder.html"), "--html: the folder 'no/such' does not exist; make it first"),
    ],
)
def test_bad_input_is_one_line(
    tables: dict[str, Path], options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("drill", tables["clean"], "--reference", tables["reference"], *options) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"credenza: error: {message}")
    assert err.count("\n") == 1


def test_a_journal_does_not_overwrite_an_input(
    tables: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("drill", tables["clean"], "--journal", tables["clean"]) == 2
    assert "--journal would overwrite an input" in capsys.readouterr().err


def test_processes_and_interrupts_make_no_difference(tables: dict[str, Path], tmp_path: Path) -> None:
    """Stopped while two processes work; what they have noted is what one process comes to."""
    book = tmp_path / "j.jsonl"
    options = [str(x) for x in quick(tables, "--journal", book, "--runs", 4_000)]
    options[options.index("--jobs") + 1] = "2"
    process = subprocess.Popen(
        [sys.executable, "-m", "credenza", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(1_200):
        if book.exists() and book.read_text().count("\n") > 5:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err) == (130, "", "credenza: interrupted\n")
    lines = [json.loads(line) for line in book.read_text().splitlines()]
    alone = tmp_path / "alone.jsonl"
    assert call(*quick(tables, "--journal", alone, "--quiet")) == 0
    same = [json.loads(line) for line in alone.read_text().splitlines()]
    assert lines[0] == same[0]
    noted = [line for line in lines[1:] if line[2] < 2]
    assert len(noted) >= 3
    assert all(line in same for line in noted)


def test_numbers_are_read() -> None:
    assert numbers("--strengths", ["0.1", ".2"]) == (0.1, 0.2)
    with pytest.raises(UsageError, match=r"^--strengths takes numbers with commas between: found ''$"):
        numbers("--strengths", [""])


def test_the_bar_counts_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with showing("drilling", RunBar) as bar:
        assert bar.words(30, 120, 10.0) == "30 of 120 runs, 3/s, 0:30 left"

    class Terminal:
        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> int:
            return len(text)

        def flush(self) -> None:
            """Nothing is held back."""

    seen: list[Any] = []
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(RunBar, "advance", lambda self, rows: seen.append(rows))
    with counting("drilling", quiet=False) as progress:
        assert progress is not None
        progress(3, 9)
        progress(5, 9)
    assert seen == [3, 2]
    with counting("drilling", quiet=True) as nobody:
        assert nobody is None
