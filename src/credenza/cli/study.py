"""``credenza study``: reproduce a paper's results, and show what an audit says before any training."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from credenza.cli.options import Quiet, Seed, say
from credenza.cli.progress import working
from credenza.errors import UsageError

STUDIES = ("associative", "chain")


def study_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The study: associative, or chain.")],
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
            help="associative: rows of attributes, or CelebA's folder; chain: images with a column label. Or drawn.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="MODALITY/GENERATOR/CONDITION|ATTACK/ATTACKER",
            help="Only such models; * for any; repeatable.",
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
            help="associative: TorchScript or ONNX model (Inception), features of the Fréchet distance.",
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
    if name == "chain" and network is not None:
        raise UsageError("--network is of the study associative; leave it out")
    common: dict[str, Any] = {
        "scale": scale,
        "data": data,
        "seed": seed,
        "jobs": jobs,
        "only": tuple(only or ()),
    }
    with working("studying", quiet=quiet):
        if name == "chain":
            from credenza.studies.chain import chain

            study: Any = chain(out, device=device, **common)
        else:
            from credenza.studies.associative import associative

            study = associative(out, device=device, network=network, **common)
    if not quiet:
        sys.stdout.write(study.page)
    say(f"wrote the tables, plots and samples to {study.out}", quiet=quiet)
