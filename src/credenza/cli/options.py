"""What commands share: option types, lists of names, and checks of output paths before work begins."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from credenza.errors import UsageError


class EngineName(StrEnum):
    """Where rows are read and pairs are counted."""

    LOCAL = "local"
    SPARK = "spark"
    CUDA = "cuda"


class FailOn(StrEnum):
    """Least finding that makes the exit status 1."""

    ALARM = "alarm"
    NOTICE = "notice"


EngineOption = Annotated[
    EngineName,
    typer.Option(
        "--engine",
        metavar="local|spark|cuda",
        help="Where to count: in this process, on Spark, or on a GPU; the counts are the same.",
    ),
]
EmbedOption = Annotated[
    str | None,
    typer.Option(
        "--embed",
        metavar="auto|images|text|table|MODEL",
        help="Make embeddings here, or with a model (TorchScript, ONNX, a model folder).",
    ),
]
EmbedColumn = Annotated[
    str | None,
    typer.Option("--embed-column", metavar="COL", help="Column of images or texts to make embeddings of."),
]
CacheFolder = Annotated[
    str | None, typer.Option("--cache", metavar="FOLDER", help="Keep what was embedded, for the next audit.")
]
SkipUnreadable = Annotated[
    bool, typer.Option("--skip-unreadable", help="Leave contents that cannot be read out, with a notice.")
]
JsonFile = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE", help="Write the result as JSON; - prints only that."),
]
HtmlFile = Annotated[
    str | None, typer.Option("--html", metavar="FILE", help="Write the result as one HTML page.")
]
FailOnOption = Annotated[
    FailOn, typer.Option("--fail-on", metavar="alarm|notice", help="Least finding that gives status 1.")
]
Fdr = Annotated[float, typer.Option("--fdr", metavar="SHARE", help="Share of false findings to accept.")]
MinStrength = Annotated[
    float, typer.Option("--min-strength", metavar="E", help="Let smaller shifts of probability pass.")
]
LabelsColumn = Annotated[
    str | None, typer.Option("--labels", metavar="COL", help="Column that holds each row's class.")
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of every random draw.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def split_names(option: str, values: Sequence[str] | None) -> tuple[str, ...] | None:
    """Names from comma-separated values, in order; a name that holds a comma is put in double quotes.

    Parameters
    ----------
    option : the option that they were given to, for messages.
    values : what was given, one entry for each time the option was repeated; None or empty gives None.

    Raises
    ------
    UsageError : an empty name.

    Examples
    --------
    >>> split_names("--columns", ["age,income", "city"])
    ('age', 'income', 'city')
    >>> split_names("--columns", ['"last, first",age'])
    ('last, first', 'age')
    """
    if not values:
        return None
    names = [name for row in csv.reader(values, skipinitialspace=True) for name in row]
    if not names or not all(names):
        raise UsageError(f"{option} has an empty name: found {','.join(values)!r}; give names such as A,B")
    return tuple(names)


def split_pair(option: str, value: str) -> tuple[str, str]:
    """Two names from one comma-separated value.

    Raises
    ------
    UsageError : not exactly two names.

    Examples
    --------
    >>> split_pair("--pair", "smoker,urban")
    ('smoker', 'urban')
    """
    names = split_names(option, [value]) or ()
    if len(names) != 2:
        raise UsageError(
            f"{option} takes two names with a comma between: found {value!r}; "
            "put a name that holds a comma in double quotes, as in '\"last, first\",age'"
        )
    return names[0], names[1]


def check_outputs(outputs: Mapping[str, str | None], inputs: Sequence[str | None] = ()) -> None:
    """Refuse output paths that could not be written or that would overwrite an input, before work begins.

    Parameters
    ----------
    outputs : path by option; None and "-" (standard output) are left out.
    inputs : paths that are read.

    Raises
    ------
    UsageError : the folder is absent, the path is a folder, or two paths are one.
    """
    taken = {Path(path).resolve(): "an input" for path in inputs if path is not None}
    for option, text in outputs.items():
        if text is None or text == "-":
            continue
        path = Path(text)
        if path.is_dir():
            raise UsageError(f"{option} names a folder: found {text!r}; give the path of a file")
        if not path.parent.is_dir():
            raise UsageError(f"{option}: the folder {str(path.parent)!r} does not exist; make it first")
        if (other := taken.get(path.resolve())) is not None:
            raise UsageError(f"{option} would overwrite {other}: found {text!r}; give another path")
        taken[path.resolve()] = f"the file of {option}"


def say(line: str, *, quiet: bool = False) -> None:
    """One line of progress on standard error."""
    if not quiet:
        sys.stderr.write(f"credenza: {line}\n")
