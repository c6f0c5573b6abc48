"""The network of the attribute classifier, its settings, and its training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from credenza.errors import UsageError
from credenza.models.base import Images
from credenza.models.device import autocast, random_stream
from credenza.models.pixels import to_unit
from credenza.models.states import fill_module, fill_optimiser, module_arrays, optimiser_arrays
from credenza.models.training import State

Booleans = NDArray[np.bool_]
COARSEST = 4  # pixels a side, at most, where the convolutions end
WARM = 50  # steps until the learning rate is reached
WEIGHTS = "network."


@dataclass(frozen=True)
class ClassifierSettings:
    """What an :class:`AttributeClassifier` is made with; see there."""

    width: int = 16
    depth: int = 64
    steps: int = 600
    batch: int = 64
    rate: float = 3e-3
    noise: float = 0.1
    held_out: float = 0.2

    def __post_init__(self) -> None:
        for name, least in (("width", 1), ("depth", 1), ("steps", 1), ("batch", 2)):
            if getattr(self, name) < least:
                raise UsageError(f"{name} is {least} or more; found {getattr(self, name)}")
        if not self.rate > 0:
            raise UsageError(f"rate is a positive number; found {self.rate}")
        if not self.noise >= 0:
            raise UsageError(f"noise is 0 or more; found {self.noise}")
        if not 0 < self.held_out < 1:
            raise UsageError(f"held_out is a share between 0 and 1; found {self.held_out}")


class Lesson:
    """One training of a classifier, as :func:`credenza.models.training.train` takes it."""

    def __init__(
        self,
        network: Any,
        settings: ClassifierSettings,
        device: torch.device,
        images: Images,
        truth: Booleans,
        seed: int,
    ) -> None:
        self.network = network.train()
        self._settings, self._device, self._seed = settings, device, seed
        self._images, self._truth = images, torch.from_numpy(truth.astype(np.float32))
        self._optimiser = torch.optim.AdamW(network.parameters(), settings.rate, weight_decay=0.01)

    def step(self, index: int) -> Any:
        """One batch."""
        own = self._settings
        rng = np.random.default_rng((self._seed, 2, index))
        rows = rng.integers(len(self._images), size=own.batch)
        x, y = to_unit(self._images[rows], self._device), self._truth[rows].to(self._device)
        stream = random_stream(self._device, self._seed, 3, index)
        level = own.noise * torch.rand((own.batch, 1, 1, 1), generator=stream, device=self._device)
        x = x + level * torch.randn(x.shape, generator=stream, device=self._device)
        falling = 0.5 * (1 + np.cos(np.pi * index / own.steps))
        for group in self._optimiser.param_groups:
            group["lr"] = own.rate * min(1.0, (index + 1) / WARM) * falling
        with autocast(self._device):
            loss = binary_cross_entropy_with_logits(self.network(x).float(), y)
        self._optimiser.zero_grad()
        loss.backward()
        self._optimiser.step()
        return loss.detach()

    def state(self) -> State:
        """Weights and the optimiser's memory."""
        return {**module_arrays(self.network, WEIGHTS), **optimiser_arrays(self._optimiser)}

    def restore(self, state: State) -> None:
        """Become what :meth:`state` said."""
        fill_module(self.network, state, WEIGHTS)
        fill_optimiser(self._optimiser, state)


def new_network(shape: tuple[int, int, int], attributes: int, settings: ClassifierSettings) -> Any:
    """Layers, the last one giving logits; the first level of large images is halved at once."""
    (height, width, channels), outputs = shape, settings.width
    layers: list[Any] = []
    while min(height, width) > COARSEST:
        stride = 2 if not layers and min(height, width) > 24 else 1
        layers.append(nn.Conv2d(channels, outputs, 3, stride, padding=1, bias=False))
        layers += [nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]
        height, width = -(-height // stride) // 2, -(-width // stride) // 2
        channels, outputs = outputs, min(2 * outputs, 4 * settings.width)
    layers += [nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
    layers += [nn.Flatten(), nn.Linear(channels * height * width, settings.depth), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(settings.depth, attributes))
