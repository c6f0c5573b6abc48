"""The private network of labels: learns, repeats, resumes, tells what it cost and no losses, is saved with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.embedding.embedding_worlds import stripes
from torch import nn

from credenza.errors import InputError, UsageError
from credenza.models.embedding import network as module
from credenza.models.embedding.network import LabelNetwork
from credenza.models.private import Privacy

pytest.importorskip("opacus")


def small(privacy: Privacy, **settings: Any) -> LabelNetwork:
    own = {"width": 4, "depth": 8, "epochs": 2, "batch": 32, "device": "cpu"} | settings
    return LabelNetwork(**own, privacy=privacy)


def asked(seed: int | None = 0, noise: float = 1.0) -> Privacy:
    return Privacy(noise=noise, accountant="rdp", noise_seed=seed)


def test_it_learns_and_tells_what_it_cost(tmp_path: Path) -> None:
    images, labels = stripes(256, 1)
    privacy = Privacy(epsilon=8.0, accountant="rdp", noise_seed=1)
    net = small(privacy, epochs=8, rate=1e-2).fit(images, labels, seed=0)
    others, truth = stripes(100, 2)
    assert (net.logits(others).argmax(1) == truth).mean() > 0.9
    assert net.spent is not None
    assert 7.9 < net.spent.epsilon <= 8.0
    assert (net.spent.steps, net.spent.rate) == (64, 0.125)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in net._network.modules())
    net.save(tmp_path / "m")
    said = json.loads((tmp_path / "m" / "model.json").read_text())["settings"]
    assert said["privacy"]["noise_seed"] is None
    again = LabelNetwork.load(tmp_path / "m", device="cpu")
    assert again.spent == net.spent
    assert again.privacy == Privacy(epsilon=8.0, accountant="rdp")
    assert (again.logits(others) == net.logits(others)).all()


def test_losses_of_rows_are_not_told() -> None:
    net = small(asked()).fit(*stripes(64, 1), seed=0)
    with pytest.raises(
        UsageError, match=r"^losses tell of single rows, which no privacy covers; train without"
    ):
        net.losses  # noqa: B018
    assert net.features(stripes(5, 2)[0]).shape == (5, 8)


def test_only_seeded_noise_repeats() -> None:
    data = stripes(64, 1)
    one, again, other = (small(asked(seed)).fit(*data, seed=0) for seed in (3, 3, None))
    assert (one.logits(data[0]) == again.logits(data[0])).all()
    assert (one.logits(data[0]) != other.logits(data[0])).any()
    assert other.spent is not None
    assert not other.spent.repeatable


def test_a_killed_training_goes_on_with_its_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = stripes(64, 1)
    whole = small(asked(), epochs=3, augment=True).fit(*data, seed=0)
    monkeypatch.setattr(module, "EVERY", 2)
    step = module.PrivateLesson.step

    def dying(lesson: Any, index: int) -> Any:
        if index == 5:
            raise KeyboardInterrupt
        return step(lesson, index)

    monkeypatch.setattr(module.PrivateLesson, "step", dying)
    with pytest.raises(KeyboardInterrupt):
        small(asked(), epochs=3, augment=True).fit(*data, seed=0, folder=tmp_path / "c")
    monkeypatch.setattr(module.PrivateLesson, "step", step)
    again = small(asked(), epochs=3, augment=True).fit(*data, seed=0, folder=tmp_path / "c")
    assert again.spent == whole.spent
    assert whole.spent is not None
    assert whole.spent.steps == 6
    assert np.array_equal(again.logits(data[0]), whole.logits(data[0]))
    with pytest.raises(InputError, match="was made from other data or settings, or with another seed"):
        small(asked(noise=2.0), epochs=3, augment=True).fit(*data, seed=0, folder=tmp_path / "c")


def test_a_model_without_privacy_has_spent_nothing(tmp_path: Path) -> None:
    net = LabelNetwork(width=4, depth=8, epochs=1, batch=32, device="cpu").fit(*stripes(64, 1), seed=0)
    assert net.spent is None
    net.save(tmp_path / "m")
    assert LabelNetwork.load(tmp_path / "m").spent is None
    assert "privacy" not in (tmp_path / "m" / "model.json").read_text()
