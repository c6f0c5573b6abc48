"""The network of the diffusion model: a U-Net that says which noise is in an image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from credenza.errors import UsageError

TIMES = 1000  # noise levels that are trained on
UNIT = 8  # channels come in multiples of this
GROUP = 4  # channels at the finest resolution that are normalised together
GROWTH = (1, 2, 2, 3)  # channels of each resolution, finest first, in units of the width
Tensor = Any


@dataclass(frozen=True)
class Shape:
    """What decides the form of the network.

    Attributes
    ----------
    size : pixels a side. channels : 3, or 1 for grey. width : channels at the finest resolution, a multiple of 8.
    patch : pixels a side that one position of the finest resolution stands for.
    levels : resolutions, each half the one before. classes : None without classes.
    """

    size: int
    channels: int
    width: int
    patch: int
    levels: int
    classes: int | None

    def __post_init__(self) -> None:
        if self.width % UNIT or self.width < UNIT:
            raise UsageError(f"width is a multiple of {UNIT}, {UNIT} or more; found {self.width}")
        if not 1 <= self.levels <= len(GROWTH):
            raise UsageError(f"levels is between 1 and {len(GROWTH)}; found {self.levels}")
        unit = self.patch * 2 ** (self.levels - 1)
        if self.size % unit:
            raise UsageError(
                f"size is a multiple of {unit} for patches of {self.patch} and {self.levels} levels; found {self.size}"
            )


def unet(shape: Shape) -> nn.Module:
    """A U-Net from diffusers: one residual block a resolution, one head of attention at the coarsest."""
    from diffusers import UNet2DModel

    inner = shape.channels * shape.patch**2
    found: nn.Module = UNet2DModel(
        sample_size=shape.size // shape.patch,
        in_channels=inner,
        out_channels=inner,
        block_out_channels=tuple(shape.width * growth for growth in GROWTH[: shape.levels]),
        down_block_types=("DownBlock2D",) * shape.levels,
        up_block_types=("UpBlock2D",) * shape.levels,
        layers_per_block=1,
        norm_num_groups=shape.width // GROUP,
        attn_norm_num_groups=shape.width // GROUP,
        resnet_time_scale_shift="scale_shift",  # after the normalisation, which would undo a mere shift
        attention_head_dim=None,
        num_class_embeds=shape.classes,
    )
    return found


class Denoiser(nn.Module):  # type: ignore[misc]
    """Predicts the noise in an image from the image and its noise level.

    The noisy image is y = alpha x + sigma (eps + gamma xi), see :func:`credenza.models.ddpm_noise.noised`. The best
    linear guess of eps, for pixels of variance 1, is c y with c = sigma / (1 + gamma^2 sigma^2); the U-Net F adds what
    it knows beyond that:

        eps_hat = c y + alpha F(y, t)

    Where there is next to nothing but noise, F is a guess of the (negative) image, and its errors do not grow by
    sigma / alpha on their way into x_hat, as they do where the U-Net predicts eps itself.

    Parameters
    ----------
    shape : of the U-Net. abar : alpha^2 by noise level, shape (TIMES,). gamma : of the input perturbation.
    """

    def __init__(self, shape: Shape, abar: Tensor, gamma: float) -> None:
        super().__init__()
        self.unet = unet(shape)
        self.patch = shape.patch
        sigma = (1 - abar).sqrt()
        self.register_buffer("outer", abar.sqrt(), persistent=False)
        self.register_buffer("skip", sigma / (1 + gamma**2 * sigma**2), persistent=False)

    def forward(self, noisy: Tensor, times: Tensor, labels: Tensor | None = None) -> Tensor:
        """Noise in ``noisy`` (b, C, H, W) at ``times`` (b,), float32; ``labels`` (b,) with classes."""
        values = pixel_unshuffle(noisy, self.patch) if self.patch > 1 else noisy
        values = self.unet(values, times, labels).sample.float()
        values = pixel_shuffle(values, self.patch) if self.patch > 1 else values
        skip, outer = (buffer[times].view(-1, 1, 1, 1) for buffer in (self.skip, self.outer))
        return skip * noisy + outer * values


def default_levels(side: int) -> int:
    """Resolutions for a finest one of ``side`` positions: down to about 4-8, where halving goes.

    >>> [default_levels(side) for side in (2, 7, 8, 12, 16, 24, 32, 64)]
    [1, 1, 2, 2, 3, 3, 3, 4]
    """
    halvings = (side & -side).bit_length() - 1
    wanted = max(0, math.floor(math.log2(side)) - 2)
    return 1 + min(halvings, wanted, 2 if side <= 32 else len(GROWTH) - 1)
