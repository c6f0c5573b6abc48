"""Generators of text: a word n-gram model that needs no torch, and a small transformer.

Names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from credenza.errors import MissingExtraError

if TYPE_CHECKING:
    from credenza.models.text.ngram import NGram
    from credenza.models.text.transformer import TextTransformer

__all__ = ["NGram", "TextTransformer"]

_HOMES = {"NGram": "ngram", "TextTransformer": "transformer"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(
            f"module {__name__!r} has no attribute {name!r}; its names are {', '.join(__all__)}"
        )
    try:
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtraError(
            f"{name} needs torch, which is not installed: pip install 'credenza[torch]'"
        ) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
