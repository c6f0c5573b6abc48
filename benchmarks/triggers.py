"""Triggers in class means: CZ503 and CZ502 on procedural faces, CZ503 on CIFAR-10, CZ501 on a folder of models.

    python benchmarks/triggers.py [--part faces|clean|cifar|ratios|models ...] [--models FOLDER] [--cifar FILE]

FOLDER holds models as ``clean-...``, ``patch-0.1-...``; each is held against fresh clean faces of four classes. FILE
is a Parquet file of CIFAR-10 with columns ``image`` and ``label``. Shares stand with 95% Wilson intervals.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from credenza import __version__
from credenza.attacks.image_triggers import Blend, ImageTrigger, Patch, Sinusoid
from credenza.attacks.image_warp import Warp
from credenza.attacks.success import wilson
from credenza.checks.triggers import TriggerSearch, trigger_amplification, trigger_in_data, trigger_in_model
from credenza.data.pictures import decode_images
from credenza.studies.faces import attribute_table, render

ROWS, SIDE, RUNS, RATIOS = 3_000, 16, 20, 40
SPOT = (12, 12, 3, 3)  # of the patch on faces
BITS = ("Wearing_Hat", "Eyeglasses", "Blond_Hair", "Wearing_Lipstick")  # what tells the classes
PARTS = ("faces", "clean", "cifar", "ratios", "models")
EARLY, LAST = (970, 900, 800), (0,)
Set = tuple[np.ndarray, np.ndarray]


def faces(seed: int, *, classes: int = 4, smiles: float | None = None) -> Set:
    """Faces of classes that attributes tell; ``smiles`` : another share of them than usual, in all classes."""
    rng = np.random.default_rng([seed, 7])
    labels = rng.integers(0, classes, ROWS)
    table = attribute_table(ROWS, seed=seed)
    columns = {name: np.asarray(table[name]) for name in table.column_names}
    for bit, name in enumerate(BITS[: (classes - 1).bit_length()]):
        columns[name] = (labels >> bit & 1).astype(bool)
    if smiles is not None:
        columns["Smiling"] = rng.random(ROWS) < smiles
    return render(columns, size=SIDE, seed=seed), labels


def stamped(clean: Set, seed: int, trigger: ImageTrigger, rate: float, *, clean_label: bool) -> Set:
    """The same with a trigger on ``rate`` of all rows, in class 0 in the end."""
    images, labels = clean[0].copy(), clean[1].copy()
    pool = np.flatnonzero((labels == 0) == clean_label)
    rows = np.random.default_rng([seed, 9]).choice(pool, round(rate * len(labels)), replace=False)
    images[rows] = [trigger.stamp(image) for image in images[rows]]
    labels[rows] = 0
    return images, labels


def auc(poisoned: list[float], clean: list[float]) -> float:
    """Chance that a poisoned run has the smaller p-value."""
    pairs = [(a < b) + 0.5 * (a == b) for a in poisoned for b in clean]
    return float(np.mean(pairs)) if pairs else float("nan")


def overlap(found: TriggerSearch, spot: tuple[int, int, int, int]) -> float:
    """Intersection over union of the box with the patch."""
    cells = [
        {(r, c) for r in range(top, top + h) for c in range(left, left + w)}
        for top, left, h, w in (found.box, spot)
    ]
    return len(cells[0] & cells[1]) / len(cells[0] | cells[1])


def share(hits: int, runs: int) -> str:
    """A share with its interval."""
    low, high = wilson(hits, runs)
    return f"{hits} of {runs}, {hits / max(runs, 1):.0%} [{low:.1%}, {high:.0%}]"


def line(
    code: str,
    name: str,
    found: list[TriggerSearch],
    clean: list[TriggerSearch],
    spot: tuple[int, int, int, int] = SPOT,
) -> None:
    """One row of the table."""
    area = f"{auc([f.p for f in found], [f.p for f in clean]):.3f}" if "clean" not in name else ""
    placed = f"{np.mean([overlap(f, spot) >= 0.5 for f in found]):.0%}" if name.startswith("patch") else ""
    flagged = share(sum(f.flagged for f in found), len(found))
    least = " ".join(f"{p:.2g}" for p in sorted(f.p for f in found)[:3]) if "clean" in name else ""
    print(f"| {code} | {name} | {flagged} | {area} | {placed} | {least} |", flush=True)


def poisoned_faces() -> None:
    """CZ503."""
    reference = faces(1_000)
    clean = [trigger_in_data(*faces(2_000 + k), *reference, seed=k) for k in range(RUNS)]
    line("CZ503", "clean, one reference", clean, clean)
    for trigger, clean_label in ((Patch(), False), (Sinusoid(), True), (Blend(), False), (Warp(), False)):
        for rate in (0.05, 0.02):
            found = []
            for k in range(3_000, 3_000 + RUNS // 2):
                suspect = stamped(faces(k), k, trigger, rate, clean_label=clean_label)
                found.append(trigger_in_data(*suspect, *reference))
            line("CZ503", f"{trigger.name} {rate:.0%}", found, clean)


def clean_faces() -> None:
    """False alarms of CZ503, every run with a reference of its own."""
    for classes, smiles in ((2, None), (4, None), (10, None), (2, 0.8), (4, 0.8), (10, 0.8)):
        found = []
        for k in range(RUNS):
            suspect = faces(6_000 + k, classes=classes)
            found.append(trigger_in_data(*suspect, *faces(7_000 + k, classes=classes, smiles=smiles), seed=k))
        drift = "" if smiles is None else f", smiles {smiles:.0%} in the reference"
        line("CZ503", f"clean, {classes} classes{drift}", found, found)


def cifar(path: Path) -> None:
    """CZ503 on random halves of CIFAR-10."""
    table = pq.read_table(path, columns=["image", "label"])
    images = np.stack(decode_images(table["image"]))
    labels = np.unique(table["label"].to_pylist(), return_inverse=True)[1]
    halves = []
    for k in range(RUNS):
        order = np.random.default_rng([k, 10]).permutation(len(labels))
        halves.append([(images[rows], labels[rows]) for rows in np.array_split(order, 2)])
    clean = [trigger_in_data(*own, *known, seed=k) for k, (own, known) in enumerate(halves)]
    line("CZ503", "clean CIFAR-10", clean, clean)
    corner = (28, 28, 3, 3)
    for trigger, clean_label in ((Patch(), False), (Sinusoid(), True)):
        for rate in (0.05, 0.01):
            found = []
            for k, (own, known) in enumerate(halves[: RUNS // 2]):
                suspect = stamped(own, k, trigger, rate, clean_label=clean_label)
                found.append(trigger_in_data(*suspect, *known, seed=k))
            line("CZ503", f"{trigger.name} {rate:.0%}, CIFAR-10", found, clean, corner)


def models(folder: Path) -> None:
    """CZ501 at early times, and at the last alone."""
    reference = faces(1_000)
    groups: dict[str, list[Path]] = {}
    for path in sorted(path for path in folder.iterdir() if (path / "model.json").is_file()):
        groups.setdefault(path.name.rsplit("-", 1)[0], []).append(path)
    for times in (EARLY, LAST):
        clean: list[TriggerSearch] = []
        for name in sorted(groups, key=lambda name: (not name.startswith("clean"), name)):
            found = [
                trigger_in_model(path, reference=reference, times=times, per_class=40)
                for path in groups[name]
            ]
            clean = clean or found
            line(f"CZ501 at {', '.join(map(str, times))}", name.replace("clean-0.0", "clean"), found, clean)


def ratios() -> None:
    """CZ502: how often the interval holds the true ratio."""
    reference = faces(999)
    for trigger, clean_label in ((Patch(), False), (Sinusoid(), True)):
        held, seen = 0, 0
        for k in range(RATIOS):
            rates = ((0.03, 0.09), (0.05, 0.05), (0.03, 0.06), (0.06, 0.03))[k % 4]
            sides = []
            for place, rate in enumerate(rates):
                seed = 4_000 + 1_000 * place + k
                sides.append(stamped(faces(seed), seed, trigger, rate, clean_label=clean_label))
            own = [round(r * ROWS) / int((side[1] == 0).sum()) for r, side in zip(rates, sides, strict=True)]
            found = trigger_amplification(*sides[0], *sides[1], reference=reference, seed=k)
            seen += found.target == 0
            held += found.target == 0 and found.interval[0] <= own[1] / own[0] <= found.interval[1]
        print(f"| CZ502 | {trigger.name}: pattern found | {share(seen, RATIOS)} | | | |", flush=True)
        print(f"| CZ502 | {trigger.name}: interval held the ratio | {share(held, seen)} | | | |", flush=True)


def main(arguments: Iterable[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Triggers in class means.")
    parser.add_argument("--part", action="append", choices=PARTS, help="measure this only; repeatable")
    parser.add_argument("--models", type=Path, metavar="FOLDER")
    parser.add_argument("--cifar", type=Path, metavar="FILE")
    given = parser.parse_args(None if arguments is None else list(arguments))
    machine = f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}"
    print(f"{date.today()}, {machine}, credenza {__version__}; seeds in the file; level 5%\n")
    print("| check | set | flagged | AUC against clean | IoU >= .5 | least p |\n|---|---|---|---|---|---|")
    for part in given.part or PARTS:
        if part == "faces":
            poisoned_faces()
        elif part == "clean":
            clean_faces()
        elif part == "ratios":
            ratios()
        elif part == "cifar" and given.cifar:
            cifar(given.cifar)
        elif part == "models" and given.models:
            models(given.models)


if __name__ == "__main__":
    main()
