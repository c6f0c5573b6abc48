from __future__ import annotations

from collections.abc import Callable
from subprocess import CompletedProcess

import pytest

from credenza.checks import REGISTRY
from credenza.cli import main

Captured = pytest.CaptureFixture[str]


def test_every_check_is_listed(capsys: Captured) -> None:
    assert main(["checks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [check.code for check in REGISTRY]
    for line, check in zip(lines[1:], REGISTRY, strict=True):
        assert check.title in line


@pytest.mark.parametrize("check", REGISTRY, ids=lambda check: check.code)
def test_every_check_explains_itself(check: type, capsys: Captured) -> None:
    assert main(["checks", check.code.lower()]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{check.code}  {check.title}\nneeds: ")
    assert len(out) > 300


@pytest.mark.parametrize(
    ("code", "hint"), [("CZ20", "did you mean CZ2"), ("elephant", "credenza checks lists them")]
)
def test_an_unknown_code_is_one_line(code: str, hint: str, capsys: Captured) -> None:
    assert main(["checks", code]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"credenza: error: unknown check: found {code!r}; {hint}")
    assert err.count("\n") == 1


def test_the_list_prints_from_the_shell(program: Callable[..., CompletedProcess[str]]) -> None:
    done = program("checks")
    assert done.returncode == 0
    assert done.stderr == ""
