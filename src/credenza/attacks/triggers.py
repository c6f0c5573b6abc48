"""All backdoor triggers, and how the command line spells one."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from credenza.attacks.image_triggers import Blend, ImageTrigger, Patch, Sinusoid
from credenza.attacks.image_warp import Warp
from credenza.attacks.other_triggers import Tone, Value
from credenza.attacks.text_triggers import Phrase, TextTrigger, Token
from credenza.attacks.trigger_base import MODALITIES, Trigger
from credenza.errors import UsageError

TRIGGERS: tuple[type[Trigger], ...] = (Patch, Blend, Sinusoid, Warp, Phrase, Token, Value, Tone)

__all__ = [
    "MODALITIES",
    "TRIGGERS",
    "Blend",
    "ImageTrigger",
    "Patch",
    "Phrase",
    "Sinusoid",
    "TextTrigger",
    "Token",
    "Tone",
    "Trigger",
    "Value",
    "Warp",
    "parse_trigger",
]


def parse_trigger(text: str) -> Trigger:
    """Read a trigger from one text: its name, then parameter=value, separated by commas.

    Parameters
    ----------
    text : such as "patch,size=3,position=top-left" or "value,capital_gain=99999" (column=value). An item
        that holds a comma is put in double quotes: ``phrase,"text=Well, well",position=end``.

    Returns
    -------
    Trigger : parameters that are not given have their defaults.

    Raises
    ------
    UsageError : an unknown name or parameter (the known ones are listed), a parameter twice, without a value,
        missing or of the wrong kind.

    Examples
    --------
    >>> parse_trigger("patch,size=4,position=top-left")
    Patch(size=4, position='top-left', pattern='checkerboard', margin=1, seed=0)
    >>> parse_trigger("value,capital_gain=99999")
    Value(values={'capital_gain': '99999'})
    """
    items = _items(text)
    known = {trigger.name: trigger for trigger in TRIGGERS}
    if not items or items[0] not in known:
        hint = difflib.get_close_matches(items[0] if items else "", known, n=1)
        guess = f"did you mean {hint[0]!r}? " if hint else ""
        found = items[0] if items else ""
        raise UsageError(f"unknown trigger {found!r}; {guess}the triggers are {', '.join(known)}")
    trigger = known[items[0]]
    given = _pairs(trigger.name, items[1:])
    if trigger is Value:
        return Value(given)
    return trigger(**_arguments(trigger, given))


def _items(text: str) -> list[str]:
    """The text cut at its commas, those inside double quotes excepted."""
    try:
        return [item.strip() for item in next(csv.reader([text], skipinitialspace=True), [])]
    except csv.Error as error:
        raise UsageError(f"cannot read the trigger {text!r}; give one line, such as patch,size=3") from error


def _pairs(name: str, items: list[str]) -> dict[str, str]:
    """Parameter and value of each item."""
    given: dict[str, str] = {}
    for item in items:
        parameter, sign, value = (part.strip() for part in item.partition("="))
        if not (parameter and sign and value):
            raise UsageError(f"{name}: {item!r} is not parameter=value; quote items that hold a comma")
        if parameter in given:
            raise UsageError(f"{name}: {parameter} is given twice; give it once")
        given[parameter] = value
    return given


def _arguments(trigger: type[Trigger], given: Mapping[str, str]) -> dict[str, Any]:
    """Arguments of a trigger from texts, by the kinds that its fields declare."""
    known: dict[str, Field[Any]] = {item.name: item for item in fields(trigger)}  # type: ignore[arg-type]
    for parameter in given:
        if parameter not in known:
            names = ", ".join(known)
            raise UsageError(f"{trigger.name}: unknown parameter {parameter!r}; it has {names}")
    for parameter, item in known.items():
        if item.default is MISSING and parameter not in given:
            raise UsageError(f"{trigger.name}: {parameter} is missing; give {trigger.name},{parameter}=...")
    return {name: _number(trigger.name, known[name], text) for name, text in given.items()}


def _number(name: str, item: Field[Any], text: str) -> Any:
    """The value of one parameter: fields are declared "int", "float" or text."""
    kinds = {"int": (int, "a whole number"), "float": (float, "a number")}
    if item.type not in kinds:
        return text
    kind, wanted = kinds[str(item.type)]
    try:
        return kind(text)
    except ValueError as error:
        raise UsageError(f"{name}: {item.name} is {wanted}; found {text!r}") from error
