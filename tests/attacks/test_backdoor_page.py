"""The page on backdoors runs, and names every trigger with its parameters."""

from __future__ import annotations

import doctest
from dataclasses import fields
from pathlib import Path

import pytest

from credenza.attacks.triggers import TRIGGERS, Value

PAGE = Path(__file__).resolve().parents[2] / "docs" / "attacks-backdoor.md"


@pytest.fixture(autouse=True)
def page() -> str:
    if not PAGE.exists():
        pytest.skip("docs/ is not part of this checkout")
    return PAGE.read_text(encoding="utf-8")


def test_examples_run() -> None:
    result = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert result.failed == 0
    assert result.attempted > 8


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_every_trigger_is_described(trigger: type, page: str) -> None:
    (row,) = [line for line in page.splitlines() if line.startswith(f"| `{trigger.name}` |")]  # type: ignore[attr-defined]
    assert f"`{trigger.__name__}`" in page
    if trigger is not Value:
        assert all(f"`{item.name}" in row for item in fields(trigger))
