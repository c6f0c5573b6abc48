"""Sounds as continuous features: energies in bands of frequencies, loudness, zero crossings, duration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from credenza.contracts import FloatArray
from credenza.data.features.pixels import columns_of
from credenza.data.sounds import decode_sounds
from credenza.errors import UsageError

BAND_EDGES = (250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0)  # Hz; octaves
FRAME = 2_048  # samples under one window
FLOOR = 1e-12  # of full scale squared: -120 dB stands for silence
_FRAMES_AT_ONCE = 512


def sound_names(edges: Sequence[float] = BAND_EDGES) -> tuple[str, ...]:
    """Names of the features of a sound, in the order of :func:`sound_features`.

    Examples
    --------
    >>> sound_names((500.0, 2_000.0))
    ('seconds', 'loudness', 'crossings', 'band:0-500', 'band:500-2000', 'band:2000-up')
    """
    lows = [f"{edge:g}" for edge in (0.0, *edges)]
    highs = [*lows[1:], "up"]
    return (
        "seconds",
        "loudness",
        "crossings",
        *(f"band:{low}-{high}" for low, high in zip(lows, highs, strict=True)),
    )


def sound_features(rate: int, samples: FloatArray, edges: Sequence[float] = BAND_EDGES) -> FloatArray:
    """Duration, loudness, zero-crossing rate and band energies of one sound.

    - seconds: samples / rate;
    - loudness: 10 log10 of the mean square over samples and channels, dB of full scale;
    - crossings: changes of sign between neighbouring samples a second, mean over channels (a sample of 0 counts as
      positive): twice the frequency of a pure tone;
    - band:low-high: 10 log10 of the mean power at frequencies in [low, high) Hz, dB of full scale, by Welch's method
      (Hann windows of 2,048 samples that overlap by half), mean over channels. Over all bands the powers add up to the
      mean square, but for what the window weighs down at both ends.

    Parameters
    ----------
    rate : samples a second. samples : shape (samples, channels), full scale is 1.
    edges : inner edges of the bands, Hz, ascending; k edges make k + 1 bands.

    Returns
    -------
    float64 of shape (3 + k + 1,), in the order of :func:`sound_names`. Energies are at least -120 dB, which stands for
    silence. NaN (missing) for a band that begins above rate / 2, and for all but the duration of a sound without
    samples.

    Notes
    -----
    Cost: O(samples log 2,048) and 512 windows in memory besides the samples. Left out: pitch, rhythm, features over
    time; the whole sound is one row.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(8_000) / 8_000)[:, None]
    >>> np.round(sound_features(8_000, tone, (250.0, 500.0)), 1).tolist()
    [1.0, -3.0, 879.0, -107.1, -3.0, -81.2]
    """
    count, channels = samples.shape
    bands = len(edges) + 1
    if count == 0 or channels == 0:
        return np.array([0.0, *[math.nan] * (2 + bands)])
    positive = samples >= 0
    crossings = np.count_nonzero(positive[1:] != positive[:-1]) / channels * rate / count
    loudness = _decibels(float(np.mean(np.square(samples))))
    powers = np.mean([_band_powers(rate, samples[:, c], edges) for c in range(channels)], axis=0)
    beyond = np.array([0.0, *edges]) > rate / 2
    levels = [math.nan if out else _decibels(power) for power, out in zip(powers, beyond, strict=True)]
    return np.array([count / rate, loudness, crossings, *levels])


class SoundMeasure:
    """The features of encoded sounds (bytes of WAV files).

    Parameters
    ----------
    bands : inner edges of the bands, Hz, ascending, above 0.

    Raises
    ------
    UsageError : edges that do not rise, or are not above 0.

    Examples
    --------
    >>> len(SoundMeasure(bands=(1_000.0,)).fields)
    5
    """

    kind, noun = "sounds", "sound"

    def __init__(self, *, bands: Sequence[float] = BAND_EDGES) -> None:
        edges = tuple(float(edge) for edge in bands)
        rising = all(a < b for a, b in zip((0.0, *edges), edges, strict=False))
        if not edges or not rising or not math.isfinite(edges[-1]):
            shown = ",".join(f"{edge:g}" for edge in edges) or "nothing"
            raise UsageError(
                f"edges of bands are rising numbers of Hz above 0: found {shown}; give such as 500,2000"
            )
        self.bands = edges

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """One column a feature, float64."""
        return tuple(pa.field(name, pa.float64()) for name in sound_names(self.bands))

    def read(self, label: str, value: Any) -> FloatArray:
        """The features of one file; InputError, naming ``label``, where it is no sound that is read."""
        ((rate, samples),) = decode_sounds(pa.array([value], pa.large_binary()), names=[label])
        return sound_features(rate, samples, self.bands)

    def arrays(self, measured: Sequence[FloatArray]) -> list[pa.Array]:
        """Columns of the stacked features."""
        return columns_of(measured, len(self.fields))

    def settings(self) -> dict[str, Any]:
        """The edges of the bands."""
        return {"bands": list(self.bands)}


def _decibels(power: float) -> float:
    return 10.0 * math.log10(max(power, FLOOR))


def _band_powers(rate: int, wave: FloatArray, edges: Sequence[float]) -> FloatArray:
    """Mean power in each band, of full scale squared."""
    window = np.hanning(FRAME + 1)[:-1]
    hop = FRAME // 2
    padded = np.concatenate([wave, np.zeros(max(FRAME - len(wave), 0))])
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::hop]
    spectrum = np.zeros(FRAME // 2 + 1)
    for start in range(0, len(frames), _FRAMES_AT_ONCE):
        block = np.fft.rfft(frames[start : start + _FRAMES_AT_ONCE] * window, axis=1)
        spectrum += np.square(np.abs(block)).sum(axis=0)
    spectrum[1:-1] *= 2
    covered = min(len(wave), FRAME) / FRAME  # of the only window of a short sound
    spectrum /= len(frames) * FRAME * np.square(window).sum() * covered
    place = np.searchsorted(np.asarray(edges), np.fft.rfftfreq(FRAME, 1.0 / rate), side="right")
    return np.asarray(np.bincount(place, weights=spectrum, minlength=len(edges) + 1), np.float64)
