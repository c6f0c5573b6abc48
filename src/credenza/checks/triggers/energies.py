"""How far the mean image of one class deviates from the others', place by place and wave by wave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from credenza.checks.triggers.blocks import Blocks
from credenza.contracts import FloatArray

WINDOWS = (1, 2, 3, 4, 5, 7)  # pixels a side
AROUND = 5  # pixels a side of the square whose mean is taken off a pixel, and that an error is smoothed over
REAL = 1.6  # how much further the energy of a real coefficient strays than that of a complex one
FLOOR = 1e-3  # squared grey levels: the least error of a mean

Values = NDArray[Any]


@dataclass(frozen=True)
class Energies:
    """Squared deviations of each class in units of their error, at one time.

    Attributes
    ----------
    place : (k, H, W), of the pixels less the mean around them, mean over channels.
    moved : (k, H, W, C), deviations of the pixels themselves, grey levels. error : (k, H, W), squared, of ``place``.
    wave : (k, H, W // 2 + 1), of the coefficients of the Fourier transform; ``waves`` complex (k, H, W // 2 + 1, C).
    """

    place: FloatArray
    moved: FloatArray
    error: FloatArray
    wave: FloatArray
    waves: NDArray[np.complex128]


def energies(suspect: Blocks, known: Blocks, time: int) -> Energies:
    """Deviations of the suspect's class means from the reference's, each class against the mean of the others.

    With D_c the difference of the two means of class c after a linear map (a pixel less the mean of 5 x 5 around it; a
    Fourier coefficient), E_c = D_c - mean of D over the other classes, and its squared error is the sampling variance
    of E_c from the blocks plus the spread of D over the other classes (three or more), smoothed over neighbours. The
    spread holds what a model gets wrong in every class. Of one or two classes, E_c = D_c.

    Parameters
    ----------
    suspect, known : of one shape and as many classes. time : index into the suspect's times, and into the reference's
        where it has more than one.
    """
    own, other = suspect.means[time], known.means[time if len(known.means) > 1 else 0]
    joint = suspect.joint, known.joint
    signed, error = _contrast(_sharp(own), _sharp(other), joint, AROUND)
    waves, rough = _contrast(_waves(own), _waves(other), joint, 3)
    wave = (np.abs(waves) ** 2 / rough).mean(axis=-1)
    wave[:, _real(own.shape[2]), :: max(1, own.shape[3] // 2)] /= REAL
    wave[:, 0, 0] = np.median(wave, axis=(1, 2))  # brightness is no wave
    moved = _against(own.mean(axis=1) - other.mean(axis=1))
    place = (signed.real**2 / error).mean(axis=-1)
    return Energies(place, moved, error.mean(axis=-1), wave, waves)


def box_mean(values: Values, side: int) -> Values:
    """Means over squares of ``side`` pixels, of (..., H, W, C); beyond an edge lies its mirror image."""
    size = (1,) * (values.ndim - 3) + (side, side, 1)
    found: Values = uniform_filter(values, size=size, mode="reflect")
    return found


def _sharp(means: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(means - box_mean(means, AROUND), np.float32)


def _waves(means: NDArray[np.float32]) -> NDArray[np.complex128]:
    return np.asarray(np.fft.rfft2(means, axes=(-3, -2), norm="ortho"))


def _real(height: int) -> list[int]:
    """Rows of the coefficients that are real, in the first column and the last."""
    return [0] if height % 2 else [0, height // 2]


def _contrast(
    own: Values, other: Values, joint: tuple[bool, bool], smooth: int
) -> tuple[NDArray[np.complex128], FloatArray]:
    """(E, its squared error) for each class, of block means (k, g, H, W, C)."""
    moved = own.mean(axis=1) - other.mean(axis=1)
    error = _error(own, joint[0]) + _error(other, joint[1])
    spread = np.stack([_spread(np.delete(moved, label, axis=0)) for label in range(len(moved))])
    return _against(moved).astype(np.complex128), error + box_mean(spread, smooth) + FLOOR


def _against(values: Values) -> Values:
    """Each class less the mean of the others; the values themselves of one or two classes."""
    count = len(values)
    return values if count < 3 else values - (values.sum(axis=0) - values) / (count - 1)


def _error(blocks: Values, joint: bool) -> FloatArray:
    """Sampling variance of :func:`_against` of the means of blocks."""
    return _variance(_against(blocks)) if joint else _shared(_variance(blocks))


def _shared(variance: FloatArray) -> FloatArray:
    """Variance of :func:`_against` of independent classes."""
    count = len(variance)
    return variance if count < 3 else variance + (variance.sum(axis=0) - variance) / (count - 1) ** 2


def _variance(blocks: Values) -> FloatArray:
    """Sampling variance of the mean of the blocks."""
    number = blocks.shape[1]
    apart = blocks - blocks.mean(axis=1, keepdims=True)
    return np.asarray((np.abs(apart) ** 2).sum(axis=1) / (number * (number - 1)), np.float64)


def _spread(others: Values) -> FloatArray:
    """Squared error of one class's difference to the mean of the others, from how the others spread."""
    count = len(others)
    if count < 2:
        return np.zeros(others.shape[1:])
    apart = np.abs(others - others.mean(axis=0)) ** 2
    return np.asarray(apart.sum(axis=0) / (count - 1) * (1 + 1 / count), np.float64)
