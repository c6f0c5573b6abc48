"""``credenza checks``: which checks there are, and what one of them does."""

from __future__ import annotations

import difflib
import inspect
import sys
from typing import Annotated, Any

import typer

from credenza.errors import UsageError


def checks_command(
    code: Annotated[
        str | None, typer.Argument(metavar="[CODE]", help="A check, such as CZ201; all of them if left out.")
    ] = None,
) -> None:
    """List the checks, or explain one: what it asks, what it needs, how it decides, what it cannot see."""
    from credenza.checks import REGISTRY

    text = listing(REGISTRY) if code is None else details(find(code, REGISTRY))
    sys.stdout.write(text)


def listing(registry: tuple[Any, ...]) -> str:
    """One line a check: code, title, needs."""
    width = max(len(check.title) for check in registry)
    lines = [f"{check.code}  {check.title:{width}}  {needs(check)}".rstrip() for check in registry]
    return "\n".join([f"{'code':5}  {'asks':{width}}  needs", *lines]) + "\n"


def details(check: Any) -> str:
    """The check's own description."""
    return f"{check.code}  {check.title}\nneeds: {needs(check)}\n\n{inspect.getdoc(check)}\n"


def needs(check: Any) -> str:
    return ", ".join(check.needs) or "-"


def find(code: str, registry: tuple[Any, ...]) -> Any:
    """The check of this code, in any case of letters.

    Raises
    ------
    UsageError : there is none.
    """
    by_code = {check.code: check for check in registry}
    if (found := by_code.get(code.upper())) is not None:
        return found
    near = difflib.get_close_matches(code.upper(), by_code, n=1)
    hint = f"did you mean {near[0]}?" if near else "credenza checks lists them"
    raise UsageError(f"unknown check: found {code!r}; {hint}")
