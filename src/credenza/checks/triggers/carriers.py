"""Which images of a class carry what a search in class means has found."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from credenza.checks.triggers.blocks import Pixels
from credenza.checks.triggers.mixture import second_part
from credenza.checks.triggers.pattern import fit_pattern
from credenza.checks.triggers.search import TriggerSearch
from credenza.contracts import FloatArray

HALVES = 2


def suspicion(
    found: TriggerSearch,
    images: Pixels,
    labels: ArrayLike,
    reference_images: Pixels,
    reference_labels: ArrayLike,
    *,
    seed: int = 0,
) -> FloatArray:
    """Probability that an image carries the pattern by which its class's mean deviates from the reference's.

    The images are cut into halves; each is scored by the pattern of the other (see
    :func:`credenza.checks.triggers.pattern.fit_pattern`), so that no image scores high for its own grain. The scores of
    the class are a mixture of two normal parts: one as the reference's own scores (median, and the spread of those or
    of the other classes' scores, whichever is larger), and a higher one.

    Parameters
    ----------
    found : of :func:`credenza.checks.triggers.trigger_in_data` on the same images. seed : of the halves. The rest : as
        given to it.

    Returns
    -------
    float64 (n,), from 0 to 1; 0 for images of other classes, and where no pattern is left.

    Notes
    -----
    Cost: O(n H W C), and the cube of the numbers in the box or of the waves. Left out: triggers that differ from image
    to image, of which there is no pattern.

    Examples
    --------
    >>> from credenza.checks.triggers import trigger_in_data
    >>> rng = np.random.default_rng(0)
    >>> clean = rng.integers(90, 160, (2, 400, 12, 12, 1), dtype=np.uint8)
    >>> labels = np.arange(400) % 4
    >>> clean[0, :160:8, 8:11, 8:11] = 255
    >>> told = suspicion(trigger_in_data(clean[0], labels, clean[1], labels), clean[0], labels, clean[1], labels)
    >>> bool((told[:160:8] > 0.99).all()), int((told > 0.5).sum())
    (True, 20)
    """
    own, known = _cube(images), _cube(reference_images)
    codes, known_codes = np.asarray(labels), np.asarray(reference_labels)
    out = np.zeros(len(own))
    order = np.random.default_rng(seed).permutation(len(own))
    for half in range(HALVES):
        scored, learnt = order[half::HALVES], np.delete(order, np.s_[half::HALVES])
        pattern = fit_pattern(found, own[learnt], codes[learnt], known, known_codes)
        if pattern is None:
            continue
        held = known_codes == found.target
        bare = pattern.scores(known[held], known_codes[held])
        away, inside = (scored[(codes[scored] == found.target) == told] for told in (False, True))
        others = pattern.scores(own[away], codes[away])
        spread = max(_spread(bare), _spread(others))
        out[inside] = second_part(pattern.scores(own[inside], codes[inside]), float(np.median(bare)), spread)
    return out


def _cube(images: Pixels) -> Pixels:
    values = np.asarray(images)
    return values if values.ndim == 4 else values[..., None]


def _spread(scores: FloatArray) -> float:
    """Standard deviation of a normal variable with the scores' median deviation; 0 of none."""
    if not len(scores):
        return 0.0
    return 1.4826 * float(np.median(np.abs(scores - np.median(scores))))
