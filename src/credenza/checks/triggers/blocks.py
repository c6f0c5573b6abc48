"""Class means of images with their sampling error: means of random blocks of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from credenza.contracts import IntArray
from credenza.errors import InputError, UsageError

BLOCKS = 32  # a class; the error of its mean is that of the mean of so many
LEAST_ROWS = 20  # of a class on each side
LEAST_SIDE, WIDEST = 8, 32  # pixels; larger images are averaged over squares of them
CLASS_ROWS = 5_000  # that are read of a class; of more, a seeded sample is

Pixels = NDArray[Any]


@dataclass(frozen=True)
class Blocks:
    """Means of blocks of rows.

    Attributes
    ----------
    means : float32 (T, k, g, H, W, C): at T times, of k classes, of g blocks of each. rows : int64 (k,), of each class.
    joint : whether block b of every class was made from the same noise, so that their errors go together.
    scale : pixels of the images that one of the means' is wide.
    """

    means: NDArray[np.float32]
    rows: IntArray
    joint: bool = False
    scale: int = 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the means."""
        height, width, channels = self.means.shape[3:]
        return height, width, channels


def class_blocks(
    images: Pixels, labels: ArrayLike, classes: int, *, seed: int, name: str = "the images"
) -> Blocks:
    """Means of random blocks of each class's images.

    Parameters
    ----------
    images : (n, H, W) or (n, H, W, C), C = 1 or 3; numbers from 0 to 255. labels : (n,), integers 0 ... classes - 1.
    classes : k. seed : of the blocks, and of the sample of a class of more than 5,000 images. name : for messages.

    Returns
    -------
    Blocks
        At one time. Images of more than 32 pixels a side are averaged over squares.

    Raises
    ------
    InputError : not images; smaller than 8 pixels a side; fewer than 20 of a class.

    Examples
    --------
    >>> images = np.zeros((80, 8, 8, 1), np.uint8)
    >>> class_blocks(images, np.arange(80) % 2, 2, seed=0).means.shape
    (1, 2, 20, 8, 8, 1)
    """
    images, labels = require_set(images, labels, classes, name)
    scale = -(-max(images.shape[1:3]) // WIDEST)
    rng = np.random.default_rng([seed, 501])
    counts = np.bincount(labels, minlength=classes)
    if counts.min() < LEAST_ROWS:
        few = int(counts.argmin())
        raise InputError(
            f"a class mean needs {LEAST_ROWS} images or more of each class; {name} have {counts[few]:,} of class {few}"
        )
    number = min(BLOCKS, int(counts.min()) // 2)
    means = []
    for label in range(classes):
        rows = rng.permutation(np.flatnonzero(labels == label))[:CLASS_ROWS]
        parts = np.array_split(rows, number)
        means.append(np.stack([pooled(images[part].mean(axis=0, dtype=np.float32), scale) for part in parts]))
    return Blocks(np.stack(means)[None], counts.astype(np.int64), scale=scale)


def require_set(images: Pixels, labels: ArrayLike, classes: int, name: str) -> tuple[Pixels, IntArray]:
    """Images as (n, H, W, C) and their labels, once they fit each other."""
    images, codes = np.asarray(images), np.asarray(labels)
    if images.ndim == 3:
        images = images[:, :, :, None]
    if images.ndim != 4 or images.shape[3] not in (1, 3) or images.dtype.kind not in "uif":
        raise InputError(
            f"{name} are numbers of shape (n, H, W) or (n, H, W, 1 or 3); found {images.dtype} of {images.shape}"
        )
    if min(images.shape[1:3]) < LEAST_SIDE:
        raise InputError(
            f"a trigger is looked for in images of {LEAST_SIDE} pixels a side or more; {name} have "
            f"{images.shape[1]} x {images.shape[2]}"
        )
    if codes.shape != (len(images),) or codes.dtype.kind not in "ui":
        raise UsageError(
            f"labels are one integer for each of {len(images):,} images; found {codes.dtype} of {codes.shape}"
        )
    if len(codes) and not 0 <= int(codes.min()) <= int(codes.max()) < classes:
        raise UsageError(
            f"labels are from 0 to {classes - 1}; found {int(codes.min())} to {int(codes.max())} in {name}"
        )
    return images, codes.astype(np.int64)


def pooled(images: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """Images (..., H, W, C) averaged over squares of ``scale`` pixels; what is left at the far edges is dropped.

    >>> pooled(np.arange(16, dtype=np.float32).reshape(4, 4, 1), 2)[:, :, 0].tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    """
    if scale == 1:
        return images
    *ahead, height, width, channels = images.shape
    height, width = height // scale, width // scale
    cut = images[..., : height * scale, : width * scale, :]
    split = cut.reshape(*ahead, height, scale, width, scale, channels)
    return np.asarray(split.mean(axis=(-4, -2)), np.float32)
