"""``credenza ledger``: carry out again what a repair wrote down, or take it back."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from credenza.cli.options import Quiet, check_outputs, say
from credenza.cli.progress import working
from credenza.cli.records import Lineage, check_log, record_run


class Way(StrEnum):
    """Which way a ledger is read."""

    APPLY = "apply"
    UNDO = "undo"


def ledger_command(
    context: typer.Context,
    way: Annotated[
        Way, typer.Argument(metavar="apply|undo", help="Make the repaired data again, or the suspect.")
    ],
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="The suspect (apply) or the repaired data (undo).")
    ],
    ledger: Annotated[str, typer.Option("--ledger", metavar="FILE", help="What credenza repair wrote down.")],
    out: Annotated[
        str,
        typer.Option("--out", metavar="PATH", help="Where it goes: a file, or a folder for a folder."),
    ],
    lineage: Lineage = None,
    quiet: Quiet = False,
) -> None:
    """Apply a ledger to the suspect, which gives the repaired data, or undo it, which gives the suspect.

    Values, order and column types come back exactly. Data that the ledger is not of is refused: it is recognised by
    the bytes of its files, or by its values. The outcome is compared with what the ledger says before it is written.
    """
    from credenza.repair.ledger_file import read_ledger
    from credenza.repair.replay import write_replayed

    if not Path(out).is_dir():
        check_outputs({"--out": out}, [data, ledger])
    check_log(lineage, [out, ledger])
    undo = way is Way.UNDO
    with working("undoing" if undo else "applying", quiet=quiet):
        opened = read_ledger(ledger)
        write_replayed(data, opened, out, undo=undo)
    record_run(context, inputs=("data",), documents=("ledger",))
    done = "undid" if undo else "applied"
    say(f"{done} {opened.entries:,} entries of {ledger} ({opened.meta.method}); wrote {out}", quiet=quiet)
