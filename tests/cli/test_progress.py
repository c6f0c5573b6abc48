from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import Progress, TextColumn

from credenza.cli.progress import COMPILING, Bar, reading, short, telling_of_compilation, working
from credenza.data.progress import announce, tracked

BATCH = pa.record_batch({"a": [1, 2, 3, 4]})


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal_instead(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    made = Terminal()
    monkeypatch.setattr("sys.stderr", made)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    return made


def test_a_terminal_sees_a_bar_and_what_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_instead(monkeypatch)
    with working("auditing"):
        assert list(tracked([BATCH, BATCH], 8, "suspect")) == [BATCH, BATCH]
        announce("no GPU: [b]counting[/b] on the CPU")
    shown = terminal.getvalue()
    assert "auditing" in shown
    assert "credenza: no GPU: [b]counting[/b] on the CPU\n" in shown
    with working("again", quiet=True):
        announce("nothing")
    assert terminal.getvalue() == shown


def test_elsewhere_only_announcements_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with working("auditing"):
        list(tracked([BATCH], 4, "suspect"))
        announce("no GPU")
    with working("auditing", quiet=True):
        announce("nothing")
    assert capsys.readouterr() == ("", "credenza: no GPU\n")


def ticks() -> Iterator[float]:
    yield from (0.0, 2.0, 4.0, 5.0, 6.0)


def test_the_bar_shows_the_pass_that_is_going_on() -> None:
    progress = Progress(TextColumn("x"), console=Console(file=io.StringIO()))
    bar = Bar("auditing", progress, ticks().__next__)
    task = progress.tasks[0]
    assert (task.description, task.total, task.fields["reading"]) == ("auditing", None, "")
    bar.start("suspect", 1_000_000)
    bar.advance(250_000)
    (task,) = progress.tasks
    assert (task.description, task.completed, task.total) == ("auditing: suspect", 250_000, 1_000_000)
    assert task.fields["reading"] == "250k of 1M rows, 125k/s, 0:06 left"
    bar.advance(250_000)
    assert progress.tasks[0].fields["reading"] == "500k of 1M rows, 125k/s, 0:04 left"
    bar.done()
    (task,) = progress.tasks
    assert (task.description, task.completed, task.total) == ("auditing", 0, None)
    bar.start("", None)
    bar.advance(7)
    assert progress.tasks[0].description == "auditing"
    assert progress.tasks[0].fields["reading"] == "7 rows, 7/s"


@pytest.mark.parametrize(
    ("rows", "total", "seconds", "words"),
    [
        (0, 10, 0.0, "0 of 10 rows"),
        (0, 10, 3.0, "0 of 10 rows"),
        (10, 10, 2.0, "10 of 10 rows, 5/s, 0:00 left"),
        (12, 10, 2.0, "12 of 10 rows, 6/s, 0:00 left"),
        (1, 3_601, 1.0, "1 of 3601 rows, 1/s, 60:00 left"),
        (9, 0, 3.0, "9 rows, 3/s"),
    ],
)
def test_reading(rows: int, total: int, seconds: float, words: str) -> None:
    assert reading(rows, total, seconds) == words


@given(st.integers(0, 10**12 - 10**9))
def test_short_numbers_are_short_and_close(number: int) -> None:
    words = short(number)
    value = float(words.rstrip("kMG")) * 1000 ** " kMG".index(words[-1] if words[-1] in "kMG" else " ")
    assert len(words) <= 5
    assert value == pytest.approx(number, rel=0.006)


COMPILES = """
import sys
from numba import njit
from credenza.cli.progress import telling_of_compilation
@njit(cache=True)
def half(x):
    return x / 2
with telling_of_compilation(print):
    half(1), half(1.0), half(2)
half(1 + 1j)
"""


def test_compilation_is_told_once_and_not_when_the_cache_has_it(tmp_path: Path) -> None:
    script = tmp_path / "kernel.py"
    script.write_text(COMPILES)
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    told = [
        subprocess.run(
            [sys.executable, script], capture_output=True, text=True, env=environment, check=True
        ).stdout
        for _ in range(2)
    ]
    assert told == [f"{COMPILING}\n", ""]


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are not for Windows")
def test_the_first_run_on_a_machine_says_that_it_compiles(tables: dict[str, Path], tmp_path: Path) -> None:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "TERM": "xterm", "COLUMNS": "100"}
    command = ["profile", tables["clean"], "--out", tmp_path / "clean.czp"]
    first, second = (on_a_terminal(command, environment) for _ in range(2))
    assert f"credenza: {COMPILING}" in first
    assert COMPILING not in second
    assert "wrote" in second


def on_a_terminal(arguments: list[object], environment: dict[str, str]) -> str:
    """What the program writes on standard error when that is a terminal."""
    ours, theirs = os.openpty()
    program = subprocess.Popen(
        [sys.executable, "-m", "credenza", *map(str, arguments)],
        stderr=theirs,
        stdout=subprocess.DEVNULL,
        env=environment,
    )
    os.close(theirs)
    pieces = []
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        try:
            while piece := terminal.read(4096):
                pieces.append(piece)
        except OSError:  # Linux: the other end was closed
            pass
    assert program.wait() == 0
    return b"".join(pieces).decode()


def test_other_events_are_not_listened_to_afterwards() -> None:
    lines: list[str] = []
    with telling_of_compilation(lines.append):
        pass
    assert lines == []
