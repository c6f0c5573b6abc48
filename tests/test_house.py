"""What holds for the whole repository: sizes, docstrings, examples that run, packaging, targets, pins."""

from __future__ import annotations

import ast
import doctest
import inspect
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "credenza"
FILES = sorted(PACKAGE.rglob("*.py"))
LIMIT = 400


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = [name for name in map(module_name, FILES) if not name.endswith("__main__")]


def too_long(sources: dict[str, str]) -> list[str]:
    return [f"{name}: {lines} lines" for name, text in sources.items() if (lines := text.count("\n")) > LIMIT]


def undocumented(module: ModuleType) -> list[str]:
    """Names in ``__all__`` that are functions or classes without a docstring of their own."""
    found = []
    for name in getattr(module, "__all__", ()):
        value = getattr(module, name)
        if (inspect.isfunction(value) or inspect.isclass(value)) and not value.__doc__:
            found.append(f"{module.__name__}.{name}")
    return found


def failures(module: ModuleType) -> tuple[int, int]:
    """Failed and attempted doctests."""
    return doctest.testmod(module, optionflags=doctest.ELLIPSIS)


def test_files_are_of_readable_size() -> None:
    assert len(FILES) > 20
    assert too_long({str(path): path.read_text(encoding="utf-8") for path in FILES}) == []


def test_a_long_file_is_found() -> None:
    assert too_long({"a": "x\n" * LIMIT, "b": "x\n" * (LIMIT + 1)}) == ["b: 401 lines"]


def test_files_begin_with_a_docstring_and_the_future() -> None:
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        assert ast.get_docstring(tree) or path.name == "_version.py", path
        future = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
        assert future or path.name == "_version.py", path


@pytest.mark.parametrize("name", MODULES)
def test_public_names_are_documented(name: str) -> None:
    assert undocumented(import_module(name)) == []


def test_a_missing_docstring_is_found() -> None:
    module = ModuleType("sample")
    exec("__all__ = ['f', 'g']\ndef f(): pass\ndef g():\n    'Documented.'", module.__dict__)
    assert undocumented(module) == ["sample.f"]


@pytest.mark.skipif(np.__version__ < "2", reason="the examples show numbers as numpy 2 prints them")
@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, _ = failures(import_module(name))
    assert failed == 0


def test_a_wrong_example_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    module = ModuleType("sample", "Sample.\n\n>>> 1 + 1\n3\n")
    assert failures(module) == (1, 1)
    assert "Expected:" in capsys.readouterr().out


def test_the_wheel_holds_what_runs_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    built = {name for name in names if ".dist-info/" not in name}
    assert {name.split("/")[0] for name in built} == {"credenza"}
    shipped = {path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert built == {path.relative_to(PACKAGE.parent).as_posix() for path in shipped}
    for suffix in (
        "py.typed",
        "audit.schema.json",
        "lineage.schema.json",
        "key.schema.json",
        ".j2",
        ".parquet",
    ):
        assert any(name.endswith(suffix) for name in built), suffix
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_shipped_data_is_small() -> None:
    data = list(PACKAGE.rglob("*.parquet"))
    assert data
    assert sum(path.stat().st_size for path in data) < 500_000


def targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))


def outside_make() -> dict[str, str]:
    """The environment less what a make that runs the tests has put there."""
    return {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    }


def test_make_without_a_target_lists_them() -> None:
    names = {
        "help",
        "demo",
        "test",
        "lint",
        "types",
        "bench",
        "bench-detection",
        "bench-peers",
        "bench-repair",
        "bench-samples",
        "bench-speed",
        "build",
        "clean",
    }
    assert targets() == names
    if os.name == "nt":
        return
    done = subprocess.run(["make"], cwd=ROOT, env=outside_make(), check=True, capture_output=True, text=True)
    assert {line.split()[1] for line in done.stdout.splitlines()} == names


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("(3, 10)", "is Python 3.10; credenza needs 3.11 or later: make PYTHON=python3.11 demo"),
        ("(3, 11)", "cannot make virtual environments; install its venv module"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="make targets are for Unix")
def test_make_says_what_is_wrong_with_a_python(answer: str, message: str, tmp_path: Path) -> None:
    poor = tmp_path / "poor"
    setup = f"import sys, importlib.util as u; sys.version_info = {answer}; u.find_spec = lambda name: None"
    poor.write_text(f'#!/bin/sh\nshift\nexec "{sys.executable}" -c "{setup}\n$1"\n')
    poor.chmod(0o755)
    copy = tmp_path / "clone"
    copy.mkdir()
    for name in ("Makefile", "pyproject.toml", "README.md", "LICENSE"):
        (copy / name).write_bytes((ROOT / name).read_bytes())
    (copy / "src").mkdir()
    done = subprocess.run(
        ["make", f"PYTHON={poor}", "demo"],
        cwd=copy,
        env=outside_make(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert f"make: {poor} {message}" in done.stderr
    assert not (copy / ".venv-demo").exists()


def extras_named(text: str) -> set[str]:
    return set(re.findall(r"credenza\[([a-z]+)\]", text))


def test_messages_name_extras_that_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = set().union(*(extras_named(path.read_text(encoding="utf-8")) for path in FILES))
    assert {"spark", "torch"} <= named <= set(project["optional-dependencies"])


def test_an_extra_is_found_in_a_message() -> None:
    assert extras_named("needs it: pip install 'credenza[sparc]'") == {"sparc"}


def test_what_must_pass_runs_the_tests() -> None:
    script = ROOT / ".ci" / "run"
    lines = script.read_text(encoding="utf-8").splitlines()
    assert "set -euo pipefail" in lines
    assert lines[-1] == "make test"
    assert os.access(script, os.X_OK)


def test_hooks_use_the_versions_of_the_lint_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = dict(item.split("==") for item in project["optional-dependencies"]["lint"] if "==" in item)
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"/(?:mirrors-)?(ruff|mypy)(?:-pre-commit)?\n +rev: v([\d.]+)", hooks))
    assert pinned == extra
