"""``credenza synth mix``: clean and synthetic rows as training data, with a record of where they come from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from credenza.cli.options import Quiet, Seed, check_outputs, say
from credenza.cli.progress import working
from credenza.errors import InputError, UsageError

if TYPE_CHECKING:
    from credenza.synthetic.pipeline import Mix, Validation


def mix_command(
    clean: Annotated[
        list[str], typer.Option("--clean", metavar="FILE", help="Rows to train on; repeatable.")
    ],
    synthetic: Annotated[
        list[str], typer.Option("--synthetic", metavar="FILE", help="Rows that were made; repeatable.")
    ],
    out: Annotated[
        str, typer.Option("--out", metavar="FILE", help="Where the mix goes: .parquet, .csv, .jsonl.")
    ],
    lineage: Annotated[
        str,
        typer.Option(
            "--lineage", metavar="LOG", help="Append a record of what was mixed to this log (JSON Lines)."
        ),
    ],
    share: Annotated[
        float | None,
        typer.Option("--share", metavar="S", help="Share of synthetic rows, 0 to 1; all rows without it."),
    ] = None,
    rows: Annotated[
        int | None, typer.Option("--rows", metavar="N", help="Rows of the mix, drawn at random.")
    ] = None,
    validate: Annotated[
        str | None,
        typer.Option("--validate", metavar="REF", help="Refuse synthetic rows that are unlike these."),
    ] = None,
    labels: Annotated[
        str | None, typer.Option("--labels", metavar="COL", help="Of --validate: the column of classes.")
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", metavar="COL", help="Of --validate: the column of texts.")
    ] = None,
    lossy: Annotated[
        bool, typer.Option("--lossy", help="Of --validate: associations may be weaker, as those of a tree.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Mix in rows that fail --validate; the record says so.")
    ] = False,
    poisoned: Annotated[
        int | None,
        typer.Option("--poisoned", metavar="N", help="Clean rows that are known to be poisoned after all."),
    ] = None,
    audit: Annotated[
        str | None,
        typer.Option("--audit", metavar="FILE", help="Take that number from an audit's JSON instead."),
    ] = None,
    origin: Annotated[
        str | None,
        typer.Option("--origin", metavar="COL", help="Add a column that says clean or synthetic."),
    ] = None,
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """Mix clean and synthetic rows, shuffle them, and write them with a record of where they come from.

    Exit status: 0 mixed, 2 bad usage or input, or synthetic rows that fail validation.
    """
    from credenza.data.write import require_format
    from credenza.synthetic.pipeline import write_mix

    check_outputs({"--out": out, "--lineage": lineage}, [*clean, *synthetic, validate, audit])
    require_format(out)
    given = {"--labels": labels, "--text": text, "--lossy": lossy or None, "--force": force or None}
    for option, value in given.items():
        if value is not None and validate is None:
            raise UsageError(f"{option} is for --validate: give trusted rows to validate against as well")
    if poisoned is not None and audit is not None:
        raise UsageError("--poisoned and --audit both tell of poisoned rows; give one of them")
    said_by = "given"
    if audit is not None:
        poisoned, said_by = poisoned_rows(audit), f"audit {Path(audit).name}"
    validation = None
    if validate is not None:
        validation = validation_of(validate, {"labels": labels, "text": text, "lossy": lossy, "seed": seed})
    with working("mixing", quiet=quiet):
        mixed = write_mix(
            clean, synthetic, out, lineage, share=share, rows=rows, poisoned=poisoned, poisoned_by=said_by,
            validation=validation, force=force, origin=origin, seed=seed,
        )  # fmt: skip
    for note in mixed.notes:
        say(note, quiet=quiet)
    say(f"wrote {out}: {summary(mixed)}; recorded in {lineage}", quiet=quiet)


def validation_of(reference: str, options: dict[str, Any]) -> Validation:
    """Judge batches as ``credenza validate`` does; a batch passes with the verdict clear."""
    from credenza.contracts import Severity, Verdict
    from credenza.data import Source
    from credenza.report.validating import validate
    from credenza.synthetic.pipeline import Validation

    def faults(batch: Source) -> list[str]:
        result = validate(batch, reference, **options)
        found = [
            f"{finding.code}: {finding.message}"
            for outcome in result.outcomes
            for finding in outcome.findings
            if finding.severity is Severity.ALARM
        ]
        if not found and result.verdict is not Verdict.CLEAR:
            found = [f"the verdict is {result.verdict.value}, not clear"]
        return found

    return Validation(faults, reference, options)


def poisoned_rows(audit: str) -> int:
    """Rows that an audit estimates to have been edited: of all culprits together.

    Raises
    ------
    InputError : not an audit.
    """
    from credenza.provenance import read_object
    from credenza.report.read import from_dict

    try:
        text = Path(audit).expanduser().read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"cannot read the audit {audit}: {reason}; give what audit --json wrote") from error
    return sum(culprit.rows_edited for culprit in from_dict(read_object(text, f"the audit {audit}")).culprits)


def summary(mixed: Mix) -> str:
    """Rows, share, and what poison is to be expected."""
    line = f"{mixed.rows:,} rows, {percent(mixed.facts['synthetic_share'])} synthetic"
    poison = mixed.facts["poison"]
    if poison is None:
        return line
    return f"{line}, {percent(poison['share'])} poisoned where it was {percent(poison['share_before'])}"


def percent(share: float) -> str:
    """A share with three digits that count.

    >>> percent(0.0123456)
    '1.23%'
    """
    return f"{100 * share:.3g}%"
