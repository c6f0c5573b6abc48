"""Documentation that fails when it drifts: its Python runs, its commands parse, its links exist."""

from __future__ import annotations

import doctest
import re
import runpy
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from credenza.checks import REGISTRY
from credenza.cli.app import app
from credenza.cli.run import joined

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(text: str, *languages: str) -> list[str]:
    return [body for language, body in BLOCK.findall(text) if language in languages]


def commands(text: str) -> list[list[str]]:
    """Arguments of each ``$ credenza ...`` line of the shell blocks, comments left out."""
    found = []
    for body in blocks(text, "console", "shell", "sh", "bash"):
        for line in body.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if line.startswith("$ credenza ") and words:
                found.append(words[1:])
    return found


def parse(arguments: list[str]) -> str:
    """Parse without running; raises as the command line would."""
    group: Any = typer.main.get_command(app)
    name, *rest = joined(arguments)
    group.commands[name].make_context(name, rest)
    return name


def pages_with(*languages: str) -> list[Any]:
    texts = {path: path.read_text(encoding="utf-8") for path in PAGES}
    return [pytest.param(path, id=path.name) for path, text in texts.items() if blocks(text, *languages)]


@pytest.mark.parametrize("page", pages_with("python"))
def test_python_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    namespace: dict[str, Any] = {"__name__": "example"}
    for number, body in enumerate(blocks(text, "python")):
        if not body.startswith(">>>"):
            exec(compile(body, f"{page.name}, Python block {number}", "exec"), namespace)
    examples = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples).failed == 0


PAGES_WITH_COMMANDS = [page for page in PAGES if commands(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS, ids=lambda page: page.name)
def test_commands_parse(page: Path) -> None:
    names = [parse(arguments) for arguments in commands(page.read_text(encoding="utf-8"))]
    assert all(names)


def test_the_readme_has_python_and_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert blocks(text, "python")
    assert {arguments[0] for arguments in commands(text)} >= {"audit", "poison", "profile"}
    assert "$ make demo" in text
    assert "$ make test" in text


def test_the_readme_shows_what_an_audit_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    updated = runpy.run_path(str(ROOT / "scripts" / "update_readme.py"))["updated"](text)
    files = re.compile("sha256 [0-9a-f]+")  # differ between versions of Arrow
    assert files.sub("", updated) == files.sub("", text), "run: python scripts/update_readme.py"


def test_a_command_that_has_drifted_is_found() -> None:
    (arguments,) = commands(
        "```console\n$ credenza audit x.csv \\\n   --referenz y.csv  # a comment\nclear\n```\n"
    )
    assert arguments == ["audit", "x.csv", "--referenz", "y.csv"]
    with pytest.raises(typer.BadParameter.__mro__[1], match="referenz"):
        parse(arguments)


@pytest.mark.parametrize("check", REGISTRY, ids=lambda check: check.code)
def test_every_check_has_a_section(check: Any) -> None:
    text = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {check.code}\b", text, re.MULTILINE), f"docs/checks.md lacks '## {check.code}'"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), target
