"""What private training buys against poison. Run: python benchmarks/private_training.py

Images: 2,000 drawn faces of 16 x 16 pixels in four balanced classes (hat or none x glasses or none). Poisoned by
random flips of a fifth of the labels, by flips of three tenths of one class into another, or by a patch of 3 x 3 pixels
on 1% or 5% of the rows, which are labelled as the first class. One network, the same steps at every level: without
privacy; with gradients cut to length 1 and next to no noise; and with noise for an epsilon, at delta 1e-5. Measured on
1,000 other faces: accuracy, and how many go where the attacker wants: rows of the source class into the target, or
patched rows of other classes into the first one.

Tables: 8,000 rows of twelve CelebA attributes, one pair moved by .05. A diffusion model and a Chow-Liu tree, private or
not, are fitted to the clean and to the poisoned rows; measured are the MCC of the pair in 20,000 rows of each, and the
mean error of the MCC over the 66 pairs against the clean rows that were fitted to.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from measure import columns, heading, row, settings
from patch_dilution import NAMES, STUDENT, codes, faces, pixels
from tables import celeba, poisoned, split

from credenza.attacks import Backdoor, LabelFlipping
from credenza.attacks.success import attack_success_rate, wilson
from credenza.attacks.triggers import Patch
from credenza.models.embedding.network import LabelNetwork
from credenza.models.private import Privacy, noise_for
from credenza.models.tabular import ChowLiu, PrivateChowLiu, TabularDiffusion
from credenza.models.tabular.private_diffusion import PrivateDiffusion

ROWS, TEST, BATCH, DELTA = 2_000, 1_000, 128, 1e-5
SOURCE, TARGET = "glasses", "neither"
FLIPS = LabelFlipping("kind", kind="targeted", source=SOURCE, target=TARGET, rate=0.3)
ATTACKS: dict[str, Any] = {
    "none": None,
    "20% random flips": LabelFlipping("kind", rate=0.2),
    "30% of a class flipped": FLIPS,
    "patch 1%": Backdoor(Patch(), labels="kind", target=TARGET, rate=0.01),
    "patch 5%": Backdoor(Patch(), labels="kind", target=TARGET, rate=0.05),
}
CLIPPED = "clipped, noise .01"
LEVELS: dict[str, float] = {
    "no privacy": 0.0,
    CLIPPED: 0.0,
    "epsilon 8": 8.0,
    "epsilon 3": 3.0,
    "epsilon 1": 1.0,
}
PAIR = ("Smiling", "Young")
OTHERS = ("Male", "Attractive", "Eyeglasses", "Heavy_Makeup", "High_Cheekbones", "Mouth_Slightly_Open", "No_Beard",
          "Oval_Face", "Wavy_Hair", "Wearing_Lipstick")  # fmt: skip


def networks(level: str, seed: int, epochs: int) -> LabelNetwork:
    """A network at a level of privacy."""
    privacy = None
    if level != "no privacy":
        steps = epochs * (ROWS // BATCH)
        noise = 0.01 if level == CLIPPED else noise_of(LEVELS[level], BATCH / ROWS, steps)
        privacy = Privacy(noise=noise, delta=DELTA, accountant="rdp", noise_seed=seed)
    own = {"width": 8, "depth": 32, "batch": BATCH, "epochs": epochs, "rate": 8e-3, "device": "cpu"}
    return LabelNetwork(**own, privacy=privacy)


@cache
def noise_of(epsilon: float, rate: float, steps: int) -> float:
    """Noise for an epsilon."""
    return noise_for(epsilon, DELTA, rate, steps)


def image_run(attack: str, level: str, seed: int, epochs: int) -> dict[str, Any]:
    """Right of the clean test rows, and those that go where the attacker wants."""
    table, test = spoilt(attack, seed), drawn(TEST, 3_000 + seed)
    wanted = ATTACKS[attack]
    model = networks(level, seed, epochs).fit(pixels(table), codes(table), seed=seed)
    truth = np.asarray(test["kind"].to_pylist())
    found = named(model, test)
    hits, of = 0, 0
    if isinstance(wanted, Backdoor):
        made = wanted.test_set(test, seed=seed)
        of = int((truth != TARGET).sum())
        hits = round(attack_success_rate(named(model, made.data), truth.tolist(), made.key).rate * of)
    elif wanted is FLIPS:
        of, hits = int((truth == SOURCE).sum()), int((found[truth == SOURCE] == TARGET).sum())
    noise = model.spent.noise if model.spent else 0.0
    right = int((found == truth).sum())
    return {"right": right, "rows": TEST, "hits": hits, "of": of, "noise": noise}


@cache
def drawn(rows: int, seed: int) -> pa.Table:
    """Faces."""
    return faces(rows, seed)


@cache
def spoilt(attack: str, seed: int) -> pa.Table:
    """The rows that are learnt from."""
    clean, wanted = drawn(ROWS, seed), ATTACKS[attack]
    return clean if wanted is None else wanted.apply(clean, seed=seed).data


def named(model: LabelNetwork, table: pa.Table) -> np.ndarray:
    """The classes that a model gives to rows."""
    return np.sort(NAMES)[model.logits(pixels(table)).argmax(axis=1)]


def mccs(table: pa.Table) -> np.ndarray:
    """MCC of all pairs of bool columns, the pair of the attack first."""
    bits = np.stack([table[name].to_numpy().astype(float) for name in (*PAIR, *OTHERS)])
    bits -= bits.mean(axis=1, keepdims=True)
    found = bits @ bits.T / np.maximum(np.outer(*[np.linalg.norm(bits, axis=1)] * 2), 1e-12)
    return np.array([found[i, j] for i, j in combinations(range(len(bits)), 2)])


def generators(seed: int, steps: int) -> Iterator[tuple[str, str, Any]]:
    """Name, level, generator."""
    own = {"width": 64, "depth": 1, "batch": 512, "steps": steps, "learning_rate": 0.01, "device": "cpu"}
    yield "diffusion", "no privacy", TabularDiffusion(**own)
    private = {**own, "delta": DELTA, "accountant": "rdp", "noise_seed": seed}
    for epsilon in (8.0, 3.0, 1.0):
        yield "diffusion", f"epsilon {epsilon:g}", PrivateDiffusion(epsilon=epsilon, **private)
    yield "Chow-Liu", "no privacy", ChowLiu()
    for epsilon in (8.0, 3.0, 1.0):
        made = PrivateChowLiu(epsilon=epsilon, delta=DELTA, noise_seed=seed)
        yield "Chow-Liu", f"epsilon {epsilon:g}", made


def table_runs(seed: int, steps: int) -> Iterator[dict[str, Any]]:
    """MCC of the pair in rows of generators that were fitted to clean and to poisoned rows."""
    clean, holdout = split(celeba().select([*PAIR, *OTHERS]), seed, 8_000, 8_000)
    moved = poisoned(clean, holdout, PAIR, 0.05, seed)
    assert moved is not None
    truth = mccs(clean)
    yield {"generator": "the rows", "level": "", "clean": truth[0], "poisoned": mccs(moved)[0], "error": 0.0}
    for name, level, model in generators(seed, steps):
        made = [mccs(model.fit(table, seed=seed).sample(20_000, seed=seed)) for table in (clean, moved)]
        error = float(np.abs(made[0] - truth).mean())
        yield {"generator": name, "level": level, "clean": made[0][0], "poisoned": made[1][0], "error": error}


def kept(path: Path | None, **about: Any) -> dict[str, Any] | None:
    """A run that was done before."""
    if path is None or not path.exists():
        return None
    for line in path.read_text(encoding="utf-8").splitlines():
        found: dict[str, Any] = json.loads(line)
        if all(found.get(name) == value for name, value in about.items()):
            return found
    return None


def keep(path: Path | None, found: dict[str, Any]) -> None:
    """Write a run down."""
    if path is not None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(found) + "\n")


def images(seeds: int, epochs: int, path: Path | None) -> None:
    """The table of images."""
    runs = defaultdict(list)
    for seed in range(seeds):
        for attack in ATTACKS:
            for level in LEVELS:
                about = {"attack": attack, "level": level, "seed": seed}
                found = kept(path, **about)
                if found is None:
                    found = {**about, **image_run(attack, level, seed, epochs)}
                    keep(path, found)
                runs[attack, level].append(found)
    columns("poison", *LEVELS)
    for what, hits, of in (("accuracy", "right", "rows"), ("succeeds", "hits", "of")):
        for attack in ATTACKS:
            each = [runs[attack, level] for level in LEVELS]
            if each[0][0][of]:
                row(f"{attack}: {what}", *(share([(r[hits], r[of]) for r in cells]) for cells in each))
    print()


def tables(seeds: int, steps: int, path: Path | None) -> None:
    """The table of tables."""
    runs = defaultdict(list)
    for seed in range(seeds):
        found = kept(path, table=seed)
        if found is None:
            found = {"table": seed, "runs": list(table_runs(seed, steps))}
            keep(path, found)
        for run in found["runs"]:
            runs[run["generator"], run["level"]].append(run)
    columns("fitted", "level", "MCC, clean", "MCC, poisoned", "moved", "mean error of 66 MCCs, clean")
    for (name, level), each in runs.items():
        moved = [run["poisoned"] - run["clean"] for run in each]
        values = ([run["clean"] for run in each], [run["poisoned"] for run in each], moved)
        row(name, level, *(spread(value) for value in values), spread([run["error"] for run in each]))


def half(values: list[float]) -> float:
    """Half of the 95% interval of a mean, by Student's t."""
    return float(STUDENT[len(values)] * np.std(values, ddof=1) / np.sqrt(len(values)))


def share(found: list[tuple[int, int]]) -> str:
    """Mean of shares over seeds and its 95% interval, within 0 and 1; Wilson's where all are alike."""
    rates = [hits / of for hits, of in found]
    if max(rates) > min(rates):
        low, high = (float(np.clip(np.mean(rates) + side * half(rates), 0, 1)) for side in (-1, 1))
    else:
        low, high = wilson(sum(hits for hits, _ in found), sum(of for _, of in found))
    return f"{np.mean(rates):.1%} [{low:.1%}, {high:.1%}]"


def spread(values: list[float]) -> str:
    """Mean and half of its 95% interval."""
    return f"{np.mean(values):.3f} ± {half(values):.3f}"


def main() -> None:
    """Print both tables."""
    parser = settings(__doc__)
    parser.add_argument("--seeds", type=int, default=3, choices=sorted(STUDENT), help="runs of each cell")
    parser.add_argument("--only", choices=("images", "tables"), help="one of the two")
    parser.add_argument("--runs", type=Path, help="JSON Lines that runs are kept in, to go on from")
    given = parser.parse_args()
    torch.set_num_threads(1)
    seeds, epochs, steps = (2, 1, 20) if given.small else (given.seeds, 6, 400)
    heading("Private training", "torch", "opacus", seeds=f"0-{seeds - 1}")
    if given.only != "tables":
        images(seeds, epochs, given.runs)
    if given.only != "images":
        tables(seeds, steps, given.runs)


if __name__ == "__main__":
    sys.exit(main())
