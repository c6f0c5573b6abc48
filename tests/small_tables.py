"""A small clean table, and files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 600


def good(n: int = ROWS, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=n)
    return pa.table(
        {
            "smoker": hidden + rng.normal(size=n) > 0,
            "urban": rng.random(n) < 0.4,
            "region": rng.choice(["north", "south", "west"], n),
            "age": np.round(40 + 10 * hidden + rng.normal(size=n)),
        }
    )


def written(table: pa.Table, path: Path) -> Path:
    pq.write_table(table, path)
    return path


def text(content: str | bytes, path: Path) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
