"""Libraries that are not always installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from credenza.errors import MissingExtraError

EXTRAS = {"torch": "torch", "diffusers": "torch", "safetensors": "torch", "PIL": "images"}


def imported(module: str, name: str) -> Any:
    """A name of a module whose libraries may be absent.

    Raises
    ------
    MissingExtraError : a library of an extra is not installed.
    """
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        library = (error.name or "").split(".")[0]
        if library not in EXTRAS:
            raise
        raise MissingExtraError(
            f"this study needs {library}, which is not installed: pip install 'credenza[{EXTRAS[library]}]'"
        ) from error
