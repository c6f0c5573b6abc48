"""Where in the image a deviation is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from credenza.contracts import FloatArray

Box = tuple[int, int, int, int]
SHARE = 0.25  # of the energy at the peak: what a pixel needs to count towards the box
STRONG = 4.0  # normal units from where a wave belongs to the pattern


def best_box(moved: FloatArray, error: FloatArray, centre: tuple[int, int], window: int) -> tuple[Box, float]:
    """The rectangle that holds a deviation: (top, left, height, width), and the largest deviation in it.

    A pixel's energy is its squared deviation from the median around over its squared error; of all rectangles near
    ``centre``, the one with the largest sum of (energy - SHARE of the peak's) is taken.

    Parameters
    ----------
    moved : (H, W, C), grey levels. error : (H, W), squared. centre : row and column of the strongest window.
    window : its side.

    Notes
    -----
    Cost: O(r^3) for a neighbourhood of r pixels a side (maximum subarray, column sums by prefix).

    Examples
    --------
    >>> moved = np.zeros((9, 9, 1))
    >>> moved[5:8, 2:4] = 50
    >>> best_box(moved, np.ones((9, 9)), (6, 3), 3)
    ((5, 2, 3, 2), 50.0)
    """
    reach = max(window + 1, 4)
    top, left = (max(0, at - reach) for at in centre)
    near = slice(top, centre[0] + reach + 1), slice(left, centre[1] + reach + 1)
    part = moved[near]
    apart = np.abs(part - np.median(part, axis=(0, 1)))
    energy = (apart**2).mean(axis=-1) / error[near]
    peak = float(np.sort(energy, axis=None)[-min(4, energy.size) :].mean())
    gain = energy - SHARE * peak
    sums = np.vstack([np.zeros(gain.shape[1]), gain.cumsum(axis=0)])
    best, found = -np.inf, (0, 0, 1, 1)
    for first in range(len(gain)):
        for last in range(first + 1, len(gain) + 1):
            run = np.concatenate([[0.0], (sums[last] - sums[first]).cumsum()])
            ahead = np.minimum.accumulate(run)
            value = run[1:] - ahead[:-1]
            end = int(value.argmax())
            if value[end] > best:
                best, begin = float(value[end]), int(run[: end + 1].argmin())
                found = (first, begin, last - first, end + 1 - begin)
    inside = apart[found[0] : found[0] + found[2], found[1] : found[1] + found[3]]
    return (top + found[0], left + found[1], found[2], found[3]), float(inside.max())


def wave_picture(waves: NDArray[np.complex128], units: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """The pattern (H, W, C) that the strong waves of a deviation make, in grey levels.

    Parameters
    ----------
    waves : (H, W // 2 + 1, C), orthonormal. units : (H, W // 2 + 1), their strengths; the strongest counts anyway.
    """
    kept = (units >= STRONG) | (units == units.max())
    return np.asarray(np.fft.irfft2(waves * kept[:, :, None], s=shape, axes=(0, 1), norm="ortho"))
