"""The program: its commands in the order of its help, and what they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from credenza._version import __version__
from credenza.cli.audit import audit_command
from credenza.cli.blame import blame_command
from credenza.cli.checks import checks_command
from credenza.cli.compare import compare_command
from credenza.cli.demo import demo_command
from credenza.cli.dilute import dilute_command
from credenza.cli.drill import drill_command
from credenza.cli.features import features_command
from credenza.cli.keygen import keygen_command
from credenza.cli.ledger import ledger_command
from credenza.cli.lineage import lineage_command
from credenza.cli.poison import poison_command
from credenza.cli.profile import merge_command, profile_command
from credenza.cli.repair import repair_command
from credenza.cli.sign import sign_command
from credenza.cli.study import study_command
from credenza.cli.synth import SYNTH
from credenza.cli.validate import validate_command
from credenza.cli.verify import verify_command

app = typer.Typer(
    name="credenza",
    help="Taste data for poison before a model eats it.",
    epilog="Exit status: 0 no alarm, 1 alarm, 2 bad usage or input, 3 could not check what was asked.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

# Name, what the list of commands says of it, and the function.
COMMANDS: tuple[tuple[str, str, Callable[..., None]], ...] = (
    ("audit", "Audit a table for moved associations.", audit_command),
    ("profile", "Write a table's statistics to a file.", profile_command),
    ("profile merge", "Merge profiles of parts of a table.", merge_command),
    ("poison", "Poison clean data, for testing.", poison_command),
    ("drill", "The smallest attack that would be caught.", drill_command),
    ("repair", "Put right what an audit names.", repair_command),
    ("ledger", "Carry out a repair again, or undo it.", ledger_command),
    ("features", "Images, texts, graphs as a table.", features_command),
    *SYNTH,
    ("validate", "Check a synthetic batch.", validate_command),
    ("dilute", "Clean rows that dilute a poison.", dilute_command),
    ("keygen", "Make keys to sign data with.", keygen_command),
    ("sign", "Sign data: hashes, statistics, lineage.", sign_command),
    ("verify", "Is the data what was signed?", verify_command),
    ("lineage", "How the data was made, step by step.", lineage_command),
    ("compare", "Did a checkpoint jump?", compare_command),
    ("blame", "Whose rows harm a model?", blame_command),
    ("checks", "List the checks, or explain one.", checks_command),
    ("study", "Reproduce a paper's results.", study_command),
    ("demo", "The whole story on a real table.", demo_command),
)

for name, summary, command in COMMANDS:
    app.command(name=name, short_help=summary)(command)


def show_version(asked: bool) -> None:
    """Print the version and stop."""
    if asked:
        typer.echo(f"credenza {__version__}")
        raise typer.Exit


@app.callback()
def program(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=show_version, help="Print the version.")
    ] = False,
) -> None:
    """Taste data for poison before a model eats it."""
