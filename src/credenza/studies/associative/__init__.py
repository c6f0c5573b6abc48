"""Associative poisoning reproduced: arXiv 2511.05177 on tables, images and texts, with an audit before training.

Names are loaded when they are first used, so that processes of a study start quickly.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from credenza.studies.associative.run import Study, associative
    from credenza.studies.associative.settings import SCALES, Experiment, Scale

__all__ = ["SCALES", "Experiment", "Scale", "Study", "associative"]

_HOMES = {
    "SCALES": "settings",
    "Experiment": "settings",
    "Scale": "settings",
    "Study": "run",
    "associative": "run",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(
            f"module {__name__!r} has no attribute {name!r}; its names are {', '.join(__all__)}"
        )
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
