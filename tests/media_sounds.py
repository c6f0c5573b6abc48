"""Small sounds."""

from __future__ import annotations

import struct

import numpy as np


def wav(samples: np.ndarray, rate: int) -> bytes:
    """A WAV file of one channel of 16 bits; full scale is 1."""
    data = np.clip(np.rint(samples * 32_768), -32_768, 32_767).astype("<i2").tobytes()
    form = struct.pack("<HHIIHH", 1, 1, rate, 2 * rate, 2, 16)
    head = struct.pack("<4sI4s4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16)
    return head + form + struct.pack("<4sI", b"data", len(data)) + data
