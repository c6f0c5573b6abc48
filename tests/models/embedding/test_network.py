"""The network of labels: learns, tells losses by epoch, repeats itself, resumes, is saved, refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.embedding.embedding_worlds import stamped, stripes

from credenza.errors import CredenzaError, InputError, UsageError
from credenza.models.embedding import network as module
from credenza.models.embedding.lesson import augmented
from credenza.models.embedding.network import LabelNetwork, NetworkSettings

Pair = tuple[np.ndarray, np.ndarray]


def small(**settings: Any) -> LabelNetwork:
    return LabelNetwork(**{"width": 4, "depth": 8, "epochs": 2, "batch": 16, "device": "cpu"} | settings)


@pytest.fixture(scope="module")
def world() -> Pair:
    return stripes(96, 1)


def test_it_learns_labels_and_tells_losses_by_epoch(world: Pair) -> None:
    net = small(epochs=6).fit(*world, seed=0)
    images, labels = stripes(60, 2)
    assert (net.logits(images).argmax(1) == labels).mean() > 0.9
    assert net.losses.shape == (96, 6)
    assert net.losses.dtype == np.float32
    assert net.losses[:, -1].mean() < 0.5 * net.losses[:, 0].mean()
    logits = net.logits(world[0]).astype(np.float64)
    own = np.log(np.exp(logits).sum(1)) - logits[np.arange(96), world[1]]
    assert net.losses[:, -1] == pytest.approx(own, abs=1e-4)


def test_features_are_the_last_layer_but_one(world: Pair) -> None:
    net = small().fit(*world, seed=0)
    features = net.features(world[0])
    weight, bias = (p.detach().numpy() for p in net._network[-1].parameters())
    assert features.shape == (96, 8)
    assert features.min() >= 0
    assert features @ weight.T + bias == pytest.approx(net.logits(world[0]), abs=1e-4)


def test_a_trigger_is_learnt_early(world: Pair) -> None:
    images, labels = stripes(240, 4)
    planted = np.flatnonzero(labels == 1)[:24]
    images[planted], labels[planted] = stamped(images[planted]), 0
    losses = small(epochs=6).fit(images, labels, seed=0).losses
    assert losses[planted, -1].mean() < 0.3


def test_the_seed_decides_all(world: Pair) -> None:
    one, again, other = (small().fit(*world, seed=seed) for seed in (3, 3, 4))
    assert (one.losses == again.losses).all()
    assert (one.losses != other.losses).any()


def test_an_interrupted_training_ends_where_it_would_have(
    world: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = small().fit(*world, seed=0)
    monkeypatch.setattr(module, "EVERY", 4)
    real = module.Lesson.step

    def step(self: Any, index: int) -> Any:
        if index == 9:
            raise KeyboardInterrupt
        return real(self, index)

    monkeypatch.setattr(module.Lesson, "step", step)
    with pytest.raises(KeyboardInterrupt):
        small().fit(*world, seed=0, folder=tmp_path / "kept")
    monkeypatch.setattr(module.Lesson, "step", real)
    resumed = small().fit(*world, seed=0, folder=tmp_path / "kept")
    assert (resumed.losses == whole.losses).all()
    with pytest.raises(InputError, match="was made from other data or settings"):
        small().fit(*world, seed=1, folder=tmp_path / "kept")


def test_a_saved_network_says_the_same(world: Pair, tmp_path: Path) -> None:
    net = small().fit(*world, seed=0)
    net.save(tmp_path / "net")
    again = LabelNetwork.load(tmp_path / "net", device="cpu")
    assert (again.features(world[0]) == net.features(world[0])).all()
    assert again.settings == net.settings
    with pytest.raises(UsageError, match="losses are of a training"):
        _ = again.losses
    file = tmp_path / "net" / "model.json"
    file.write_text(file.read_text().replace('"classes"', '"klasses"'))
    with pytest.raises(InputError, match="has damaged settings of a network; save the model again"):
        LabelNetwork.load(tmp_path / "net")


@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 13, 3), (32, 32, 3)])
def test_sides_and_channels_of_many_kinds_fit(shape: tuple[int, int, int]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (10, *shape), dtype=np.uint8)
    assert small(epochs=1).fit(images, np.arange(10) % 3, seed=0).logits(images).shape == (10, 3)


def test_augmenting_moves_and_flips_within_the_picture() -> None:
    images, labels = stripes(40, 0)
    out = augmented(images, np.random.default_rng(0))
    assert out.shape == images.shape
    assert (out != images).any(axis=(1, 2, 3)).mean() > 0.8
    assert small(augment=True).fit(images, labels, seed=0).losses.shape == (40, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: small(width=0), "width is 1 or more; found 0"),
        (lambda: small(batch=1), "batch is 2 or more; found 1"),
        (lambda: small(rate=-1.0), "rate is 0 or more; found -1.0"),
        (lambda: small().features(stripes(2, 0)[0]), "this network has learnt nothing yet; call fit"),
        (lambda: small().save("x"), "this network has learnt nothing yet; call fit"),
        (
            lambda: small().fit(stripes(4, 0)[0], np.zeros(4, int), seed=0),
            "of two classes or more; found one",
        ),
        (
            lambda: small().fit(stripes(4, 0)[0], np.zeros(3, int), seed=0),
            r"4 codes; found int64 of shape \(3,\)",
        ),
        (
            lambda: small().fit(np.zeros((4, 4, 4, 3), np.uint8), np.arange(4), seed=0),
            "8 pixels a side or more",
        ),
        (lambda: small().fit(*stripes(4, 0), seed=-1), "the seed is a non-negative integer; found -1"),
    ],
)
def test_bad_input_is_one_line(call: Any, message: str) -> None:
    with pytest.raises(CredenzaError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_fewer_epochs_for_more_images() -> None:
    assert NetworkSettings(epochs=3).epochs_for(10**6) == 3
