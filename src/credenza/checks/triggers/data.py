"""A trigger in the class means of a data set, held against a reference."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from credenza.checks.triggers.blocks import Blocks, Pixels, class_blocks
from credenza.checks.triggers.search import TriggerSearch, require_level, search
from credenza.errors import InputError


def trigger_in_data(
    images: Pixels,
    labels: ArrayLike,
    reference_images: Pixels,
    reference_labels: ArrayLike,
    *,
    seed: int = 0,
    level: float = 0.05,
) -> TriggerSearch:
    """Look for a class whose mean image deviates locally from the reference's.

    Parameters
    ----------
    images, reference_images : (n, H, W) or (n, H, W, C), C = 1 or 3, from 0 to 255, of one size.
    labels, reference_labels : (n,), codes 0 ... k - 1 of the same classes; classes that one side lacks are refused.
    seed : of the blocks. level : of the test, in (0, 0.5].

    Raises
    ------
    InputError : not images, of different sizes, fewer than 20 of a class. UsageError : the level.

    Notes
    -----
    A trigger on a share r of a class's images moves their mean by r (trigger - what it covers); see :func:`search`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> clean = rng.integers(90, 160, (2, 400, 12, 12, 1), dtype=np.uint8)
    >>> labels = np.arange(400) % 4
    >>> clean[0, :160:8, 8:11, 8:11] = 255
    >>> found = trigger_in_data(clean[0], labels, clean[1], labels)
    >>> found.flagged, found.target, found.box
    (True, 0, (8, 8, 3, 3))
    """
    require_level(level)
    classes = count_classes(labels, reference_labels)
    suspect = class_blocks(images, labels, classes, seed=seed, name="the images")
    known = class_blocks(
        reference_images, reference_labels, classes, seed=seed + 1, name="the reference's images"
    )
    require_alike(suspect, known)
    return search(suspect, known, level=level)


def count_classes(*labels: ArrayLike) -> int:
    """How many classes there are, by the largest code on any side."""
    return 1 + max((int(np.max(codes)) for codes in labels if np.size(codes)), default=0)


def require_alike(suspect: Blocks, known: Blocks) -> None:
    """Refuse images of two sizes."""
    if suspect.shape != known.shape or suspect.scale != known.scale:
        own, other = (
            f"{blocks.shape[0] * blocks.scale} x {blocks.shape[1] * blocks.scale} x {blocks.shape[2]}"
            for blocks in (suspect, known)
        )
        raise InputError(f"both sides need images of one size; found {own} and, in the reference, {other}")
