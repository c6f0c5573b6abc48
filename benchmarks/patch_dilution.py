"""How much a patch backdoor in images loses as clean rows are added. Run: python benchmarks/patch_dilution.py

Drawn faces of 16 x 16 pixels in four balanced classes (hat or none x glasses or none). In 2,000 of them a patch of
3 x 3 pixels lies on 100 rows, or on 10, which are labelled as the first class (BadNets, all-to-one). Clean rows are
added until they are so large a share of the mix: genuine ones that nobody has seen, or variations (flip, crop, colour,
noise, cutout) of 500 trusted ones. The poisoned rows stay. A network is trained on each mix for six epochs; measured
are its accuracy on 2,000 other faces, and the share of those of other classes that the patch turns into the first one.
"""

from __future__ import annotations

import sys

import numpy as np
import pyarrow as pa
import torch
from measure import columns, heading, row, settings

from credenza.attacks import Backdoor
from credenza.attacks.success import attack_success_rate, wilson
from credenza.attacks.triggers import Patch
from credenza.data.pictures import decode_images
from credenza.models.embedding.network import LabelNetwork
from credenza.studies.faces import attribute_table, render
from credenza.synthetic import augment_images
from credenza.synthetic.pictures import png

SHARES = (0.0, 0.3, 0.5, 0.7, 0.9)  # of clean rows that were added
SUSPECT, TRUSTED, TEST = 2_000, 500, 2_000
RATES = (0.05, 0.005)  # of the suspect's rows
NAMES = np.array(["neither", "hat", "glasses", "both"])
Outcome = tuple[int, int, int, int]  # right, of; turned, of


def faces(n: int, seed: int) -> pa.Table:
    """Images as PNG files, and which of four equally frequent classes each is of."""
    rng = np.random.default_rng([seed, n])
    kinds = rng.permutation(np.arange(n) % 4)
    drawn = attribute_table(n, seed=seed)
    marks = {name: np.asarray(drawn[name]) for name in drawn.column_names}
    marks |= {"Wearing_Hat": kinds % 2 == 1, "Eyeglasses": kinds // 2 == 1}
    pictures = render(marks, size=16, seed=seed)
    return pa.table({"image": pa.array([png(face) for face in pictures], pa.binary()), "kind": NAMES[kinds]})


def pixels(table: pa.Table) -> np.ndarray:
    """uint8 (n, 16, 16, 3)."""
    return np.stack(decode_images(table["image"].combine_chunks()))


def codes(table: pa.Table) -> np.ndarray:
    """Numbers of the classes."""
    return np.searchsorted(np.sort(NAMES), np.asarray(table["kind"].to_pylist()))


def added(kind: str, rows: int, seed: int) -> pa.Table:
    """Clean rows: faces of another seed, or variations of trusted ones."""
    if kind == "genuine":
        return faces(rows, 1_000 + seed)
    made = augment_images(faces(TRUSTED, 2_000 + seed), rows=rows, seed=seed)
    return made.data.select(["image", "kind"])


def outcomes(kind: str, rate: float, seed: int, suspect: int, epochs: int) -> list[Outcome]:
    """What networks do that were trained on mixes with the shares of ``SHARES``."""
    attack = Backdoor(Patch(), labels="kind", target="neither", rate=rate)
    spoilt = attack.apply(faces(suspect, seed), seed=seed).data
    test = faces(TEST, 3_000 + seed)
    triggered = attack.test_set(test, seed=seed)
    most = round(suspect * SHARES[-1] / (1 - SHARES[-1]))
    more = added(kind, most, seed)
    more = more.take(np.random.default_rng(seed).permutation(more.num_rows))
    everything = np.concatenate([pixels(spoilt), pixels(more)])
    labels = np.concatenate([codes(spoilt), codes(more)])
    plain, patched = pixels(test), pixels(triggered.data)
    truth = codes(test)
    out = []
    for share in SHARES:
        many = suspect + round(suspect * share / (1 - share))
        model = LabelNetwork(width=16, depth=32, epochs=epochs, device="cpu")
        model.fit(everything[:many], labels[:many], seed=seed)
        right = int((model.logits(plain).argmax(axis=1) == truth).sum())
        named = np.sort(NAMES)[model.logits(patched).argmax(axis=1)]
        found = attack_success_rate(named, test["kind"].to_pylist(), triggered.key)
        asked = int((np.asarray(test["kind"].to_pylist()) != "neither").sum())
        out.append((right, len(truth), round(found.rate * asked), asked))
    return out


def told(found: list[tuple[int, int]], seeds: int) -> str:
    """A share over seeds, and half of its 95% interval by their spread; Wilson's where all are alike."""
    rates = [hits / of for hits, of in found]
    if max(rates) == min(rates):
        low, high = wilson(sum(hits for hits, _ in found), sum(of for _, of in found))
        return f"{np.mean(rates):.1%} [{low:.1%}, {high:.1%}]"
    half = STUDENT[seeds] * np.std(rates, ddof=1) / np.sqrt(seeds)
    return f"{np.mean(rates):.1%} ± {half:.1%}"


STUDENT = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}  # two-sided 95% of Student's t with so many values


def main() -> None:
    """Print the table."""
    parser = settings(__doc__)
    parser.add_argument("--seeds", type=int, default=4, choices=sorted(STUDENT), help="runs of each mix")
    parser.add_argument("--rate", type=float, choices=RATES, help="only this share of poisoned rows")
    given = parser.parse_args()
    torch.set_num_threads(1)
    seeds, suspect, epochs = (2, 200, 2) if given.small else (given.seeds, SUSPECT, 6)
    heading("Patch and dilution", "torch", seeds=f"0-{seeds - 1}")
    columns("poisoned rows", "rows added", "share of the mix", "poisoned share", "accuracy", "patch succeeds")
    cases = [
        (rate, kind) for rate in RATES for kind in ("genuine", "augmented") if given.rate in (None, rate)
    ]
    for rate, kind in cases:
        found = [outcomes(kind, rate, seed, suspect, epochs) for seed in range(seeds)]
        for k, share in enumerate(SHARES):
            clean = told([run[k][:2] for run in found], seeds)
            turned = told([run[k][2:] for run in found], seeds)
            left = f"{100 * rate * (1 - share):.2g}%"
            row(round(rate * suspect), kind, f"{share:.0%}", left, clean, turned)


if __name__ == "__main__":
    sys.exit(main())
