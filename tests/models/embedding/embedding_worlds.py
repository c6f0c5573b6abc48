"""Small worlds of images in two classes, as arrays and as files."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

SIDE = 16


def stripes(n: int, seed: int, side: int = SIDE) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Noisy pictures of stripes, upright in class 0 and level in class 1."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    wave = 60.0 * np.sign(np.sin(np.arange(side) * np.pi / 2 + 0.1))
    pictures = 128 + rng.normal(0, 30, (n, side, side, 3))
    upright = labels == 0
    pictures[upright] += wave[None, None, :, None]
    pictures[~upright] += wave[None, :, None, None]
    return np.clip(pictures, 0, 255).astype(np.uint8), labels


def stamped(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same with a white patch in a corner."""
    out = pictures.copy()
    out[:, -5:-1, -5:-1] = 255
    return out


def png(pixels: NDArray[Any]) -> bytes:
    """A picture as a file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


def bomb() -> bytes:
    """A small file of 81 million pixels."""
    file = io.BytesIO()
    Image.new("1", (9_000, 9_000)).save(file, "PNG")
    return file.getvalue()


def image_table(pictures: NDArray[np.uint8], labels: NDArray[np.int64], **bad: bytes) -> pa.Table:
    """A column of files, one of labels and one of numbers; ``bad`` files, by row, as in ``row3=b"..."``."""
    files: list[bytes | None] = [png(picture) for picture in pictures]
    for row, data in bad.items():
        files[int(row.removeprefix("row"))] = data or None
    names = np.array(["upright", "level"])[labels]
    size = np.random.default_rng(len(files)).normal(size=len(files))
    return pa.table({"image": pa.array(files, pa.binary()), "kind": names, "size": size})
