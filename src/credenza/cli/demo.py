"""``credenza demo``: the whole story on a real table, with the answer key beside the audit."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from credenza.cli.options import Seed, say
from credenza.cli.progress import working
from credenza.cli.status import ExitStatus

if TYPE_CHECKING:
    from credenza.contracts import Culprit
    from credenza.demo.scenario import DemoFiles
    from credenza.report import Audit


def demo_command(
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FOLDER", help="Keep the tables, the key and the HTML report there."),
    ] = None,
    seed: Seed = 1,
) -> None:
    """Poison one pair of a real table, audit it, and show the answer key beside the audit.

    Exit status: 0 the audit was right on the clean and the poisoned table, 3 it was not.
    """
    from tempfile import TemporaryDirectory

    from credenza.demo import scenario

    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="credenza-")) if out is None else out)
        files = scenario.prepare(folder, seed=seed)
        status = tell(files, folder if out is not None else None, seed)
    raise typer.Exit(status)


def tell(files: DemoFiles, keep: Path | None, seed: int) -> ExitStatus:
    """Audit both tables and print what happened."""
    from credenza.report import audit

    key = json.loads(Path(files.key).read_text(encoding="utf-8"))
    with working("auditing the clean table"):
        clean = audit(files.clean, files.reference, seed=seed)
    write(opening(key, clean))
    with working("auditing the poisoned table"):
        poisoned = audit(files.suspect, files.reference, seed=seed)
    poisoned.show()
    write(ending(key, poisoned.result.culprits))
    if keep is not None:
        poisoned.to_html(keep / "report.html")
        poisoned.to_json(keep / "audit.json")
        say(f"wrote the tables, key.json, audit.json and report.html to {keep}")
    return ExitStatus.CLEAR if is_right(key, clean, poisoned) else ExitStatus.UNCHECKED


def write(lines: Iterator[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def opening(key: dict[str, Any], clean: Audit) -> Iterator[str]:
    """What the table is, what was done to it, and what summary statistics would show of it."""
    rows = {item.role: item.rows for item in clean.result.inputs}
    yield "A real table: the RAND Health Insurance Experiment, one row a person and year."
    yield f"{rows.get('reference') or 0:,} rows are trusted; {key['rows_total']:,} others are to be audited."
    yield ""
    yield f"Before the attack the audit says: {clean.verdict.value}."
    yield ""
    yield f"The attack: {len(key['rows']):,} rows ({len(key['rows']) / key['rows_total']:.1%}) are edited."
    yield "Each feature takes its values as often as before; only how the two go together changes:"
    shares = [
        f"share of {name} = {level}"
        for name, level in zip(key["moves"][0]["features"], key["moves"][0]["levels"], strict=True)
    ]
    marginals = zip(
        key["moves"][0]["before"]["marginals"], key["moves"][0]["after"]["marginals"], strict=True
    )
    measures = (key["moves"][0]["before"]["mcc"], key["moves"][0]["after"]["mcc"])
    width = max(map(len, shares)) + 2
    yield f"  {'':{width}}{'before':>8}{'after':>9}"
    for label, (before, after) in zip((*shares, "association (MCC)"), (*marginals, measures), strict=True):
        yield f"  {label:{width}}{before:>8.4f}{after:>9.4f}"
    yield ""
    yield "The audit of the poisoned table, which has not seen the key:"
    yield ""


def ending(key: dict[str, Any], culprits: tuple[Culprit, ...]) -> Iterator[str]:
    """The strongest culprit beside the answer key."""
    yield ""
    if not culprits:
        yield f"The answer key says {' x '.join(key['moves'][0]['features'])}; the audit named no pair."
        return
    yield "The answer key, and what the audit says of it:"
    yield ""
    rows = list(comparison(key, culprits))
    width = max(len(told) for _, told, _ in rows) + 2
    for label, told, said in rows:
        yield f"  {label:16}{told:{width}}{'the same' if said.casefold() == told.casefold() else said}"


def comparison(key: dict[str, Any], culprits: tuple[Culprit, ...]) -> Iterator[tuple[str, str, str]]:
    """What is compared, the answer key's version, and that of the strongest culprit."""
    named = culprits[0]
    step = 1 if named.features == tuple(key["moves"][0]["features"]) else -1
    yield "pair", " x ".join(key["moves"][0]["features"][::step]), " x ".join(named.features)
    yield "levels", " x ".join(key["moves"][0]["levels"][::step]), " x ".join(named.levels)
    low, high = named.interval
    yield (
        "strength (95%)",
        f"{key['moves'][0]['strength']:+.4f}",
        f"{named.strength:+.4f} ({low:+.4f} to {high:+.4f})",
    )
    yield "rows edited", f"{len(key['rows']):,}", f"{named.rows_edited:,}"
    yield "pairs moved", "1", f"{len(culprits)}"


def is_right(key: dict[str, Any], clean: Audit, poisoned: Audit) -> bool:
    """Whether the clean table was cleared and exactly the true pair was named."""
    from credenza.contracts import Verdict

    named = [set(culprit.features) for culprit in poisoned.result.culprits]
    return clean.verdict == Verdict.CLEAR and named == [set(key["moves"][0]["features"])]
