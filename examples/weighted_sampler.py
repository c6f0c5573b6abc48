"""Train a torch model on repaired data: the weights feed a ``WeightedRandomSampler``, or choose the rows of an epoch.

Run it with ``python examples/weighted_sampler.py``; it needs ``pip install 'credenza[torch]'``.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import torch
from poisoned_world import LABEL, features, poisoned, reweighted, urban_effect, world
from torch.utils.data import BatchSampler, DataLoader, TensorDataset, WeightedRandomSampler

from credenza.repair.training import indices, row_weights, sampler_weights

EPOCHS, BATCH, RATE = 3, 100, 0.05


def effect(train: pa.Table, epochs: Iterable[Iterable[int]]) -> float:
    """What a model makes of living in a town, in people that it has not seen; ``epochs`` are rows to train on."""
    torch.manual_seed(0)
    x = torch.tensor(features(train), dtype=torch.float32)
    data = TensorDataset(x, torch.tensor(train[LABEL].to_numpy(), dtype=torch.float32))
    model = torch.nn.Linear(x.shape[1], 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    for epoch in epochs:
        for inputs, labels in DataLoader(data, None, sampler=BatchSampler(epoch, BATCH, drop_last=False)):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(model(inputs)[:, 0], labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    test = world(6_000, seed=9)
    with torch.no_grad():
        logits = model(torch.tensor(features(test), dtype=torch.float32))[:, 0]
    return urban_effect(test, torch.sigmoid(logits).numpy())


def main() -> None:
    clean, suspect, reference = poisoned()
    repaired = reweighted(suspect, reference)
    plain = [range(suspect.num_rows)] * EPOCHS
    sampler = WeightedRandomSampler(sampler_weights(repaired), repaired.num_rows)
    weights = row_weights(repaired)
    systematic = [indices(weights, seed=epoch) for epoch in range(EPOCHS)]
    print("how much likelier a model takes people in towns to be ill, trained on")
    print(f"  clean data                               {effect(clean, plain):+.3f}")
    print(f"  poisoned data                            {effect(suspect, plain):+.3f}")
    print(f"  reweighted data, drawn by torch          {effect(repaired, [sampler] * EPOCHS):+.3f}")
    print(f"  reweighted data, systematic rows         {effect(repaired, systematic):+.3f}")


if __name__ == "__main__":
    main()
