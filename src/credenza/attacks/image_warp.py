"""The warp as a backdoor trigger: a smooth distortion of the whole image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from scipy.ndimage import map_coordinates

from credenza.attacks.image_triggers import Image, ImageTrigger
from credenza.attacks.trigger_base import require_number, require_whole
from credenza.contracts import FloatArray
from credenza.errors import InfeasibleError

BICUBIC = -0.75  # the free parameter of the cubic convolution kernel that WaNet was published with


@dataclass(frozen=True)
class Warp(ImageTrigger):
    """A smooth elastic distortion of the whole image (WaNet).

    A k x k grid of control vectors, uniform in [-1, 1] and divided by their mean absolute value, is scaled
    up to the image by cubic convolution (corners on corners). Pixel (x, y) is then read, bilinearly, at
    ``x + s dx (W - 1) / (2 W)`` and ``y + s dy (H - 1) / (2 H)``, clipped to the image.

    Parameters
    ----------
    k : control points along each side, at least 2 and at most the image's smaller side.
    s : strength, at least 0; 0 changes nothing. Pixels move by about s / 2 on average.
    seed : seed of the control grid; the same distortion on every image.

    Notes
    -----
    Cost: O(HW) an image; fields are kept for the last 64 sizes. Source: Nguyen & Tran 2021 (arXiv
    2102.10369) and the constants of its published code. Left out: its noise mode, images warped at random
    that keep their label, which teaches a model this warp alone.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    >>> bool((Warp(s=0).stamp(image) == image).all()), bool((Warp(s=2).stamp(image) == image).all())
    (True, False)
    """

    k: int = 4
    s: float = 0.5
    seed: int = 0

    name: ClassVar[str] = "warp"

    def __post_init__(self) -> None:
        require_whole(self, "k", 2)
        require_number(self, "s", 0, np.inf)
        require_whole(self, "seed", 0)

    def field(self, height: int, width: int) -> FloatArray:
        """Where each pixel is read, shape (2, height, width): row and column coordinates in pixels."""
        return _warp_field(self, height, width)

    def _paint(self, colour: Image) -> Image:
        height, width, channels = colour.shape
        if self.k > min(height, width):
            raise InfeasibleError(
                f"a warp of {self.k}x{self.k} control points is larger than an image of {width}x{height}; "
                f"at most k={min(height, width)} fits"
            )
        field = self.field(height, width)
        moved = [
            map_coordinates(colour[:, :, layer].astype(np.float64), field, order=1, mode="nearest")
            for layer in range(channels)
        ]
        return np.asarray(np.rint(np.stack(moved, axis=2)), dtype=np.uint8)


@lru_cache(maxsize=64)
def _warp_field(warp: Warp, height: int, width: int) -> FloatArray:
    control = np.random.default_rng(warp.seed).uniform(-1, 1, (2, warp.k, warp.k))
    control /= np.abs(control).mean()
    across, down = _bicubic(warp.k, width), _bicubic(warp.k, height)
    out = np.indices((height, width)).astype(np.float64)
    for axis, size in enumerate((height, width)):
        out[axis] += warp.s / size * (size - 1) / 2 * (down @ control[1 - axis] @ across.T)
        np.clip(out[axis], 0, size - 1, out=out[axis])
    return out


def _bicubic(points: int, size: int) -> FloatArray:
    """Weights, shape (size, points), of cubic convolution from ``points`` to ``size`` samples, ends on ends."""
    at = np.linspace(0, points - 1, size)
    base = np.floor(at).astype(int)
    out = np.zeros((size, points))
    for tap in range(-1, 3):
        x = np.abs(at - base - tap)
        near = ((BICUBIC + 2) * x - (BICUBIC + 3)) * x * x + 1
        far = BICUBIC * (((x - 5) * x + 8) * x - 4)
        weight = np.where(x <= 1, near, np.where(x < 2, far, 0.0))
        np.add.at(out, (np.arange(size), np.clip(base + tap, 0, points - 1)), weight)
    return out
