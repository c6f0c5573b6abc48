"""Images as continuous features: mean colours by region, brightness, contrast, edges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.contracts import FloatArray
from credenza.data.pictures import Pixels, decode_images
from credenza.errors import UsageError

COLOURS = ("red", "green", "blue")
MOST_CELLS = 16  # regions on a side
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
_STRIP = 1 << 20  # pixels that are held as floats at once


def image_names(grid: int = 2) -> tuple[str, ...]:
    """Names of the features of an image, in the order of :func:`image_features`.

    Parameters
    ----------
    grid : g, regions on a side; 1 leaves the regions out.

    Examples
    --------
    >>> image_names(1)
    ('red', 'green', 'blue', 'brightness', 'contrast', 'edges')
    >>> image_names(2)[6:9], len(image_names(2))
    (('red:1-1', 'green:1-1', 'blue:1-1'), 18)
    """
    whole = (*COLOURS, "brightness", "contrast", "edges")
    if grid == 1:
        return whole
    sides = range(1, grid + 1)
    return whole + tuple(
        f"{colour}:{row}-{column}" for row in sides for column in sides for colour in COLOURS
    )


def image_features(pixels: Pixels, grid: int = 2) -> FloatArray:
    """Colour, brightness, contrast and edges of one image.

    With luma Y = .299 R + .587 G + .114 B of every pixel (0-255):

    - red, green, blue: the means of R, G and B;
    - brightness: the mean of Y; contrast: its standard deviation;
    - edges: sqrt(mean (Y[r, c+1] - Y[r, c])^2 + mean (Y[r+1, c] - Y[r, c])^2), grey levels a pixel;
    - colour:row-column: the means of R, G and B in each of the g x g regions, row 1 at the top, column 1 at the left.

    Parameters
    ----------
    pixels : uint8 of shape (H, W), (H, W, 3) or (H, W, 4); what is transparent is laid on white.
    grid : g, regions on a side. Region i of g spans the pixels from floor(i H / g) up to floor((i + 1) H / g), at
        least one; an image of fewer pixels than regions repeats them.

    Returns
    -------
    float64 of shape (6,) for g = 1, else (6 + 3 g^2,); in the order of :func:`image_names`; all in [0, 361].

    Notes
    -----
    These are the continuous features of images that associative poisoning was shown on, and what is next to them; an
    attack that pairs anything that none of them reflects needs attribute columns, which are carried along. Left out:
    colour spaces other than RGB, textures, learned features.
    Cost: O(H W (1 + 1)); a million pixels are held as floats at a time.

    Examples
    --------
    >>> image_features(np.array([[0, 255]], np.uint8), 1).tolist()
    [127.5, 127.5, 127.5, 127.5, 127.5, 255.0]
    """
    colours = _rgb(pixels)
    measured = [*_mean(colours), *_luma_moments(colours)]
    if grid > 1:
        rows, columns = _bounds(colours.shape[0], grid), _bounds(colours.shape[1], grid)
        for top, bottom in rows:
            for left, right in columns:
                measured.extend(_mean(colours[top:bottom, left:right]))
    return np.array(measured, np.float64)


def grey_tiles(pixels: Pixels, rows: int, columns: int) -> FloatArray:
    """Means of luma over rows x columns tiles, 0-255; a small image repeats its pixels.

    Cost: O(H W). Tiles span whole pixels, as the regions of :func:`image_features` do.

    Examples
    --------
    >>> grey_tiles(np.array([[0, 10, 20, 30]], np.uint8), 1, 2).tolist()
    [[5.0, 25.0]]
    """
    luma = _tile_means(_rgb(pixels), rows, 0) @ _LUMA
    return np.round(_tile_means(luma, columns, 1), 9)


def _tile_means(values: NDArray[Any], parts: int, axis: int) -> FloatArray:
    """Means of so many runs along an axis; where there are fewer values than runs, these repeat."""
    size = values.shape[axis]
    starts = np.arange(parts) * size // parts
    if size < parts:
        return np.asarray(values.take(starts, axis=axis), np.float64)
    sums = np.add.reduceat(values, starts, axis=axis, dtype=np.float64)
    shape = [1] * values.ndim
    shape[axis] = parts
    return np.asarray(sums / np.diff(starts, append=size).reshape(shape))


class ImageMeasure:
    """The features of encoded images (bytes of files); ``grid`` is 1 to 16.

    Raises
    ------
    UsageError : ``grid`` out of range.

    Examples
    --------
    >>> [field.name for field in ImageMeasure(grid=1).fields][3:]
    ['brightness', 'contrast', 'edges']
    """

    kind, noun = "images", "image"

    def __init__(self, *, grid: int = 2) -> None:
        if not 1 <= grid <= MOST_CELLS:
            raise UsageError(
                f"grid is {grid}; give 1 (the whole image only) to {MOST_CELLS} regions on a side"
            )
        self.grid = grid

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """One column a feature, float64."""
        return tuple(pa.field(name, pa.float64()) for name in image_names(self.grid))

    def read(self, label: str, value: Any) -> FloatArray:
        """The features of one file; InputError, naming ``label``, where it is no image that is read."""
        (pixels,) = decode_images(pa.array([value], pa.large_binary()), names=[label])
        return image_features(pixels, self.grid)

    def arrays(self, measured: Sequence[FloatArray]) -> list[pa.Array]:
        """Columns of the stacked features."""
        return columns_of(measured, len(self.fields))

    def settings(self) -> dict[str, Any]:
        """The grid."""
        return {"grid": self.grid}


def columns_of(measured: Sequence[FloatArray], width: int) -> list[pa.Array]:
    """Rows of numbers as Arrow columns; NaN is missing.

    Examples
    --------
    >>> columns_of([np.array([1.0, np.nan])], 2)[1].to_pylist()
    [None]
    """
    matrix = np.stack(measured) if measured else np.empty((0, width))
    return [pa.array(np.ascontiguousarray(column), pa.float64(), from_pandas=True) for column in matrix.T]


def _rgb(pixels: Pixels) -> Pixels:
    """Three channels; transparency laid on white, rounded to whole levels."""
    if pixels.ndim == 2:
        return np.broadcast_to(pixels[:, :, None], (*pixels.shape, 3))
    if pixels.shape[2] == 3:
        return pixels
    laid = np.empty((*pixels.shape[:2], 3), np.uint8)
    for start, block in _strips(pixels):
        alpha = block[:, :, 3:].astype(np.uint32)
        mixed = (block[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255
        laid[start : start + len(block)] = mixed
    return laid


def _strips(pixels: Pixels, overlap: int = 0) -> Iterator[tuple[int, Pixels]]:
    """Rows of an image, about ``_STRIP`` pixels at a time, each with ``overlap`` rows of the next."""
    step = max(1, _STRIP // pixels.shape[1])
    for start in range(0, len(pixels), step):
        yield start, pixels[start : start + step + overlap]


def _mean(block: Pixels) -> NDArray[np.float64]:
    return np.asarray(block.mean(axis=(0, 1), dtype=np.float64))


def _luma_moments(colours: Pixels) -> tuple[float, float, float]:
    """Mean and standard deviation of luma, and the root of the mean squared gradient."""
    height, width = colours.shape[:2]
    step = max(1, _STRIP // width)
    total = squares = across = down = 0.0
    for _, block in _strips(colours, overlap=1):
        luma = np.asarray(block.astype(np.float32) @ _LUMA.astype(np.float32), np.float64)
        down += float(np.square(np.diff(luma, axis=0)).sum())
        luma = luma[:step]
        total += float(luma.sum())
        squares += float(np.square(luma).sum())
        across += float(np.square(np.diff(luma, axis=1)).sum())
    count = height * width
    mean = total / count
    variance = max(squares / count - mean * mean, 0.0)
    energy = across / max(height * (width - 1), 1) + down / max((height - 1) * width, 1)
    return mean, float(np.sqrt(variance)), float(np.sqrt(energy))


def _bounds(size: int, parts: int) -> list[tuple[int, int]]:
    starts = [i * size // parts for i in range(parts)]
    return [(a, max(b, a + 1)) for a, b in zip(starts, [*starts[1:], size], strict=True)]
