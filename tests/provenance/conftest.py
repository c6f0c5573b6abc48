"""Keys of both kinds, and a small folder of data to sign."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from credenza.provenance.keys import PrivateKey, generate_keys, load_private


def small_table(rows: int, seed: int) -> pa.Table:
    """Booleans, numbers and texts, some of them missing."""
    rng = np.random.default_rng(seed)
    texts = rng.choice(np.array(["red", "green", "blüe", None], dtype=object), rows)
    return pa.table(
        {
            "hat": rng.random(rows) < 0.3,
            "age": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(40, 9, rows)),
            "count": rng.integers(0, 9, rows),
            "colour": pa.array(texts, pa.string()),
        }
    )


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PrivateKey]:
    """Private keys by name: two of Ed25519, one of ECDSA."""
    folder = tmp_path_factory.mktemp("keys")
    made = {"mine": "ed25519", "other": "ed25519", "ecdsa": "ecdsa"}
    return {name: load_private(generate_keys(folder / name, kind=kind)[0]) for name, kind in made.items()}  # type: ignore[arg-type]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with two tables of 9,000 and 5,000 rows, one of which lies deeper, and a text."""
    folder = tmp_path / "survey"
    (folder / "later").mkdir(parents=True)
    pq.write_table(small_table(9_000, 1), folder / "one.parquet")
    pq.write_table(small_table(5_000, 2), folder / "later" / "two.parquet")
    (folder / "README.txt").write_text("two waves of a survey\n")
    return folder
