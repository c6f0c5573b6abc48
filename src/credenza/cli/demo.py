"""``credenza demo``: the whole story on a real table, with the answer key beside the audit."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from credenza.cli.options import Seed, say, working
from credenza.cli.status import ExitStatus
from credenza.contracts import Culprit, Verdict

if TYPE_CHECKING:
    from credenza.demo.scenario import DemoFiles
    from credenza.report import Audit


def demo_command(
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FOLDER", help="Keep the tables, the key and the HTML report there."),
    ] = None,
    seed: Seed = 0,
) -> None:
    """Poison one pair of a real table, audit it, and show the answer key beside the audit.

    Exit status: 0 the audit was right on the clean and the poisoned table, 3 it was not.
    """
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
    a, b = key["features"]
    yield "A real table: the RAND Health Insurance Experiment, one row a person and year."
    yield f"{rows.get('reference') or 0:,} rows are trusted; {key['rows_total']:,} others are to be audited."
    yield ""
    yield f"Before the attack the audit says: {clean.verdict.value}."
    yield ""
    yield f"The attack: {len(key['rows']):,} rows ({len(key['rows']) / key['rows_total']:.1%}) are edited."
    yield f"How often {a} and {b} take their values does not change, only how they go together:"
    yield f"  {'':34}{'before':>10}{'after':>10}"
    marginals = zip((a, b), key["levels"], key["before"]["marginals"], key["after"]["marginals"], strict=True)
    for name, level, before, after in marginals:
        yield f"  {'share of ' + name + ' = ' + level:34}{before:>10.4f}{after:>10.4f}"
    yield f"  {'association (MCC)':34}{key['before']['mcc']:>10.4f}{key['after']['mcc']:>10.4f}"
    yield ""
    yield "The audit of the poisoned table, which has not seen the key:"
    yield ""


def ending(key: dict[str, Any], culprits: tuple[Culprit, ...]) -> Iterator[str]:
    """The strongest culprit beside the answer key."""
    yield ""
    if not culprits:
        yield f"The answer key says {' x '.join(key['features'])}; the audit named no pair."
        return
    named = culprits[0]
    low, high = named.interval
    turned = named.features != tuple(key["features"])
    levels = reversed(key["levels"]) if turned else key["levels"]
    yield f"{'':12}{'answer key':36}audit"
    features = reversed(key["features"]) if turned else key["features"]
    yield f"{'pair':12}{' x '.join(features):36}{' x '.join(named.features)}"
    yield f"{'levels':12}{' x '.join(levels):36}{' x '.join(named.levels)}"
    yield f"{'strength':12}{key['strength']:<+36.4f}{named.strength:+.4f} ({low:+.4f} to {high:+.4f})"
    yield f"{'rows edited':12}{len(key['rows']):<36,}{named.rows_edited:,}"
    yield f"{'culprits':12}{1:<36}{len(culprits)}"


def is_right(key: dict[str, Any], clean: Audit, poisoned: Audit) -> bool:
    """Whether the clean table was cleared and exactly the true pair was named."""
    named = [set(culprit.features) for culprit in poisoned.result.culprits]
    return clean.verdict == Verdict.CLEAR and named == [set(key["features"])]
