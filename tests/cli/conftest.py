"""Small tables on disk, and a way to run the program in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


def population(n: int, seed: int) -> pa.Table:
    """Rows of four binary features that hang together, one category, one number and a contributor."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=n)
    smoker = hidden + rng.normal(size=n) > 0.4
    urban = rng.random(n) < 0.45
    active = rng.normal(size=n) - 0.6 * hidden > 0
    insured = rng.random(n) < np.where(urban, 0.7, 0.6)
    return pa.table(
        {
            "smoker": smoker,
            "urban": urban,
            "active": active,
            "insured": insured,
            "region": rng.choice(["north", "south", "east"], n, p=[0.5, 0.3, 0.2]),
            "age": np.round(45 + 12 * rng.normal(size=n) + 3 * hidden),
            "clinic": rng.choice(["A", "B", "C", "D"], n),
        }
    )


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Parquet files by name: reference, clean (another draw) and poisoned (smoker x urban, strength .08)."""
    folder = tmp_path_factory.mktemp("tables")
    clean = population(4_000, seed=2)
    smoker, urban = (clean[name].to_numpy(zero_copy_only=False).copy() for name in ("smoker", "urban"))
    up = np.flatnonzero(smoker & ~urban)[:320]
    down = np.flatnonzero(~smoker & urban)[:320]
    urban[up], urban[down] = True, False
    place = clean.column_names.index("urban")
    drawn = {
        "reference": population(4_000, seed=1),
        "clean": clean,
        "poisoned": clean.set_column(place, "urban", pa.array(urban)),
    }
    for name, table in drawn.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return {name: folder / f"{name}.parquet" for name in drawn}


@pytest.fixture(scope="session")
def program() -> Run:
    """Runs ``python -m credenza`` with these arguments and returns the finished process."""

    def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "credenza", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **options)  # type: ignore[call-overload,no-any-return]

    return run
