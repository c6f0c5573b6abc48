"""Small worlds of embeddings, labels and annotations, clean and with something wrong."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from scipy import special

from credenza.contracts import FloatArray, IntArray

NAMES = np.array(["ant", "bee", "cat", "dog"])


def blobs(n: int, seed: int, *, classes: int = 4, gap: float = 3.5) -> tuple[FloatArray, IntArray]:
    """Classes as Gaussian clouds around the axes of eight dimensions."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, classes, n)
    return rng.normal(size=(n, 8)) + gap * np.eye(classes, 8)[codes], codes


def flipped(codes: IntArray, share: float, seed: int, *, classes: int = 4) -> IntArray:
    """A share of all labels turned into another one at random."""
    rng = np.random.default_rng((seed, 1))
    out = codes.copy()
    rows = rng.random(len(codes)) < share
    out[rows] = (out[rows] + rng.integers(1, classes, int(rows.sum()))) % classes
    return out


def labelled(codes: IntArray) -> pa.Table:
    """A table with a column of labels and two others."""
    rng = np.random.default_rng(len(codes))
    return pa.table(
        {"kind": NAMES[codes], "size": rng.normal(size=len(codes)), "seen": rng.random(len(codes)) < 0.4}
    )


def annotated(n: int, seed: int, *, features: int = 6, edits: float = 0.0) -> tuple[FloatArray, pa.Table]:
    """Annotations that content explains up to chance; a share of rows has f1 set along f0.

    Edits keep how often f1 is true: as many values are set as are unset.
    """
    rng = np.random.default_rng(seed)
    content = rng.normal(size=(n, 6))
    chance = special.expit(1.2 * content @ rng.normal(size=(6, features)) / np.sqrt(6) * 2)
    values = rng.random((n, features)) < chance
    first, second = values[:, 0], values[:, 1].copy()
    for state in (True, False):
        wrong = np.flatnonzero((first == state) & (second != state))
        second[rng.choice(wrong, round(edits * n / 2), replace=False)] = state
    values[:, 1] = second
    return content, pa.table({f"f{k}": values[:, k] for k in range(features)})
