"""``credenza study``: reproduce a paper's results, and show what an audit says before any training."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from credenza.cli.options import Quiet, Seed, say
from credenza.cli.progress import working
from credenza.errors import UsageError

STUDIES = ("associative",)


def study_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The study: associative.")],
    out: Annotated[
        str, typer.Option("--out", metavar="FOLDER", help="Results go there; a stopped study goes on there.")
    ],
    scale: Annotated[
        str,
        typer.Option("--scale", metavar="tiny|small|paper", help="Seconds, hours of two cores, or a GPU."),
    ] = "small",
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="DATA",
            help="Rows of attributes: a table, or CelebA's folder; without it they are drawn.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="MODALITY/GENERATOR/CONDITION", help="Only such models; * for any; repeatable."
        ),
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", metavar="N", min=1, help="Models to train at a time, a process each.")
    ] = 1,
    device: Annotated[
        str, typer.Option("--device", metavar="auto|cpu|cuda", help="Where generators are trained.")
    ] = "auto",
    network: Annotated[
        str | None,
        typer.Option(
            "--network",
            metavar="FILE",
            help="TorchScript or ONNX model (Inception): features of the Fréchet distance.",
        ),
    ] = None,
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """Poison training rows, train generators on them, and print the paper's tables beside ours.

    Exit status: 0 done, 2 bad usage or bad input.
    """
    if name not in STUDIES:
        raise UsageError(f"unknown study {name!r}; choose from {', '.join(STUDIES)}")
    from credenza.studies.associative import associative

    with working("studying", quiet=quiet):
        study = associative(
            out,
            scale=scale,
            data=data,
            seed=seed,
            jobs=jobs,
            only=tuple(only or ()),
            device=device,
            network=network,
        )
    if not quiet:
        sys.stdout.write(study.page)
    say(f"wrote the tables, plots and samples to {study.out}", quiet=quiet)
