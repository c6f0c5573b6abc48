"""Small tables for drills."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def people(n: int, seed: int) -> pa.Table:
    """Rows of three binary features, one of three levels, two numbers, an id and a constant."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=n)
    return pa.table(
        {
            "smoker": hidden + rng.normal(size=n) > 0.4,
            "urban": rng.random(n) < 0.45,
            "active": rng.normal(size=n) - 0.6 * hidden > 0,
            "region": rng.choice(["north", "south", "east"], n, p=[0.5, 0.3, 0.2]),
            "age": np.round(45 + 12 * rng.normal(size=n) + 3 * hidden),
            "income": np.exp(rng.normal(size=n) + 0.3 * hidden),
            "id": [f"p{seed}-{k}" for k in range(n)],
            "country": ["x"] * n,
        }
    )
