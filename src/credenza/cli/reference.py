"""The page about the command line, from the commands: ``python -m credenza.cli.reference > docs/cli.md``.

What is printed depends on the commands alone, and not on how a release of the parser lays out its help.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any

import typer

from credenza.cli.app import COMMANDS, app

HEAD = """\
# Command line

Written by `python -m credenza.cli.reference > docs/cli.md`; do not edit.

| exit status | means |
|---|---|
| 0 | no alarm |
| 1 | an alarm; with `--fail-on notice` also a notice |
| 2 | bad usage or bad input; one line on standard error says what was found and what would be right |
| 3 | something was asked for that could not be checked |
| 130, 141 | interrupted; the reader of the output went away |

Results go to standard output, progress and messages to standard error. Colours and progress appear on a
terminal only: the pass over the data, rows, rate and time left, and word when kernels are compiled, which the
first run of a version on a machine does. Files are written beside their target and renamed, so a run that is
killed, or for which the disk is too small, leaves the old file or none; devices and pipes are written to directly.
A list such as `A,B` puts a name that holds a comma in double quotes: `--columns '"last, first",age'`.
Data is a Parquet, CSV, TSV, JSON Lines, Arrow or Feather file, a folder of one such kind, or a quoted glob.
"""


def reference() -> str:
    """The page as Markdown text.

    Examples
    --------
    >>> reference().splitlines()[0]
    '# Command line'
    """
    group: Any = typer.main.get_command(app)
    parts = [HEAD]
    parts += ["\n".join(section(name, group.commands[name])) + "\n" for name, _, _ in COMMANDS]
    return "\n".join(parts)


def section(name: str, command: Any) -> Iterator[str]:
    """One command: its synopsis, what it does, its arguments and options."""
    shown = [item for item in command.params if item.name != "help"]
    arguments = [item for item in shown if item.param_type_name == "argument"]
    options = [item for item in shown if item.param_type_name == "option"]
    yield f"## credenza {name}"
    yield ""
    yield "```"
    yield synopsis(name, arguments, options)
    yield "```"
    yield ""
    yield inspect.cleandoc(command.help)
    yield ""
    yield "| | | |"
    yield "|---|---|---|"
    for item in arguments:
        yield f"| `{item.metavar}` | {item.help} | |"
    for item in options:
        yield f"| `{spelling(item)}` | {item.help} | {default(item)} |"


def synopsis(name: str, arguments: list[Any], options: list[Any]) -> str:
    """The command with its arguments and required options."""
    required = [f"{item.opts[0]} {item.metavar}" for item in options if item.required]
    words = ["credenza", name, *(item.metavar for item in arguments), *required]
    return " ".join(words + ["[OPTIONS]"] * any(not item.required for item in options))


def spelling(option: Any) -> str:
    """How an option is written; vertical bars are escaped for the table."""
    names = ", ".join(sorted(option.opts, key=len))
    value = "" if option.is_flag else f" {option.metavar}"
    return (names + value).replace("|", "\\|")


def default(option: Any) -> str:
    """The default, or that there is none and one is required."""
    if option.required:
        return "required"
    if option.is_flag or option.default in (None, (), []):
        return ""
    value = getattr(option.default, "value", option.default)
    return f"default {value}"


if __name__ == "__main__":
    sys.stdout.write(reference())
