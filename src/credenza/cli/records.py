"""``--lineage FILE``: how commands that write data leave a record of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from credenza.cli.options import say
from credenza.errors import UsageError

Lineage = Annotated[
    str | None,
    typer.Option(
        "--lineage", metavar="LOG", help="Append a record of what was done to this log (JSON Lines)."
    ),
]


def check_log(path: str | None, outputs: Sequence[str | None]) -> None:
    """Refuse a log that could not be appended to, or that is one of the outputs, before work begins.

    Raises
    ------
    UsageError : no folder, a folder, or an output. InputError : the log is damaged.
    """
    if path is None:
        return
    from credenza.provenance.log import read_log

    log = Path(path)
    if log.is_dir():
        raise UsageError(f"--lineage names a folder: found {path!r}; give the path of a log")
    if not log.parent.is_dir():
        raise UsageError(f"--lineage: the folder {str(log.parent)!r} does not exist; make it first")
    if log.resolve() in {Path(other).resolve() for other in outputs if other is not None}:
        raise UsageError(f"--lineage would be written over: found {path!r}; give another path")
    if log.exists():
        read_log(log)


def record_run(
    context: typer.Context,
    *,
    inputs: Sequence[str],
    outputs: Sequence[str] = ("out",),
    documents: Sequence[str] = (),
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Leave a record of this run of a command, if ``--lineage`` asks for one.

    Parameters
    ----------
    context : of the command; its parameters are what is recorded.
    inputs, outputs, documents, facts : see :func:`credenza.provenance.leave.leave_record`.
    """
    given = context.params
    if given.get("lineage") is None:
        return
    from credenza.provenance.leave import leave_record

    action = str(context.info_name)
    entry = leave_record(
        given["lineage"], action, given, inputs=inputs, outputs=outputs, documents=documents, facts=facts
    )
    say(f"record {entry.index} in {given['lineage']}", quiet=bool(given.get("quiet")))
