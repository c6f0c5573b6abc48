"""``credenza audit``: audit a table, and say what was found."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from credenza.cli.options import (
    CacheFolder,
    EmbedColumn,
    EmbedOption,
    EngineName,
    EngineOption,
    FailOn,
    FailOnOption,
    Fdr,
    HtmlFile,
    JsonFile,
    LabelsColumn,
    MinStrength,
    Quiet,
    Seed,
    SkipUnreadable,
    check_outputs,
    say,
    split_names,
)
from credenza.cli.progress import working
from credenza.cli.status import ExitStatus, unchecked

if TYPE_CHECKING:
    from credenza.report import Audit


class Correction(StrEnum):
    """How many tests at once are accounted for."""

    BH = "bh"
    BY = "by"
    PERMUTATION = "permutation"


def audit_command(
    suspect: Annotated[str, typer.Argument(metavar="SUSPECT", help="Data to audit: file, folder or glob.")],
    reference: Annotated[
        str | None,
        typer.Option(
            "--reference", metavar="REF", help="Trusted data, a profile of it (.czp), or its signed manifest."
        ),
    ] = None,
    slices: Annotated[
        str | None, typer.Option("--slices", metavar="COL", help="Column that names each row's provenance.")
    ] = None,
    strata: Annotated[
        list[str] | None,
        typer.Option("--strata", metavar="COL", help="Look inside groups of equal values too; repeatable."),
    ] = None,
    policy: Annotated[
        str | None, typer.Option("--policy", metavar="FILE", help="TOML file of what pairs should be like.")
    ] = None,
    triples: Annotated[
        list[str] | None,
        typer.Option(
            "--triples", metavar="A,B,C,...|all", help="Look at these columns in threes too; repeatable."
        ),
    ] = None,
    labels: LabelsColumn = None,
    embeddings: Annotated[
        str | None,
        typer.Option(
            "--embeddings", metavar="FILE", help="Content of each row as numbers (.npy or a table)."
        ),
    ] = None,
    losses: Annotated[
        str | None,
        typer.Option("--losses", metavar="FILE", help="Training loss of each row, a column an epoch."),
    ] = None,
    reference_embeddings: Annotated[
        str | None,
        typer.Option("--reference-embeddings", metavar="FILE", help="Content of the reference's rows."),
    ] = None,
    embed: EmbedOption = None,
    embed_column: EmbedColumn = None,
    cache: CacheFolder = None,
    skip_unreadable: SkipUnreadable = False,
    manifest: Annotated[
        str | None,
        typer.Option(
            "--manifest", metavar="FILE", help="The signed manifest of SUSPECT, or the signed folder."
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="PUBLIC", help="Public key that must have signed the manifests."),
    ] = None,
    added_only: Annotated[
        bool,
        typer.Option("--added-only", help="Audit the rows alone that REF, a signed manifest, does not have."),
    ] = False,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="FOLDER", help="Diffusion model trained on SUSPECT, to look into."),
    ] = None,
    generated: Annotated[
        str | None,
        typer.Option("--generated", metavar="DATA", help="A generator's images, with classes as in SUSPECT."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--columns", metavar="A,B,...", help="Audit these columns only; repeatable."),
    ] = None,
    checks: Annotated[
        list[str] | None,
        typer.Option("--checks", metavar="CODE,...", help="Run these checks only; repeatable."),
    ] = None,
    fdr: Fdr = 0.05,
    min_strength: MinStrength = 0.0,
    correction: Annotated[
        Correction,
        typer.Option("--correction", metavar="bh|by|permutation", help="Correction for many tests."),
    ] = Correction.BH,
    seed: Seed = 0,
    engine: EngineOption = EngineName.LOCAL,
    fail_on: FailOnOption = FailOn.ALARM,
    json: JsonFile = None,
    html: HtmlFile = None,
    rows: Annotated[
        str | None,
        typer.Option("--rows", metavar="FILE", help="Write a weight and scores for every row (Parquet)."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Audit a table for moved associations, against a reference, its own slices or a policy.

    Exit status: 0 no alarm, 1 alarm, 2 bad usage or input, 3 could not check what was asked.
    """
    from credenza.data.write import require_format
    from credenza.report import audit

    inputs = [suspect, reference, policy, embeddings, losses, reference_embeddings, embed, model, generated]
    check_outputs({"--json": json, "--html": html, "--rows": rows}, inputs)
    if rows is not None:
        require_format(rows)
    codes = split_names("--checks", checks)
    codes = None if codes is None else tuple(code.upper() for code in codes)
    threes = split_names("--triples", triples)
    with working("auditing", quiet=quiet):
        result = audit(
            suspect,
            reference,
            slices=slices,
            strata=tuple(strata or ()),
            columns=split_names("--columns", columns),
            policy=policy,
            triples="all" if threes == ("all",) else threes,
            labels=labels,
            embeddings=embeddings,
            losses=losses,
            reference_embeddings=reference_embeddings,
            embed=embed,
            embed_column=embed_column,
            cache=cache,
            skip_unreadable=skip_unreadable,
            manifest=manifest,
            key=key,
            added_only=added_only,
            model=model,
            generated=generated,
            checks=codes,
            fdr=fdr,
            min_strength=min_strength,
            correction=correction.value,
            seed=seed,
            engine=engine.value,
        )
    if rows is not None:
        result.to_rows(rows)
        say(f"wrote {rows}", quiet=quiet)
    present(result, json=json, html=html, quiet=quiet)
    options = {"CZ202": slices, "CZ204": strata, "CZ206": policy, "CZ301": triples}
    content = embeddings or embed
    options |= {"CZ401": labels and content, "CZ402": labels and (losses or content)}
    options |= {"CZ701": manifest, "CZ702": manifest and key, "CZ704": "--added-only" if added_only else None}
    options |= {"CZ501": model, "CZ502": generated}
    asked = codes or tuple(code for code, value in options.items() if value)
    asked += ("CZ004",) if embed else ()
    expects_verdict = bool(reference and not (codes or model or generated)) and not nothing_added(result)
    raise typer.Exit(
        exit_status(result, asked, fail_on=fail_on.value, expects_verdict=expects_verdict, quiet=quiet)
    )


def nothing_added(result: Audit) -> bool:
    """Whether the rows that were to be audited are none."""
    return any(outcome.code == "CZ704" and outcome.details.get("added") == 0 for outcome in result.outcomes)


def present(result: Audit, *, json: str | None, html: str | None, quiet: bool) -> None:
    """Write the files that were asked for, then the summary or the JSON on standard output."""
    if html is not None:
        result.to_html(html)
        say(f"wrote {html}", quiet=quiet)
    if json == "-":
        sys.stdout.write(result.to_json().rstrip("\n") + "\n")
        return
    if json is not None:
        result.to_json(json)
        say(f"wrote {json}", quiet=quiet)
    if not quiet:
        result.show()


def exit_status(
    result: Audit,
    asked: tuple[str, ...],
    *,
    fail_on: Literal["alarm", "notice"],
    expects_verdict: bool,
    quiet: bool,
) -> ExitStatus:
    """The status of an audit; what could not be checked is said on standard error."""
    if result.exit_status(fail_on):
        return ExitStatus.ALARM
    lines = unchecked(result.outcomes, asked, result.verdict, expects_verdict=expects_verdict)
    for line in lines:
        say(f"not checked: {line}", quiet=quiet)
    return ExitStatus.UNCHECKED if lines else ExitStatus.CLEAR
