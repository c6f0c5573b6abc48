"""A diffusers pipeline in a local folder: what its network foresees on the way from noise to image."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from credenza.data.write import one_line
from credenza.errors import InputError, UsageError
from credenza.models.base import require_seed
from credenza.models.ddpm_network import TIMES
from credenza.models.ddpm_noise import reverse, sampling_times
from credenza.models.device import pick_device, random_stream

INDEX, NETWORK, STEPS = "model_index.json", "UNet2DModel", 50
_TROUBLE = (OSError, ValueError, KeyError, RuntimeError, AttributeError, ImportError, TypeError)
Tensor = Any


class ForeignDiffusion:
    """Network and noise schedule of a pipeline of images, as :class:`credenza.models.trajectories.Trajectories`.

    Parameters
    ----------
    folder : of a diffusers pipeline with a ``UNet2DModel`` under ``unet`` and a ``scheduler``, such as DDPMPipeline or
        DDIMPipeline; with ``num_class_embeds`` it is told classes. device : see :func:`credenza.models.pick_device`.

    Raises
    ------
    InputError : no pipeline; code or weights other than safetensors in the folder; another network (of latents or
        text); images that are not square, or neither grey nor RGB; a damaged file.

    Notes
    -----
    Of the pipeline's own class nothing is run: sampling is DDIM (eta 0), whatever its scheduler. Noise, x and v
    prediction are read. Left out: pipelines in a latent space, whose class means are no images.
    """

    def __init__(self, folder: str | os.PathLike[str], device: str = "auto") -> None:
        path = _checked(Path(folder).expanduser())
        self.device = pick_device(device)
        diffusers.utils.logging.set_verbosity_error()
        options = {"local_files_only": True}
        try:
            self._net = diffusers.UNet2DModel.from_pretrained(
                path / "unet", use_safetensors=True, **options
            ).to(self.device)
            scheduler = diffusers.DDIMScheduler.from_pretrained(path / "scheduler", **options)
        except _TROUBLE as error:
            raise InputError(
                f"{path} cannot be loaded with diffusers ({one_line(error).rstrip('.')}); give another model"
            ) from error
        self._net.eval()
        self._abar = scheduler.alphas_cumprod.to(self.device)
        self._predicts = str(scheduler.config.prediction_type)
        config = self._net.config
        side = config.sample_size
        self._size = side if isinstance(side, int) else 0
        self._channels = int(config.in_channels)
        self._classes = config.num_class_embeds
        if not self._size or self._channels not in (1, 3) or config.out_channels != self._channels:
            raise InputError(
                f"{path} makes no square images, grey or RGB (size {side}, {config.in_channels} channels in, "
                f"{config.out_channels} out); give a pipeline that does"
            )

    @property
    def size(self) -> int:
        """Pixels a side."""
        return self._size

    @property
    def channels(self) -> int:
        """1 or 3."""
        return self._channels

    @property
    def classes(self) -> int | None:
        """How many it is told; None for a model without."""
        return None if self._classes is None else int(self._classes)

    def trajectory(
        self, n: int, *, seed: int, times: Sequence[int], labels: ArrayLike | None = None, batch: int = 64
    ) -> NDArray[np.float32]:
        """See :meth:`credenza.models.trajectories.Trajectories.trajectory`; levels are scaled to the schedule's own.

        Raises
        ------
        UsageError : a seed or a time that is no such. InputError : labels that do not fit, or are missing.
        """
        require_seed(seed)
        wanted = [int(time) for time in times]
        if not wanted or not all(0 <= time < TIMES for time in wanted):
            raise UsageError(f"times are whole numbers from 0 to {TIMES - 1}, at least one; found {wanted!r}")
        given = self._codes(labels, n)
        own = [self._level(time) for time in wanted]
        path = [self._level(time) for time in sampling_times(STEPS)]
        path = sorted({time for time in (*path, *own) if time >= min(own)}, reverse=True)
        found = np.empty((len(own), n, self._size, self._size, self._channels), np.float32)
        codes = None if given is None else torch.from_numpy(given).to(self.device)
        for start in range(0, n, batch):
            rows = slice(start, min(n, start + batch))
            told = None if codes is None else codes[rows]
            for time, image in reverse(self._noise, self._start(rows, seed), self._abar, path, told):
                for place in (k for k, other in enumerate(own) if other == time):
                    found[place, rows] = ((image + 1) * 127.5).permute(0, 2, 3, 1).cpu().numpy()
        return found

    def _codes(self, labels: ArrayLike | None, n: int) -> NDArray[np.int64] | None:
        """Labels as integers, once they fit; None for a model without classes."""
        if labels is None or self.classes is None:
            if labels is None and self.classes is None:
                return None
            kind = "no labels" if self.classes is None else f"labels of {self.classes} classes"
            raise InputError(f"this model takes {kind}; found {'none' if labels is None else 'labels'}")
        found = np.asarray(labels)
        if found.shape != (n,) or found.dtype.kind not in "ui":
            raise InputError(
                f"labels are {n} whole numbers, one an image; found {found.dtype} of {found.shape}"
            )
        if n and not 0 <= found.min() <= found.max() < self.classes:
            raise InputError(
                f"labels are from 0 to {self.classes - 1}; found them from {found.min()} to {found.max()}"
            )
        return found.astype(np.int64)

    def _level(self, time: int) -> int:
        """A level of 1,000 as one of the schedule's own."""
        return round(time * (len(self._abar) - 1) / (TIMES - 1))

    def _start(self, rows: slice, seed: int) -> Tensor:
        side = (self._channels, self._size, self._size)
        return torch.stack(
            [
                torch.randn(side, generator=random_stream(self.device, seed, k), device=self.device)
                for k in range(rows.start, rows.stop)
            ]
        )

    def _noise(self, noisy: Tensor, level: Tensor, labels: Tensor | None) -> Tensor:
        """The noise in images, whatever the network was trained to predict."""
        with torch.inference_mode():
            said = self._net(noisy, level, class_labels=labels).sample
        kept = self._abar[level].view(-1, 1, 1, 1)
        if self._predicts == "sample":
            return (noisy - kept.sqrt() * said) / (1 - kept).sqrt()
        if self._predicts == "v_prediction":
            return kept.sqrt() * said + (1 - kept).sqrt() * noisy
        return said


def _checked(path: Path) -> Path:
    """The folder of a pipeline, once it is known to hold a network of images in safetensors, and no code."""
    for code in sorted(path.rglob("*.py")):
        raise InputError(f"{path} holds code ({code.name}), which is not run; give a model without any")
    try:
        index = json.loads((path / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path / INDEX} cannot be read ({one_line(error)}); give a whole pipeline"
        ) from error
    network = index.get("unet") if isinstance(index, dict) else None
    if not isinstance(network, list) or network[-1:] != [NETWORK]:
        found = network[-1] if isinstance(network, list) and network else "none"
        raise InputError(
            f"{path} has no {NETWORK} of images (found {found}); give a pipeline that makes images alone"
        )
    if not any((path / "unet").glob("*.safetensors")):
        raise InputError(f"{path} holds no .safetensors weights, and pickled ones are not read; convert them")
    return path.resolve()
