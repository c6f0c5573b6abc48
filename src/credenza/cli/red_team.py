"""From options to attacks: each option goes to the attacks that have a parameter of its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any

from credenza.cli.options import split_names, split_pair
from credenza.errors import UsageError

if TYPE_CHECKING:
    from credenza.attacks import AnswerKey, Attack


def build(names: Sequence[str], given: Mapping[str, Any]) -> Attack:
    """The attack, or the attacks combined, with what was given.

    Parameters
    ----------
    names : of the attacks, in order.
    given : value by parameter; None and empty ones were not given. ``dilute`` and ``dilute_rows`` are for all.

    Raises
    ------
    UsageError : an option that no attack has a parameter for, a parameter without a default that was not given, or
        what an attack itself refuses.
    """
    from credenza import attacks

    chosen = {name: value for name, value in given.items() if value not in (None, (), [])}
    around = {name: chosen.pop(name) for name in ("dilute", "dilute_rows") if name in chosen}
    kinds = [kind for name in names for kind in attacks.ATTACKS if kind.name == name]
    known = {name for kind in kinds for name in takes(kind)}
    if extra := [name for name in chosen if name not in known]:
        takers = ", ".join(kind.name for kind in attacks.ATTACKS if extra[0] in takes(kind))
        why = f"it is for {takers}" if takers else f"its parameters are {', '.join(sorted(known))}"
        raise UsageError(f"{option(extra[0])} does not go with --attack {' and '.join(names)}: {why}")
    made = [made_of(kind, chosen) for kind in kinds]
    return made[0] if len(made) == 1 and not around else attacks.Combined(made, **around)


def takes(kind: type[Attack]) -> tuple[str, ...]:
    """Parameters of an attack."""
    return tuple(item.name for item in fields(kind))  # type: ignore[arg-type]


def made_of(kind: type[Attack], chosen: Mapping[str, Any]) -> Attack:
    """An attack of one kind with those of the given values that it takes."""
    from credenza.attacks.triggers import parse_trigger

    values = {name: chosen[name] for name in takes(kind) if name in chosen}
    needed = [i.name for i in fields(kind) if i.default is MISSING and i.default_factory is MISSING]  # type: ignore[arg-type]
    if absent := [name for name in needed if name not in values]:
        raise UsageError(f"--attack {kind.name} needs {option(absent[0])}; see credenza poison --help")
    if isinstance(values.get("trigger"), str):
        values["trigger"] = parse_trigger(values["trigger"])
    return kind(**values)


def option(name: str) -> str:
    """How an option is written.

    >>> option("clean_label")
    '--clean-label'
    """
    return "--" + name.replace("_", "-")


def pairs_of(values: Sequence[str] | None) -> Any:
    """One pair, several, or none, from what ``--pair`` was given."""
    pairs = [split_pair("--pair", value) for value in values or ()]
    return pairs[0] if len(pairs) == 1 else pairs or None


def levels_of(values: Sequence[str] | None, number: int) -> Any:
    """Levels of the pair, of each of several pairs, or of a triple."""
    levels = [split_names("--levels", [value]) for value in values or ()]
    if number > 1 and levels and len(levels) != number:
        raise UsageError(f"--levels was given {len(levels)} times for {number} pairs: give it once for each")
    return levels[0] if len(levels) == 1 and number <= 1 else levels or None


def triple_of(value: str | None) -> tuple[str, ...] | None:
    """Three names from one comma-separated value."""
    names = split_names("--triple", [value]) if value is not None else None
    if names is not None and len(names) != 3:
        raise UsageError(f"--triple takes three names with commas between: found {value!r}")
    return names


def where_of(values: Sequence[str] | None) -> dict[str, str] | None:
    """A value by column from COL=VALUE.

    >>> where_of(["site=north", "year=2024"])
    {'site': 'north', 'year': '2024'}
    """
    where: dict[str, str] = {}
    for value in values or ():
        column, equals, level = value.partition("=")
        if not column or not equals:
            raise UsageError(f"--where takes COL=VALUE: found {value!r}")
        if column in where:
            raise UsageError(f"--where names column {column!r} twice: give one value for each column")
        where[column] = level
    return where or None


def parameters_of(values: Sequence[str] | None) -> dict[str, Any]:
    """Further parameters from NAME=VALUE; what reads as a number is one.

    >>> parameters_of(["steps=40", "epsilon=0.03", "classes=cat,dog"])
    {'steps': 40, 'epsilon': 0.03, 'classes': ('cat', 'dog')}
    """
    found: dict[str, Any] = {}
    for value in values or ():
        name, equals, text = value.partition("=")
        if not name or not equals or not text:
            raise UsageError(f"--set takes NAME=VALUE: found {value!r}")
        found[name.replace("-", "_")] = tuple(text.split(",")) if "," in text else number(text)
    return found


def number(text: str) -> int | float | str:
    """A whole number, a number, or the text itself.

    >>> number("3"), number("0.5"), number("three")
    (3, 0.5, 'three')
    """
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


def describe(key: AnswerKey) -> str:
    """One sentence of what was done."""
    lines = [f"edited {len(key.rows):,} of {key.rows_total:,} rows"]
    for move in key.moves:
        name = next((name for name in MEASURES if name in move.before), "")
        before, after = (show(values.get(name)) for values in (move.before, move.after))
        lines.append(
            f"{MEASURES[name]} of {' x '.join(move.features)} {before} -> {after} ({move.direction})"
        )
    for change in (key.labels, *(part.labels for part in key.parts)):
        if change is not None and change.changed:
            flips = sorted(change.changed, key=lambda item: -item[2])
            told = ", ".join(f"{rows:,} {old} -> {new}" for old, new, rows in flips[:3])
            lines.append(f"{change.column}: {told}" + (" ..." if len(flips) > 3 else ""))
    return "; ".join(lines)


MEASURES = {"mcc": "MCC", "pearson": "Pearson correlation", "contrast": "three-way log odds"}


def show(value: float | None) -> str:
    """A measure, or that there is none.

    >>> show(0.1306), show(None)
    ('0.131', 'undefined')
    """
    return "undefined" if value is None else f"{value:.3f}"
