"""The entry point: run a command, and turn whatever ends it into one line and an exit status."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NoReturn

import typer

from credenza.cli.app import COMMANDS, app
from credenza.cli.status import ExitStatus
from credenza.errors import CredenzaError, UsageError

# Root of the errors that the parser raises about arguments: its class has moved between releases of typer.
PARSER_ERROR: type[Exception] = next(
    kind for kind in reversed(typer.BadParameter.__mro__) if hasattr(kind, "format_message")
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    arguments : what follows the program's name; None takes it from the process.

    Returns
    -------
    int
        0 no alarm; 1 an alarm (or a notice, if asked); 2 bad usage or bad input; 3 something was asked for
        that could not be checked; 130 interrupted; 141 the reader of the output went away.

    Examples
    --------
    >>> status = main(["--version"])  # doctest: +ELLIPSIS
    credenza ...
    >>> status
    0
    """
    if arguments is None:
        arguments = sys.argv[1:]
        sys.excepthook = report_defect
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
    try:
        status = dispatch(list(arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        return hang_up()
    except SystemExit as error:  # rich leaves this way when the reader of its output went away
        if isinstance(error.__context__, BrokenPipeError):
            return hang_up()
        raise
    except KeyboardInterrupt:
        return complain("interrupted", ExitStatus.INTERRUPTED)
    except CredenzaError as error:
        return complain(f"error: {error}", ExitStatus.BAD_INPUT)
    except OSError as error:
        what = error.strerror or str(error)
        where = f": {os.fspath(error.filename)!r}" if error.filename else ""
        return complain(f"error: {what[:1].lower()}{what[1:]}{where}", ExitStatus.BAD_INPUT)
    return int(status)


def dispatch(arguments: list[str]) -> int:
    """Parse ``arguments``, run the command that they name and return its exit status."""
    command: Any = typer.main.get_command(app)
    if not arguments:
        arguments, default = ["--help"], ExitStatus.BAD_INPUT
    else:
        default = ExitStatus.CLEAR
    arguments = joined(arguments)
    try:
        with command.make_context("credenza", arguments) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code or default
    except PARSER_ERROR as error:
        return complain(f"error: {parser_message(error)}", ExitStatus.BAD_INPUT)
    return default


def joined(arguments: Sequence[str]) -> list[str]:
    """Arguments with the two words of a command's name as one.

    Raises
    ------
    UsageError : a group without one of its commands.

    Examples
    --------
    >>> joined(["profile", "merge", "a.czp", "--help"])
    ['profile merge', 'a.czp', '--help']
    """
    names = [name for name, _, _ in COMMANDS]
    if " ".join(arguments[:2]) in names:
        return [" ".join(arguments[:2]), *arguments[2:]]
    first = arguments[0] if arguments else ""
    group = [name for name in names if name.startswith(f"{first} ")]
    if group and first not in names:
        found = f"found {arguments[1]!r}" if arguments[1:] else "found none"
        told = ", ".join(name.removeprefix(f"{first} ") for name in group)
        raise UsageError(f"{first} takes one of the commands {told}: {found}; see credenza {group[0]} --help")
    return list(arguments)


def parser_message(error: Any) -> str:
    """One line about a wrong argument, and where its help is."""
    message = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "credenza"
    return f"{message[:1].lower()}{message[1:]}; see {command} --help"


def complain(line: str, status: ExitStatus) -> int:
    """Write one line on standard error, if that can be written to, and return ``status``."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"credenza: {' '.join(line.split())}\n")
        sys.stderr.flush()
    return status


def hang_up() -> int:
    """The reader went away: point standard output nowhere, so that the interpreter can flush it at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return ExitStatus.BROKEN_PIPE


def report_defect(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> NoReturn:
    """Replace the interpreter's last words: one line and status 2, since its own 1 would mean an alarm."""
    if os.environ.get("CREDENZA_TRACEBACK"):
        sys.__excepthook__(kind, error, trace)
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else "start"
    complain(
        f"error: a defect in credenza, {kind.__name__} at {place}: {error}; "
        "please report it with the output of the same command under CREDENZA_TRACEBACK=1",
        ExitStatus.BAD_INPUT,
    )
    sys.stderr.flush()
    os._exit(ExitStatus.BAD_INPUT)
