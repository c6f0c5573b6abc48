"""Predictions of checkpoints that differ by chance, and one jump that is planted."""

from __future__ import annotations

from typing import Any

import numpy as np

from credenza.checks.checkpoints.predictions import CompareOptions, Predictions


def retrained(
    seed: int,
    *,
    checkpoints: int = 2,
    rows: int = 4_000,
    classes: int = 10,
    churn: float = 0.01,
    jump: float = 0.0,
    target: int | None = None,
    everyone: float = 0.0,
    **options: Any,
) -> Predictions:
    """A model right in 90% of the rows; in each step a share ``churn`` of the rows turns.

    In the middle step, ``jump`` of class 3 turns wrong (to ``target`` or any class), ``everyone`` of each class.
    """
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(classes), rows // classes)
    wrong = (truth + rng.integers(1, classes, rows)) % classes
    now = np.where(rng.random(rows) < 0.9, truth, wrong)
    out = [now]
    for step in range(checkpoints - 1):
        now = now.copy()
        right = now == truth
        other = (truth + rng.integers(1, classes, rows)) % classes
        turned = rng.random(rows) < np.where(right, churn / 1.8, churn / 0.2)
        now[turned] = np.where(right, other, truth)[turned]
        if step == (checkpoints - 1) // 2:
            for k in range(classes):
                own = rng.permutation(np.flatnonzero((truth == k) & (now == truth)))
                picked = own[: round((everyone + (jump if k == 3 else 0.0)) * rows / classes)]
                now[picked] = other[picked] if target is None or k != 3 else target
        out.append(now)
    names = tuple(f"week {t}" for t in range(1, checkpoints + 1))
    kinds = tuple(f"class {k}" for k in range(classes))
    return Predictions(names, kinds, truth, np.array(out), options=CompareOptions(**options))
