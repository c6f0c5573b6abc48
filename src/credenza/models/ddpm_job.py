"""The training of the diffusion model: its batches, its step, what a checkpoint of it holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from credenza.contracts import IntArray
from credenza.models.base import Images
from credenza.models.ddpm_network import TIMES, Denoiser
from credenza.models.ddpm_noise import Average, noised, spread_times
from credenza.models.device import autocast, random_stream
from credenza.models.pixels import to_unit
from credenza.models.private import Privacy, Spent
from credenza.models.private_steps import PrivateSteps
from credenza.models.states import fill_module, fill_optimiser, module_arrays, optimiser_arrays
from credenza.models.training import State

WARM = 100  # steps until the learning rate is reached
CLIP = 1.0  # longest gradient
BETAS = (0.9, 0.99)  # memory of the optimiser
Tensor = Any


class Batches:
    """Rows of each step: all rows in a new random order, again and again, cut into batches.

    Parameters
    ----------
    n : rows. batch : rows a step. seed : decides the orders.

    Examples
    --------
    >>> batches = Batches(4, 3, seed=0)
    >>> sorted([*batches.rows(0), *batches.rows(1), *batches.rows(2)[:2]])
    [0, 0, 1, 1, 2, 2, 3, 3]
    """

    def __init__(self, n: int, batch: int, seed: int) -> None:
        self._n, self._batch, self._seed = n, batch, seed
        self._round, self._order = -1, np.empty(0, np.int64)

    def rows(self, index: int) -> list[int]:
        """Rows of step ``index``."""
        places = np.arange(index * self._batch, (index + 1) * self._batch)
        found: IntArray = np.empty(self._batch, np.int64)
        for number in range(int(places[0]) // self._n, int(places[-1]) // self._n + 1):
            if number != self._round:
                self._round = number
                self._order = np.random.default_rng([self._seed, number]).permutation(self._n)
            inside = places // self._n == number
            found[inside] = self._order[places[inside] % self._n]
        return [int(row) for row in found]


class Diffusion:
    """A :class:`credenza.models.training.Job` that trains a denoiser and its average.

    Parameters
    ----------
    net, mean : of the same form; ``mean`` becomes the average. images : uint8 (n, H, W, C).
    labels : classes (n,), or None. abar : by noise level. gamma, batch, learning_rate, decay, seed : see
    :class:`credenza.models.DDPM`.
    """

    def __init__(
        self,
        net: Denoiser,
        mean: Denoiser,
        images: Images,
        labels: NDArray[np.integer] | None,
        *,
        abar: Tensor,
        gamma: float,
        batch: int,
        learning_rate: float,
        decay: float,
        seed: int,
    ) -> None:
        self.net, self.mean = net, mean
        self._device = abar.device
        self._images = images
        self._labels = None if labels is None else torch.from_numpy(np.asarray(labels, np.int64))
        self._abar, self._gamma, self._seed = abar, gamma, seed
        self._batches = Batches(len(images), batch, seed)
        self._rate = learning_rate
        self._optimiser = torch.optim.AdamW(
            net.parameters(), lr=learning_rate, betas=BETAS, weight_decay=0.0, fused=True
        )
        self._average = Average(net, mean, decay)

    def step(self, index: int) -> Tensor:
        """One step of AdamW on the squared error of the noise, in one batch; the mean error."""
        stream = random_stream(self._device, self._seed, index)
        rows = self._batches.rows(index)
        images = to_unit(self._images[rows], self._device)
        labels = None if self._labels is None else self._labels[rows].to(self._device)
        times = spread_times(len(rows), stream)
        noise = torch.randn(images.shape, generator=stream, device=self._device)
        more = torch.randn(images.shape, generator=stream, device=self._device) if self._gamma else None
        noisy = noised(images, self._abar[times], noise, more, self._gamma)
        noisy = noisy.contiguous(memory_format=torch.channels_last)
        with autocast(self._device):
            found = self.net(noisy, times, labels)
        loss = (found - noise).square().mean()
        self._set_rate(index)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), CLIP)
        self._optimiser.step()
        self._average.update(index)
        return loss.detach()

    def _set_rate(self, index: int) -> None:
        """Give the optimiser the learning rate of a step."""
        self._optimiser.param_groups[0]["lr"] = self._rate * min(1.0, (index + 1) / WARM)

    def state(self) -> State:
        """Weights, their average, and the optimiser's moments."""
        return {
            **module_arrays(self.net, "net."),
            **module_arrays(self.mean, "mean."),
            **optimiser_arrays(self._optimiser),
        }

    def restore(self, state: State) -> None:
        """Become what :meth:`state` said."""
        fill_module(self.net, state, "net.")
        fill_module(self.mean, state, "mean.")
        fill_optimiser(self._optimiser, state)


class PrivateDiffusionJob(Diffusion):
    """The same under differential privacy: rows by chance, and each with a noise level of its own.

    Levels that are spread over a batch, as without privacy, would make the level of a row depend on its neighbours.

    Parameters
    ----------
    privacy, steps : how private, and the steps of the whole training. Others : see :class:`Diffusion`.
    """

    def __init__(
        self,
        net: Denoiser,
        mean: Denoiser,
        images: Images,
        labels: NDArray[np.integer] | None,
        privacy: Privacy,
        steps: int,
        **given: Any,
    ) -> None:
        super().__init__(net, mean, images, labels, **given)
        # Not fused: the gradients lie in memory in another order than the weights.
        self._optimiser = torch.optim.AdamW(
            net.parameters(), lr=self._rate, betas=BETAS, weight_decay=0.0, fused=False
        )
        self._private = PrivateSteps(
            net.train(),
            self._optimiser,
            privacy,
            rows=len(images),
            batch=given["batch"],
            steps=steps,
            losses=self._row_losses,
        )

    def step(self, index: int) -> Tensor:
        """One private step of AdamW; the mean error, which is not private."""
        self._set_rate(index)
        loss = self._private.step(index)
        self._average.update(index)
        return loss

    def finished(self) -> Spent:
        """What it has cost."""
        return self._private.finished()

    def state(self) -> State:
        """Weights, their average, the optimiser's moments and the accountant's memory."""
        return {**super().state(), **self._private.state()}

    def restore(self, state: State) -> None:
        """Become what :meth:`state` said."""
        super().restore(state)
        self._private.restore(state)

    def _row_losses(self, rows: IntArray, stream: torch.Generator) -> Tensor:
        images = to_unit(self._images[rows], self._device)
        labels = None if self._labels is None else self._labels[rows].to(self._device)
        times = torch.randint(TIMES, (len(rows),), generator=stream, device=self._device)
        noise = torch.randn(images.shape, generator=stream, device=self._device)
        more = torch.randn(images.shape, generator=stream, device=self._device) if self._gamma else None
        noisy = noised(images, self._abar[times], noise, more, self._gamma)
        return (self.net(noisy, times, labels) - noise).square().mean((1, 2, 3))
