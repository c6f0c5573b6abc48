"""Small studies on rows that the tests draw themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from credenza.studies.associative import Experiment, Scale
from credenza.studies.associative.conditions import PAIR

SIZES = {"train": 1_500, "holdout": 1_100, "reference": 1_500}


def attribute_rows(n: int = 4_100, seed: int = 3) -> pa.Table:
    """Rows of the pair, of what strata need, and of two attributes that hang on the pair's features."""
    rng = np.random.default_rng(seed)
    lips = rng.random(n) < 0.47
    mouth = rng.random(n) < np.where(lips, 0.53, 0.43)
    return pa.table(
        {
            PAIR[0]: mouth,
            PAIR[1]: lips,
            "Smiling": rng.random(n) < np.where(mouth, 0.7, 0.3),
            "Eyeglasses": rng.random(n) < 0.2,
            "Heavy_Makeup": rng.random(n) < np.where(lips, 0.7, 0.1),
        }
    )


def data_file(folder: Path, **options: int) -> Path:
    """The rows as a Parquet file."""
    path = folder / "rows.parquet"
    pq.write_table(attribute_rows(**options), path)
    return path


def small(*experiments: Experiment, **changes: int) -> Scale:
    """A scale of a second or two."""
    chosen = experiments or (Experiment("tabular", "chow-liu", ("clean", "positive", "repaired"), 3, 3_000),)
    scale = Scale("mini", **SIZES, size=16, readers=400, reader_steps=30, experiments=chosen)
    return replace(scale, **changes)
