"""Poisoned CIFAR-10 pictures, and what a small network trained on them holds of each: kept on disk once made."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from credenza.attacks import Backdoor, LabelFlipping
from credenza.attacks.base import Attack
from credenza.attacks.image_triggers import Blend, Patch, Sinusoid
from credenza.data.pictures import decode_images

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "cifar10_train.parquet"
ROWS = 10_000  # of 20,000, drawn anew for each seed
TARGET = "airplane"
ATTACKS: dict[str, Attack | None] = {
    "patch 1%": Backdoor(Patch(), labels="label", target=TARGET, rate=0.01),
    "patch 5%": Backdoor(Patch(), labels="label", target=TARGET, rate=0.05),
    "blend 5%": Backdoor(Blend(), labels="label", target=TARGET, rate=0.05),
    "SIG 5% of a class": Backdoor(Sinusoid(), labels="label", target=TARGET, rate=0.05, clean_label=True),
    "random flips 5%": LabelFlipping("label", rate=0.05),
    "targeted flips 10%": LabelFlipping("label", kind="targeted", source="cat", target="dog", rate=0.1),
    "none": None,
}


@dataclass(frozen=True)
class World:
    """What the checks and their peers are given, and the truth.

    Attributes
    ----------
    embeddings : float32 (n, 64). losses : float32 (n, epochs), after each epoch. labels : int64 (n,), as in the data.
    classes : their names. planted : bool (n,).
    """

    embeddings: NDArray[np.float32]
    losses: NDArray[np.float32]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    planted: NDArray[np.bool_]


def world(attack: str, seed: int, folder: Path) -> World:
    """The representations of one attack and seed, from the folder where they are there, else made and kept there."""
    path = folder / f"{''.join(c if c.isalnum() else '-' for c in attack)}_{seed}.npz"
    try:
        with np.load(path) as held:
            return World(
                held["embeddings"], held["losses"], held["labels"], tuple(held["classes"]), held["planted"]
            )
    except (FileNotFoundError, zipfile.BadZipFile):
        made = made_world(attack, seed)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part.npz")
    np.savez(
        unfinished,
        embeddings=made.embeddings,
        losses=made.losses,
        labels=made.labels,
        classes=np.array(made.classes),
        planted=made.planted,
    )
    unfinished.replace(path)
    return made


def made_world(attack: str, seed: int) -> World:
    """Draw rows, poison them, train the package's own network on what comes out."""
    import torch

    from credenza.models.embedding.network import LabelNetwork

    torch.set_num_threads(1)
    table = pictures(seed)
    planted = np.zeros(ROWS, dtype=bool)
    if (plan := ATTACKS[attack]) is not None:
        poisoned = plan.apply(table, seed=seed)
        table = poisoned.data
        planted[np.asarray(poisoned.key.rows)] = True
    names, labels = np.unique(np.array(table["label"].to_pylist()), return_inverse=True)
    images = np.stack(decode_images(table["image"]))
    network = LabelNetwork(device="cpu").fit(images, labels, seed=seed)
    return World(network.features(images), network.losses, labels, tuple(map(str, names)), planted)


def pictures(seed: int) -> pa.Table:
    """Rows of the training set, without replacement."""
    table = pq.read_table(DATA, columns=["image", "label"])
    rows = np.sort(np.random.default_rng([seed, 7]).permutation(table.num_rows)[:ROWS])
    table = table.take(rows)
    return table.set_column(1, "label", table["label"].cast(pa.string()))
