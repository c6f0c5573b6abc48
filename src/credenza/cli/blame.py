"""``credenza blame``: without whose rows does a small model do better?"""

from __future__ import annotations

from enum import StrEnum
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
    split_names,
)
from credenza.cli.progress import working


class Model(StrEnum):
    """What is trained again and again."""

    LOGISTIC = "logistic"
    BOOSTING = "boosting"
    IMAGES = "images"


def blame_command(
    train: Annotated[
        str,
        typer.Argument(metavar="TRAIN", help="Training rows of several contributors: file, folder or glob."),
    ],
    slices: Annotated[
        str, typer.Option("--slices", metavar="CONTRIBUTOR", help="Column that names each row's contributor.")
    ],
    labels: Annotated[
        str, typer.Option("--labels", metavar="COL", help="Column that holds each row's class.")
    ],
    test: Annotated[str, typer.Option("--test", metavar="CLEAN", help="Trusted rows with the same columns.")],
    columns: Annotated[
        list[str] | None,
        typer.Option("--columns", metavar="A,B,...", help="Learn from these columns only; repeatable."),
    ] = None,
    model: Annotated[
        Model, typer.Option("--model", metavar="logistic|boosting|images", help="What is trained.")
    ] = Model.LOGISTIC,
    parts: Annotated[
        int | None,
        typer.Option("--parts", metavar="N", min=0, help="Random parts that are left out for comparison."),
    ] = None,
    images: Annotated[
        str | None, typer.Option("--images", metavar="COL", help="Column of images, for that model.")
    ] = None,
    fdr: Fdr = 0.05,
    seed: Seed = 0,
    fail_on: FailOnOption = FailOn.ALARM,
    json: JsonFile = None,
    html: HtmlFile = None,
    quiet: Quiet = False,
) -> None:
    """Train a small model without each contributor, and name those without whom trusted rows fare better.

    Exit status: 0 no alarm, 1 alarm, 2 bad usage or input, 3 could not check what was asked.
    """
    from credenza.report.blaming import CODE, leave_one_out

    check_outputs({"--json": json, "--html": html}, [train, test])
    with working("training", quiet=quiet):
        result = leave_one_out(
            train, slices=slices, labels=labels, test=test, columns=split_names("--columns", columns),
            model=model.value, parts=parts, images=images, fdr=fdr, seed=seed,
        )  # fmt: skip
    present(result, json=json, html=html, quiet=quiet)
    raise typer.Exit(exit_status(result, (CODE,), fail_on=fail_on.value, expects_verdict=True, quiet=quiet))
