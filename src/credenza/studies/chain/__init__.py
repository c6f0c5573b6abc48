"""The data chain: a trigger's way from a poisoned set through a diffusion model into a classifier (arXiv 2512.15769).

Names are loaded when they are first used, so that processes of a study start quickly.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from credenza.studies.chain.run import Study, chain
    from credenza.studies.chain.settings import SCALES, Scale

__all__ = ["SCALES", "Scale", "Study", "chain"]

_HOMES = {"SCALES": "settings", "Scale": "settings", "Study": "run", "chain": "run"}


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
