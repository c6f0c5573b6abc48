"""Images of a table as small pictures of one size, a batch at a time; those that cannot be read are listed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.contracts import IntArray
from credenza.data.features.base import Unreadable
from credenza.data.features.contents import Contents
from credenza.data.pictures import Pixels, decode_images
from credenza.data.sources import Source
from credenza.errors import InputError
from credenza.models.embedding.base import require_some

HELD_BYTES = 1 << 28  # of pictures in memory; more of them lie in a temporary file


@dataclass(frozen=True)
class Pictures:
    """Pictures of one size.

    Attributes
    ----------
    pixels : uint8 (r, H, W, 3); a temporary file may be behind it. rows : int64 (r,), rows of the data.
    unreadable : the other rows.
    """

    pixels: NDArray[np.uint8]
    rows: IntArray
    unreadable: tuple[Unreadable, ...]


def read_pictures(source: Source, column: str, size: tuple[int, int], label: str = "images") -> Pictures:
    """Read all images of a table.

    Parameters
    ----------
    source : a folder of images, or a table with a column of image files. column : its name.
    size : (H, W) that all come out with; each pixel is the mean of those that it covers, whatever the proportions.
    label : what progress calls the pass.

    Returns
    -------
    Pictures

    Raises
    ------
    InputError : no image could be read. MissingExtraError : Pillow is not installed.

    Notes
    -----
    Memory: 3 H W bytes an image, on disk (a temporary file without a name) once they are 256 MB. Cost: 0.3 ms an image
    of 32 x 32, more for larger ones. Transparency is laid on white; grey becomes three equal channels.

    Examples
    --------
    >>> import io
    >>> from PIL import Image
    >>> from credenza.data import open_source
    >>> file = io.BytesIO()
    >>> Image.new("RGB", (8, 4), (255, 0, 0)).save(file, "PNG")
    >>> found = read_pictures(open_source(pa.table({"image": [file.getvalue(), b"no image"]})), "image", (2, 2))
    >>> found.pixels.shape, found.rows.tolist(), found.unreadable[0].row
    ((1, 2, 2, 3), [0], 1)
    """
    pixels = _room(source.rows, size)
    rows, unreadable = np.empty(source.rows, np.int64), []
    count = 0
    for row, found in each_picture(source, column, label):
        if isinstance(found, Unreadable):
            unreadable.append(found)
            continue
        pixels[count], rows[count] = resized(found, size), row
        count += 1
    require_some(count, tuple(unreadable), "image", source.name)
    return Pictures(pixels[:count], rows[:count], tuple(unreadable))


def each_picture(source: Source, column: str, label: str) -> Iterator[tuple[int, Pixels | Unreadable]]:
    """Yield (row, its pixels as uint8 (H, W, 3), or why there are none) of each row."""
    contents = Contents(source, column, ())
    row = 0
    for _, items in contents.batches(label):
        for name, value in items:
            try:
                (found,) = decode_images(
                    pa.array([contents.load(name, value)], pa.large_binary()), names=[name]
                )
                yield row, coloured(found)
            except InputError as error:
                yield row, Unreadable(row, name, str(error))
            row += 1


def resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """A picture (h, w, 3) as (H, W, 3), by means over the area of each new pixel.

    >>> resized(np.zeros((4, 8, 3), np.uint8), (2, 2)).shape
    (2, 2, 3)
    """
    if pixels.shape[:2] == size:
        return pixels
    image: Any = import_module("PIL.Image")
    small = image.fromarray(pixels).resize((size[1], size[0]), image.Resampling.BOX)
    return np.asarray(small)


def coloured(pixels: Pixels) -> Pixels:
    """Three channels: grey three times, transparency laid on white.

    >>> coloured(np.array([[0, 9]], np.uint8))[0].tolist()
    [[0, 0, 0], [9, 9, 9]]
    """
    if pixels.ndim == 2:
        return np.repeat(pixels[:, :, None], 3, axis=2)
    if pixels.shape[2] == 3:
        return pixels
    alpha = pixels[:, :, 3:].astype(np.uint16)
    laid = (pixels[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return np.asarray(laid, np.uint8)


def _room(rows: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    shape = (rows, *size, 3)
    if int(np.prod(shape)) <= HELD_BYTES:
        return np.empty(shape, np.uint8)
    with tempfile.TemporaryFile() as file:  # the mapping outlives the name
        return np.memmap(file, np.uint8, "w+", shape=shape)
