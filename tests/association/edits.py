"""Features that go together, and the two ways to move a pair of them: values edited inside rows, and rows exchanged."""

from __future__ import annotations

import numpy as np

from credenza.association.probes import Layout

ROWS = 6_000
BINARY = Layout((2,) * 10, (0,) * 10)
MIXED = Layout((2, 2, 2, 2, 4, 6), (0, 0, 0, 0, 0, 6))
Codes = np.ndarray


def population(rows: int, seed: int, layout: Layout = BINARY) -> Codes:
    """Two clusters of features around two hidden values, and two features that go with neither."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(rows, 2))
    codes = np.empty((rows, layout.features), np.uint8, order="F")
    for f, size in enumerate(layout.sizes):
        alone = layout is BINARY and f >= 8
        value = rng.normal(size=rows) + (0.0 if alone else 1.6 * hidden[:, f // 4])
        codes[:, f] = np.digitize(value, np.quantile(value, np.arange(1, size) / size))
    return codes


def relabelled(
    codes: Codes, a: int, b: int, share: float, seed: int, levels: tuple[int, int] = (1, 1)
) -> Codes:
    """Rows with the one level and without the other exchange their values of b, two by two; nothing else changes."""
    rng, out = np.random.default_rng(seed), codes.copy()
    has = codes[:, a] == levels[0], codes[:, b] == levels[1]
    count = round(share * len(codes) / 2)
    one, other = (
        rng.choice(np.flatnonzero(rows), count, replace=False)
        for rows in (has[0] & ~has[1], ~has[0] & has[1])
    )
    out[one, b], out[other, b] = codes[other, b], codes[one, b]
    return out


def exchanged(codes: Codes, a: int, b: int, share: float, seed: int) -> Codes:
    """Rows of the two off-diagonal cells are replaced by copies of rows of the diagonal ones."""
    rng, out = np.random.default_rng(seed), codes.copy()
    count = round(share * len(codes) / 2)
    for (a0, b0), (a1, b1) in (((1, 0), (1, 1)), ((0, 1), (0, 0))):
        gone = rng.choice(np.flatnonzero((codes[:, a] == a0) & (codes[:, b] == b0)), count, replace=False)
        given = rng.choice(np.flatnonzero((codes[:, a] == a1) & (codes[:, b] == b1)), count, replace=False)
        out[gone] = codes[given]
    return out
