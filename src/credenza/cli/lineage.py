"""``credenza lineage``: where data comes from, step by step, and where that cannot be told."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from credenza.cli.options import Quiet
from credenza.cli.progress import working
from credenza.cli.status import ExitStatus

if TYPE_CHECKING:
    from credenza.provenance.lineage import Chain
    from credenza.provenance.record import Artifact


def lineage_command(
    data: Annotated[str, typer.Argument(metavar="FOLDER|FILE", help="The data to follow back.")],
    log: Annotated[
        str | None,
        typer.Option("--log", metavar="LOG", help="The log, if it is not beside the manifest of the data."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Print how the data was made, back to data that no record made, and where records are missing.

    Exit status: 0 unbroken, 1 a gap, 2 bad usage or input, such as a log whose lines were changed.
    """
    from credenza.provenance.lineage import trace_data

    with working("hashing", quiet=quiet):
        chain = trace_data(data, log)
    if not quiet:
        sys.stdout.write(told(chain))
    if not chain.unbroken:
        raise typer.Exit(ExitStatus.ALARM)


def told(chain: Chain) -> str:
    """The chain as text, latest step first."""
    lines = []
    for entry in chain.steps:
        record = entry.record
        lines.append(
            f"record {entry.index}: {record.action} (credenza {record.versions.get('credenza', '?')})"
        )
        lines += [f"  made  {shown(item)}" for item in record.outputs]
        lines += [f"  from  {shown(item)}" for item in record.inputs]
        settings = ", ".join(f"{name}={value}" for name, value in record.settings.items())
        lines += [f"  with  {settings}"] if settings else []
        lines += [f"  note  {note}" for note in record.notes]
    lines += [f"root: {name}, SHA-256 {sha256[:12]}" for name, sha256 in chain.roots]
    lines += [f"gap: {gap}" for gap in chain.gaps]
    count = len(chain.steps)
    state = "unbroken" if chain.unbroken else "BROKEN"
    rest = f"; {chain.unused:,} other records in the log" if chain.unused else ""
    lines.append(f"{state}: {count:,} record{'s' * (count != 1)} to {len(chain.roots):,} roots{rest}")
    return "".join(f"{line}\n" for line in lines)


def shown(item: Artifact) -> str:
    """A table of a record in one line."""
    return (
        f"{item.role} {item.name}, {item.rows:,} rows x {item.columns:,} columns, SHA-256 {item.sha256[:12]}"
    )
