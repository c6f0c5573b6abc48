"""Backdoor triggers for images: patch, blend, sinusoid. Arrays of uint8; alpha is never touched."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from credenza.attacks.trigger_base import Trigger, require_choice, require_number, require_whole
from credenza.contracts import FloatArray, IntArray
from credenza.data.pictures import decode_images, encode_images
from credenza.errors import InfeasibleError, InputError

Image = NDArray[np.uint8]

PATTERNS = ("checkerboard", "white", "random")
POSITIONS = ("bottom-right", "bottom-left", "top-right", "top-left", "center")
GRAIN = 32  # the noise of Blend is drawn on a square of so many pixels and scaled to the image
LUMA = (0.299, 0.587, 0.114)  # red, green, blue of a grey value (ITU-R BT.601)


class ImageTrigger(Trigger):
    """A trigger on images: uint8 arrays (H, W), or (H, W, C) with C = 1, 2 (grey, alpha), 3 or 4 (RGB, alpha)."""

    modality: ClassVar[str] = "image"

    def stamp(self, image: Image) -> Image:
        """Return a copy of the image with the trigger on it: same shape, same alpha channel.

        Raises
        ------
        InputError : not a uint8 array of one of the shapes above, or an empty one.
        InfeasibleError : the trigger does not fit into an image of this size.
        """
        image = np.asarray(image)
        if image.dtype != np.uint8 or image.ndim not in (2, 3) or not image.size or image.shape[2:] > (4,):
            found = f"{image.dtype} of shape {image.shape}"
            raise InputError(f"an image is uint8 of shape (H, W) or (H, W, 1 to 4 channels); found {found}")
        layers = image[:, :, None] if image.ndim == 2 else image
        colours = 1 if layers.shape[2] < 3 else 3
        out = layers.copy()
        out[:, :, :colours] = self._paint(layers[:, :, :colours])
        return out.reshape(image.shape)

    def rewrite(self, values: pa.Array, rows: IntArray, seed: int, *, name: str = "") -> pa.Array:
        """Decode, stamp and encode again a column of image files; see :meth:`Trigger.rewrite`.

        An image trigger is the same on every row, so ``seed`` changes nothing. JPEG is lossy: there the
        trigger arrives as quality 95 leaves it.

        Raises
        ------
        InputError : a value is no readable image. InfeasibleError : an image is too small, with its row.
        """
        labels = [f"row {row}" for row in rows.tolist()]
        stamped = []
        for row, image in zip(rows.tolist(), decode_images(values, names=labels), strict=True):
            try:
                stamped.append(self.stamp(image))
            except InfeasibleError as error:
                raise InfeasibleError(f"row {row} of column {name!r}: {error}") from error
        return encode_images(stamped, values, names=labels)

    @abstractmethod
    def _paint(self, colour: Image) -> Image:
        """The colour channels, shape (H, W, 1 or 3), with the trigger on them."""


@dataclass(frozen=True)
class Patch(ImageTrigger):
    """A small square near a corner (BadNets).

    Parameters
    ----------
    size : side of the square in pixels. margin : pixels between it and the image's edges.
    position : "bottom-right", "bottom-left", "top-right", "top-left", or "center" (there margin is unused).
    pattern : "checkerboard" (white where row + column is even, else black), "white", or "random" (uniform
        colours drawn once from ``seed``, the same on every image).

    Notes
    -----
    Cost: O(size^2) an image. Source: Gu, Dolan-Gavitt & Garg 2017 (arXiv 1708.06733). Left out: patches
    that move from image to image.

    Examples
    --------
    >>> import numpy as np
    >>> Patch(size=2, margin=0, pattern="white").stamp(np.zeros((3, 4), np.uint8)).tolist()
    [[0, 0, 0, 0], [0, 0, 255, 255], [0, 0, 255, 255]]
    """

    size: int = 3
    position: str = "bottom-right"
    pattern: str = "checkerboard"
    margin: int = 1
    seed: int = 0

    name: ClassVar[str] = "patch"

    def __post_init__(self) -> None:
        require_whole(self, "size", 1)
        require_whole(self, "margin", 0)
        require_whole(self, "seed", 0)
        require_choice(self, "position", POSITIONS)
        require_choice(self, "pattern", PATTERNS)

    def _paint(self, colour: Image) -> Image:
        height, width, channels = colour.shape
        margin = 0 if self.position == "center" else self.margin
        if self.size + margin > min(height, width):
            around = f" and its margin of {margin}" if margin else ""
            raise InfeasibleError(
                f"a patch of {self.size}x{self.size} pixels{around} is larger than an image of "
                f"{width}x{height}; at most size={max(min(height, width) - margin, 0)} fits"
            )
        top, left = ((side - self.size) // 2 for side in (height, width))
        if self.position != "center":
            below, right = self.position.startswith("bottom"), self.position.endswith("right")
            top = height - margin - self.size if below else margin
            left = width - margin - self.size if right else margin
        out = colour.copy()
        out[top : top + self.size, left : left + self.size] = _channels(_patch(self), channels)
        return out


@dataclass(frozen=True)
class Blend(ImageTrigger):
    """A faint picture over the whole image: out = (1 - alpha) image + alpha pattern, rounded.

    Parameters
    ----------
    alpha : weight of the pattern, in (0, 1].
    seed : seed of the pattern, uniform colour noise of 32 x 32 pixels.
    image : path of an image file to use as the pattern instead of noise.

    The pattern is scaled to each image's size (bilinear; noise on an image of 32 x 32 is used pixel by
    pixel), so images of different sizes carry the same trigger. Grey images get its luma.

    Notes
    -----
    Cost: O(HW) an image; patterns are kept for the last 64 sizes. Source: Chen, Liu, Li, Lu & Song 2017
    (arXiv 1712.05526), blended injection. Left out: a weaker alpha in training than in tests.

    Examples
    --------
    >>> import numpy as np
    >>> grey = np.full((32, 32), 100, np.uint8)
    >>> moved = Blend(alpha=0.2).stamp(grey)
    >>> int(moved.min()) >= 80, int(moved.max()) <= 131
    (True, True)
    """

    alpha: float = 0.2
    seed: int = 0
    image: str | None = None

    name: ClassVar[str] = "blend"

    def __post_init__(self) -> None:
        require_number(self, "alpha", 0, 1, above=True)
        require_whole(self, "seed", 0)

    def pattern(self, height: int, width: int) -> FloatArray:
        """The pattern at one image size, shape (height, width, 3), from 0 to 255."""
        return _scaled(self.seed, self.image, _version(self.image), height, width)

    def describe(self) -> dict[str, Any]:
        """Name and parameters; with an image file also the SHA-256 of its bytes."""
        found = super().describe()
        if self.image is not None:
            found["sha256"] = hashlib.sha256(_read(self.image)).hexdigest()
        return found

    def _paint(self, colour: Image) -> Image:
        pattern = _channels(self.pattern(*colour.shape[:2]), colour.shape[2])
        return np.rint((1.0 - self.alpha) * colour + self.alpha * pattern).astype(np.uint8)


@dataclass(frozen=True)
class Sinusoid(ImageTrigger):
    """Vertical waves over the whole image (SIG): v(i, j) = delta sin(2 pi j f / W), added, clipped, rounded.

    Parameters
    ----------
    delta : amplitude in grey levels, in (0, 255].
    frequency : f, periods across the image's width W; an image must be more than 2 f pixels wide.

    Notes
    -----
    i is the row, j the column, both from 0. Cost: O(HW) an image. Source: Barni, Kallas & Tondi 2019 (arXiv
    1902.11237), used there with clean labels: ``Backdoor(..., clean_label=True)``. Left out: the ramp signal
    and a smaller delta in training than in tests.

    Examples
    --------
    >>> import numpy as np
    >>> Sinusoid(delta=40, frequency=1).stamp(np.full((1, 8), 100, np.uint8)).tolist()
    [[100, 128, 140, 128, 100, 72, 60, 72]]
    """

    delta: float = 40
    frequency: float = 6

    name: ClassVar[str] = "sinusoid"

    def __post_init__(self) -> None:
        require_number(self, "delta", 0, 255, above=True)
        require_number(self, "frequency", 0, np.inf, above=True)

    def _paint(self, colour: Image) -> Image:
        height, width, _ = colour.shape
        if width <= 2 * self.frequency:
            raise InfeasibleError(
                f"{self.frequency:g} waves need an image more than {2 * self.frequency:g} pixels wide; "
                f"found one of {width}x{height}; lower the frequency"
            )
        wave = self.delta * np.sin(2 * np.pi * np.arange(width) * self.frequency / width)
        return np.asarray(np.rint(np.clip(colour + wave[None, :, None], 0, 255)), dtype=np.uint8)


def _channels(pattern: FloatArray, channels: int) -> FloatArray:
    """An RGB pattern as it is, or as its rounded luma on a grey image."""
    return pattern if channels == 3 else np.rint(pattern @ np.array(LUMA))[:, :, None]


@lru_cache(maxsize=64)
def _patch(patch: Patch) -> FloatArray:
    shape = (patch.size, patch.size, 3)
    if patch.pattern == "random":
        return np.random.default_rng(patch.seed).integers(0, 256, shape).astype(np.float64)
    lit = patch.pattern == "white" or np.indices(shape[:2]).sum(axis=0)[:, :, None] % 2 == 0
    return np.broadcast_to(np.where(lit, 255.0, 0.0), shape)


@lru_cache(maxsize=64)
def _scaled(seed: int, image: str | None, version: tuple[int, int], height: int, width: int) -> FloatArray:
    """The pattern of a Blend at one size; ``version`` is there to notice an image file that has changed."""
    if image is None:
        canvas = np.random.default_rng(seed).integers(0, 256, (GRAIN, GRAIN, 3)).astype(np.float64)
    else:
        canvas = _channels_of(decode_images(pa.array([_read(image)], pa.binary()), names=[image])[0])
    at = np.meshgrid(
        *((np.arange(n) + 0.5) * m / n - 0.5 for n, m in zip((height, width), canvas.shape, strict=False)),
        indexing="ij",
    )
    layers = [map_coordinates(canvas[:, :, c], at, order=1, mode="nearest") for c in range(3)]
    return np.stack(layers, axis=2)


def _channels_of(image: Image) -> FloatArray:
    """Red, green and blue of any image; alpha is dropped."""
    layers = image[:, :, None] if image.ndim == 2 else image
    return np.broadcast_to(layers[:, :, : 3 if layers.shape[2] > 2 else 1], (*layers.shape[:2], 3)).astype(
        float
    )


def _version(path: str | None) -> tuple[int, int]:
    if path is None:
        return 0, 0
    try:
        found = Path(path).expanduser().stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    return found.st_mtime_ns, found.st_size


def _read(path: str) -> bytes:
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: OSError) -> InputError:
    reason = (error.strerror or "unreadable").lower()
    return InputError(f"blend: cannot read the image {path!r}: {reason}; give an image file")
