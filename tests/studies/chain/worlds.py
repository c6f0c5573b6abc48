"""Images with classes that the tests draw themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from credenza.studies.chain import SCALES, Scale
from credenza.studies.chain.settings import Group
from credenza.studies.chain.world import Labelled
from credenza.synthetic.pictures import png


def labelled(n: int, classes: int = 4, size: int = 16, seed: int = 1) -> Labelled:
    """Grey grain around a brightness that tells the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    shade = 60 + 40 * labels[:, None, None, None]
    images = shade + rng.normal(0, 12, (n, size, size, 3))
    return Labelled(np.clip(images, 0, 255).astype(np.uint8), labels.astype(np.int64))


def data_file(folder: Path, rows: Labelled) -> Path:
    """The rows as a Parquet file of PNGs and labels."""
    path = folder / "images.parquet"
    labels = [f"class {label}" for label in rows.labels]
    pq.write_table(pa.table({"image": [png(image) for image in rows.images], "label": labels}), path)
    return path


def small(*groups: Group) -> Scale:
    """A scale of some seconds."""
    return replace(SCALES["tiny"], groups=groups or (Group("clean", 1), Group("patch-10", 1)))
