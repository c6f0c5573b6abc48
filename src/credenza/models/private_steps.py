"""The steps of a differentially private training: rows by chance, gradients cut row by row, noise, an account."""

from __future__ import annotations

import math
import secrets
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from credenza.contracts import IntArray
from credenza.errors import UsageError
from credenza.models.device import random_stream
from credenza.models.private import Privacy, Spent, library, packed_history, read_history
from credenza.models.training import State

__all__ = ["PrivateSteps", "without_batch_norm"]

GROUP = 8  # channels that are normalised together
MEMORY = 1 << 26  # numbers of gradients held at once: 256 MB
ROWS, NOISE, LOSSES = 0, 1, 2  # what a stream of random numbers is for
HISTORY = "private.history"
Losses = Callable[[IntArray, torch.Generator], torch.Tensor]


class PrivateSteps:
    """DP-SGD around an optimiser, by opacus' gradients of rows (Goodfellow 2015, arXiv 1510.01799) and its optimiser.

    Parameters
    ----------
    network : on its device, in training mode; no layer that mixes the rows of a batch.
    optimiser : of all its parameters. privacy : see :class:`credenza.models.private.Privacy`.
    rows : n >= 1, of the data. batch : b >= 1, rows to be expected in a step; the chance of each is min(1, b / n).
    steps : of the whole training, from which the noise of a given epsilon follows.
    losses : of rows (their numbers, ascending) the loss of each, shape (their number,), each from its own row alone.
        The generator is on the network's device; what is drawn from it must be independent between the rows.

    Attributes
    ----------
    rate, noise : the chance, and the multiplier of the noise.

    Raises
    ------
    UsageError : a layer whose gradients are not of single rows; delta of 1 / n or more; an epsilon that cannot be had.
    MissingExtraError : opacus is not installed.

    Notes
    -----
    A batch whose gradients would take more than 256 MB is taken in parts, with the same outcome. An empty batch, which
    chance can bring, is a step of noise. Float32 throughout, on a GPU too: bfloat16 would make gradients coarse. All
    that is drawn here comes from the system's randomness unless the privacy has a seed; so does what ``losses`` draws,
    for were it known, a row more or less would change what its neighbours in the batch are given.
    """

    def __init__(
        self,
        network: nn.Module,
        optimiser: torch.optim.Optimizer,
        privacy: Privacy,
        *,
        rows: int,
        batch: int,
        steps: int,
        losses: Losses,
    ) -> None:
        opacus = library()
        _require_single_rows(opacus, network)
        if privacy.delta >= 1 / rows:
            raise UsageError(
                f"delta is below 1 / rows, {1 / rows:.2g} for {rows:,} rows; found {privacy.delta:g}: a larger one "
                "allows that a row is given away"
            )
        self._privacy, self._rows, self._losses = privacy, rows, losses
        self.rate = min(1.0, batch / rows)
        self.noise = privacy.multiplier(self.rate, max(steps, 1))
        self._parameters = [value for value in network.parameters() if value.requires_grad]
        self._device = self._parameters[0].device
        self._part = max(1, MEMORY // sum(value.numel() for value in self._parameters))
        self._straight = [
            layer.register_forward_pre_hook(_straightened)
            for layer in network.modules()
            if isinstance(layer, nn.Conv2d)
        ]
        self._hooks = opacus.GradSampleModule(network, loss_reduction="sum", strict=False)
        self._optimiser = opacus.optimizers.DPOptimizer(
            optimiser,
            noise_multiplier=self.noise,
            max_grad_norm=privacy.clip,
            expected_batch_size=self.rate * rows,
        )
        self._accountant = opacus.accountants.create_accountant(privacy.accountant)
        self._optimiser.attach_step_hook(self._accountant.get_optimizer_hook_fn(self.rate))

    def step(self, index: int) -> torch.Tensor:
        """Step ``index``; the mean loss of its rows, 0 of none. The loss is not private."""
        rows = self.batch(index)
        self._optimiser.generator = self._stream(NOISE, index)
        parts = np.array_split(rows, max(1, math.ceil(len(rows) / self._part)))
        total = torch.zeros((), device=self._device)
        for place, part in enumerate(parts):
            self._optimiser.zero_grad(set_to_none=True)
            total += self._backward(part, self._stream(LOSSES, index, place))
            self._optimiser.signal_skip_step(place + 1 < len(parts))
            self._optimiser.step()
        return total / max(1, len(rows))

    def batch(self, index: int) -> IntArray:
        """Rows of a step, ascending: each with the chance ``rate``, whatever the others."""
        stream = self._stream(ROWS, index, device=torch.device("cpu"))
        drawn = torch.rand(self._rows, generator=stream, dtype=torch.float64)
        return np.flatnonzero(drawn.numpy() < self.rate)

    def finished(self) -> Spent:
        """What the steps so far have cost; takes the hooks off the network."""
        self._hooks.cleanup()
        for hook in self._straight:
            hook.remove()
        return self._privacy.spent(self._accountant.history)

    def state(self) -> State:
        """The accountant's memory; of chance there is none, each step has its own."""
        return {HISTORY: packed_history(self._accountant.history)}

    def restore(self, state: State) -> None:
        """Become what :meth:`state` said."""
        self._accountant.history = read_history(str(state[HISTORY]))

    def _backward(self, rows: IntArray, stream: torch.Generator) -> torch.Tensor:
        """Leave the gradients of rows on the parameters; the sum of their losses."""
        if not len(rows):
            for value in self._parameters:
                value.grad_sample = value.new_zeros((0, *value.shape))
            return torch.zeros((), device=self._device)
        loss = self._losses(rows, stream).sum()
        with warnings.catch_warnings():  # the first layer's input is data, and has no gradient
            warnings.filterwarnings("ignore", "Full backward hook is firing", UserWarning)
            loss.backward()
        return loss.detach()

    def _stream(self, use: int, *path: int, device: torch.device | None = None) -> torch.Generator:
        """Random numbers for one use in one step."""
        where, seed = device or self._device, self._privacy.noise_seed
        if seed is not None:
            return random_stream(where, seed, use, *path)
        return torch.Generator(where).manual_seed(secrets.randbits(63))


def without_batch_norm(network: Any) -> Any:
    """The network with group normalisation (Wu & He 2018) in place of batch normalisation, which mixes rows.

    Groups of about 8 channels, one group where there are fewer. Everything else stays, first weights included.

    Examples
    --------
    >>> without_batch_norm(nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16)))[1].num_groups
    2
    """
    for name, layer in network.named_children():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
            channels = layer.num_features
            setattr(network, name, nn.GroupNorm(math.gcd(channels, max(1, channels // GROUP)), channels))
        else:
            without_batch_norm(layer)
    return network


def _straightened(layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """The inputs in the plain order of memory: of any other, opacus 1.6 makes wrong gradients of a convolution.

    A copy, since of images of one pixel torch holds any order to be plain.
    """
    return tuple(value.clone(memory_format=torch.contiguous_format) for value in inputs)


def _require_single_rows(opacus: Any, network: nn.Module) -> None:
    """Refuse layers that opacus knows to mix the rows of a batch, or to have no gradients of rows."""
    if opacus.validators.ModuleValidator.is_valid(network):
        return
    for name, layer in network.named_modules():
        if not any(True for _ in layer.children()) and not opacus.validators.ModuleValidator.is_valid(layer):
            raise UsageError(
                f"private training needs the gradient of each row by itself, which {type(layer).__name__} "
                f"({name}) does not give; use group or layer normalisation, or train without privacy"
            )
