"""``credenza validate``: is a synthetic batch fit to be mixed into training data?"""

from __future__ import annotations

from typing import Annotated

import typer

from credenza.cli.audit import exit_status, present
from credenza.cli.options import (
    FailOn,
    FailOnOption,
    HtmlFile,
    JsonFile,
    LabelsColumn,
    MinStrength,
    Quiet,
    Seed,
    check_outputs,
    say,
    split_names,
)
from credenza.cli.progress import working


def validate_command(
    synthetic: Annotated[
        str, typer.Argument(metavar="SYNTHETIC", help="Synthetic batch: file, folder or glob.")
    ],
    reference: Annotated[
        str, typer.Option("--reference", metavar="REF", help="Trusted rows with the same columns.")
    ],
    labels: LabelsColumn = None,
    text: Annotated[str | None, typer.Option("--text", metavar="COL", help="Column of texts.")] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--columns", metavar="A,B,...", help="Look at these columns only; repeatable."),
    ] = None,
    checks: Annotated[
        list[str] | None,
        typer.Option("--checks", metavar="CODE,...", help="Of CZ001, CZ201 and CZ601 to CZ604; repeatable."),
    ] = None,
    tolerance: Annotated[
        float, typer.Option("--tolerance", metavar="SHARE", help="Change of a share that passes.")
    ] = 0.10,
    duplicates: Annotated[
        float,
        typer.Option(
            "--duplicates", metavar="SHARE", help="Repeated rows that pass, beyond the reference's."
        ),
    ] = 0.05,
    copies: Annotated[
        float,
        typer.Option("--copies", metavar="SHARE", help="Copies of the reference's rows that pass."),
    ] = 0.02,
    implausible: Annotated[
        float, typer.Option("--implausible", metavar="SHARE", help="Implausible rows that pass.")
    ] = 0.02,
    wrong_labels: Annotated[
        float,
        typer.Option("--wrong-labels", metavar="SHARE", help="Labels against their content that pass."),
    ] = 0.02,
    min_strength: MinStrength = 0.01,
    lossy: Annotated[
        bool, typer.Option("--lossy", help="Associations that are only weaker are notices, not alarms.")
    ] = False,
    error: Annotated[
        float, typer.Option("--error", metavar="P", help="Chance of any false alarm, over all checks.")
    ] = 0.05,
    perplexity_model: Annotated[
        str | None,
        typer.Option(
            "--perplexity-model",
            metavar="FOLDER",
            help="Judge texts by this local model, not by n-grams of REF: saved here, or transformers.",
        ),
    ] = None,
    seed: Seed = 0,
    fail_on: FailOnOption = FailOn.ALARM,
    json: JsonFile = None,
    html: HtmlFile = None,
    rows: Annotated[
        str | None, typer.Option("--rows", metavar="FILE", help="Write scores for every row (Parquet).")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Compare a synthetic batch with trusted rows: distribution, associations, copies, plausibility, labels.

    Exit status: 0 no alarm, 1 alarm, 2 bad usage or input, 3 could not check what was asked.
    """
    from credenza.data.write import require_format
    from credenza.report.validating import validate

    check_outputs({"--json": json, "--html": html, "--rows": rows}, [synthetic, reference])
    if rows is not None:
        require_format(rows)
    codes = split_names("--checks", checks)
    codes = None if codes is None else tuple(code.upper() for code in codes)
    with working("validating", quiet=quiet):
        result = validate(
            synthetic, reference, labels=labels, text=text, columns=split_names("--columns", columns),
            checks=codes, tolerance=tolerance, duplicates=duplicates, copies=copies, implausible=implausible,
            wrong_labels=wrong_labels, min_strength=min_strength, lossy=lossy, error=error,
            perplexity_model=perplexity_model, seed=seed,
        )  # fmt: skip
    if rows is not None:
        result.to_rows(rows)
        say(f"wrote {rows}", quiet=quiet)
    present(result, json=json, html=html, quiet=quiet)
    asked = codes or (("CZ604",) if labels else ())
    expects = codes is None
    raise typer.Exit(exit_status(result, asked, fail_on=fail_on.value, expects_verdict=expects, quiet=quiet))
