"""A pattern found in means, as a score of single images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from credenza.checks.triggers.blocks import Pixels, pooled
from credenza.checks.triggers.mixture import second_part
from credenza.checks.triggers.search import TriggerSearch
from credenza.contracts import FloatArray, IntArray

RIDGE = 0.05  # of the mean variance of a feature, added to each
AT_ONCE = 2_000
STRONGEST = 24  # waves that a pattern is made of, at most
LEAST_ROWS = 5  # that the pattern must be on for a threshold to be set


@dataclass(frozen=True)
class Pattern:
    """A score of images, and from where on an image carries the pattern.

    ``middles`` : (k,), of each class's bare images, how much higher the median of their scores is than the target's.
    ``weights`` are of the pixels in ``box`` or, where there are ``waves``, of the real and imaginary parts of these
    coefficients, channel by channel. ``scale`` as in :class:`credenza.checks.triggers.blocks.Blocks`.
    """

    target: int
    weights: FloatArray
    box: tuple[int, int, int, int] | None
    waves: tuple[IntArray, IntArray] | None
    scale: int
    threshold: float
    middles: FloatArray

    def carried(self, images: Pixels, labels: IntArray) -> np.ndarray:
        """Which images carry it: bool (n,)."""
        return np.asarray(self.scores(images, labels) > self.threshold)

    def scores(self, images: Pixels, labels: IntArray) -> FloatArray:
        """(n,), high is suspicious; less what is ordinary in the image's class and not in the target."""
        return features(images, self.box, self.waves, self.scale) @ self.weights - self.middles[labels]


def fit_pattern(
    found: TriggerSearch, images: Pixels, labels: IntArray, bare: Pixels, bare_labels: IntArray
) -> Pattern | None:
    """A score of images by what a search has found; None where no images stand out by it.

    The direction is that of Fisher's discriminant, (S + ridge)^-1 d: d by how the target class's mean deviates from the
    other classes', images against bare ones, and S the covariance within the classes of the bare images, inside the box
    that was found or on the waves that deviate most. The threshold lies half way between the means of the two parts
    that the target's scores fall into.

    Parameters
    ----------
    found : of images against the bare ones. The rest : both sides, (n, H, W, C), and codes of classes.
    """
    scale = max(1, -(-max(images.shape[1:3]) // 32))
    box, waves = (
        (found.box, None)
        if found.kind == "place"
        else (None, _strong(found, images, labels, bare, bare_labels, scale))
    )
    own, known = (features(part, box, waves, scale) for part in (images, bare))
    middles = {int(c): known[bare_labels == c].mean(axis=0) for c in np.unique(bare_labels)}
    moved = {c: own[labels == c].mean(axis=0) - middle for c, middle in middles.items()}
    others = [value for c, value in moved.items() if c != found.target]
    deviation = moved[found.target] - (np.mean(others, axis=0) if others else 0.0)
    centred = known - np.stack([middles[int(c)] for c in bare_labels])
    spread = np.atleast_2d(np.cov(centred, rowvar=False))
    spread = spread + RIDGE * max(float(np.trace(spread)) / len(spread), 1e-6) * np.eye(len(spread))
    weights = np.linalg.solve(spread, deviation)
    scores, ordinary = own[labels == found.target] @ weights, known[bare_labels == found.target] @ weights
    middle = float(np.median(ordinary))
    above = np.zeros(1 + max(middles))
    for c in middles:
        above[c] = float(np.median(known[bare_labels == c] @ weights)) - middle
    deviance = 1.4826 * float(np.median(np.abs(ordinary - middle)))
    told = second_part(scores, middle, max(deviance, 1e-9))
    if told.sum() < LEAST_ROWS:
        return None
    high = float(told @ scores / told.sum())
    return Pattern(found.target, weights, box, waves, scale, (middle + high) / 2, above)


def features(
    images: Pixels,
    box: tuple[int, int, int, int] | None,
    waves: tuple[IntArray, IntArray] | None,
    scale: int,
) -> FloatArray:
    """Pixels of a box, or coefficients of waves: float64 (n, f)."""
    parts = []
    for start in range(0, len(images), AT_ONCE):
        values = pooled(np.asarray(images[start : start + AT_ONCE], np.float32), scale)
        if waves is None:
            top, left, height, width = (side // scale for side in box or (0, 0, *images.shape[1:3]))
            parts.append(values[:, top : top + height, left : left + width].reshape(len(values), -1))
        else:
            chosen = np.fft.rfft2(values, axes=(1, 2), norm="ortho")[:, waves[0], waves[1]].reshape(
                len(values), -1
            )
            parts.append(np.concatenate([chosen.real, chosen.imag], axis=1))
    return np.concatenate(parts).astype(np.float64)


def _strong(
    found: TriggerSearch, images: Pixels, labels: IntArray, bare: Pixels, bare_labels: IntArray, scale: int
) -> tuple[IntArray, IntArray]:
    """Rows and columns of the waves by which the target class deviates most, by their size."""

    def moved(label: int) -> np.ndarray:
        means = (
            part[codes == label].mean(axis=0, dtype=np.float32)
            for part, codes in ((images, labels), (bare, bare_labels))
        )
        own, known = (np.fft.rfft2(pooled(mean, scale), axes=(0, 1), norm="ortho") for mean in means)
        return np.asarray(own - known)

    others = [moved(int(c)) for c in np.unique(labels) if c != found.target]
    apart = moved(found.target) - (np.mean(others, axis=0) if others else 0.0)
    size = (np.abs(apart) ** 2).sum(axis=-1)
    spread = np.mean([(np.abs(other) ** 2).sum(axis=-1) for other in others], axis=0) if others else 1.0
    size[0, 0] = 0.0
    if found.frequency is not None:
        size[found.frequency[0], found.frequency[1]] = np.inf
    order = np.argsort(-(size / (spread + np.median(spread))), axis=None)[:STRONGEST]
    rows, columns = np.unravel_index(order, size.shape)
    return rows, columns
