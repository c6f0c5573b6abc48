"""``credenza repair``: put right what an audit names, with a ledger of every change."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from credenza.cli.options import Quiet, Seed, check_outputs, say
from credenza.cli.progress import working
from credenza.cli.records import Lineage, check_log, record_run
from credenza.cli.red_team import parameters_of


class MethodName(StrEnum):
    """How a repair is made."""

    REWEIGHT = "reweight"
    RESAMPLE = "resample"
    RELABEL = "relabel"
    REVERSE = "reverse"
    DROP = "drop"


class Target(StrEnum):
    """What association is restored."""

    REFERENCE = "reference"
    INDEPENDENCE = "independence"
    POLICY = "policy"


def repair_command(
    context: typer.Context,
    suspect: Annotated[str, typer.Argument(metavar="SUSPECT", help="The data that was audited.")],
    audit: Annotated[str, typer.Option("--audit", metavar="FILE", help="The audit, as --json wrote it.")],
    method: Annotated[
        MethodName,
        typer.Option(
            "--method",
            metavar="|".join(MethodName),
            help="Weigh rows, draw them, edit values, exchange or drop rows.",
        ),
    ],
    out: Annotated[str, typer.Option("--out", metavar="PATH", help="Where the repaired data goes.")],
    ledger: Annotated[
        str, typer.Option("--ledger", metavar="FILE", help="Where the ledger of all changes goes (Parquet).")
    ],
    reference: Annotated[
        str | None, typer.Option("--reference", metavar="REF", help="The reference of the audit.")
    ] = None,
    target: Annotated[
        Target,
        typer.Option(
            "--target",
            metavar="|".join(Target),
            help="Restore the reference's association, leave none, or just meet the policy.",
        ),
    ] = Target.REFERENCE,
    policy: Annotated[
        str | None, typer.Option("--policy", metavar="FILE", help="The audit's policy, for --target policy.")
    ] = None,
    holdout: Annotated[
        str | None, typer.Option("--holdout", metavar="FILE", help="Trusted rows for --method reverse.")
    ] = None,
    strata: Annotated[
        str | None,
        typer.Option("--strata", metavar="COL", help="Put each pair right inside the values of a column."),
    ] = None,
    cap: Annotated[
        float | None, typer.Option("--cap", metavar="W", help="Largest weight of a row (reweight, resample).")
    ] = None,
    thin: Annotated[
        bool, typer.Option("--thin", help="Only leave rows out, never repeat one (resample).")
    ] = False,
    embeddings: Annotated[
        str | None,
        typer.Option("--embeddings", metavar="FILE", help="Content that says which rows to edit (relabel)."),
    ] = None,
    scores: Annotated[
        str | None,
        typer.Option("--scores", metavar="FILE", help="Row scores, as audit --rows writes them (drop)."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any other parameter of the method; repeatable."),
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Restore what can be restored, and name the rest.")
    ] = False,
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE|-", help="What was done, before and after, as JSON.")
    ] = None,
    html: Annotated[
        str | None, typer.Option("--html", metavar="FILE", help="What was done as one HTML page.")
    ] = None,
    lineage: Lineage = None,
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """Put right what an audit names, and write the repaired data and a ledger of every change.

    Each culprit's table gets the association that the reference has, in the suspect's own marginals; without a
    reference, slices that were named get that of the other slices. All pairs are tested again afterwards,
    and changed rows are audited again, as they were before. Exit status: 0 done, 2 bad usage or input.
    """
    from credenza.report.repairing import plan_repair, repair_file

    check_outputs(
        {"--ledger": ledger, "--json": json, "--html": html},
        [suspect, audit, reference, policy, holdout, scores, out],
    )
    check_log(lineage, [out, ledger, json, html])
    given = {"cap": cap, "thin": thin or None, "embeddings": embeddings, "scores": scores}
    parameters = {name: value for name, value in given.items() if value is not None} | parameters_of(settings)
    with working("repairing", quiet=quiet):
        course = plan_repair(
            suspect,
            audit,
            method=method.value,
            reference=reference,
            target=target.value,
            policy=policy,
            holdout=holdout,
            strata=strata,
            partial=partial,
            seed=seed,
            **parameters,
        )
        done = repair_file(course, out, ledger)
    if html is not None:
        done.to_html(html)
        say(f"wrote {html}", quiet=quiet)
    if json is not None:
        document = done.to_json(None if json == "-" else json)
        if json == "-":
            sys.stdout.write(document)
    if not quiet and json != "-":
        sys.stdout.write(done.to_text())
    record_run(
        context,
        inputs=("suspect", "reference", "holdout", "embeddings", "scores"),
        documents=("audit", "ledger", "policy", "json", "html"),
    )
    say(f"wrote {out} and {ledger}", quiet=quiet)
