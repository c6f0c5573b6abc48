"""Shapes to pixels: one compiled loop that paints a list of shapes over each other, four by four samples a pixel.

A shape is a super-ellipse that may be bent into an arc, tapered, hollow and cut at the top and bottom; a face is some
forty of them. ``tests/oracles.py`` holds the slow twin. Scalar loops only: they compile fast.
"""
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from credenza.contracts import FloatArray
from credenza.studies.faces.chance import Keys

Images = NDArray[np.uint8]

SAMPLES = 4  # along each side of a pixel
FIELDS = (
    "cx", "cy", "rx", "ry", "bend", "taper", "hole", "power", "top", "bottom", "red", "green", "blue", "alpha",
)  # fmt: skip
CX, CY, RX, RY, BEND, TAPER, HOLE, POWER, TOP, BOTTOM, RED, GREEN, BLUE, ALPHA = range(len(FIELDS))
POSE = ("across", "down", "scale", "tilt", "exposure", "light_x", "light_y", "noise")
_ODD = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31 = np.uint64(27), np.uint64(30), np.uint64(31)
_S10, _LOW_10 = np.uint64(10), np.uint64(1023)


class Sheet:
    """The shapes of n faces, in the order of painting.

    Coordinates are those of the face: x to the right, y down, the picture from -1 to 1 where the pose does not
    move it. A point is inside a shape where ``hole^p <= |u|^p + |v|^p <= 1`` and ``top <= y <= bottom``, with
    ``v = (y - cy - bend (x - cx)^2) / ry``, ``u = (x - cx) / (rx (1 + taper v))`` and ``p = 2^power``.
    """

    def __init__(self, faces: int) -> None:
        self._faces = faces
        self._shapes: list[FloatArray] = []

    def add(
        self, colour: FloatArray, cx: Any, cy: Any, rx: Any, ry: Any, *, where: Any = True, **more: Any
    ) -> None:
        """Add one shape to the faces ``where`` it is to be seen; each value is a number or one number a face.

        ``colour`` has shape (3,) or (n, 3), in [0, 1]; ``more`` may set bend, taper, hole, power (1, 2 or 3), top,
        bottom and alpha (the opacity).
        """
        shape = np.zeros((self._faces, len(FIELDS)))
        settings = {
            "cx": cx,
            "cy": cy,
            "rx": rx,
            "ry": ry,
            "power": 1,
            "top": -9.0,
            "bottom": 9.0,
            "alpha": 1.0,
            **more,
        }
        for name, value in settings.items():
            shape[:, FIELDS.index(name)] = value
        shape[:, RED : BLUE + 1] = colour
        shape[:, RX] *= where
        self._shapes.append(shape)

    def shapes(self) -> FloatArray:
        """All shapes, (n, shapes, fields); those with rx = 0 are not painted."""
        return np.stack(self._shapes, axis=1)


def paint(shapes: FloatArray, ground: FloatArray, pose: FloatArray, keys: Keys, size: int) -> Images:
    """Paint faces.

    Parameters
    ----------
    shapes : (n, shapes, fields), see :class:`Sheet`. ground : (n, 3), colour behind all, in [0, 1].
    pose : (n, 8), in the order of ``POSE``: shift, scale, tilt (radians) from face to picture; the light, which
        multiplies colours by ``exposure (1 + light_x X + light_y Y)`` at the picture's (X, Y) in [-1, 1]; the noise,
        the largest change of a channel (triangular, standard deviation noise / sqrt(6)).
    keys : (n,), of the noise. size : pixels along each side.

    Returns
    -------
    uint8 (n, size, size, 3). Cost: some 0.1 ms a face of 32 pixels, 0.4 ms of 64.
    """
    out = np.empty((len(shapes), size, size, 3), np.uint8)
    canvas = np.empty((3, size * SAMPLES, size * SAMPLES), np.float32)
    for face in range(len(shapes)):
        _fill(canvas, ground[face], shapes[face], pose[face])
        _develop(canvas, pose[face], keys[face], out[face])
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(canvas, ground, shapes, pose):  # type: ignore[no-untyped-def]
    """Paint the shapes of one face in their order, at the centres of samples."""
    side = canvas.shape[1]
    for channel in range(3):
        for y in range(side):
            for x in range(side):
                canvas[channel, y, x] = ground[channel]
    cosine, sine = math.cos(pose[3]), math.sin(pose[3])
    box = np.empty(4, np.int64)
    share = np.empty(side, np.float32)
    for k in range(shapes.shape[0]):
        if shapes[k, 2] > 0.0:
            _bound(shapes[k], pose, cosine, sine, side, box)
            _cover(canvas, shapes[k], pose, cosine, sine, box, share)


@njit(cache=True, nogil=True, error_model="numpy")
def _bound(shape, pose, cosine, sine, side, box):  # type: ignore[no-untyped-def]
    """Rows box[0]..box[1] and columns box[2]..box[3] of the samples that the shape may cover."""
    cx, cy, ry = shape[0], shape[1], shape[3]
    reach = shape[2] * (1.0 + abs(shape[5]))
    sag = shape[4] * reach * reach
    low, high = max(cy - ry + min(sag, 0.0), shape[8]), min(cy + ry + max(sag, 0.0), shape[9])
    middle, half = 0.5 * (low + high), 0.5 * max(high - low, 0.0)
    across = pose[0] + pose[2] * (cx * cosine - middle * sine)
    down = pose[1] + pose[2] * (cx * sine + middle * cosine)
    wide = pose[2] * (reach * abs(cosine) + half * abs(sine))
    tall = pose[2] * (reach * abs(sine) + half * abs(cosine))
    box[0] = max(0, math.floor((down - tall + 1.0) * side / 2.0))
    box[1] = min(side, math.floor((down + tall + 1.0) * side / 2.0) + 1)
    box[2] = max(0, math.floor((across - wide + 1.0) * side / 2.0))
    box[3] = min(side, math.floor((across + wide + 1.0) * side / 2.0) + 1)


@njit(cache=True, nogil=True, error_model="numpy")
def _cover(canvas, shape, pose, cosine, sine, box, share):  # type: ignore[no-untyped-def]
    """Paint one shape, row by row of its box."""
    wide, step = box[3] - box[2], 2.0 / (canvas.shape[1] * pose[2])
    a = (box[2] + 0.5) * step - (1.0 + pose[0]) / pose[2]
    for row in range(box[0], box[1]):
        b = (row + 0.5) * step - (1.0 + pose[1]) / pose[2]
        x, y = a * cosine + b * sine - shape[0], b * cosine - a * sine
        _shares(shape, x, y, step * cosine, -step * sine, wide, share)
        for channel in range(3):
            colour = np.float32(shape[10 + channel])
            line = canvas[channel, row, box[2] : box[3]]
            for i in range(wide):
                line[i] += share[i] * (colour - line[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _shares(shape, x, y, step_x, step_y, wide, share):  # type: ignore[no-untyped-def]
    """The shape's opacity at samples along a row, 0 outside; without branches, in 32 bits, for vector units."""
    one, none = np.float32(1.0), np.float32(0.0)
    cy, bend, taper, alpha = (
        np.float32(shape[1]),
        np.float32(shape[4]),
        np.float32(shape[5]),
        np.float32(shape[13]),
    )
    per_rx, per_ry, hole = np.float32(1.0 / shape[2]), np.float32(1.0 / shape[3]), np.float32(shape[6])
    top, bottom, power = np.float32(shape[8]), np.float32(shape[9]), int(shape[7])
    for _ in range(power):
        hole *= hole
    x, y, step_x, step_y = np.float32(x), np.float32(y), np.float32(step_x), np.float32(step_y)
    for i in range(wide):
        dx, h = x + np.float32(i) * step_x, y + np.float32(i) * step_y
        v = (h - cy - bend * dx * dx) * per_ry
        u = dx * per_rx / (one + taper * min(max(v, -one), one))
        u, v = u * u, v * v
        u, v = (u * u, v * v) if power > 1 else (u, v)
        u, v = (u * u, v * v) if power > 2 else (u, v)
        within = (u + v <= one) & (u + v >= hole) & (h >= top) & (h <= bottom)
        share[i] = alpha if within else none


@njit(cache=True, nogil=True, error_model="numpy")
def _develop(canvas, pose, key, out):  # type: ignore[no-untyped-def]
    """Average the samples of each pixel, light it, add noise, and round to bytes."""
    size = out.shape[0]
    per = canvas.shape[1] // size
    for row in range(size):
        for column in range(size):
            x, y = 2.0 * (column + 0.5) / size - 1.0, 2.0 * (row + 0.5) / size - 1.0
            light = pose[4] * (1.0 + pose[5] * x + pose[6] * y) / (per * per)
            word = key + _ODD * np.uint64(row * size + column + 1)
            word = (word ^ (word >> _S30)) * _MIX_1
            word = (word ^ (word >> _S27)) * _MIX_2
            word ^= word >> _S31
            for channel in range(3):
                total = 0.0
                for i in range(per):
                    for j in range(per):
                        total += canvas[channel, row * per + i, column * per + j]
                grain = float(word & _LOW_10)
                word >>= _S10
                grain += float(word & _LOW_10)
                word >>= _S10
                value = 255.0 * (total * light + pose[7] * (grain / 1023.0 - 1.0)) + 0.5
                out[row, column, channel] = np.uint8(min(max(value, 0.0), 255.0))
