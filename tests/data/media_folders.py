"""Small folders of images and sounds."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image


def image_bytes(seed: int = 0, kind: str = "PNG") -> bytes:
    """A small image of noise."""
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (3, 4, 3), dtype=np.uint8)).save(file, kind)
    return file.getvalue()


def sound_bytes(seed: int = 0) -> bytes:
    """Eight samples of 16 bits of noise."""
    samples = np.random.default_rng(seed).bytes(16)
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 52, b"WAVE", b"fmt ", 16, 1, 1, 8_000, 16_000, 2, 16)
    return head + struct.pack("<4sI", b"data", 16) + samples


def make_folder(root: Path, *names: str) -> Path:
    """Write images and sounds, as the suffixes say, and empty files for others; seeded by their position."""
    for seed, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        suffix = path.suffix.lower()
        kind = {".png": "PNG", ".jpg": "JPEG"}.get(suffix)
        path.write_bytes(
            image_bytes(seed, kind) if kind else sound_bytes(seed) if suffix == ".wav" else b"x\n"
        )
    return root
