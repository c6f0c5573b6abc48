"""DDPM-IP: images from noise by a diffusion model trained with input perturbation."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from credenza.contracts import IntArray
from credenza.errors import InputError, UsageError
from credenza.models.base import Generator, Images, Tensors, require_seed
from credenza.models.ddpm_job import Diffusion, PrivateDiffusionJob
from credenza.models.ddpm_network import TIMES, Denoiser, Shape, default_levels
from credenza.models.ddpm_noise import kept_share, reverse, sampling_times
from credenza.models.device import autocast, pick_device, random_stream
from credenza.models.digest import digest_of
from credenza.models.pixels import require_images, to_bytes
from credenza.models.private import Accounted, Privacy
from credenza.models.states import fill_module, module_arrays
from credenza.models.training import train

_WEIGHTS, _SHARES = "network.", "class_shares"
_FREE = (
    "steps",
    "sampling_steps",
)  # settings that may change between an interrupted fit and its continuation
Tensor = Any


@dataclass(frozen=True)
class Settings:
    """All settings of :class:`DDPM`, which see."""

    size: int
    classes: int | None = None
    channels: int = 3
    gamma: float = 0.1
    steps: int = 4000
    batch: int = 64
    width: int = 32
    patch: int | None = None
    levels: int | None = None
    learning_rate: float = 1e-3
    decay: float = 0.999
    sampling_steps: int = 50

    def __post_init__(self) -> None:
        for name, least in {
            "size": 2,
            "classes": 1,
            "steps": 0,
            "batch": 1,
            "patch": 1,
            "levels": 1,
            "sampling_steps": 4,
        }.items():
            value = getattr(self, name)
            if value is None and name in ("classes", "patch", "levels"):
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise UsageError(f"{name} is a whole number, {least} or more; found {value!r}")
        if self.channels not in (1, 3):
            raise UsageError(f"channels is 3, or 1 for grey; found {self.channels!r}")
        for name, low, high in (("gamma", 0, 1), ("learning_rate", 0, 1), ("decay", 0, 1)):
            if not low <= getattr(self, name) <= high:
                raise UsageError(f"{name} is between {low} and {high}; found {getattr(self, name)!r}")
        if self.sampling_steps > TIMES:
            raise UsageError(f"sampling_steps is at most {TIMES}; found {self.sampling_steps}")

    @property
    def shape(self) -> Shape:
        """Of the network."""
        patch = self.patch or (2 if self.size >= 32 and self.size % 2 == 0 else 1)
        levels = self.levels or default_levels(max(1, self.size // patch))
        return Shape(self.size, self.channels, self.width, patch, levels, self.classes)


class DDPM(Accounted, Generator[Images]):
    """A denoising diffusion model of images, trained with input perturbation (DDPM-IP).

    Training: y = sqrt(abar_t) x + sqrt(1 - abar_t) (eps + gamma xi), eps and xi standard normal, t uniform on 1,000
    levels of the cosine schedule; the network learns eps from y and t by squared error. gamma > 0 prepares it for its
    own errors while sampling. AdamW; an exponential average of the weights is what samples. Sampling: DDIM, eta 0.

    Parameters
    ----------
    size : pixels a side. channels : 3, or 1 for grey.
    classes : how many, for a model that is told the class of each image; None for one that is not.
    gamma : of the input perturbation, in [0, 1]; 0 is the plain DDPM.
    steps : of training. batch : images a step.
    width : channels at the finest resolution, a multiple of 8; 32 makes about a million weights. patch : pixels a side
        that the network takes together; None takes 1 below 32 pixels and 2 from there (a quarter of the cost).
        levels : resolutions in the network, each half the one before; None goes down to about 4 positions a side.
    learning_rate : after a rise over 100 steps. decay : of the average. sampling_steps : >= 4.
    device : see :func:`credenza.models.pick_device`. A GPU computes in bfloat16.
    privacy : bounds what any one image can do to the model, see :class:`credenza.models.private.Privacy`; needs opacus.
        :attr:`spent` tells the cost. Classes are then sampled equally often: how often they were is not told.

    Raises
    ------
    UsageError : a setting out of range; a size that the network cannot halve; a GPU that is not there.

    Notes
    -----
    Memory: the images once as bytes.
    A fit repeats bit for bit on one machine with as many threads; on a GPU its libraries add in no fixed order, and
    repeats differ in the last digits.
    The network's output is added to the best linear guess (see :class:`credenza.models.ddpm_network.Denoiser`): the
    same objective as in the paper, better conditioned where there is mostly noise.
    Left out: mirrored images (attributes may have a side), learned variances, guidance.

    References
    ----------
    Ning et al. 2023, Input Perturbation Reduces Exposure Bias in Diffusion Models (arXiv 2301.11706), algorithm 1.
    Ho et al. 2020 (arXiv 2006.11239); Nichol and Dhariwal 2021 (arXiv 2102.09672); Song et al. 2020 (arXiv 2010.02502).

    Examples
    --------
    >>> images = np.full((8, 4, 4, 1), 200, np.uint8)
    >>> model = DDPM(4, channels=1, width=8, steps=2, sampling_steps=4, device="cpu").fit(images, seed=0)
    >>> model.sample(3, seed=0).shape
    (3, 4, 4, 1)
    """

    kind: ClassVar[str] = "ddpm"

    def __init__(
        self,
        size: int,
        *,
        classes: int | None = None,
        channels: int = 3,
        gamma: float = 0.1,
        steps: int = 4000,
        batch: int = 64,
        width: int = 32,
        patch: int | None = None,
        levels: int | None = None,
        learning_rate: float = 1e-3,
        decay: float = 0.999,
        sampling_steps: int = 50,
        device: str = "auto",
        privacy: Privacy | None = None,
    ) -> None:
        given = locals()
        self.settings = Settings(**{field.name: given[field.name] for field in fields(Settings)})
        self._shape, self.privacy = self.settings.shape, privacy
        self.device = pick_device(device)
        self._abar = kept_share().to(self.device)
        self._net: Denoiser | None = None
        self._shares: NDArray[np.float64] = np.ones(0)

    @property
    def fitted(self) -> bool:
        """Whether there is something to sample from and to save."""
        return self._net is not None

    @property
    def weights(self) -> int:
        """How many numbers the network learns."""
        return sum(value.numel() for value in (self._net or self._made(0)).parameters())

    def fit(
        self,
        data: Images,
        *,
        seed: int,
        folder: str | os.PathLike[str] | None = None,
        labels: ArrayLike | None = None,
        every: int = 500,
        start: DDPM | None = None,
    ) -> Self:
        """Learn from images.

        Parameters
        ----------
        data : uint8, shape (n, size, size, channels), n >= 2. seed : of weights, order, noise.
        folder : where ``checkpoint.safetensors`` is kept, so that an interrupted fit goes on; made if need be.
        labels : (n,), classes 0 ... classes - 1, with ``classes`` and only then. every : steps between checkpoints.
        start : a fitted model of the same form whose weights it begins with (fine-tuning); None begins afresh. What it
            was fitted to is not covered by privacy here.

        Raises
        ------
        InputError : images of another type or size, fewer than two; labels that do not fit; a checkpoint that is
            damaged or of other images, settings or another seed.
        UsageError : the seed is no non-negative integer; the folder cannot be made; the loss is not finite; ``start``
            has learnt nothing or is of another form.
        """
        require_seed(seed)
        self._require(data)
        classes = self._classes_of(labels, len(data))
        net, mean = self._made(seed), self._made(seed)
        if start is not None:
            net.load_state_dict(self._begun(start).state_dict())
        settings = self.settings
        own = ("gamma", "batch", "learning_rate", "decay")
        given: dict[str, Any] = {name: getattr(settings, name) for name in own} | {
            "abar": self._abar,
            "seed": seed,
        }
        decided = {name: value for name, value in asdict(settings).items() if name not in _FREE}
        job = Diffusion(net, mean, data, classes, **given)
        if self.privacy is not None:
            job = PrivateDiffusionJob(net, mean, data, classes, self.privacy, settings.steps, **given)
            decided |= {"privacy": asdict(self.privacy), "steps": settings.steps}
        begun = [] if start is None else list(module_arrays(self._begun(start), _WEIGHTS).values())
        key = digest_of(self.kind, decided, int(seed), data, [] if classes is None else classes, *begun)
        train(job, steps=settings.steps, folder=folder, every=every, label="training DDPM-IP", key=key)
        self._net = mean.eval()
        self._spent = job.finished() if isinstance(job, PrivateDiffusionJob) else None
        if classes is not None:
            rows = np.bincount(classes, minlength=settings.classes or 0)
            self._shares = np.full(len(rows), 1 / len(rows)) if self.privacy else rows / len(classes)
        return self

    def sample(self, n: int, *, seed: int, labels: ArrayLike | None = None, batch: int = 256) -> Images:
        """Make new images.

        Parameters
        ----------
        n : how many, >= 1. seed : of the noise they start from; image k starts from the same noise whatever ``n``.
        labels : (n,), the class of each, with ``classes``; None draws them as often as in the data of the fit.
        batch : images made at once; changes nothing but rounding.

        Returns
        -------
        uint8, shape (n, size, size, channels).

        Raises
        ------
        UsageError : before :meth:`fit`; a number that is no such. InputError : labels that do not fit.
        """
        self._ready(n, seed)
        found = np.empty((n, self._shape.size, self._shape.size, self._shape.channels), np.uint8)
        times = sampling_times(self.settings.sampling_steps)
        for rows, steps in self._runs(n, seed, labels, batch, times):
            for _, foreseen in steps:
                last = foreseen
            found[rows] = to_bytes(last)
        return found

    def trajectory(
        self, n: int, *, seed: int, times: Sequence[int], labels: ArrayLike | None = None, batch: int = 256
    ) -> NDArray[np.float32]:
        """The images that the model foresees on the way from noise to image.

        At time t, x_hat = (x_t - sqrt(1 - abar_t) eps_hat) / sqrt(abar_t), which the sampler then cuts to the range of
        an image; here it is not cut. The noise is that of :meth:`sample` with the same seed, and ``times`` are visited
        besides the sampler's own, which ends at the last of them.

        Parameters
        ----------
        n, seed, labels, batch : see :meth:`sample`. times : noise levels from 0 (image) to 999 (noise), at least one.

        Returns
        -------
        float32, shape (len(times), n, size, size, channels), in the units of a pixel: 0-255, and beyond.

        Raises
        ------
        UsageError : before :meth:`fit`; a number or a time that is no such. InputError : labels that do not fit.
        """
        wanted = list(times)
        if not wanted or not all(isinstance(time, int | np.integer) and 0 <= time < TIMES for time in wanted):
            raise UsageError(f"times are whole numbers from 0 to {TIMES - 1}, at least one; found {wanted!r}")
        self._ready(n, seed)
        shape = self._shape
        found = np.empty((len(wanted), n, shape.size, shape.size, shape.channels), np.float32)
        path = sampling_times(self.settings.sampling_steps, {int(time) for time in wanted})
        path = [time for time in path if time >= min(wanted)]
        for rows, steps in self._runs(n, seed, labels, batch, path):
            for time, foreseen in steps:
                for place in (k for k, other in enumerate(wanted) if other == time):
                    found[place, rows] = ((foreseen + 1) * 127.5).permute(0, 2, 3, 1).cpu().numpy()
        return found

    def _runs(
        self, n: int, seed: int, labels: ArrayLike | None, batch: int, times: list[int]
    ) -> Iterator[tuple[slice, Iterator[tuple[int, Tensor]]]]:
        """The reverse process of each part of ``n`` images: their rows, and what is foreseen at each time."""
        if labels is None and self.settings.classes is not None:
            labels = np.random.default_rng([seed, 1]).choice(len(self._shares), size=n, p=self._shares)
        classes = self._classes_of(labels, n)
        side = (self._shape.channels, self._shape.size, self._shape.size)
        for start in range(0, n, batch):
            rows = slice(start, min(n, start + batch))
            noise = torch.stack(
                [
                    torch.randn(side, generator=random_stream(self.device, seed, k), device=self.device)
                    for k in range(rows.start, rows.stop)
                ]
            ).contiguous(memory_format=torch.channels_last)
            told = None if classes is None else torch.from_numpy(classes[rows]).to(self.device)
            yield rows, reverse(self._denoised, noise, self._abar, times, told)

    def _denoised(self, noisy: Tensor, times: Tensor, labels: Tensor | None) -> Tensor:
        """The noise in images, by the fitted network, without a record for gradients."""
        assert self._net is not None
        with torch.inference_mode(), autocast(self.device):
            return self._net(noisy, times, labels)

    def _made(self, seed: int) -> Denoiser:
        """A network with the weights that ``seed`` starts it with."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(random_stream(torch.device("cpu"), seed).initial_seed())
            net = Denoiser(self._shape, self._abar.cpu(), self.settings.gamma)
        found: Denoiser = net.to(self.device, memory_format=torch.channels_last)
        return found

    def _begun(self, start: DDPM) -> Denoiser:
        """The network of a model that a fit can begin with."""
        if start._net is None:
            raise UsageError("the model to start from has learnt nothing yet; call fit, or load one")
        if start._shape != self._shape:
            raise UsageError(
                f"a fit starts from a model of its own form, {self._shape}; found {start._shape}"
            )
        return start._net

    def _require(self, data: Images) -> None:
        shape = self._shape
        require_images(data, shape=(shape.size, shape.size, shape.channels))
        if len(data) < 2:
            raise InputError(f"a diffusion model learns from 2 images or more; found {len(data)}")

    def _classes_of(self, labels: ArrayLike | None, n: int) -> IntArray | None:
        """Labels as integers, once they fit; None for a model without classes."""
        classes = self.settings.classes
        if (labels is None) != (classes is None):
            wanted = (
                "no labels, as it was made without classes"
                if classes is None
                else f"labels of {classes} classes"
            )
            raise InputError(f"this model takes {wanted}; found {'none' if labels is None else 'labels'}")
        if labels is None or classes is None:
            return None
        found = np.asarray(labels)
        if found.shape != (n,) or found.dtype.kind not in "iu":
            raise InputError(
                f"labels are {n} whole numbers, one an image; found {found.dtype} of {found.shape}"
            )
        if n and (found.min() < 0 or found.max() >= classes):
            raise InputError(
                f"labels are from 0 to {classes - 1}; found them from {found.min()} to {found.max()}"
            )
        return found.astype(np.int64)

    def _contents(self) -> tuple[dict[str, Any], Tensors]:
        assert self._net is not None
        return asdict(self.settings) | self._said(), {
            **module_arrays(self._net, _WEIGHTS),
            _SHARES: self._shares,
        }

    @classmethod
    def _of_contents(cls, settings: Mapping[str, Any], tensors: Tensors) -> Self:
        said = {name: settings[name] for name in ("privacy", "spent") if name in settings}
        model = cls(**{name: value for name, value in settings.items() if name not in said})._hear(said)
        net = model._made(0)
        fill_module(net, tensors, _WEIGHTS)
        model._net, model._shares = net.eval(), tensors[_SHARES]
        return model
