"""What a face owes to chance: uniform numbers by seed, index of the face and name of the trait."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from credenza.contracts import FloatArray, IntArray

Keys = NDArray[np.uint64]
Traits = dict[str, FloatArray]

# Appended to, never reordered: the place of a name decides what is drawn for it.
TRAITS = (
    "across", "down", "scale", "tilt", "exposure", "light", "light_angle", "face_width", "face_height", "eye_gap",
    "eye_size", "gaze", "iris", "nose_length", "mouth_width", "hair_length", "hair_width", "hair_shade", "hair_tint",
    "parting", "brow_height", "brow_slope", "beard_shade", "shirt", "shirt_shade", "tie", "hat", "hat_height", "frame",
    "skin_brightness", "skin_hue", "background_brightness", "background_hue", "smile_width", "mouth_gap", "lipstick",
)  # fmt: skip
_ODD = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
_UNIT = 2.0**-53


def face_keys(seed: int, index: IntArray) -> Keys:
    """Hash a seed (any whole number >= 0, reduced modulo 2^64) and the indices of faces to 64 bits a face."""
    start = _mixed(np.array([seed % (1 << 64)], np.uint64) + _ODD)
    return _mixed(start ^ _mixed(index.astype(np.uint64) * _ODD + _MIX_1))


def traits_of(keys: Keys) -> Traits:
    """Return a number uniform in [0, 1) for each name in ``TRAITS`` and each face, from its key.

    Examples
    --------
    >>> a, b = (traits_of(face_keys(0, np.array(index))) for index in ([7, 8], [8]))
    >>> a["tilt"][1] == b["tilt"][0], a["tilt"][0] == b["tilt"][0], set(a) == set(TRAITS)
    (np.True_, np.False_, True)
    """
    slots = np.arange(1, len(TRAITS) + 1, dtype=np.uint64) * _ODD
    words = _mixed(keys[None, :] + slots[:, None])
    return dict(zip(TRAITS, (words >> np.uint64(11)) * _UNIT, strict=True))


def _mixed(words: Keys) -> Keys:
    """Finalise 64 bits as SplitMix64 does."""
    words = (words ^ (words >> _SHIFTS[0])) * _MIX_1
    words = (words ^ (words >> _SHIFTS[1])) * _MIX_2
    return words ^ (words >> _SHIFTS[2])
