"""``credenza sign``: a signed manifest of a folder or a file, and further claims on it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from credenza.cli.keygen import PassphraseFile
from credenza.cli.options import Quiet, Seed, check_outputs, say
from credenza.cli.progress import working
from credenza.errors import InputError, UsageError

if TYPE_CHECKING:
    from credenza.association.profile import Profile


def sign_command(
    data: Annotated[str, typer.Argument(metavar="FOLDER|FILE", help="The data to sign.")],
    key: Annotated[str, typer.Option("--key", metavar="PRIVATE", help="Private key, as keygen makes it.")],
    passphrase_file: PassphraseFile = None,
    claim: Annotated[
        list[str] | None,
        typer.Option(
            "--claim",
            metavar="FILE",
            help="Sign this audit, repair or ledger as a claim on signed data; repeatable.",
        ),
    ] = None,
    lineage: Annotated[
        str | None,
        typer.Option("--lineage", metavar="LOG", help="Log of how the data was made, to sign along."),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="PATH", help="Leave out this file or folder of FOLDER; repeatable."),
    ] = None,
    no_profile: Annotated[
        bool,
        typer.Option("--no-profile", help="Leave out the statistics that later releases are tested against."),
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Sign anew what is signed already.")] = False,
    croissant: Annotated[
        str | None,
        typer.Option("--croissant", metavar="FILE", help="Write a Croissant description (JSON-LD), too."),
    ] = None,
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """Sign the files of a folder, or a file: hashes, row counts, columns, statistics and lineage.

    The manifest goes to .credenza in FOLDER, or to FILE.credenza. With --claim it stays, and claims are added.
    """
    from credenza.provenance.keys import load_private, read_passphrase
    from credenza.provenance.sign import sign

    secret = None if passphrase_file is None else read_passphrase(passphrase_file)
    signer = load_private(key, passphrase=secret)
    if claim:
        if lineage or ignore or no_profile or replace or croissant:
            raise UsageError(
                "--claim adds to a manifest that is there: leave the other options out, or sign first"
            )
        add_claims(data, claim, signer, quiet=quiet)
        return
    check_outputs({"--croissant": croissant}, [data, key, lineage])
    with working("signing", quiet=quiet):
        found, reason = (None, "left out by --no-profile") if no_profile else statistics(data, seed)
        done = sign(
            data,
            signer,
            profile=found,
            no_profile=reason,
            lineage=lineage,
            ignored=tuple(ignore or ()),
            replace=replace,
        )
    for notice in done.notices:
        say(notice, quiet=quiet)
    if reason:
        say(f"signed without statistics: {reason}", quiet=quiet)
    if croissant is not None:
        from credenza.provenance.croissant import write_croissant

        write_croissant(data, done.manifest, croissant)
        say(f"wrote {croissant}", quiet=quiet)
    files, rows = len(done.manifest.files), done.manifest.rows
    say(
        f"signed {files:,} files, {done.bytes:,} bytes, {rows:,} rows with {signer.public.hint[:12]}",
        quiet=quiet,
    )
    say(f"wrote {done.home}", quiet=quiet)


def add_claims(data: str, documents: list[str], signer: object, *, quiet: bool) -> None:
    """Sign one claim after another."""
    from credenza.provenance.claims import append_claim
    from credenza.provenance.keys import PrivateKey

    assert isinstance(signer, PrivateKey)
    for document in documents:
        say(f"wrote {append_claim(data, document, signer)}", quiet=quiet)


def statistics(data: str, seed: int) -> tuple[Profile | None, str]:
    """The profile of the data; or None and the reason why there is none."""
    from credenza.report import profile

    try:
        return dataclasses.replace(profile(data, seed=seed), source=Path(data).name), ""
    except (InputError, UsageError) as error:
        return None, str(error)
