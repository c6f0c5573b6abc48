"""``credenza synth tabular``: rows of a table from a generator that is fitted to trusted rows."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from credenza.cli.options import Quiet, Seed, check_outputs, say, split_names
from credenza.cli.progress import working
from credenza.cli.red_team import parameters_of


class GeneratorName(StrEnum):
    """What is fitted."""

    CHOW_LIU = "chow-liu"
    COPULA = "copula"
    DIFFUSION = "diffusion"


def tabular_command(
    fit: Annotated[
        str, typer.Option("--fit", metavar="REF", help="Trusted rows, 50 or more: poison in them comes out.")
    ],
    rows: Annotated[int, typer.Option("--rows", metavar="N", help="Rows to make.")],
    out: Annotated[
        str, typer.Option("--out", metavar="FILE", help="Where the rows go: .parquet, .csv, .jsonl.")
    ],
    generator: Annotated[
        GeneratorName,
        typer.Option(
            "--generator",
            metavar="|".join(GeneratorName),
            help="A tree of pairs (quick), all pairs as normals, or a network (needs torch).",
        ),
    ] = GeneratorName.CHOW_LIU,
    columns: Annotated[
        list[str] | None,
        typer.Option("--columns", metavar="A,B,...", help="Make these columns only; repeatable."),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by", metavar="COLUMN", help="Fit one generator to the rows of each value, best of the label."
        ),
    ] = None,
    epsilon: Annotated[
        float | None,
        typer.Option(
            "--epsilon", metavar="E", help="Differential privacy of REF's rows (chow-liu, diffusion)."
        ),
    ] = None,
    delta: Annotated[
        float,
        typer.Option(
            "--delta", metavar="D", help="Of --epsilon: far below 1 / rows of REF; chow-liu takes 0."
        ),
    ] = 0.0,
    public: Annotated[
        str | None,
        typer.Option(
            "--public", metavar="FILE", help="Of --epsilon: a public table to take levels and values from."
        ),
    ] = None,
    suspect: Annotated[
        str | None,
        typer.Option("--suspect", metavar="DATA", help="What is to be diluted; refused as REF itself."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A setting of the generator, as bins=8; repeatable."
        ),
    ] = None,
    lineage: Annotated[
        str | None,
        typer.Option(
            "--lineage", metavar="LOG", help="Append a record of what was done to this log (JSON Lines)."
        ),
    ] = None,
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """Make rows of a table that keep the marginals and the associations of trusted rows.

    The seed decides the rows, but not the noise of --epsilon, which nobody may repeat.
    """
    from credenza.data.write import require_format
    from credenza.synthetic.tabular import write_tabular

    check_outputs({"--out": out, "--lineage": lineage}, [fit, public, suspect])
    require_format(out)
    with working("fitting", quiet=quiet):
        made = write_tabular(
            fit, rows, out, lineage=lineage, generator=generator.value, columns=split_names("--columns", columns),
            epsilon=epsilon, delta=delta, public=public, suspect=suspect, by=by, settings=parameters_of(settings),
            seed=seed,
        )  # fmt: skip
    for note in made.notes:
        say(note, quiet=quiet)
    say(f"wrote {out}: {made.rows:,} rows" + (f"; recorded in {lineage}" if lineage else ""), quiet=quiet)
