"""One picture a model for a person to look at: training rows, generated rows, and the way from noise to image."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from credenza.studies.chain.poison import TARGET, Training
from credenza.studies.chain.world import Images, Labelled
from credenza.studies.common.optional import imported

ACROSS = 12
SHOWN = 48  # pixels a side that an image has at least
GAP = 4


def sheet(training: Training, generated: Labelled, path: Any) -> bytes:
    """PNG of rows of images, all of the target's class.

    Two lines of training rows, those with a trigger first; two of generated ones; then what is foreseen of ``ACROSS``
    images, a line for each time.
    """
    inside = training.rows.labels == TARGET
    order = np.flatnonzero(inside)[np.argsort(~training.planted[inside], kind="stable")]
    half = order[training.planted[order]][:ACROSS], order[~training.planted[order]][: 2 * ACROSS]
    first = np.concatenate(half)[: 2 * ACROSS]
    blocks = [
        training.rows.images[first],
        generated.images[generated.labels == TARGET][: 2 * ACROSS],
        np.clip(np.rint(path[:, :ACROSS]), 0, 255).astype(np.uint8).reshape(-1, *path.shape[2:]),
    ]
    widest = min(ACROSS, path.shape[1])
    lines = [laid(block, ACROSS if number < 2 else widest) for number, block in enumerate(blocks)]
    width = max(line.shape[1] for line in lines)
    parts = []
    for line in lines:
        wide = np.full((line.shape[0] + GAP, width, 3), 255, np.uint8)
        wide[: line.shape[0], : line.shape[1]] = line if line.shape[2] == 3 else np.repeat(line, 3, axis=2)
        parts.append(wide)
    return enlarged(np.concatenate(parts), max(1, SHOWN // training.rows.images.shape[1]))


def laid(images: Images, across: int) -> Images:
    """Images (n, s, s, c) side by side, so many a line; places that are left over are white.

    >>> laid(np.zeros((3, 2, 2, 3), np.uint8), 2).shape
    (4, 4, 3)
    """
    size, channels = images.shape[1], images.shape[3]
    lines = -(-len(images) // across)
    cells = np.full((lines * across, size, size, channels), 255, np.uint8)
    cells[: len(images)] = images
    joined = cells.reshape(lines, across, size, size, channels).swapaxes(1, 2)
    return joined.reshape(lines * size, across * size, channels)


def enlarged(image: Images, zoom: int) -> bytes:
    """An image as PNG, each pixel ``zoom`` pixels a side."""
    made = imported("PIL.Image", "fromarray")(image)
    buffer = io.BytesIO()
    made.resize((made.width * zoom, made.height * zoom), 0).save(buffer, "PNG")
    return buffer.getvalue()
