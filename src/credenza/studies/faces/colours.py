"""Skin and background: from numbers in [0, 1] to colours, and from pixels back to the numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from credenza.contracts import FloatArray
from credenza.errors import UsageError

_RED_TURN = np.array([2.0, -1.0, -1.0]) / math.sqrt(6)
_GREEN_TURN = np.array([0.0, 1.0, -1.0]) / math.sqrt(2)


@dataclass(frozen=True)
class Region:
    """A part of the picture that shows one colour in any face.

    Attributes
    ----------
    grey : mean of the three channels at brightness 0 and at 1. chroma : distance from grey, the same for all colours.
    turn : angle of the hue, in degrees, at hue 0 and at 1; 0 is red, 120 green, 240 blue.
    boxes : (left, top, right, bottom), in pictures from -1 to 1; symmetric, so that slanting light cancels.
    """

    grey: tuple[float, float]
    chroma: float
    turn: tuple[float, float]
    boxes: tuple[tuple[float, float, float, float], ...]

    def paint(self, brightness: FloatArray, hue: FloatArray) -> FloatArray:
        """Colours (n, 3) in [0, 1] of brightnesses and hues in [0, 1]."""
        angle = np.radians(self.turn[0] + hue * (self.turn[1] - self.turn[0]))
        grey = self.grey[0] + brightness * (self.grey[1] - self.grey[0])
        aside = np.cos(angle)[:, None] * _RED_TURN + np.sin(angle)[:, None] * _GREEN_TURN
        return np.asarray(grey[:, None] + self.chroma * aside)

    def read(self, colours: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Brightness and hue in [0, 1] of colours (n, 3); what lies outside is clipped. Inverts :meth:`paint`."""
        brightness = (colours.mean(axis=1) - self.grey[0]) / (self.grey[1] - self.grey[0])
        middle = (self.turn[0] + self.turn[1]) / 2
        angle = np.degrees(np.arctan2(colours @ _GREEN_TURN, colours @ _RED_TURN))
        angle = middle + (angle - middle + 180) % 360 - 180
        hue = (angle - self.turn[0]) / (self.turn[1] - self.turn[0])
        return np.clip(brightness, 0, 1), np.clip(hue, 0, 1)

    def mask(self, size: int) -> NDArray[np.bool_]:
        """Pixels (size, size) whose centres lie in the boxes."""
        at = 2 * (np.arange(size) + 0.5) / size - 1
        inside = np.zeros((size, size), bool)
        for left, top, right, bottom in self.boxes:
            inside |= ((at >= top) & (at <= bottom))[:, None] & ((at >= left) & (at <= right))[None, :]
        return inside


REGIONS = {
    "skin": Region((0.36, 0.78), 0.165, (0, 42), ((-0.13, 0.0, 0.13, 0.13),)),
    "background": Region((0.34, 0.80), 0.15, (95, 325), ((-1, -0.5, -0.83, 0.5), (0.83, -0.5, 1, 0.5))),
}
COLOURS = tuple(f"{region}_{value}" for region in REGIONS for value in ("brightness", "hue"))


def regions(size: int) -> dict[str, NDArray[np.bool_]]:
    """Return which pixels show the skin (the nose, which nothing hides) and which the background (both sides).

    Parameters
    ----------
    size : pixels along each side of the pictures, 16 to 64.

    Returns
    -------
    dict
        ``"skin"`` and ``"background"``, each a mask of shape (size, size).

    Raises
    ------
    UsageError : another size.

    Examples
    --------
    >>> {name: int(mask.sum()) for name, mask in regions(32).items()}
    {'skin': 8, 'background': 96}
    """
    require_size(size)
    return {name: region.mask(size) for name, region in REGIONS.items()}


def read_colours(images: ArrayLike) -> dict[str, FloatArray]:
    """Read the continuous attributes of faces directly from their pixels.

    The mean colour of a region's pixels is split into grey (the mean of the channels) and hue (the angle around
    grey), which the renderer drew as linear functions of the attributes; values beyond the ends are clipped to [0, 1].

    Parameters
    ----------
    images : uint8 (n, size, size, 3), rendered by :func:`credenza.studies.faces.render` or made to look like it.

    Returns
    -------
    dict
        ``skin_brightness``, ``skin_hue``, ``background_brightness`` and ``background_hue``, each (n,), in [0, 1].

    Raises
    ------
    UsageError : not such an array.

    Notes
    -----
    Light, noise and the place of the face are not corrected for: the correlation with what was drawn is .97 to
    .9998 at 16 pixels and higher above (docs/faces.md). Cost: 1 microsecond a face of 32 pixels.
    Left out: finding the face first; the faces of one study lie in the same place.

    Examples
    --------
    >>> from credenza.studies.faces import render
    >>> drawn = {"skin_brightness": [0.1, 0.9], "background_hue": [0.8, 0.2]}
    >>> found = read_colours(render(drawn, seed=0))
    >>> [found[name].round(1).tolist() for name in drawn]
    [[0.1, 0.9], [0.8, 0.2]]
    """
    pixels = np.asarray(images)
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[1:] != (*pixels.shape[1:2] * 2, 3):
        raise UsageError(
            f"images of faces are uint8 of shape (n, size, size, 3); these are {pixels.dtype} of shape {pixels.shape}"
        )
    found: dict[str, FloatArray] = {}
    for name, mask in regions(pixels.shape[1]).items():
        colours = pixels[:, mask].mean(axis=1, dtype=np.float64) / 255
        found[f"{name}_brightness"], found[f"{name}_hue"] = REGIONS[name].read(colours)
    return found


def require_size(size: int) -> None:
    """Refuse sizes at which faces are not drawn."""
    if not 16 <= size <= 64:
        raise UsageError(f"faces are drawn with 16 to 64 pixels along each side; {size} was asked for")
