"""``credenza dilute``: how many clean rows a poison takes."""

from __future__ import annotations

import json as json_module
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from credenza.cli.options import split_pair
from credenza.cli.status import ExitStatus
from credenza.errors import UsageError

if TYPE_CHECKING:
    from credenza.synthetic.dilute import Dilution


def dilute_command(
    suspect: Annotated[
        str | None, typer.Argument(metavar="[SUSPECT]", help="Poisoned data, to measure --pair in.")
    ] = None,
    poisoned: Annotated[int | None, typer.Option("--poisoned", metavar="N", help="Poisoned rows.")] = None,
    total: Annotated[int | None, typer.Option("--total", metavar="N", help="Rows at hand.")] = None,
    target: Annotated[
        float | None, typer.Option("--target", metavar="SHARE", help="Share of poisoned rows to reach.")
    ] = None,
    strength: Annotated[
        float | None, typer.Option("--strength", metavar="E", help="Strength of an association to reach.")
    ] = None,
    now: Annotated[
        float | None, typer.Option("--now", metavar="E", help="Its strength now, where no data is given.")
    ] = None,
    pair: Annotated[
        str | None, typer.Option("--pair", metavar="A,B", help="The two associated columns of SUSPECT.")
    ] = None,
    levels: Annotated[
        str | None,
        typer.Option("--levels", metavar="X,Y", help="Their levels; by default where it is strongest."),
    ] = None,
    reference: Annotated[
        str | None, typer.Option("--reference", metavar="REF", help="Trusted rows, to measure against.")
    ] = None,
    clean: Annotated[
        str | None, typer.Option("--clean", metavar="DATA", help="The rows to add, to be measured too.")
    ] = None,
    fitted_on: Annotated[
        str | None, typer.Option("--fitted-on", metavar="DATA", help="What their generator was fitted on.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Print how many clean rows bring a poison down to a share of the rows, or an association to a strength.

    Exit status: 0 a number was printed, 1 no number of these rows dilutes the poison, 2 bad usage or input.
    """
    if (target is None) == (strength is None):
        raise UsageError("give either --target, a share of rows, or --strength, of an association")
    found: dict[str, Any] = {}
    if target is not None:
        result = _share(poisoned, total, target, suspect, fitted_on)
    else:
        assert strength is not None
        result, found = _strength(strength, now, total, pair, levels, suspect, reference, clean, fitted_on)
    if json:
        fields = {name: getattr(result, name) for name in ("add", "total", "before", "after", "warning")}
        sys.stdout.write(json_module.dumps(found | fields) + "\n")
    else:
        sys.stdout.write(sentence(result, "strength" if target is None else "share", found))
    if result.warning:
        sys.stderr.write(f"credenza: warning: {result.warning}\n")
    raise typer.Exit(ExitStatus.ALARM if result.add is None else ExitStatus.CLEAR)


def sentence(result: Dilution, what: str, found: dict[str, Any]) -> str:
    """The number of rows, and what they do, in one or two lines.

    Examples
    --------
    >>> from credenza.synthetic.dilute import rows_for_share
    >>> sentence(rows_for_share(100, 5_000, 0.01), "share", {})
    'add 5,000 clean rows: 10,000 in all, share of poisoned rows 2% -> 1%\\n'
    """
    measured = ""
    if found:
        (a, b), (x, y) = found["features"], found["levels"]
        gaps = " and ".join(f"{100 * gap:+.1f}" for gap in found["gaps"])
        measured = (
            f"{a} = {x} with {b} = {y}: strength {found['strength']:+.4f}, shares moved by {gaps} points\n"
        )
    if result.add is None:
        return f"{measured}no number of these rows dilutes the poison\n"
    if what == "share":
        told = f"share of poisoned rows {100 * result.before:.3g}% -> {100 * result.after:.3g}%"
    else:
        told = f"strength {result.before:+.4g} -> {result.after:+.4g}"
    return f"{measured}add {result.add:,} clean rows: {result.total:,} in all, {told}\n"


def _share(
    poisoned: int | None, total: int | None, target: float, suspect: str | None, fitted_on: str | None
) -> Dilution:
    from credenza.synthetic.dilute import rows_for_share

    if poisoned is None or (total is None and suspect is None):
        raise UsageError(
            "--target takes --poisoned and --total: give how many rows are poisoned, of how many"
        )
    if total is None:
        from credenza.data import open_source

        total = open_source(suspect).rows
    return rows_for_share(poisoned, total, target, fitted_on_suspect=_learnt(suspect, fitted_on))


def _strength(
    strength: float,
    now: float | None,
    total: int | None,
    pair: str | None,
    levels: str | None,
    suspect: str | None,
    reference: str | None,
    clean: str | None,
    fitted_on: str | None,
) -> tuple[Dilution, dict[str, Any]]:
    from credenza.synthetic.dilute import rows_for_strength
    from credenza.synthetic.strengths import pair_shift

    learnt = _learnt(suspect, fitted_on)
    if now is not None:
        if total is None:
            raise UsageError("--now takes --total: give how many rows have the association")
        return rows_for_strength(now, total, strength, fitted_on_suspect=learnt), {}
    if suspect is None or pair is None or reference is None:
        raise UsageError("--strength takes SUSPECT, --reference and --pair, or the numbers --now and --total")
    names = split_pair("--pair", pair)
    chosen = None if levels is None else split_pair("--levels", levels)
    found = pair_shift(suspect, reference, names, chosen)
    own = vars(found)
    carried, gaps = 0.0, found.gaps
    if clean is not None:
        added = pair_shift(clean, reference, names, found.levels)
        carried = added.strength
        gaps = (found.gaps[0] - added.gaps[0], found.gaps[1] - added.gaps[1])
    result = rows_for_strength(
        found.strength, found.rows, strength, gaps=gaps, carried=carried, fitted_on_suspect=learnt
    )
    return result, own | {"carried": carried}


def _learnt(suspect: str | None, fitted_on: str | None) -> bool:
    from credenza.synthetic.strengths import learnt_from

    if fitted_on is None:
        return False
    if suspect is None:
        raise UsageError("--fitted-on is compared with SUSPECT: give the suspect's data too")
    return learnt_from(suspect, fitted_on)
