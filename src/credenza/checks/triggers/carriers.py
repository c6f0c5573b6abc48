"""Which images of a class carry what a search in class means has found."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from credenza.checks.triggers.blocks import Pixels
from credenza.checks.triggers.search import TriggerSearch
from credenza.contracts import FloatArray

ROUNDS = 200
SETTLED = 1e-6
COMMON = 0.99  # quantile of the other classes' waves below which a wave is taken for chance
LEAST_SHARE = 0.5  # of a class, in rows, at which the mixture begins and below which nothing carries


def suspicion(
    found: TriggerSearch,
    images: Pixels,
    labels: ArrayLike,
    reference_images: Pixels,
    reference_labels: ArrayLike,
) -> FloatArray:
    """Probability that an image carries the pattern by which its class's mean deviates from the reference's.

    The pattern d is the deviation of the class's mean, less the mean deviation of the other classes, inside the box
    that was found, or in the waves that are stronger than 99% of the other classes'. An image scores
    s = <x - m, d> / |d|^2, m the reference's class mean: about 0 without the trigger, 1 / r with it where a share r has it.
    The scores are a mixture of two normal distributions; the first has the mean and spread of the reference's own
    scores (the spread of the other classes' scores, if that is larger), the second is fitted by expectation
    maximisation.

    Parameters
    ----------
    found : of :func:`credenza.checks.triggers.trigger_in_data` on the same images. The rest : as given to it.

    Returns
    -------
    float64 (n,), from 0 to 1; 0 for images of other classes.

    Notes
    -----
    Cost: O(n H W C). Left out: triggers that differ from image to image, of which there is no pattern. Source of the
    mixture: Dempster, Laird & Rubin 1977, J. R. Statist. Soc. B 39:1.

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
    classes = np.unique(known_codes)
    deviation = {
        int(label): own[codes == label].mean(axis=0) - known[known_codes == label].mean(axis=0)
        for label in classes
    }
    others = [deviation[int(label)] for label in classes if label != found.target]
    pattern = deviation[found.target] - (np.mean(others, axis=0) if others else 0.0)
    pattern = _kept(pattern, found, others)
    size = float((pattern**2).sum())
    out = np.zeros(len(own))
    if size == 0.0:
        return out
    middle = {int(label): known[known_codes == label].mean(axis=0) for label in classes}

    def score(values: FloatArray, label: int) -> FloatArray:
        return np.asarray(np.tensordot(values - middle[label], pattern, axes=3) / size)

    inside = codes == found.target
    bare = score(known[known_codes == found.target], found.target)
    spreads = [bare.std(ddof=1)]
    spreads += [
        score(own[codes == label], int(label)).std(ddof=1) for label in classes if label != found.target
    ]
    out[inside] = second_part(score(own[inside], found.target), float(bare.mean()), float(max(spreads)))
    return out


def second_part(scores: FloatArray, mean: float, spread: float) -> FloatArray:
    """Probability of each score to be of a second, higher normal part, the first one being known.

    >>> rng = np.random.default_rng(0)
    >>> found = second_part(np.r_[rng.normal(0, 1, 900), rng.normal(8, 1, 100)], 0.0, 1.0)
    >>> int((found > 0.5).sum())
    100
    """
    spread = max(spread, 1e-9)
    z = (scores - mean) / spread
    order = np.sort(z)
    share = max(0.1, 1.0 / len(z))
    high, wide = float(order[-max(1, len(z) // 20) :].mean()), 1.0
    told = np.zeros(len(z))
    for _ in range(ROUNDS):
        gain = 0.5 * z**2 - 0.5 * ((z - high) / wide) ** 2 - np.log(wide)
        told = expit(np.log(share / (1.0 - share)) + gain)
        mass = float(told.sum())
        if mass < LEAST_SHARE:
            return np.zeros(len(z))
        before, share = share, min(mass / len(z), 1.0 - 1e-9)
        high = float(told @ z / mass)
        wide = float(np.sqrt(max(told @ (z - high) ** 2 / mass, 0.05)))
        if abs(share - before) < SETTLED:
            break
    if high <= 1.0:  # no second part, or one within the first
        return np.zeros(len(z))
    return np.asarray(np.where(z > 0.0, told, 0.0))


def _cube(images: Pixels) -> FloatArray:
    values = np.asarray(images, np.float64)
    return values if values.ndim == 4 else values[..., None]


def _kept(pattern: FloatArray, found: TriggerSearch, others: list[FloatArray]) -> FloatArray:
    """The part of a deviation that was found: inside its box, or its strong waves."""
    if found.kind == "place":
        top, left, height, width = found.box
        mask = np.zeros_like(pattern)
        mask[top : top + height, left : left + width] = 1.0
        return pattern * mask
    waves = np.fft.rfft2(pattern, axes=(0, 1))
    centre = np.mean(others, axis=0) if others else 0.0
    chance = [np.abs(np.fft.rfft2(other - centre, axes=(0, 1))) for other in others]
    floor = float(np.quantile(chance, COMMON)) if chance else 0.0
    waves[np.abs(waves) < floor] = 0.0
    waves[0, 0] = 0.0
    return np.asarray(np.fft.irfft2(waves, s=pattern.shape[:2], axes=(0, 1)))
