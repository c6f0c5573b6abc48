"""``credenza poison``: carry out an attack on a clean table, for testing."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from credenza.cli.options import Quiet, Seed, check_outputs, say, split_pair
from credenza.cli.progress import working
from credenza.errors import UsageError

if TYPE_CHECKING:
    from credenza.attacks import AnswerKey


class Attack(StrEnum):
    """Attacks that can be carried out."""

    ASSOCIATIVE = "associative"
    CONTINUOUS = "continuous"


class Direction(StrEnum):
    """Which way the association is moved."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    ERASE = "erase"


class Mode(StrEnum):
    """Where the rows of an associative attack come from."""

    REPLACE = "replace"
    RELABEL = "relabel"
    DUPLICATE = "duplicate"


def poison_command(
    clean: Annotated[str, typer.Argument(metavar="CLEAN", help="Table to poison: file, folder or glob.")],
    attack: Annotated[
        Attack,
        typer.Option(
            "--attack",
            metavar="associative|continuous",
            help="associative moves two levels together; continuous re-pairs two numeric columns.",
        ),
    ],
    pair: Annotated[str, typer.Option("--pair", metavar="A,B", help="The two columns.")],
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Where the poisoned table goes.")],
    key: Annotated[str, typer.Option("--key", metavar="FILE", help="Where the answer key goes (JSON).")],
    levels: Annotated[
        str | None,
        typer.Option("--levels", metavar="X,Y", help="The level of each column, where it has more than two."),
    ] = None,
    strength: Annotated[
        float | None,
        typer.Option("--strength", metavar="E", help="Probability moved onto each on-diagonal cell."),
    ] = None,
    edits: Annotated[
        float | None, typer.Option("--edits", metavar="SHARE", help="Share of the rows to edit (twice E).")
    ] = None,
    direction: Annotated[
        Direction | None,
        typer.Option(
            "--direction",
            metavar="positive|negative|erase",
            help="Which way; erase needs no size, and makes the pair independent.",
        ),
    ] = None,
    mode: Annotated[
        Mode | None,
        typer.Option(
            "--mode",
            metavar="replace|relabel|duplicate",
            help="Put in rows of the hold-out (the default), edit the second column, or copy rows of CLEAN.",
        ),
    ] = None,
    holdout: Annotated[
        str | None, typer.Option("--holdout", metavar="FILE", help="Genuine rows for --mode replace.")
    ] = None,
    strata: Annotated[
        list[str] | None,
        typer.Option("--strata", metavar="COL", help="Attack inside groups of equal values; repeatable."),
    ] = None,
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """Poison a pair of columns of a clean table, and write the table and the answer key.

    The size is one of --strength, --edits or --direction erase. No column's marginal changes.
    """
    from credenza.data.write import write_table, write_text

    check_outputs({"--out": out, "--key": key}, [clean, holdout])
    chosen: dict[str, Any] = {
        "levels": None if levels is None else split_pair("--levels", levels),
        "strength": strength,
        "edits": edits,
        "direction": None if direction is None else direction.value,
        "mode": None if mode is None else mode.value,
        "strata": tuple(strata or ()),
    }
    planned = plan(attack, split_pair("--pair", pair), chosen)
    given = {} if attack is Attack.CONTINUOUS else {"holdout": holdout}
    if attack is Attack.CONTINUOUS and holdout is not None:
        raise UsageError("--holdout does not go with --attack continuous: it re-pairs the rows of CLEAN")
    with working("poisoning", quiet=quiet):
        poisoned = planned.apply(clean, seed=seed, **given)
        write_table(poisoned.data, out)
        write_text(poisoned.key.to_json(), key)
    say(f"{describe(poisoned.key)}; wrote {out} and {key}", quiet=quiet)


def plan(attack: Attack, pair: tuple[str, str], chosen: dict[str, Any]) -> Any:
    """The attack with what was chosen; options that do not go with it are refused."""
    from credenza import attacks

    given = {name: value for name, value in chosen.items() if value not in (None, ())}
    if attack is Attack.ASSOCIATIVE:
        return attacks.AssociativePoisoning(pair, **given)
    if extra := [name for name in given if name not in ("edits", "direction")]:
        raise UsageError(f"--{extra[0]} does not go with --attack continuous: give --edits and --direction")
    if "edits" not in given:
        raise UsageError("--attack continuous needs its size: give --edits, a share of the rows above 0")
    return attacks.ContinuousPoisoning(pair, **given)


def describe(key: AnswerKey) -> str:
    """One sentence of what was done."""
    lines = [f"edited {len(key.rows):,} of {key.rows_total:,} rows"]
    for move in key.moves:
        measure = "mcc" if move.levels else "pearson"
        before, after = (show(values.get(measure)) for values in (move.before, move.after))
        name = {"mcc": "MCC", "pearson": "Pearson correlation"}[measure]
        lines.append(f"{name} of {' x '.join(move.features)} {before} -> {after} ({move.direction})")
    return "; ".join(lines)


def show(value: float | None) -> str:
    """A measure, or that there is none.

    >>> show(0.1306), show(None)
    ('0.131', 'undefined')
    """
    return "undefined" if value is None else f"{value:.3f}"
