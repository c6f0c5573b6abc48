"""``credenza verify``: is the data what was signed?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from credenza.cli.options import Quiet, say
from credenza.cli.progress import working
from credenza.cli.status import ExitStatus

if TYPE_CHECKING:
    from credenza.provenance.verify import Verification

MOST_NAMED = 100  # problems that get a line of their own


def verify_command(
    data: Annotated[str, typer.Argument(metavar="FOLDER|FILE", help="The data to verify.")],
    key: Annotated[
        list[str],
        typer.Option(
            "--key", metavar="PUBLIC", help="Public key or certificate that is trusted; repeatable."
        ),
    ],
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="GLOB", help="Look at the files that this fits alone; repeatable."),
    ] = None,
    bundle: Annotated[
        str | None,
        typer.Option("--bundle", metavar="FILE", help="The signed manifest, where it lies elsewhere."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Verify the files of a folder, or a file, against the manifest that was signed; nothing is fetched.

    Exit status: 0 all is as it was signed, 1 something is not, 2 bad usage or input.
    """
    from credenza.provenance.keys import load_public
    from credenza.provenance.verify import verify

    keys = [load_public(path) for path in key]
    with working("verifying", quiet=quiet):
        found = verify(data, keys, only=tuple(only or ()), bundle=bundle)
    for note in found.notes:
        say(note, quiet=quiet)
    if not quiet:
        sys.stdout.write(summary(found))
    if not found.ok:
        raise typer.Exit(ExitStatus.ALARM)


def summary(found: Verification) -> str:
    """What was found, a line each; names are shown with what is invisible in them."""
    lines = [f"{problem.kind}: {problem.message}" for problem in found.problems[:MOST_NAMED]]
    if (more := len(found.problems) - MOST_NAMED) > 0:
        lines.append(f"and {more:,} more")
    manifest = found.manifest
    who = f"signed by {found.signer.hint[:12]}" if found.signer else "not vouched for"
    when = f" on {manifest.signed_at}" if manifest.signed_at else ""
    lines += [f"claim: {claim.summary}, by {claim.signer[:12]}" for claim in found.claims]
    count = len(found.problems)
    said = "as signed" if found.ok else f"NOT as signed: {count:,} problem{'s' * (count != 1)}"
    lines.append(
        f"{manifest.name}: {said}; {found.checked:,} of {len(manifest.files):,} files checked, {who}{when}"
    )
    return "".join(f"{line}\n" for line in lines)
