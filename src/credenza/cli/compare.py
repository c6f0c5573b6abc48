"""``credenza compare``: did a checkpoint jump on some class, slice or pair?"""

from __future__ import annotations

from typing import Annotated

import typer

from credenza.cli.audit import exit_status, present
from credenza.cli.options import (
    FailOn,
    FailOnOption,
    Fdr,
    HtmlFile,
    JsonFile,
    Quiet,
    Seed,
    check_outputs,
    split_pair,
)
from credenza.cli.progress import working


def compare_command(
    checkpoints: Annotated[
        list[str],
        typer.Argument(metavar="CHECKPOINT...", help="Files of predictions or model folders, oldest first."),
    ],
    labels: Annotated[str, typer.Option("--labels", metavar="COL", help="Column of the true classes.")],
    data: Annotated[
        str | None,
        typer.Option(
            "--data", metavar="TEST", help="The test rows, unless the files of predictions hold them."
        ),
    ] = None,
    slices: Annotated[
        str | None, typer.Option("--slices", metavar="COL", help="Look at the rows of each value apart, too.")
    ] = None,
    pairs: Annotated[
        list[str] | None,
        typer.Option("--pairs", metavar="A,B", help="Follow the association of two columns; repeatable."),
    ] = None,
    predicted: Annotated[
        str | None, typer.Option("--predicted", metavar="COL", help="Column of the predicted classes.")
    ] = None,
    probabilities: Annotated[
        str,
        typer.Option("--probabilities", metavar="PREFIX", help="Columns of probabilities: this and a class."),
    ] = "probability_",
    rows: Annotated[
        str | None,
        typer.Option("--rows", metavar="COL", help="Column that names the rows, to put files in one order."),
    ] = None,
    images: Annotated[
        str | None, typer.Option("--images", metavar="COL", help="Column of TEST that models are run on.")
    ] = None,
    fdr: Fdr = 0.05,
    min_change: Annotated[
        float | None,
        typer.Option("--min-change", metavar="SHARE", help="Let smaller changes of a rate pass."),
    ] = None,
    seed: Seed = 0,
    fail_on: FailOnOption = FailOn.ALARM,
    json: JsonFile = None,
    html: HtmlFile = None,
    quiet: Quiet = False,
) -> None:
    """Compare checkpoints of a model on the same test rows: classes, slices, cells and pairs that jumped.

    Exit status: 0 no alarm, 1 alarm, 2 bad usage or input, 3 could not check what was asked.
    """
    from credenza.report.comparing import CODE, compare

    check_outputs({"--json": json, "--html": html}, [*checkpoints, data])
    with working("comparing", quiet=quiet):
        result = compare(
            checkpoints, labels=labels, data=data, slices=slices,
            pairs=[split_pair("--pairs", pair) for pair in pairs or ()], predicted=predicted,
            probabilities=probabilities, rows=rows, images=images, fdr=fdr, min_change=min_change, seed=seed,
        )  # fmt: skip
    present(result, json=json, html=html, quiet=quiet)
    raise typer.Exit(exit_status(result, (CODE,), fail_on=fail_on.value, expects_verdict=True, quiet=quiet))
