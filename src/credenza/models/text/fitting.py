"""How the transformer is trained: its settings, its loss, its steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import SupportsFloat

import numpy as np
import torch
from torch.nn import functional

from credenza.contracts import FloatArray, IntArray
from credenza.errors import UsageError
from credenza.models.device import autocast
from credenza.models.states import fill_module, fill_optimiser, module_arrays, optimiser_arrays
from credenza.models.text.network import Network
from credenza.models.text.pieces import Piece, epoch, stacked
from credenza.models.training import State

WARM_UP = 0.05  # share of the steps in which the learning rate rises
LAST_RATE = 0.05  # of the learning rate, at the last step
DECAY, BETAS, CLIP = 0.01, (0.9, 0.98), 1.0
ORDER_STREAM = 1  # random numbers for the order of the pieces


@dataclass(frozen=True)
class Settings:
    """What :class:`TextTransformer` takes, checked."""

    width: int
    layers: int
    heads: int
    context: int
    steps: int
    batch: int
    rate: float
    min_count: int

    def __post_init__(self) -> None:
        for name in ("width", "layers", "heads", "context", "steps", "batch", "min_count"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
                raise UsageError(f"{name} is a whole number, 1 or more; found {value!r}")
        if self.width % self.heads:
            raise UsageError(f"width is a multiple of heads ({self.heads}); found {self.width}")
        if not (isinstance(self.rate, int | float) and 0 < self.rate < math.inf):
            raise UsageError(f"rate is a number above 0; found {self.rate!r}")


class Training:
    """The job of :func:`credenza.models.training.train`: batches of pieces, AdamW, a rate that rises and falls."""

    def __init__(self, network: Network, pieces: Sequence[Piece], settings: Settings, seed: int) -> None:
        self.network, self.pieces, self.settings, self.seed = network, pieces, settings, seed
        self.optimiser = torch.optim.AdamW(network.parameters(), lr=0.0, betas=BETAS, weight_decay=DECAY)
        self._epoch = -1
        self._batches: list[IntArray] = []

    def step(self, index: int) -> SupportsFloat:
        """One batch; its loss, in nats a word."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.rate * share_of_rate(index, self.settings.steps)
        shown, wanted, real = stacked([self.pieces[place] for place in self._batch(index)])
        with autocast(next(self.network.parameters()).device):
            losses = word_losses(self.network, shown, wanted, real)
        loss = losses.sum() / float(real.sum())
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        self.optimiser.step()
        found: SupportsFloat = loss.detach()
        return found

    def state(self) -> State:
        """Weights and moments."""
        return {**module_arrays(self.network, "network."), **optimiser_arrays(self.optimiser)}

    def restore(self, state: State) -> None:
        """Become what :meth:`state` said."""
        fill_module(self.network, state, "network.")
        fill_optimiser(self.optimiser, state)

    def _batch(self, index: int) -> IntArray:
        """The pieces of a step: every piece once an epoch, the epoch's order drawn from the seed and its number."""
        size = -(-len(self.pieces) // self.settings.batch)
        number, place = divmod(index, size)
        if number != self._epoch:
            rng = np.random.default_rng((self.seed, ORDER_STREAM, number))
            self._epoch, self._batches = number, epoch(self.pieces, self.settings.batch, rng)
        return self._batches[place]


def word_losses(network: Network, shown: IntArray, wanted: IntArray, real: FloatArray) -> torch.Tensor:
    """-log P of each wanted word, 0 behind the end; (rows, length)."""
    device = network.words.weight.device
    logits = network(torch.from_numpy(shown).to(device))
    losses = functional.cross_entropy(
        logits.float().flatten(0, 1), torch.from_numpy(wanted).to(device).flatten(), reduction="none"
    )
    return losses.view(wanted.shape) * torch.from_numpy(real).to(device, torch.float32)


def share_of_rate(index: int, steps: int) -> float:
    """How much of the highest learning rate step ``index`` has."""
    rising = max(1, round(WARM_UP * steps))
    if index < rising:
        return (index + 1) / rising
    along = (index - rising) / max(1, steps - rising)
    return LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * along))
