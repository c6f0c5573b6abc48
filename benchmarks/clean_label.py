"""Does a clean-label backdoor work, and what does the perturbation add? Run: python benchmarks/clean_label.py FOLDER.

FOLDER holds cifar10_train.parquet and cifar10_test.parquet (columns image, label). Two classes, 1,000 training pictures
of each, a small network; the share of triggered test pictures that fresh networks take for the target.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from torch import nn

from credenza.attacks import Backdoor, LabelConsistent, attack_success_rate
from credenza.attacks.image_triggers import Patch
from credenza.data.pictures import decode_images

CLASSES = ("airplane", "automobile")
TARGET, RATE, EPSILON, EPOCHS = "airplane", 0.2, 16 / 255, 10
SEEDS = (1, 2, 3)
TRIGGER = Patch(size=3, margin=1)


def load(path: Path, rows: int) -> pa.Table:
    """The first rows of each class."""
    table = pq.read_table(path, columns=["image", "label"])
    table = table.set_column(1, "label", table["label"].cast(pa.string()))
    return pa.concat_tables(table.filter(pc.equal(table["label"], name)).slice(0, rows) for name in CLASSES)


def arrays(table: pa.Table) -> tuple[torch.Tensor, torch.Tensor]:
    pictures = np.stack(decode_images(table["image"])).transpose(0, 3, 1, 2)
    labels = [CLASSES.index(label) for label in table["label"].to_pylist()]
    return torch.from_numpy(pictures.copy()).float() / 255, torch.tensor(labels)


def perturbed(net: nn.Module, x: torch.Tensor, y: torch.Tensor, bound: float) -> torch.Tensor:
    """Three steps of gradient ascent within the bound."""
    change = (torch.rand_like(x) * 2 - 1) * bound
    for _ in range(3):
        change.requires_grad_()
        slope = torch.autograd.grad(nn.functional.cross_entropy(net(x + change), y), change)[0]
        change = (change.detach() + bound / 2 * slope.sign()).clamp(-bound, bound)
    return (x + change).clamp(0, 1)


def trained(table: pa.Table, seed: int, bound: float = 0.0) -> nn.Module:
    """A network trained on the table; on perturbed pictures, if there is a bound (adversarial training)."""
    torch.manual_seed(seed)
    layers = [
        layer for a, b in ((3, 16), (16, 32), (32, 32)) for layer in (nn.Conv2d(a, b, 3, 2, 1), nn.ReLU())
    ]
    net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 2))
    optimiser, order = torch.optim.Adam(net.parameters(), 1e-3), torch.Generator().manual_seed(seed)
    x, y = arrays(table)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(x), generator=order).split(64):
            seen = perturbed(net, x[batch], y[batch], bound) if bound else x[batch]
            optimiser.zero_grad()
            nn.functional.cross_entropy(net(seen), y[batch]).backward()
            optimiser.step()
    return net.eval()


def predictions(net: nn.Module, table: pa.Table) -> list[str]:
    with torch.no_grad():
        return [CLASSES[code] for code in net(arrays(table)[0]).argmax(1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    torch.set_num_threads(1)
    started = time.perf_counter()
    train, test = load(folder / "cifar10_train.parquet", 1_000), load(folder / "cifar10_test.parquet", 400)
    patch = Backdoor(TRIGGER, labels="label", target=TARGET, rate=RATE, clean_label=True)
    probe = patch.test_set(test, seed=0)
    truth = test["label"].to_pylist()
    sets = {"clean": train, "patch alone": patch.apply(train, seed=0).data}
    for name, bound in (("perturbed, ordinary model", 0.0), ("perturbed, robust model", 8 / 255)):
        model = trained(train, 0, bound)
        attack = LabelConsistent(
            TRIGGER, model=model, labels="label", target=TARGET, rate=RATE, epsilon=EPSILON
        )
        sets[name] = attack.apply(train, seed=0).data
    for name, table in sets.items():
        for seed in SEEDS:
            net = trained(table, seed)
            accuracy = np.mean([a == b for a, b in zip(predictions(net, test), truth, strict=True)])
            success = attack_success_rate(predictions(net, probe.data), truth, probe.key)
            print(f"{name}\tseed {seed}\taccuracy {accuracy:.3f}\tsuccess {success.rate:.3f}", flush=True)
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
