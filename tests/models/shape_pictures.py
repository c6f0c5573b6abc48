"""Small pictures of coloured shapes that show binary attributes plainly, and differ in all else."""

from __future__ import annotations

import numpy as np

NAMES = ("sun", "bar", "red", "hollow")


def attribute_rows(
    n: int, seed: int, *, shares: tuple[float, ...] = (0.5, 0.5, 0.3, 0.6), pull: float = 0.2
) -> np.ndarray:
    """Attributes (n, 4), independent but for the first two, whose covariance is ``pull``."""
    rng = np.random.default_rng((seed, 1))
    found = rng.random((n, len(NAMES))) < np.array(shares)
    sun = found[:, 0]
    u = shares[0]
    found[:, 1] = rng.random(n) < np.where(sun, shares[1] + pull / u, shares[1] - pull / (1 - u))
    return found


def draw(attributes: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Pictures (n, size, size, 3) uint8 of attributes (n, 4): noisy, moved a little, on grounds of any light colour."""
    rng = np.random.default_rng((seed, 2))
    n = len(attributes)
    grid = (np.arange(size) + 0.5) / size
    y, x = np.meshgrid(grid, grid, indexing="ij")
    dy, dx = rng.uniform(-0.04, 0.04, (2, n, 1, 1))
    y, x = y + dy, x + dx
    sun, bar, red, hollow = (column[:, None, None] for column in np.asarray(attributes, bool).T)
    images = np.broadcast_to(rng.uniform(0.5, 0.8, (n, 1, 1, 3)), (n, size, size, 3)).copy()
    images[sun & ((x - 0.75) ** 2 + (y - 0.25) ** 2 < 0.15**2)] = (1.0, 0.9, 0.1)
    images[bar & (abs(y - 0.85) < 0.08) & (abs(x - 0.5) < 0.35)] = (0.05, 0.05, 0.05)
    block = (abs(x - 0.32) < 0.2) & (abs(y - 0.42) < 0.2)
    block &= ~(hollow & (abs(x - 0.32) < 0.09) & (abs(y - 0.42) < 0.09))
    images[block & red] = (0.9, 0.1, 0.1)
    images[block & ~red] = (0.1, 0.2, 0.8)
    images += rng.normal(0, 0.02, images.shape)
    return np.clip(images * 255, 0, 255).astype(np.uint8)
