"""The two networks of Diffusion-GAN: one makes images of noise, one tells noised real images from noised made ones."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn.functional import leaky_relu

from credenza.models.diffusion_gan_settings import beginning, level_widths

Tensor = Any
SLOPE = 0.2  # of the leaky rectifiers
TIMES = 32  # numbers that describe a diffusion time


class Maker(nn.Module):  # type: ignore[misc]
    """Images in [-1, 1] of latent vectors: a few pixels, doubled by transposed convolutions until they have the size.

    Batch normalisation and rectifiers after each (Radford 2015, section 3); a 3 x 3 convolution at the end.

    Parameters
    ----------
    size : pixels a side, 4 to 8 times a power of two. channels : of an image. width : channels at the finest level;
        twice as many at each coarser one, up to ``4 * width``. latent : numbers in a latent vector.
    """

    def __init__(self, size: int, channels: int, width: int, latent: int) -> None:
        super().__init__()
        widths = level_widths(size, width)[::-1]
        self.side = beginning(size)
        self.begin = nn.Linear(latent, widths[0] * self.side**2, bias=False)
        levels: list[Any] = [nn.BatchNorm2d(widths[0]), nn.ReLU()]
        for inputs, outputs in pairwise(widths):
            levels.append(nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False))
            levels += [nn.BatchNorm2d(outputs), nn.ReLU()]
        self.levels = nn.Sequential(*levels)
        self.end = nn.Conv2d(widths[-1], channels, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        x = self.begin(z).unflatten(1, (-1, self.side, self.side))
        return torch.tanh(self.end(self.levels(x.contiguous(memory_format=torch.channels_last))))


class Judge(nn.Module):  # type: ignore[misc]
    """How real noised images look, given their diffusion time: logits of shape (n,).

    Strided convolutions, each shifted by the embedded time; the logit is an affine function of the last features
    plus their inner product with a vector of the time (projection, Miyato & Koyama 2018). The spread of features over
    groups of images is one more channel (Karras 2018, "minibatch standard deviation"), against collapse.

    Parameters
    ----------
    size, channels, width : as in :class:`Maker`. longest : the longest diffusion time there is.
    """

    def __init__(self, size: int, channels: int, width: int, longest: int) -> None:
        super().__init__()
        self.longest = longest
        widths = level_widths(size, width)
        widths[0] = channels
        last = widths[-1]
        self.embedding = nn.Sequential(nn.Linear(TIMES, 2 * TIMES), nn.SiLU())
        self.levels = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 4, stride=2, padding=1) for inputs, outputs in pairwise(widths)
        )
        self.shifts = nn.ModuleList(nn.Linear(2 * TIMES, outputs, bias=False) for outputs in widths[1:])
        self.features = nn.Linear((last + 1) * beginning(size) ** 2, last)
        self.score = nn.Linear(last, 1)
        self.projection = nn.Linear(2 * TIMES, last)
        for layer in (*self.shifts, self.projection):
            nn.init.zeros_(layer.weight)
        nn.init.zeros_(self.projection.bias)

    def forward(self, y: Tensor, t: Tensor) -> Tensor:
        e = self.embedding(time_features(t / self.longest))
        x = y.contiguous(memory_format=torch.channels_last)
        for layer, shift in zip(self.levels, self.shifts, strict=True):
            x = leaky_relu(layer(x) + shift(e)[:, :, None, None], SLOPE)
        h = leaky_relu(self.features(torch.cat([x, spread(x)], dim=1).flatten(1)), SLOPE)
        return self.score(h)[:, 0] + (h * self.projection(e)).sum(1) / math.sqrt(h.shape[1])


def spread(x: Tensor, group: int = 8) -> Tensor:
    """Mean standard deviation of the features over groups of images, as one channel (n, 1, H, W)."""
    n = len(x)
    sets = group if n % group == 0 else n
    values = x.float().unflatten(0, (sets, n // sets))
    values = (values.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3))
    return values.repeat(sets)[:, None, None, None].expand(n, 1, *x.shape[2:]).to(x.dtype)


def time_features(share: Tensor) -> Tensor:
    """Sines and cosines of a share of the longest time, (n, TIMES)."""
    frequencies = torch.exp(torch.linspace(0.0, math.log(500.0), TIMES // 2, device=share.device))
    angles = share.float()[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1)
