"""The page on attacks runs, and names what exists."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from credenza.attacks import ATTACKS
from credenza.attacks.associative import MODES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "attacks.md"


@pytest.fixture(autouse=True)
def page() -> str:
    if not PAGE.exists():
        pytest.skip("docs/ is not part of this checkout")
    return PAGE.read_text(encoding="utf-8")


def test_examples_run() -> None:
    result = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert result.failed == 0
    assert result.attempted > 8


def test_every_attack_and_mode_is_described(page: str) -> None:
    assert all(f"| `{attack.name}` | `{attack.__name__}` |" in page for attack in ATTACKS)
    assert all(f"| `{mode}`" in page for mode in MODES)
