"""Names of a package that are loaded when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from credenza.errors import MissingExtraError

TORCH = ("torch", "diffusers", "safetensors")


def lazy(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package whose names live in modules of its own.

    Parameters
    ----------
    package : its dotted name. homes : module, below the package, of each name.

    Raises
    ------
    AttributeError : by what is returned: no such name. MissingExtraError : likewise: a library of the extra is missing.

    Examples
    --------
    >>> find, names = lazy("credenza.models", {"pick_device": "device"})
    >>> find("nothing")
    Traceback (most recent call last):
    AttributeError: module 'credenza.models' has no attribute 'nothing'; its names are pick_device
    """

    def find(name: str) -> Any:
        if name not in homes:
            known = ", ".join(sorted(homes))
            raise AttributeError(f"module {package!r} has no attribute {name!r}; its names are {known}")
        try:
            value = getattr(import_module(f"{package}.{homes[name]}"), name)
        except ModuleNotFoundError as error:
            if error.name not in TORCH:
                raise
            told = f"{name} needs {error.name}, which is not installed: pip install 'credenza[torch]'"
            raise MissingExtraError(told) from error
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return find, names
