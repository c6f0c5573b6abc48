"""Images as 64 bits that hardly change when an image is scaled, compressed or made brighter."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn

from credenza.contracts import FloatArray, IntArray
from credenza.data.features.near import NearPairs, near_pairs
from credenza.data.features.pixels import grey_tiles
from credenza.data.pictures import Pixels
from credenza.errors import UsageError

BITS = 64
MOST_DISTANCE = 15  # beyond which bands of four bits would have to agree
_SIDE, _LOW = 32, 8  # pixels and frequencies on a side
_FLAT = 1e-6


def difference_hash(pixels: Pixels) -> int:
    """Where an image grows brighter from left to right: 8 x 8 bits.

    The image is averaged down to 8 rows of 9 grey values; bit (r, c) says whether value (r, c+1) exceeds (r, c).

    Parameters
    ----------
    pixels : uint8 of shape (H, W), (H, W, 3) or (H, W, 4).

    Returns
    -------
    int in [0, 2^64); the top left comes first. Images of one colour have 0.

    Notes
    -----
    Unchanged by what keeps the order of neighbours: brightness, contrast, most compression. Not by mirroring, turning,
    or cropping by more than a few percent. An attacker who knows it can make two different images collide, and change
    an image until it does not; it finds copies, not forgeries. Cost: O(H W).

    Examples
    --------
    >>> difference_hash(np.tile(np.arange(9, dtype=np.uint8), (8, 1))) == 2**64 - 1
    True
    """
    grey = grey_tiles(pixels, 8, 9)
    return _packed(np.diff(grey, axis=1) > _FLAT)


def perceptual_hash(pixels: Pixels) -> int:
    """The signs of an image's low frequencies: 8 x 8 bits.

    The image is averaged down to 32 x 32 grey values; of their cosine transform (DCT-II) the 8 x 8 lowest frequencies
    are kept; a bit says whether a coefficient exceeds the median of all but the constant one, whose bit is 0.

    Parameters
    ----------
    pixels : uint8 of shape (H, W), (H, W, 3) or (H, W, 4).

    Returns
    -------
    int in [0, 2^63); images of one colour have 0.

    Notes
    -----
    Steadier under noise and compression than :func:`difference_hash`, at ten times its cost for small images; the same
    limits otherwise.

    Examples
    --------
    >>> image = np.add.outer(np.arange(40), np.arange(40)).astype(np.uint8)
    >>> perceptual_hash(image) == perceptual_hash(image + 99)
    True
    """
    low = dctn(grey_tiles(pixels, _SIDE, _SIDE), norm="ortho")[:_LOW, :_LOW]
    middle = np.median(low.ravel()[1:])
    bits = low > middle + _FLAT
    bits[0, 0] = False
    return _packed(bits)


def near_hashes(hashes: NDArray[np.uint64], distance: int = 4) -> NearPairs:
    """Pairs of hashes that differ in few bits.

    Parameters
    ----------
    hashes : uint64 of shape (n,). distance : d, bits that may differ, 0 to 15.

    Returns
    -------
    NearPairs
        With similarity 1 - bits that differ / 64. Every pair of distinct hashes within the distance is there; rows with
        the same hash are paired with the first of them only.

    Raises
    ------
    UsageError : a distance out of range, or hashes that are no uint64 in one dimension.

    Notes
    -----
    Of d + 1 bands of bits, one at least is the same in two hashes that differ in d bits or fewer; so only rows that
    share a band are compared. Cost: O(n log n) and the pairs that share a band of 64 / (d + 1) bits.

    Examples
    --------
    >>> found = near_hashes(np.array([0b1111, 0, 0b0111, 0], np.uint64), 1)
    >>> found.first.tolist(), found.second.tolist(), found.rows.tolist()
    ([0, 1], [2, 3], [2, 3])
    """
    if not 0 <= distance <= MOST_DISTANCE:
        raise UsageError(f"distance is {distance} bits; give 0 to {MOST_DISTANCE}")
    if hashes.dtype != np.uint64 or hashes.ndim != 1:
        raise UsageError(f"hashes are {hashes.dtype} of shape {hashes.shape}; give uint64 of shape (n,)")

    def close(i: IntArray, j: IntArray) -> FloatArray:
        return np.asarray(1.0 - np.bitwise_count(hashes[i] ^ hashes[j]) / BITS)

    cuts = np.linspace(0, BITS, distance + 2).astype(int)
    bands = [
        (hashes >> np.uint64(low)) & np.uint64((1 << int(high - low)) - 1) for low, high in pairwise(cuts)
    ]
    return near_pairs(hashes, np.stack(bands, axis=1), close, 1.0 - distance / BITS)


def _packed(bits: NDArray[np.bool_]) -> int:
    return int.from_bytes(np.packbits(bits.ravel()).tobytes(), "big")
