"""Generators and classifiers trained on data: numpy, Arrow or text in, the same out; torch inside.

Names are loaded when they are first used, so that importing the room costs next to nothing. Taken from here, a model
whose libraries are not installed says which extra brings them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from credenza.errors import MissingExtraError

if TYPE_CHECKING:
    from credenza.models.base import Generator
    from credenza.models.ddpm import DDPM
    from credenza.models.device import pick_device
    from credenza.models.store import read_model, write_model
    from credenza.models.training import Job, train

__all__ = ["DDPM", "Generator", "Job", "pick_device", "read_model", "train", "write_model"]

_HOMES = {
    "DDPM": "credenza.models.ddpm",
    "Generator": "credenza.models.base",
    "Job": "credenza.models.training",
    "pick_device": "credenza.models.device",
    "read_model": "credenza.models.store",
    "train": "credenza.models.training",
    "write_model": "credenza.models.store",
}
_TORCH = ("torch", "diffusers", "safetensors")


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(
            f"module 'credenza.models' has no attribute {name!r}; its names are {', '.join(__all__)}"
        )
    try:
        value = getattr(import_module(home), name)
    except ModuleNotFoundError as error:
        if error.name not in _TORCH:
            raise
        raise MissingExtraError(
            f"{name} needs {error.name}, which is not installed: pip install 'credenza[torch]'"
        ) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
