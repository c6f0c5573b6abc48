"""``credenza drill``: what is the smallest attack that would be caught on this data?"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from credenza.cli.options import (
    Fdr,
    HtmlFile,
    JsonFile,
    MinStrength,
    Quiet,
    Seed,
    check_outputs,
    say,
    split_names,
    split_pair,
)
from credenza.cli.progress import Bar, reading, showing
from credenza.errors import UsageError

if TYPE_CHECKING:
    from credenza.drill import Drill


def drill_command(
    clean: Annotated[str, typer.Argument(metavar="CLEAN", help="Clean data: file, folder or glob.")],
    reference: Annotated[
        str | None,
        typer.Option("--reference", metavar="REF", help="Trusted data; without it CLEAN is split."),
    ] = None,
    holdout: Annotated[
        str | None,
        typer.Option("--holdout", metavar="FILE", help="Further genuine rows for attacks to put in."),
    ] = None,
    pair: Annotated[
        list[str] | None,
        typer.Option(
            "--pair", metavar="A,B", help="Attack this pair; repeatable. Without it pairs are chosen."
        ),
    ] = None,
    pairs: Annotated[int, typer.Option("--pairs", metavar="N", min=1, help="How many pairs to choose.")] = 8,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kinds", metavar="KIND,...", help="Kinds of attack, such as positive,relabel-negative."
        ),
    ] = None,
    strengths: Annotated[
        list[str] | None,
        typer.Option("--strengths", metavar="E,...", help="Strengths to plant, such as 0.01,0.02,0.05."),
    ] = None,
    runs: Annotated[
        int, typer.Option("--runs", metavar="N", min=1, help="Runs of each attack and strength.")
    ] = 20,
    null_runs: Annotated[
        int, typer.Option("--null-runs", metavar="N", min=0, help="Runs without an attack.")
    ] = 200,
    split: Annotated[
        float,
        typer.Option("--split", metavar="SHARE", help="The suspect's share where there is no --reference."),
    ] = 0.5,
    target: Annotated[
        float, typer.Option("--target", metavar="E", help="Strength that more reference rows should catch.")
    ] = 0.05,
    columns: Annotated[
        list[str] | None,
        typer.Option("--columns", metavar="A,B,...", help="Use these columns only; repeatable."),
    ] = None,
    fdr: Fdr = 0.05,
    min_strength: MinStrength = 0.0,
    seed: Seed = 0,
    jobs: Annotated[
        int | None, typer.Option("--jobs", metavar="N", min=1, help="Processes; all processors without it.")
    ] = None,
    journal: Annotated[
        str | None,
        typer.Option("--journal", metavar="FILE", help="Note finished runs there, and go on from them."),
    ] = None,
    json: JsonFile = None,
    html: HtmlFile = None,
    quiet: Quiet = False,
) -> None:
    """Plant attacks in clean data, audit it, and tell the smallest attack that is caught.

    Exit status: 0 done, 2 bad usage or bad input.
    """
    from credenza.drill import drill

    check_outputs({"--json": json, "--html": html, "--journal": journal}, [clean, reference, holdout])
    chosen = [split_pair("--pair", one) for one in pair or ()]
    with counting("drilling", quiet=quiet) as progress:
        result = drill(
            clean,
            reference,
            holdout=holdout,
            pairs=chosen or pairs,
            kinds=split_names("--kinds", kinds) or (),
            strengths=numbers("--strengths", split_names("--strengths", strengths) or ()),
            runs=runs,
            null_runs=null_runs,
            split=split,
            target=target,
            columns=split_names("--columns", columns),
            fdr=fdr,
            min_strength=min_strength,
            seed=seed,
            jobs=jobs,
            journal=journal,
            progress=progress,
        )
    present(result, json=json, html=html, quiet=quiet)


def numbers(option: str, values: Sequence[str]) -> tuple[float, ...]:
    """Numbers from the parts of a comma-separated value.

    >>> numbers("--strengths", ["0.01", ".05"])
    (0.01, 0.05)
    """
    found = []
    for value in values:
        try:
            found.append(float(value))
        except ValueError:
            raise UsageError(f"{option} takes numbers with commas between: found {value!r}") from None
    return tuple(found)


@contextmanager
def counting(message: str, *, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A function that is told how many runs are done, and draws a bar on a terminal; None where nobody looks."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    with showing(message, RunBar) as bar:
        seen = 0

        def progress(done: int, total: int) -> None:
            nonlocal seen
            if not seen:
                bar.start("runs", total)
            bar.advance(done - seen)
            seen = done

        yield progress


class RunBar(Bar):
    """The bar, with runs for rows."""

    def words(self, done: int, total: int, seconds: float) -> str:
        """Runs, rate and time left."""
        return reading(done, total, seconds).replace(" rows", " runs")


def present(result: Drill, *, json: str | None, html: str | None, quiet: bool) -> None:
    """Write the files that were asked for, then the summary or the JSON on standard output."""
    if html is not None:
        result.to_html(html)
        say(f"wrote {html}", quiet=quiet)
    if json == "-":
        sys.stdout.write(result.to_json())
        return
    if json is not None:
        result.to_json(json)
        say(f"wrote {json}", quiet=quiet)
    if not quiet:
        result.show()
