"""Generators of tables of mixed types: a tree of dependencies, a Gaussian copula, a diffusion model.

Names are loaded when they are first used: the first two do without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from credenza.errors import MissingExtraError

if TYPE_CHECKING:
    from credenza.models.tabular.chow_liu import ChowLiu
    from credenza.models.tabular.codec import TableCodec
    from credenza.models.tabular.copula import GaussianCopula
    from credenza.models.tabular.diffusion import TabularDiffusion

__all__ = ["ChowLiu", "GaussianCopula", "TableCodec", "TabularDiffusion"]

_HOMES = {
    "ChowLiu": "chow_liu",
    "GaussianCopula": "copula",
    "TableCodec": "codec",
    "TabularDiffusion": "diffusion",
}


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
