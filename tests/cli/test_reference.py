from __future__ import annotations

from pathlib import Path

import pytest
import typer

from credenza.cli.app import COMMANDS, app
from credenza.cli.reference import reference

PAGE = Path(__file__).parent.parent.parent / "docs" / "cli.md"


def test_the_page_is_what_the_commands_say() -> None:
    hint = "write it again: python -m credenza.cli.reference > docs/cli.md"
    assert PAGE.read_text(encoding="utf-8") == reference(), hint


@pytest.mark.parametrize("name", [name for name, _, _ in COMMANDS])
def test_every_command_has_a_section(name: str) -> None:
    assert f"\n## credenza {name}\n" in reference()


def test_every_option_is_explained() -> None:
    group = typer.main.get_command(app)
    page = reference()
    for command in group.commands.values():  # type: ignore[attr-defined]
        assert command.help
        for item in command.params:
            if item.name != "help":
                assert item.help, (command.name, item.name)
                assert item.metavar or item.is_flag, (command.name, item.name)
                assert item.help in page
