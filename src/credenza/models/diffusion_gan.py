"""Diffusion-GAN: images by a generator whose discriminator sees real and made images through noise."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, ClassVar, Self

import numpy as np
import torch

from credenza.errors import InputError
from credenza.models.base import Generator, Images, Tensors, require_seed
from credenza.models.device import autocast, pick_device, random_stream
from credenza.models.diffusion_gan_networks import Judge, Maker
from credenza.models.diffusion_gan_settings import Settings
from credenza.models.diffusion_gan_training import Contest
from credenza.models.digest import digest_of
from credenza.models.pixels import require_images, to_bytes
from credenza.models.states import fill_module, module_arrays
from credenza.models.training import train

_WEIGHTS = "maker."
SAMPLED = 256  # images made at once


class DiffusionGAN(Generator[Images]):
    """A generative adversarial network of images, trained with diffusion (Diffusion-GAN).

    The discriminator D is shown real images x and made ones G(z) only as y = sqrt(abar_t) x + sqrt(1 - abar_t) 0.05 eps
    and is told t. Half of the times are 0, half are drawn from 1 ... T with chance proportional to t. Every four
    batches T moves by the sign of E[sign D(real)] - target: when D does too well, its task is made harder.
    Non-saturating loss, R1 penalty, Adam; an exponential average of the generator's weights is what samples.

    Parameters
    ----------
    size : pixels a side, 4 to 8 times a power of two. channels : 3, or 1 for grey.
    steps : of training. batch : images a step, >= 2.
    width, judge_width : channels of the generator, of the discriminator at the finest level; doubled at each coarser
        one, up to four times. latent : numbers that an image is made of.
    learning_rate : after a rise over 100 steps; falls to zero over the last 30% of the steps.
    penalty : gamma of R1, >= 0. decay : of the average.
    target : of the mean sign of D on real images, in [-1, 1]; lower values mean more noise. shortest, longest : between
        which T moves (1,000 times are the whole diffusion). ramp : images that T takes from one to the other.
    device : see :func:`credenza.models.pick_device`. A GPU computes in bfloat16.

    Raises
    ------
    UsageError : a setting out of range; a GPU that is not there.

    Notes
    -----
    Cost: about 0.12 s a step of 64 images at 16 pixels and 0.35 s at 32, on one core that was shared. Memory: the
    images once as bytes.
    A fit repeats bit for bit on one machine with as many threads; on a GPU its
    libraries add in no fixed order, and repeats differ in the last digits.
    The networks are small ones of the DCGAN family, not those of the paper (a StyleGAN2, under a licence that forbids
    commercial use). So numbers of the paper are not to be expected, only its mechanism.
    How often an attribute is shown wanders in the training of any GAN; the average over the last steps, and the falling
    rate, steady it. Left out: mirrored images (attributes may have a side), classes, style mixing.

    References
    ----------
    Wang et al. 2022, Diffusion-GAN: Training GANs with Diffusion (arXiv 2206.02262), section 3.
    Radford et al. 2015 (arXiv 1511.06434); Mescheder et al. 2018 (arXiv 1801.04406); Karras et al. 2018 (arXiv
    1710.10196), section 3.

    Examples
    --------
    >>> images = np.full((8, 8, 8, 1), 200, np.uint8)
    >>> model = DiffusionGAN(8, channels=1, steps=2, batch=4, device="cpu").fit(images, seed=0)
    >>> model.sample(3, seed=0).shape
    (3, 8, 8, 1)
    """

    kind: ClassVar[str] = "diffusion-gan"

    def __init__(
        self,
        size: int,
        *,
        channels: int = 3,
        steps: int = 6000,
        batch: int = 64,
        width: int = 16,
        judge_width: int = 24,
        latent: int = 64,
        learning_rate: float = 1e-3,
        penalty: float = 0.5,
        decay: float = 0.998,
        target: float = 0.6,
        shortest: int = 10,
        longest: int = 1000,
        ramp: int = 100_000,
        device: str = "auto",
    ) -> None:
        given = locals()
        self.settings = Settings(**{field.name: given[field.name] for field in fields(Settings)})
        self.device = pick_device(device)
        self._maker: Maker | None = None

    @property
    def fitted(self) -> bool:
        """Whether there is something to sample from and to save."""
        return self._maker is not None

    @property
    def weights(self) -> int:
        """How many numbers the two networks learn."""
        return sum(value.numel() for net in self._fresh(0) for value in net.parameters())

    def fit(
        self,
        data: Images,
        *,
        seed: int,
        folder: str | os.PathLike[str] | None = None,
        every: int = 500,
    ) -> Self:
        """Learn from images.

        Parameters
        ----------
        data : uint8, shape (n, size, size, channels), n >= 2. seed : of weights, order, noise.
        folder : where ``checkpoint.safetensors`` is kept, so that an interrupted fit goes on; made if need be.
        every : steps between checkpoints.

        Raises
        ------
        InputError : images of another type or size, fewer than two; a checkpoint that is damaged or of other images,
            settings or another seed.
        UsageError : the seed is no non-negative integer; the folder cannot be made; the loss is not finite.
        """
        require_seed(seed)
        own = self.settings
        require_images(data, shape=(own.size, own.size, own.channels))
        if len(data) < 2:
            raise InputError(f"a Diffusion-GAN learns from 2 images or more; found {len(data)}")
        maker, judge = self._fresh(seed)
        mean = self._fresh(seed)[0]
        job = Contest(maker, judge, mean, data, own, self.device, int(seed))
        key = digest_of(self.kind, asdict(own), int(seed), data)
        train(job, steps=own.steps, folder=folder, every=every, label="training Diffusion-GAN", key=key)
        self._maker = mean.eval()
        return self

    def sample(self, n: int, *, seed: int) -> Images:
        """Make new images.

        Parameters
        ----------
        n : how many, >= 1. seed : of the latent vectors; image k is made of the same one whatever ``n``.

        Returns
        -------
        uint8, shape (n, size, size, channels).

        Raises
        ------
        UsageError : before :meth:`fit`; a number that is no such.
        """
        self._ready(n, seed)
        assert self._maker is not None
        z = np.random.default_rng((seed, 0)).standard_normal((n, self.settings.latent), np.float32)
        parts = []
        with torch.inference_mode(), autocast(self.device):
            for start in range(0, n, SAMPLED):
                part = torch.from_numpy(z[start : start + SAMPLED]).to(self.device)
                parts.append(to_bytes(self._maker(part)))
        return np.concatenate(parts)

    def _fresh(self, seed: int) -> tuple[Maker, Judge]:
        """Networks with the weights that ``seed`` starts them with."""
        own = self.settings
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(random_stream(torch.device("cpu"), seed).initial_seed())
            maker = Maker(own.size, own.channels, own.width, own.latent)
            judge = Judge(own.size, own.channels, own.judge_width, own.longest)
        maker, judge = (net.to(self.device, memory_format=torch.channels_last) for net in (maker, judge))
        return maker, judge

    def _contents(self) -> tuple[dict[str, Any], Tensors]:
        assert self._maker is not None
        return asdict(self.settings), module_arrays(self._maker, _WEIGHTS)

    @classmethod
    def _of_contents(cls, settings: Mapping[str, Any], tensors: Tensors) -> Self:
        model = cls(**settings)
        maker = model._fresh(0)[0]
        fill_module(maker, tensors, _WEIGHTS)
        model._maker = maker.eval()
        return model
