"""``credenza features``: images, texts, sounds and graphs as a table that an audit takes."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from credenza.cli.options import Quiet, Seed, check_outputs, say, split_names, split_pair
from credenza.cli.progress import working
from credenza.cli.records import Lineage, check_log, record_run
from credenza.cli.status import ExitStatus
from credenza.errors import UsageError

if TYPE_CHECKING:
    from credenza.data.features import Features

MOST_NAMED = 100  # unreadable rows that get a line of their own


class StopWords(StrEnum):
    """What becomes of words that mean little by themselves."""

    KEEP = "keep"
    ENGLISH = "english"


def features_command(
    context: typer.Context,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA", help="Folder of images or WAV files; table with files or texts; edge list."
        ),
    ],
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Where the table goes (.parquet).")],
    like: Annotated[
        str | None,
        typer.Option("--like", metavar="FILE", help="Measure what this table of features has."),
    ] = None,
    column: Annotated[
        str | None, typer.Option("--column", metavar="COL", help="The column of files or texts.")
    ] = None,
    carry: Annotated[
        list[str] | None,
        typer.Option("--carry", metavar="A,B,...", help="Take over these columns only; repeatable."),
    ] = None,
    grid: Annotated[
        int | None,
        typer.Option("--grid", metavar="N", help="Images: regions on a side, 2 by default; 1 for none."),
    ] = None,
    terms: Annotated[
        int | None,
        typer.Option("--terms", metavar="N", help="Texts: most frequent words to look for, 1000 by default."),
    ] = None,
    min_share: Annotated[
        float | None,
        typer.Option(
            "--min-share", metavar="SHARE", help="Texts: rarer words are left out, 0.01 by default."
        ),
    ] = None,
    max_share: Annotated[
        float | None,
        typer.Option(
            "--max-share", metavar="SHARE", help="Texts: more frequent words are left out, 0.99 by default."
        ),
    ] = None,
    phrases: Annotated[
        list[str] | None,
        typer.Option(
            "--phrase", metavar="TEXT", help="Texts: look for this word or phrase, too; repeatable."
        ),
    ] = None,
    stop_words: Annotated[
        StopWords | None,
        typer.Option(
            "--stop-words",
            metavar="keep|english",
            help="Texts: english leaves the function words of English out of the terms.",
        ),
    ] = None,
    bands: Annotated[
        list[str] | None,
        typer.Option("--bands", metavar="HZ,HZ,...", help="Sounds: where bands of frequencies meet."),
    ] = None,
    nodes: Annotated[
        str | None,
        typer.Option("--nodes", metavar="FILE", help="Graphs: the table of nodes; DATA is the edge list."),
    ] = None,
    node: Annotated[
        str | None,
        typer.Option("--node", metavar="COL", help="Graphs: what nodes are called; the first column."),
    ] = None,
    endpoints: Annotated[
        str | None,
        typer.Option(
            "--endpoints", metavar="A,B", help="Graphs: the nodes of an edge; the first two columns."
        ),
    ] = None,
    undirected: Annotated[
        bool,
        typer.Option("--undirected", help="Graphs: turn each edge by a coin; neither end means anything."),
    ] = False,
    all_edges: Annotated[
        bool,
        typer.Option(
            "--all-edges", help="Graphs: take edges that share nodes, too; their p-values are wrong."
        ),
    ] = False,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Exit with 0 although files could not be read.")
    ] = False,
    lineage: Lineage = None,
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """Write features of images, texts, sounds or edges as a table, which audit takes like any other.

    Make those of the reference first, and those of the suspect with --like them, so that both have the same columns.
    Files that cannot be read are named and left out; the rest is done, and the status is 3.
    """
    from credenza.data.features import write_features

    check_outputs({"--out": out}, [data, like, nodes])
    check_log(lineage, [out])
    given = {
        "--grid": grid,
        "--terms": terms,
        "--min-share": min_share,
        "--max-share": max_share,
        "--phrase": tuple(phrases) if phrases else None,
        "--stop-words": None if stop_words is None else stop_words.value,
        "--bands": numbers("--bands", bands),
        "--nodes": nodes,
        "--node": node,
        "--endpoints": None if endpoints is None else split_pair("--endpoints", endpoints),
        "--undirected": undirected or None,
        "--all-edges": all_edges or None,
    }
    options = options_of({name: value for name, value in given.items() if value is not None}, seed)
    with working("measuring", quiet=quiet):
        done = write_features(
            data, out, options, column=column, carry=split_names("--carry", carry), like=like
        )
    record_run(context, inputs=("data", "like", "nodes"))
    tell(done, out, quiet=quiet)
    if done.unreadable and not skip_unreadable:
        raise typer.Exit(ExitStatus.UNCHECKED)


# Which attribute of which kind of options an option sets.
SETS = {
    "--grid": ("images", "grid"),
    "--terms": ("text", "terms"),
    "--min-share": ("text", "min_share"),
    "--max-share": ("text", "max_share"),
    "--phrase": ("text", "phrases"),
    "--stop-words": ("text", "stop_words"),
    "--bands": ("sounds", "bands"),
    "--nodes": ("graph", "nodes"),
    "--node": ("graph", "node"),
    "--endpoints": ("graph", "endpoints"),
    "--undirected": ("graph", "undirected"),
    "--all-edges": ("graph", "all_edges"),
}


def options_of(given: dict[str, Any], seed: int) -> Any:
    """Options of the one kind that all the given ones are of; None where none was given.

    Raises
    ------
    UsageError : options of two kinds of data, or of a graph without its nodes.

    Examples
    --------
    >>> options_of({"--terms": 500}, 0)
    TextOptions(terms=500, min_share=0.01, max_share=0.99, phrases=(), stop_words='keep')
    """
    from credenza.data.features.write import OPTIONS

    if not given:
        return None
    first = next(iter(given))
    kind = SETS[first][0]
    if other := [name for name in given if SETS[name][0] != kind]:
        raise UsageError(f"{first} is for {kind} and {other[0]} for {SETS[other[0]][0]}; give one of them")
    if kind == "graph" and "--nodes" not in given:
        raise UsageError(f"{first} is for graphs: give the table of nodes as well, with --nodes")
    settings = {SETS[name][1]: value for name, value in given.items()}
    if kind == "graph":
        settings["seed"] = seed
    return OPTIONS[kind](**settings)


def numbers(option: str, values: list[str] | None) -> tuple[float, ...] | None:
    """Comma-separated numbers.

    Raises
    ------
    UsageError : something that is no number.

    Examples
    --------
    >>> numbers("--bands", ["500,2000"])
    (500.0, 2000.0)
    """
    names = split_names(option, values)
    try:
        return None if names is None else tuple(map(float, names))
    except ValueError as error:
        raise UsageError(
            f"{option} takes numbers: found {','.join(names or ())!r}; give such as 500,2000"
        ) from error


def tell(done: Features, out: str, *, quiet: bool) -> None:
    """What was written, what was not taken over, and what could not be read."""
    for name, reason in done.left_out.items():
        say(f"left out column {name!r}: {reason}", quiet=quiet)
    for item in done.unreadable[:MOST_NAMED]:
        sys.stderr.write(f"credenza: not read: {item.reason}\n")
    if done.unreadable:
        total = done.rows + len(done.unreadable)
        hidden = max(len(done.unreadable) - MOST_NAMED, 0)
        rest = f", of which {hidden:,} are not named here" if hidden else ""
        sys.stderr.write(f"credenza: {len(done.unreadable):,} of {total:,} rows could not be read{rest}\n")
    made, carried = len(done.columns), len(done.carried)
    say(
        f"wrote {out}: {done.rows:,} rows, {made:,} features of {done.kind}, "
        f"{carried:,} column{'' if carried == 1 else 's'} carried along",
        quiet=quiet,
    )
