"""The training of a network of images on their labels, with the loss of every row after every epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from credenza.contracts import IntArray
from credenza.models.base import Images
from credenza.models.device import autocast
from credenza.models.embedding.base import Floats
from credenza.models.pixels import to_unit
from credenza.models.states import fill_module, fill_optimiser, module_arrays, optimiser_arrays
from credenza.models.training import State

if TYPE_CHECKING:
    from credenza.models.embedding.network import NetworkSettings

READ_BATCH = 256
WARM = 0.1  # share of the steps over which the rate rises
SHIFT = 2  # pixels that an augmented image is moved by, at most
WEIGHTS = "network."


class Lesson:
    """One training, as :func:`credenza.models.training.train` takes it.

    Attributes
    ----------
    steps : in all. losses : float32 (n, epochs), NaN before the epoch is over.
    """

    def __init__(
        self,
        network: Any,
        settings: NetworkSettings,
        device: torch.device,
        images: Images,
        labels: IntArray,
        seed: int,
    ) -> None:
        self.network = network.train()
        self._settings, self._device, self._seed = settings, device, seed
        self._images, self._labels = images, torch.from_numpy(np.array(labels, np.int64))
        epochs = settings.epochs_for(len(images))
        self._per_epoch = max(
            1, len(images) // settings.batch
        )  # a short last batch would shake the normalisation
        self.steps = epochs * self._per_epoch
        self.losses: Floats = np.full((len(images), epochs), np.nan, np.float32)
        self._optimiser = torch.optim.AdamW(network.parameters(), settings.rate, weight_decay=settings.decay)
        self._order: tuple[int, IntArray] = (-1, np.empty(0, np.int64))

    def step(self, index: int) -> Any:
        """One batch; after the last one of an epoch the losses of all rows."""
        epoch, place = divmod(index, self._per_epoch)
        rows = np.array_split(self._permutation(epoch), self._per_epoch)[place]
        x, y = self._prepared(rows, index), self._labels[rows].to(self._device)
        self._set_rate(index)
        with autocast(self._device):
            loss = cross_entropy(self.network(x).float(), y)
        self._optimiser.zero_grad()
        loss.backward()
        self._optimiser.step()
        if place == self._per_epoch - 1:
            self.losses[:, epoch] = self._look()
        return loss.detach()

    def state(self) -> State:
        """Weights, the optimiser's memory and the losses so far."""
        own = module_arrays(self.network, WEIGHTS) | optimiser_arrays(self._optimiser)
        return {**own, "losses": self.losses}

    def restore(self, state: State) -> None:
        """Become what :meth:`state` said."""
        fill_module(self.network, state, WEIGHTS)
        fill_optimiser(self._optimiser, state)
        self.losses = np.array(state["losses"], np.float32)

    def _permutation(self, epoch: int) -> IntArray:
        if self._order[0] != epoch:
            rng = np.random.default_rng((self._seed, 2, epoch))
            self._order = epoch, rng.permutation(len(self._images))
        return self._order[1]

    def _set_rate(self, index: int) -> None:
        """Give the optimiser the learning rate of a step."""
        for group in self._optimiser.param_groups:
            group["lr"] = self._settings.rate * self._pace(index)

    def _pace(self, index: int) -> float:
        """Share of the highest rate at a step."""
        warm = max(1.0, WARM * self.steps)
        rising = min(1.0, (index + 1) / warm)
        return float(
            rising * 0.5 * (1.0 + np.cos(np.pi * max(0.0, index - warm) / max(self.steps - warm, 1.0)))
        )

    def _prepared(self, rows: IntArray, *path: int) -> Any:
        taken = np.ascontiguousarray(self._images[rows])
        if self._settings.augment:
            taken = augmented(taken, np.random.default_rng((self._seed, 3, *path)))
        return to_unit(taken, self._device)

    def _look(self) -> Floats:
        """The loss of every row as the network is now."""
        self.network.eval()
        parts = []
        with torch.no_grad():
            for start in range(0, len(self._images), READ_BATCH):
                x = to_unit(self._images[start : start + READ_BATCH], self._device)
                y = self._labels[start : start + READ_BATCH].to(self._device)
                parts.append(cross_entropy(self.network(x).float(), y, reduction="none").cpu().numpy())
        self.network.train()
        return np.concatenate(parts).astype(np.float32)


def read_batches(network: Any, images: Images, device: torch.device) -> Floats:
    """What a network in evaluation mode says of images (n, H, W, C), a batch at a time, float32 (n, d)."""
    parts = []
    with torch.no_grad():
        for start in range(0, len(images), READ_BATCH):
            x = to_unit(images[start : start + READ_BATCH], device)
            parts.append(network(x).float().cpu().numpy())
    return np.concatenate(parts).astype(np.float32)


def augmented(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Each image flipped left to right with probability 1/2, and moved by up to two pixels, edges repeated.

    >>> augmented(np.zeros((2, 4, 4, 3), np.uint8), np.random.default_rng(0)).shape
    (2, 4, 4, 3)
    """
    n, height, width = images.shape[:3]
    flip = rng.integers(0, 2, (n,))
    down, across = rng.integers(-SHIFT, SHIFT + 1, (2, n))
    out = np.empty_like(images)
    for k in range(n):
        rows = np.clip(np.arange(height) + down[k], 0, height - 1)
        columns = np.clip(np.arange(width) + across[k], 0, width - 1)
        out[k] = images[k][rows][:, columns[::-1] if flip[k] else columns]
    return out
