"""``credenza keygen``: a pair of keys to sign data with."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from credenza.cli.options import Quiet, say


class KeyName(StrEnum):
    """Kinds of keys."""

    ED25519 = "ed25519"
    ECDSA = "ecdsa"


PassphraseFile = Annotated[
    str | None,
    typer.Option("--passphrase-file", metavar="FILE", help="File whose first line is the key's passphrase."),
]


def keygen_command(
    out: Annotated[
        str, typer.Option("--out", metavar="PREFIX", help="The keys go to PREFIX.key and PREFIX.pub.")
    ],
    kind: Annotated[
        KeyName,
        typer.Option("--type", metavar="ed25519|ecdsa", help="ecdsa (P-256) is what model-signing reads."),
    ] = KeyName.ED25519,
    passphrase_file: PassphraseFile = None,
    quiet: Quiet = False,
) -> None:
    """Make a private key, which only you may read, and the public key that others verify with.

    Keys that are there are never replaced.
    """
    from credenza.provenance.keys import generate_keys, load_public, read_passphrase

    secret = None if passphrase_file is None else read_passphrase(passphrase_file)
    private, public = generate_keys(out, kind=kind.value, passphrase=secret)
    say(
        f"wrote {private} (keep it) and {public} (give it away; {load_public(public).hint[:12]})", quiet=quiet
    )
