"""Triggers in class means: CZ503 and CZ502 on procedural faces, CZ501 on a folder of diffusion models.

    python benchmarks/triggers.py [FOLDER]

FOLDER holds models as ``clean-...``, ``patch-0.1-...``; each is held against fresh clean faces of four classes.
"""

from __future__ import annotations

import platform
import sys
from datetime import date
from pathlib import Path

import numpy as np

from credenza import __version__
from credenza.attacks.image_triggers import Blend, ImageTrigger, Patch, Sinusoid
from credenza.attacks.image_warp import Warp
from credenza.checks.triggers import TriggerSearch, trigger_amplification, trigger_in_data, trigger_in_model
from credenza.studies.faces import attribute_table, render

ROWS, SIDE, RUNS, RATIOS = 3_000, 16, 20, 40
SPOT = (12, 12, 3, 3)  # of the patch
Set = tuple[np.ndarray, np.ndarray]


def faces(seed: int) -> Set:
    """Faces of four classes: hat or not, glasses or not."""
    labels = np.random.default_rng([seed, 7]).integers(0, 4, ROWS)
    table = attribute_table(ROWS, seed=seed)
    columns = {name: np.asarray(table[name]) for name in table.column_names}
    columns |= {"Wearing_Hat": (labels & 1).astype(bool), "Eyeglasses": (labels >> 1).astype(bool)}
    return render(columns, size=SIDE, seed=seed), labels


def stamped(seed: int, trigger: ImageTrigger, rate: float, *, clean_label: bool) -> Set:
    """Faces with a trigger on ``rate`` of all rows, in class 0 in the end."""
    images, labels = faces(seed)
    pool = np.flatnonzero((labels == 0) == clean_label)
    rows = np.random.default_rng([seed, 9]).choice(pool, round(rate * ROWS), replace=False)
    images[rows] = [trigger.stamp(image) for image in images[rows]]
    labels[rows] = 0
    return images, labels


def auc(poisoned: list[float], clean: list[float]) -> float:
    """Chance that a poisoned run has the smaller p-value."""
    pairs = [(a < b) + 0.5 * (a == b) for a in poisoned for b in clean]
    return float(np.mean(pairs)) if pairs else float("nan")


def overlap(found: TriggerSearch) -> float:
    """Intersection over union of the box with the patch."""
    cells = [
        {(r, c) for r in range(top, top + h) for c in range(left, left + w)}
        for top, left, h, w in (found.box, SPOT)
    ]
    return len(cells[0] & cells[1]) / len(cells[0] | cells[1])


def line(code: str, name: str, found: list[TriggerSearch], clean: list[TriggerSearch]) -> None:
    """One row of the table."""
    area = f"{auc([f.p for f in found], [f.p for f in clean]):.3f}" if name != "clean" else ""
    placed = f"{np.mean([overlap(f) >= 0.5 for f in found]):.0%}" if name.startswith("patch") else ""
    flagged = sum(f.flagged for f in found)
    print(f"| {code} | {name} | {len(found)} | {flagged} | {area} | {placed} |", flush=True)


def data_sets() -> None:
    """CZ503."""
    reference = faces(1_000)
    clean = [trigger_in_data(*faces(2_000 + k), *reference, seed=k) for k in range(RUNS)]
    line("CZ503", "clean", clean, clean)
    for trigger, clean_label in ((Patch(), False), (Sinusoid(), True), (Blend(), False), (Warp(), False)):
        for rate in (0.05, 0.02):
            found = [
                trigger_in_data(*stamped(3_000 + k, trigger, rate, clean_label=clean_label), *reference)
                for k in range(RUNS // 2)
            ]
            line("CZ503", f"{trigger.name} {rate:.0%}", found, clean)


def models(folder: Path) -> None:
    """CZ501 at early times, and at the last alone."""
    reference = faces(1_000)
    for times in ((970, 900, 800), (0,)):
        groups: dict[str, list[TriggerSearch]] = {}
        for path in sorted(path for path in folder.iterdir() if (path / "model.json").is_file()):
            found = trigger_in_model(path, reference=reference, times=times, per_class=40)
            groups.setdefault(path.name.rsplit("-", 1)[0], []).append(found)
        clean = next((group for name, group in groups.items() if name.startswith("clean")), [])
        for name, group in groups.items():
            line(f"CZ501 at {times[0]}-{times[-1]}", name.replace("clean-0.0", "clean"), group, clean)


def ratios() -> None:
    """CZ502: how often the interval holds the true ratio."""
    reference = faces(999)
    for trigger, clean_label in ((Patch(), False), (Sinusoid(), True)):
        held, seen = 0, 0
        for k in range(RATIOS):
            rates = ((0.03, 0.09), (0.05, 0.05), (0.03, 0.06), (0.06, 0.03))[k % 4]
            sides = [
                stamped(4_000 + 1_000 * place + k, trigger, rate, clean_label=clean_label)
                for place, rate in enumerate(rates)
            ]
            own = [
                round(rate * ROWS) / int((side[1] == 0).sum())
                for rate, side in zip(rates, sides, strict=True)
            ]
            found = trigger_amplification(*sides[0], *sides[1], reference=reference, seed=k)
            seen += found.target == 0
            held += found.target == 0 and found.interval[0] <= own[1] / own[0] <= found.interval[1]
        print(
            f"| CZ502 | {trigger.name} | {RATIOS} | pattern found {seen}, ratio held {held} | | |", flush=True
        )


def main() -> None:
    """Print the table."""
    machine = f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}"
    print(f"{date.today()}, {machine}, credenza {__version__}; seeds in the file; level 5%\n")
    print("| check | set | runs | flagged | AUC against clean | IoU >= .5 |\n|---|---|---|---|---|---|")
    data_sets()
    ratios()
    if len(sys.argv) > 1:
        models(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
