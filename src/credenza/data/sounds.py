"""Sounds in Arrow columns: bytes of WAV files as samples, and samples as such bytes again.

The chunks of a WAV file are walked here rather than by a library: the standard one reads no floats and scipy writes no
24 bits, and both would lose the chunks that they do not know. Here everything but the samples stays byte for byte.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from credenza.contracts import FloatArray
from credenza.data.media_bytes import file_contents, require_one_each, with_contents
from credenza.errors import InputError, UsageError

Sound = tuple[int, FloatArray]

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_KNOWN = {(_PCM, 8), (_PCM, 16), (_PCM, 24), (_PCM, 32), (_FLOAT, 32), (_FLOAT, 64)}
_MOST = 0xFFFFFFFE  # bytes behind a size of 32 bits
_UNTIL_THE_END = 0xFFFFFFFF  # the size that a writer leaves which cannot go back to fill it in
_RIGHT = "convert it to WAV with PCM of 8, 16, 24 or 32 bits, or float"


@dataclass(frozen=True)
class _Wave:
    """Where the samples of a WAV file lie, and what they are."""

    rate: int
    channels: int
    tag: int
    bits: int
    start: int
    stop: int

    @property
    def scale(self) -> float:
        """What full scale is, in steps of a whole number."""
        return float(2 ** (self.bits - 1))


def decode_sounds(column: pa.Array | pa.ChunkedArray, *, names: Sequence[str] | None = None) -> list[Sound]:
    """Return the sampling rate (Hz) and the samples of every sound of a column.

    Parameters
    ----------
    column : bytes of whole WAV files (binary of any width), or Hugging Face structs of bytes and path.
    names : what messages call each sound; default: its path, or its row.

    Returns
    -------
    list of (rate, samples), one a row; samples are float64 of shape (samples, channels). PCM of b bits is divided by
    2^(b-1), so it lies in [-1, 1); 8 bits are centred first. Floats are as they are, and may lie beyond 1.

    Raises
    ------
    InputError : a value is missing, is no WAV file, is cut short, or holds something other than PCM of 8, 16, 24 or
        32 bits or floats of 32 or 64 (A-law, ADPCM, MP3 in WAV), or floats that are not finite.

    Notes
    -----
    Left out: FLAC, MP3 and Ogg, which need a decoder of their own, and WAV of more than 4 GB (RF64).
    Cost: O(samples); 8 bytes a sample and channel.

    Examples
    --------
    >>> head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 40, b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16)
    >>> decode_sounds(pa.array([head + struct.pack("<4sI", b"data", 4) + struct.pack("<hh", 16384, -32768)]))
    [(8000, array([[ 0.5],
           [-1. ]]))]
    """
    found = []
    for label, data in file_contents(column, "sound", names):
        wave = _parsed(label, data)
        found.append((wave.rate, _samples(label, wave, data)))
    return found


def encode_sounds(
    sounds: Sequence[Sound], like: pa.Array | pa.ChunkedArray, *, names: Sequence[str] | None = None
) -> pa.Array:
    """Return sounds as bytes: the Arrow type of ``like``, and each in the sample format of its original there.

    Samples are rounded to the nearest step of a whole-number format and clipped to its range; floats are not clipped.
    What was decoded and not changed comes out bit for bit. All other chunks of the original stay as they are.

    Parameters
    ----------
    sounds : (rate, samples) with samples of shape (samples, channels), one a row of ``like``; rate and channels are
        those of the original, and the number of samples may differ.
    like : the original column. names : what messages call each sound.

    Raises
    ------
    UsageError : not as many sounds as rows, another rate, another number of channels, or samples that are not finite.
    InputError : an original is not a WAV file that we read, or a sound is longer than WAV allows (4 GB).

    Examples
    --------
    >>> head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 38, b"WAVE", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8)
    >>> column = pa.array([head + struct.pack("<4sI", b"data", 2) + bytes([128, 255])])
    >>> ((rate, samples),) = decode_sounds(column)
    >>> encode_sounds([(rate, -samples)], column)[0].as_py()[-2:].hex()
    '8001'
    """
    require_one_each(sounds, like, "sound")
    encoded = []
    for (label, data), (rate, samples) in zip(file_contents(like, "sound", names), sounds, strict=True):
        wave = _parsed(label, data)
        _require_samples(label, wave, rate, samples)
        encoded.append(_file_of(label, wave, data, np.asarray(samples, np.float64)))
    return with_contents(like, encoded)


def _parsed(label: str, data: bytes) -> _Wave:
    """Walk the chunks of a file up to its samples."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise InputError(f"{label} is not a WAV file; {_RIGHT}")
    place, form = 12, b""
    while place + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, place)
        place += 8
        if name == b"data":
            stop = len(data) if size == _UNTIL_THE_END else place + size
            return _wave(label, form, place, stop, len(data))
        if name == b"fmt ":
            form = data[place : place + size]
        place += size + size % 2
    raise InputError(f"{label} has no samples (no chunk 'data'); it may be cut short: write it again")


def _wave(label: str, form: bytes, start: int, stop: int, end: int) -> _Wave:
    """Read the format, and check it and the extent of the samples."""
    if len(form) < 16:
        raise InputError(f"{label} does not say what its samples are (no chunk 'fmt '); write it again")
    tag, channels, rate, _, frame, bits = struct.unpack_from("<HHIIHH", form)
    if tag == _EXTENSIBLE and len(form) >= 26:
        (tag,) = struct.unpack_from("<H", form, 24)
    if (tag, bits) not in _KNOWN:
        raise InputError(f"{label} has samples of format {tag} with {bits} bits; {_RIGHT}")
    if channels == 0 or rate == 0 or frame != channels * bits // 8:
        raise InputError(
            f"{label} claims {channels} channels of {bits} bits at {rate:,} Hz in frames of {frame} bytes; "
            "write it again"
        )
    if stop > end:
        raise InputError(
            f"{label} is cut short: {stop - start:,} bytes of samples are announced, {end - start:,} are there"
        )
    stop = start + (stop - start) // frame * frame  # half a frame at the end is none
    return _Wave(rate, channels, tag, bits, start, stop)


def _samples(label: str, wave: _Wave, data: bytes) -> FloatArray:
    raw = np.frombuffer(data, np.uint8)[wave.start : wave.stop]
    if wave.tag == _FLOAT:
        values = raw.view(f"<f{wave.bits // 8}").astype(np.float64)
        if not np.isfinite(values).all():
            raise InputError(f"{label} holds samples that are not finite; write it again without them")
    elif wave.bits == 8:
        values = (raw.astype(np.float64) - wave.scale) / wave.scale
    elif wave.bits == 24:
        wide = np.zeros((len(raw) // 3, 4), np.uint8)
        wide[:, 1:] = raw.reshape(-1, 3)  # the low byte of 32 bits is free
        values = wide.view("<i4").ravel() / 2.0**31
    else:
        values = raw.view(f"<i{wave.bits // 8}") / wave.scale
    return values.reshape(-1, wave.channels)


def _coded(wave: _Wave, samples: FloatArray) -> bytes:
    if wave.tag == _FLOAT:
        return samples.astype(f"<f{wave.bits // 8}").tobytes()
    steps = np.clip(np.rint(samples * wave.scale), -wave.scale, wave.scale - 1).astype(np.int64)
    if wave.bits == 8:
        return (steps + 128).astype(np.uint8).tobytes()
    if wave.bits == 24:
        return np.ascontiguousarray(
            steps.astype("<i4").ravel().view(np.uint8).reshape(-1, 4)[:, :3]
        ).tobytes()
    return steps.astype(f"<i{wave.bits // 8}").tobytes()


def _require_samples(label: str, wave: _Wave, rate: int, samples: FloatArray) -> None:
    if rate != wave.rate:
        raise UsageError(f"{label} has {wave.rate:,} Hz and its new samples {rate:,}; keep the rate")
    if samples.ndim != 2 or samples.shape[1] != wave.channels:
        raise UsageError(
            f"{label}: its new samples have shape {samples.shape}; "
            f"give (samples, {wave.channels}), one column a channel"
        )
    if not np.isfinite(samples).all():
        raise UsageError(f"{label}: its new samples are not all finite; give numbers from -1 to 1")


def _file_of(label: str, wave: _Wave, data: bytes, samples: FloatArray) -> bytes:
    """The original file with other samples, and the sizes that go with them."""
    coded = _coded(wave, samples)
    (announced,) = struct.unpack_from("<I", data, wave.start - 4)
    rest = b"" if announced == _UNTIL_THE_END else data[wave.start + announced + announced % 2 :]
    size = len(coded)
    body = coded + b"\0" * (size % 2) + rest
    total = wave.start - 8 + len(body)
    if total > _MOST:
        raise InputError(f"{label} has {total:,} bytes now, more than WAV allows; cut it into pieces")
    head = data[:4] + struct.pack("<I", total) + data[8 : wave.start - 4] + struct.pack("<I", size)
    return head + body
