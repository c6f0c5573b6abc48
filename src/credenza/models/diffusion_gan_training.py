"""The training of Diffusion-GAN: noised images, the adaptive longest time, the two steps of each batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import softplus

from credenza.models.base import Images
from credenza.models.device import autocast, random_stream
from credenza.models.diffusion_gan_networks import Judge, Maker
from credenza.models.diffusion_gan_settings import Settings
from credenza.models.pixels import to_unit
from credenza.models.states import fill_module, fill_optimiser, module_arrays, optimiser_arrays
from credenza.models.training import State

Tensor = Any
WARM = 100  # steps until the learning rate is reached
COOL = 0.3  # share of the steps, the last ones, over which it falls to zero
BETAS = (0.5, 0.99)  # memory of the optimisers
NOISE = 0.05  # sigma: standard deviation of the noise where nothing of the image is left
BETA_FIRST, BETA_LAST = 1e-4, 2e-2  # of the linear schedule
ADAPT = 4  # batches between two changes of the longest time
LAZY = 16  # batches between two gradient penalties


class Forward:
    """The forward diffusion and its longest time T, which adapts to how well the discriminator does.

    y = sqrt(abar_t) x + sqrt(1 - abar_t) sigma eps, with sigma 0.05 and betas linear from 1e-4 to 0.02; abar_0 = 1
    leaves an image as it is. A time is 0 with chance 1/2, else t in 1 ... T with chance proportional to t.

    Parameters
    ----------
    shortest, longest : between which T moves; it begins at the shortest. target : of the mean sign of the
        discriminator on real images; above it T grows, below it T falls. ramp : images until T has gone all the way.

    Source: Wang et al. 2022 (arXiv 2206.02262), sections 3.2 and 3.3, equations 3, 7 and 8.

    Examples
    --------
    >>> forward = Forward(10, 1000, target=0.6, ramp=64, device=torch.device("cpu"))
    >>> forward.adapt(0.9, images=32)
    >>> forward.now
    505.0
    >>> forward.adapt(0.1, images=64)
    >>> forward.now
    10.0
    """

    def __init__(
        self, shortest: int, longest: int, *, target: float, ramp: int, device: torch.device
    ) -> None:
        self.now = float(shortest)
        self._ends, self._target, self._ramp = (shortest, longest), target, ramp
        betas = torch.linspace(BETA_FIRST, BETA_LAST, longest, dtype=torch.float64)
        kept = torch.cat([torch.ones(1, dtype=torch.float64), torch.cumprod(1 - betas, 0)])
        self._image, self._noise = (
            kept.sqrt().float().to(device),
            ((1 - kept).sqrt() * NOISE).float().to(device),
        )

    def times(self, n: int, stream: torch.Generator) -> Tensor:
        """A diffusion time for each of ``n`` images.

        >>> forward = Forward(10, 1000, target=0.6, ramp=64, device=torch.device("cpu"))
        >>> found = forward.times(1000, torch.Generator().manual_seed(0))
        >>> int(found.min()), int(found.max()), 450 < int((found == 0).sum()) < 550
        (0, 10, True)
        """
        whole = int(self.now)
        u = torch.rand(n, generator=stream, device=stream.device)
        # The sum of 1 ... t is t (t + 1) / 2; this inverts it.
        later = ((u * (whole * (whole + 1)) + 0.25).sqrt() - 0.5).ceil().long().clamp(1, whole)
        return torch.where(torch.rand(n, generator=stream, device=stream.device) < 0.5, 0, later)

    def diffuse(self, x: Tensor, t: Tensor, stream: torch.Generator) -> Tensor:
        """Images (n, C, H, W) noised to their times (n,)."""
        noise = torch.randn(x.shape, generator=stream, device=x.device)
        return self._image[t].view(-1, 1, 1, 1) * x + self._noise[t].view(-1, 1, 1, 1) * noise

    def adapt(self, sign: float, images: int) -> None:
        """Move T by the mean sign of the discriminator on the last ``images`` real images."""
        low, high = self._ends
        change = float(np.sign(sign - self._target)) * (high - low) * images / self._ramp
        self.now = min(max(self.now + change, float(low)), float(high))


class Contest:
    """A :class:`credenza.models.training.Job`: one step of the discriminator, one of the generator, a batch.

    Both with the non-saturating logistic loss, real and made images noised alike: the discriminator minimises
    softplus(-D(y, t)) + softplus(D(y_g, t)), the generator softplus(-D(y_g, t)). Every 16th batch the discriminator
    pays 16 gamma / 2 |grad_x D|^2 on real images (R1, lazily: Karras 2020, appendix B).

    Parameters
    ----------
    maker, judge : the networks. mean : becomes the average of the maker. images : uint8 (n, H, W, C).
    settings : of the model. device : where the networks are. seed : of every draw.
    """

    def __init__(
        self,
        maker: Maker,
        judge: Judge,
        mean: Maker,
        images: Images,
        settings: Settings,
        device: torch.device,
        seed: int,
    ) -> None:
        self.maker, self.judge, self.mean = maker.train(), judge.train(), mean
        mean.load_state_dict(maker.state_dict())
        self._images, self._own, self._device, self._seed = images, settings, device, seed
        self.forward = Forward(
            settings.shortest, settings.longest, target=settings.target, ramp=settings.ramp, device=device
        )
        self._signs: Tensor = 0.0
        self._optimisers = {
            name: torch.optim.Adam(net.parameters(), lr=settings.learning_rate, betas=BETAS, fused=True)
            for name, net in (("maker", maker), ("judge", judge))
        }

    def step(self, index: int) -> Tensor:
        """One batch; the discriminator's loss."""
        stream = random_stream(self._device, self._seed, index)
        rows = np.random.default_rng((self._seed, index)).integers(len(self._images), size=self._own.batch)
        real = to_unit(self._images[rows], self._device)
        rate = self._own.learning_rate * rate_share(index, self._own.steps)
        for optimiser in self._optimisers.values():
            optimiser.param_groups[0]["lr"] = rate
        loss = self._judge_step(real, stream, penalised=index % LAZY == 0)
        if index % ADAPT == ADAPT - 1:
            self.forward.adapt(float(self._signs) / ADAPT, ADAPT * self._own.batch)
            self._signs = 0.0
        self._maker_step(stream)
        self._take_average(index)
        return loss

    def state(self) -> State:
        """Weights, the average, the optimisers' memory, T and the signs since it was changed last."""
        found: State = {"longest": self.forward.now, "signs": float(self._signs)}
        for name, net in self._nets():
            found |= module_arrays(net, f"{name}.")
        for name, optimiser in self._optimisers.items():
            found |= optimiser_arrays(optimiser, f"{name}_optimiser.")
        return found

    def restore(self, state: State) -> None:
        """Become what :meth:`state` said."""
        self.forward.now, self._signs = float(state["longest"]), float(state["signs"])
        for name, net in self._nets():
            fill_module(net, state, f"{name}.")
        for name, optimiser in self._optimisers.items():
            fill_optimiser(optimiser, state, f"{name}_optimiser.")

    def _nets(self) -> tuple[tuple[str, nn.Module], ...]:
        return ("maker", self.maker), ("judge", self.judge), ("mean", self.mean)

    def _made(self, stream: torch.Generator) -> Tensor:
        z = torch.randn(self._own.batch, self._own.latent, generator=stream, device=self._device)
        return self.maker(z).float()

    def _judge_step(self, real: Tensor, stream: torch.Generator, *, penalised: bool) -> Tensor:
        times = self.forward.times(len(real), stream)
        with autocast(self._device):
            with torch.no_grad():
                made = self._made(stream)
            seen = self.judge(self.forward.diffuse(real, times, stream), times).float()
            seen_made = self.judge(self.forward.diffuse(made, times, stream), times).float()
        self._signs = self._signs + seen.detach().sign().mean()
        loss = softplus(-seen).mean() + softplus(seen_made).mean()
        whole = loss + LAZY * self._penalty(real, times, stream) if penalised else loss
        self._take_step("judge", whole)
        return loss.detach()

    def _penalty(self, real: Tensor, times: Tensor, stream: torch.Generator) -> Tensor:
        """gamma / 2 times the mean squared gradient of the logit in real images; always in float32."""
        x = real.clone().requires_grad_(True)
        seen = self.judge(self.forward.diffuse(x, times, stream), times)
        (gradient,) = torch.autograd.grad(seen.sum(), x, create_graph=True)
        return self._own.penalty / 2 * gradient.square().sum((1, 2, 3)).mean()

    def _maker_step(self, stream: torch.Generator) -> None:
        times = self.forward.times(self._own.batch, stream)
        self.judge.requires_grad_(False)
        with autocast(self._device):
            noised = self.forward.diffuse(self._made(stream), times, stream)
            loss = softplus(-self.judge(noised, times).float()).mean()
        self._take_step("maker", loss)
        self.judge.requires_grad_(True)

    def _take_step(self, name: str, loss: Tensor) -> None:
        optimiser = self._optimisers[name]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    def _take_average(self, index: int) -> None:
        """Move the average towards the maker: weights, and the means and variances of its normalisation."""
        new = 1 - min(self._own.decay, (1 + index) / (10 + index))
        with torch.no_grad():
            for mean, value in zip(
                *(net.state_dict().values() for net in (self.mean, self.maker)), strict=True
            ):
                mean.lerp_(value, new) if mean.is_floating_point() else mean.copy_(value)


def rate_share(index: int, steps: int) -> float:
    """Share of the learning rate at a step: a rise over 100 steps, and a straight fall to zero over the last 30%.

    >>> rate_share(49, 1000), rate_share(500, 1000), round(rate_share(850, 1000), 6)
    (0.5, 1.0, 0.5)
    """
    return min(1.0, (index + 1) / WARM, (1 - index / steps) / COOL)
