"""What a diffusion model foresees on the way from noise to image, whoever made the model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from credenza.errors import InputError, UsageError


@runtime_checkable
class Trajectories(Protocol):
    """A diffusion model of square images."""

    @property
    def size(self) -> int:
        """Pixels a side."""
        ...

    @property
    def channels(self) -> int:
        """1 or 3."""
        ...

    @property
    def classes(self) -> int | None:
        """How many it is told; None for a model without."""
        ...

    def trajectory(
        self, n: int, *, seed: int, times: Sequence[int], labels: ArrayLike | None = None
    ) -> NDArray[np.float32]:
        """Images foreseen at noise levels of 0-999: float32 (times, n, size, size, channels), 0-255 and beyond.

        Image k starts from the same noise whatever ``n`` and ``labels``.
        """
        ...


@dataclass(frozen=True)
class Own:
    """A fitted :class:`credenza.models.DDPM` as :class:`Trajectories`."""

    model: Any

    @property
    def size(self) -> int:
        """Pixels a side."""
        return int(self.model.settings.size)

    @property
    def channels(self) -> int:
        """1 or 3."""
        return int(self.model.settings.channels)

    @property
    def classes(self) -> int | None:
        """How many, None without."""
        found: int | None = self.model.settings.classes
        return found

    def trajectory(
        self, n: int, *, seed: int, times: Sequence[int], labels: ArrayLike | None = None
    ) -> NDArray[np.float32]:
        """See :meth:`Trajectories.trajectory`."""
        found: NDArray[np.float32] = self.model.trajectory(n, seed=seed, times=times, labels=labels)
        return found


def open_trajectories(model: Any) -> Trajectories:
    """A model, or the folder of one, as :class:`Trajectories`.

    Parameters
    ----------
    model : a fitted :class:`credenza.models.DDPM`; the folder of one; the folder of a diffusers pipeline; or
        anything that has the protocol's members.

    Raises
    ------
    InputError : no diffusion model in the folder, one with code or pickled weights, or a damaged one.
    UsageError : something else. MissingExtraError : torch or diffusers is not installed.
    """
    from credenza.models import DDPM

    if isinstance(model, DDPM):
        return Own(model)
    if not isinstance(model, str | os.PathLike):
        if isinstance(model, Trajectories):
            return model
        raise UsageError(f"a diffusion model is a fitted DDPM or a folder; found {type(model).__name__}")
    path = Path(model).expanduser()
    if (path / "model.json").is_file():
        return Own(DDPM.load(path))
    if not (path / "model_index.json").is_file():
        raise InputError(
            f"{path} holds no diffusion model: give the folder of a saved DDPM (model.json) or of a diffusers "
            "pipeline (model_index.json)"
        )
    from credenza.models.foreign_diffusion import ForeignDiffusion

    return ForeignDiffusion(path)
