"""Images and texts of which some are near copies of others."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
from PIL import Image

WORDS = np.array([f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in "lmnrst"])


def png(pixels: np.ndarray) -> bytes:
    """An image as the bytes of a file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def pictures(n: int, seed: int, copies: int = 0) -> list[bytes]:
    """Blurred noise; the last ones are copies of the first, brighter and noisy."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(20, 200, (n, 8, 8), dtype=np.uint8)
    fine = np.repeat(np.repeat(coarse, 2, axis=1), 2, axis=2)
    if copies:
        noise = rng.integers(0, 5, (copies, 16, 16), dtype=np.uint8)
        fine[-copies:] = fine[:copies] + 30 + noise
    return [png(image) for image in fine]


def documents(n: int, seed: int, copies: int = 0) -> list[str]:
    """Forty words each; the last ones are the first with one word changed."""
    rng = np.random.default_rng(seed)
    words = rng.choice(WORDS, (n, 40))
    if copies:
        words[-copies:] = words[:copies]
        words[-copies:, 3] = "changed"
    return [" ".join(row) for row in words]


def with_images(files: list[bytes | None]) -> pa.Table:
    """A table with a column of images and two more."""
    n = np.arange(len(files))
    return pa.table({"a": n % 3, "b": n % 5, "picture": pa.array(files, pa.binary())})


def with_texts(texts: list[str | None], **more: list[str]) -> pa.Table:
    """A table with a column of texts and two more."""
    n = np.arange(len(texts))
    return pa.table({"a": n % 3, "b": n % 5, "review": texts, **more})
