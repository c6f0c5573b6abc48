"""The private diffusion model of images: gradients of rows, what it costs, what it keeps to itself, resuming."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from credenza.models.ddpm import DDPM
from credenza.models.ddpm_job import PrivateDiffusionJob
from credenza.models.pixels import to_unit
from credenza.models.private import Privacy

pytest.importorskip("opacus")


def pictures(n: int = 24) -> tuple[np.ndarray, np.ndarray]:
    labels = (np.arange(n) % 4 == 0).astype(np.int64)
    grain = np.random.default_rng(0).integers(0, 40, (n, 4, 4, 1))
    return (grain + np.where(labels, 200, 20)[:, None, None, None]).astype(np.uint8), labels


def made(seed: int | None = 0, **settings: Any) -> DDPM:
    privacy = Privacy(noise=1.0, accountant="rdp", noise_seed=seed)
    own = {
        "channels": 1,
        "width": 8,
        "steps": 4,
        "batch": 8,
        "sampling_steps": 4,
        "classes": 2,
        "device": "cpu",
    }
    return DDPM(4, privacy=privacy, **own | settings)


def flat(net: torch.nn.Module) -> torch.Tensor:
    return torch.cat([value.detach().clone().flatten() for value in net.parameters()])


def test_a_step_is_the_clipped_sum_of_single_gradients() -> None:
    images, labels = pictures(6)
    model = made()
    net = model._made(1)
    with torch.no_grad():
        for value in net.parameters():
            value += 0.05 * torch.randn(value.shape, generator=torch.Generator().manual_seed(value.numel()))
    given = {"abar": model._abar, "gamma": 0.0, "batch": 6, "learning_rate": 1.0, "decay": 0.9, "seed": 0}
    privacy = Privacy(noise=1e-9, clip=0.5, noise_seed=3, accountant="rdp")
    twin = model._made(2)
    twin.load_state_dict(net.state_dict())
    job = PrivateDiffusionJob(net, model._made(2), images, labels, privacy, 1, **given)
    seen: list[tuple[torch.Tensor, ...]] = []
    hook = net.register_forward_pre_hook(lambda layer, inputs: seen.append(tuple(inputs)))
    job.step(0)
    hook.remove()
    ((noisy, times, told),) = seen
    assert told.tolist() == labels.tolist()
    abar = model._abar[times].view(-1, 1, 1, 1)
    noise = (noisy - abar.sqrt() * to_unit(images, torch.device("cpu"))) / (1 - abar).sqrt()
    wanted = torch.zeros(len(flat(net)))
    for row in range(6):
        twin.zero_grad()
        own = slice(row, row + 1)
        (twin(noisy[own], times[own], told[own]) - noise[own]).square().mean().backward()
        gradient = torch.cat([value.grad.flatten() for value in twin.parameters()])
        wanted += gradient * min(1.0, 0.5 / float(gradient.norm()))
    found = torch.cat([value.grad.flatten() for value in net.parameters()])
    assert float((found - wanted / 6).norm()) < 1e-3 * float(found.norm())


def test_it_is_fitted_saved_and_told_apart(tmp_path: Path) -> None:
    images, labels = pictures()
    model = made().fit(images, seed=0, labels=labels)
    assert model.spent is not None
    assert (model.spent.steps, model.spent.rate, model.spent.noise) == (4, 1 / 3, 1.0)
    assert model._shares.tolist() == [0.5, 0.5]
    model.save(tmp_path / "m")
    again = DDPM.load(tmp_path / "m")
    assert again.spent == model.spent
    assert (again.sample(3, seed=1) == model.sample(3, seed=1)).all()
    other = made(None).fit(images, seed=0, labels=labels)
    assert (flat(other._net) != flat(model._net)).any()  # type: ignore[arg-type]
    plain = made()
    plain.privacy = None
    assert plain.fit(images, seed=0, labels=labels).spent is None


def test_a_killed_fit_goes_on_with_its_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = pictures()
    whole = made().fit(images, seed=0, labels=labels)
    step = PrivateDiffusionJob.step

    def dying(job: Any, index: int) -> Any:
        if index == 3:
            raise KeyboardInterrupt
        return step(job, index)

    monkeypatch.setattr(PrivateDiffusionJob, "step", dying)
    with pytest.raises(KeyboardInterrupt):
        made().fit(images, seed=0, labels=labels, folder=tmp_path / "c", every=2)
    monkeypatch.setattr(PrivateDiffusionJob, "step", step)
    again = made().fit(images, seed=0, labels=labels, folder=tmp_path / "c", every=2)
    assert again.spent == whole.spent
    assert torch.equal(flat(again._net), flat(whole._net))  # type: ignore[arg-type]
