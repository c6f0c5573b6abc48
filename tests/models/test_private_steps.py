"""Steps of DP-SGD: rows by chance, gradients of rows as one row at a time gives them, clipping, noise, the account."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from credenza.errors import UsageError
from credenza.models import private_steps as module
from credenza.models.embedding.network import NetworkSettings, new_network
from credenza.models.private import Privacy
from credenza.models.private_steps import PrivateSteps, without_batch_norm

pytest.importorskip("opacus")
ROWS = 30


def images(memory: torch.memory_format) -> torch.Tensor:
    stream = torch.Generator().manual_seed(0)
    return torch.randn(ROWS, 3, 12, 12, generator=stream).contiguous(memory_format=memory)


def network(memory: torch.memory_format = torch.channels_last) -> nn.Module:
    with torch.random.fork_rng([]):
        torch.manual_seed(1)
        net = without_batch_norm(new_network((12, 12, 3), 3, NetworkSettings(width=16, depth=8)))
    return net.to(memory_format=memory).train()


def steps_of(
    net: nn.Module, *, noise: float = 1.0, clip: float = 1.0, batch: int = 10, delta: float = 1e-5
) -> PrivateSteps:
    x, y = images(torch.channels_last), torch.arange(ROWS) % 3
    return PrivateSteps(
        net,
        torch.optim.SGD(net.parameters(), lr=1.0),
        Privacy(noise=noise, clip=clip, delta=delta, noise_seed=5, accountant="rdp"),
        rows=ROWS,
        batch=batch,
        steps=4,
        losses=lambda rows, stream: nn.functional.cross_entropy(net(x[rows]), y[rows], reduction="none"),
    )


def clipped_sum(net: nn.Module, rows: np.ndarray, clip: float) -> torch.Tensor:
    """The sum of the gradients of rows, each of them cut, one row at a time."""
    x, y = images(torch.contiguous_format), torch.arange(ROWS) % 3
    total = torch.zeros(sum(value.numel() for value in net.parameters()))
    for row in rows:
        net.zero_grad()
        nn.functional.cross_entropy(net(x[row : row + 1]), y[row : row + 1]).backward()
        gradient = torch.cat([value.grad.flatten() for value in net.parameters()])
        total += gradient * min(1.0, clip / (float(gradient.norm()) + 1e-6))
    return total


def flat(net: nn.Module) -> torch.Tensor:
    return torch.cat([value.detach().clone().flatten() for value in net.parameters()])


@pytest.mark.parametrize("clip", [0.05, 100.0])
def test_a_step_is_the_clipped_sum_of_single_gradients(clip: float, monkeypatch: pytest.MonkeyPatch) -> None:
    net, twin = network(), network(torch.contiguous_format)
    before = flat(net)
    rows = steps_of(network(), noise=1e-9).batch(0)
    wanted = before - clipped_sum(twin, rows, clip) / 10
    steps_of(net, noise=1e-9, clip=clip).step(0)
    assert torch.allclose(flat(net), wanted, atol=1e-6)
    monkeypatch.setattr(module, "MEMORY", 3 * len(before))  # rows in parts of three
    parts = network()
    steps_of(parts, noise=1e-9, clip=clip).step(0)
    assert torch.allclose(flat(parts), wanted, atol=1e-6)


def test_noise_has_the_deviation_that_is_said() -> None:
    net, quiet = network(), network()
    steps_of(net, noise=2.0, clip=0.5).step(0)
    steps_of(quiet, noise=1e-9, clip=0.5).step(0)
    noise = (flat(net) - flat(quiet)) * 10
    assert float(noise.std()) == pytest.approx(2.0 * 0.5, rel=0.02)
    assert abs(float(noise.mean())) < 4 / math.sqrt(len(noise))


def test_rows_are_taken_by_chance() -> None:
    steps = steps_of(network())
    drawn = [steps.batch(index) for index in range(600)]
    sizes = np.array([len(rows) for rows in drawn])
    assert steps.rate == pytest.approx(1 / 3)
    assert sizes.mean() == pytest.approx(10, abs=4 * math.sqrt(20 / 3 / 600))
    assert sizes.var() == pytest.approx(20 / 3, rel=0.25)
    share = np.bincount(np.concatenate(drawn), minlength=ROWS) / 600
    assert np.abs(share - 1 / 3).max() < 4.5 * math.sqrt(2 / 9 / 600)
    assert len(steps_of(network(), batch=99).batch(0)) == ROWS


def test_an_empty_batch_is_a_step_of_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network()
    steps = steps_of(net)
    monkeypatch.setattr(steps, "batch", lambda index: np.empty(0, np.int64))
    before = flat(net)
    assert float(steps.step(0)) == 0
    assert float((flat(net) - before).std()) == pytest.approx(0.1, rel=0.05)
    assert steps.finished().steps == 1


def test_the_system_s_chance_is_used_without_a_seed() -> None:
    one, other = (Privacy(noise=1.0, accountant="rdp") for _ in range(2))
    nets = [nn.Linear(2, 1) for _ in range(2)]
    drawn = []
    for net, privacy in zip(nets, (one, other), strict=True):
        optimiser = torch.optim.SGD(net.parameters(), lr=1.0)
        steps = PrivateSteps(
            net,
            optimiser,
            privacy,
            rows=200,
            batch=50,
            steps=1,
            losses=lambda rows, stream: torch.zeros(len(rows)),
        )
        drawn.append(steps.batch(0).tolist())
    assert drawn[0] != drawn[1]


def test_the_account_and_the_network_afterwards() -> None:
    net = network()
    steps = steps_of(net)
    for index in range(3):
        steps.step(index)
    again = steps_of(network())
    again.restore(steps.state())
    again.step(3)
    assert again.finished().steps == 4
    cost = steps.finished()
    assert (cost.noise, cost.clip, cost.rate, cost.steps, cost.repeatable) == (1.0, 1.0, 1 / 3, 3, True)
    assert not any(hasattr(value, "grad_sample") for value in net.parameters())
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in net.modules())


def test_layers_that_mix_rows_are_refused() -> None:
    net = new_network((12, 12, 3), 3, NetworkSettings(width=4, depth=4))
    with pytest.raises(
        UsageError,
        match=r"^private training needs the gradient of each row by itself, which BatchNorm2d \(3\) does not give;",
    ):
        steps_of(net)


def test_a_delta_that_gives_a_row_away_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"^delta is below 1 / rows, 0\.033 for 30 rows; found 0\.05: a larger"
    ):
        steps_of(network(), delta=0.05)


def test_groups_take_the_place_of_batches() -> None:
    net = without_batch_norm(nn.Sequential(nn.BatchNorm2d(4), nn.Sequential(nn.BatchNorm1d(24), nn.ReLU())))
    groups = [layer.num_groups for layer in net.modules() if isinstance(layer, nn.GroupNorm)]
    assert groups == [1, 3]
