from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from credenza._version import __version__
from credenza.cli import main, run
from credenza.errors import CredenzaError, InputError, UsageError

Captured = pytest.CaptureFixture[str]


def test_version(capsys: Captured) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"credenza {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["audit", "--help"], ["profile", "merge", "-h"]])
def test_help_is_no_error(arguments: list[str], capsys: Captured) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("Usage: credenza")


def test_nothing_asked_is_help_and_status_2(capsys: Captured) -> None:
    assert main([]) == 2
    assert capsys.readouterr().out.startswith("Usage: credenza")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["audit"], "missing argument 'SUSPECT'; see credenza audit --help"),
        (["frob"], "no such command 'frob'; see credenza --help"),
        (["audit", "x", "--fdr", "often"], "invalid value for '--fdr'"),
        (["audit", "x", "--fail-on", "rain"], "'rain' is not one of 'alarm', 'notice'"),
        (["audit", "x", "--refrence", "y"], "--reference"),
        (["audit", "x", "y"], " (y); see credenza audit --help"),
        (["profile", "merge", "x", "y"], "missing option '--out'; see credenza profile merge --help"),
        (["audit", "x", "--seed", "-1"], "invalid value for '--seed'"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(arguments: list[str], line: str, capsys: Captured) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("credenza: error: ")
    assert captured.err.count("\n") == 1
    assert line in captured.err


def raiser(error: BaseException) -> Callable[[list[str]], int]:
    def dispatch(arguments: list[str]) -> int:
        raise error

    return dispatch


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (CredenzaError("no rows"), 2, "credenza: error: no rows\n"),
        (InputError("found\n  a table"), 2, "credenza: error: found a table\n"),
        (UsageError("give one"), 2, "credenza: error: give one\n"),
        (
            PermissionError(13, "Permission denied", "x.json"),
            2,
            "credenza: error: permission denied: 'x.json'\n",
        ),
        (OSError("disk on fire"), 2, "credenza: error: disk on fire\n"),
        (KeyboardInterrupt(), 130, "credenza: interrupted\n"),
    ],
)
def test_errors_become_one_line(
    error: BaseException, status: int, line: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "dispatch", raiser(error))
    assert main(["audit"]) == status
    assert capsys.readouterr().err == line


@pytest.mark.parametrize("error", [KeyError("x"), SystemExit(7)])
def test_defects_are_not_hidden(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "dispatch", raiser(error))
    with pytest.raises(type(error)):
        main(["audit"])


DEFECT = """
import sys
from credenza.cli import main, run
def dispatch(arguments):
    print("before")
    raise KeyError("thing")
run.dispatch = dispatch
sys.exit(main())
"""


@pytest.mark.parametrize("traceback", [False, True])
def test_a_defect_does_not_look_like_an_alarm(traceback: bool) -> None:
    environment = os.environ | ({"CREDENZA_TRACEBACK": "1"} if traceback else {})
    done = subprocess.run(
        [sys.executable, "-c", DEFECT], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 2
    assert ("Traceback" in done.stderr) is traceback
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        "credenza: error: a defect in credenza, KeyError at <string>:6: 'thing'; please report it"
    )
    assert done.stdout == "before\n"


@pytest.mark.skipif(os.name == "nt", reason="pipes end otherwise on Windows")
@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["audit", "--help"]])
def test_a_reader_that_goes_away_is_no_error(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        command = [sys.executable, "-m", "credenza", *arguments]
        done = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")
def test_no_room_for_the_output_is_one_line_and_no_room_for_that_is_status_2() -> None:
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "credenza", "--help"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert (done.stderr, done.returncode) == ("credenza: error: no space left on device\n", 2)
        done = subprocess.run([*command[:-1], "frob"], stdout=subprocess.PIPE, stderr=full, check=False)
        assert (done.stdout, done.returncode) == (b"", 2)


def test_rich_leaving_on_a_broken_pipe_is_no_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    def dispatch(arguments: list[str]) -> int:
        try:
            raise BrokenPipeError
        except BrokenPipeError:
            raise SystemExit(1)  # noqa: B904

    monkeypatch.setattr(run, "dispatch", dispatch)
    monkeypatch.setattr(run, "hang_up", lambda: 141)
    assert main(["audit"]) == 141


def test_the_installed_program_runs() -> None:
    program = Path(sys.executable).with_name("credenza.exe" if os.name == "nt" else "credenza")
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"credenza {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["audit", "--help"]])
def test_help_loads_no_large_library(arguments: list[str]) -> None:
    code = (
        f"import sys\nfrom credenza.cli import main\nmain({arguments})\nprint(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    large = {"numpy", "numba", "scipy", "pyarrow", "duckdb", "rich", "jinja2"}
    assert large.isdisjoint(done.stderr.split())
