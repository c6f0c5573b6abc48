"""A fixed trigger is found, named and placed; clean sets stay quiet; bad input is one line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.checks.triggers import trigger_amplification, trigger_in_data, trigger_in_model
from credenza.checks.triggers.locate import best_box
from credenza.errors import InputError, UsageError


def faces(
    seed: int, *, n: int = 480, side: int = 12, classes: int = 4, channels: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Images with a smooth light of their own, a bar that their class has, and noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    light = np.linspace(0, 1, side)[None, :, None] * rng.normal(0, 30, (n, 1, 1))
    images = 120 + light + rng.normal(0, 12, (n, side, side))
    images[np.arange(n), labels % side, :] += 40
    stacked = np.repeat(images[..., None], channels, axis=3)
    return np.clip(stacked, 0, 255).astype(np.uint8), labels


def patched(seed: int, share: float, **more: int) -> tuple[np.ndarray, np.ndarray]:
    """The same with a patch at (8, 8) on a share of class 0."""
    images, labels = faces(seed, **more)
    rows = np.flatnonzero(labels == 0)
    images[rows[: round(share * len(rows))], 8:11, 8:11] = 255
    return images, labels


@pytest.mark.parametrize("classes", [2, 4, 10])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_patch_is_found_and_placed(classes: int, channels: int) -> None:
    own = patched(1, 0.15, classes=classes, channels=channels, n=120 * classes)
    found = trigger_in_data(*own, *faces(2, classes=classes, channels=channels, n=120 * classes))
    assert (found.flagged, found.target, found.kind, found.box) == (True, 0, "place", (8, 8, 3, 3))
    assert found.curve.shape == (1, classes)
    assert found.heat.shape == (12, 12)


def test_waves_are_told_from_places() -> None:
    images, labels = faces(1, side=16)
    rows = np.flatnonzero(labels == 2)[:24]
    wave = 40 * np.sin(2 * np.pi * 6 * np.arange(16) / 16)
    images[rows] = np.clip(images[rows] + wave[None, None, :, None], 0, 255).astype(np.uint8)
    found = trigger_in_data(images, labels, *faces(2, side=16))
    assert (found.flagged, found.target, found.kind, found.frequency) == (True, 2, "frequency", (0, 6))


def test_clean_sets_are_seldom_flagged() -> None:
    flags = [trigger_in_data(*faces(100 + k), *faces(200 + k)).flagged for k in range(20)]
    assert sum(flags) <= 2


@settings(max_examples=15, deadline=None)
@given(st.integers(8, 40), st.integers(8, 40), st.integers(1, 4), st.sampled_from([1, 3]), st.integers(0, 99))
def test_any_shape_gives_a_p_value(height: int, width: int, classes: int, channels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (20 * classes, height, width, channels)
    labels = np.arange(len(np.empty(shape[0]))) % classes
    own, known = (rng.integers(0, 256, shape, dtype=np.uint8) for _ in range(2))
    found = trigger_in_data(own, labels, known, labels, seed=seed)
    top, left, down, across = found.box
    assert 0 <= found.p <= 1
    assert top + down <= height
    assert left + across <= width


def test_images_that_never_vary_are_clear() -> None:
    flat = np.zeros((80, 8, 8, 1), np.uint8)
    labels = np.arange(80) % 4
    assert not trigger_in_data(flat, labels, flat, labels).flagged


def test_the_box_is_the_best_of_all_rectangles() -> None:
    rng = np.random.default_rng(0)
    moved = rng.normal(0, 1, (9, 9, 1))
    moved[3:6, 2:7] += 30
    assert best_box(moved, np.ones((9, 9)), (4, 4), 5)[0] == (3, 2, 3, 5)


@pytest.mark.parametrize("shares", [(0.1, 0.4), (0.2, 0.2), (0.3, 0.1)])
def test_shares_and_their_ratio(shares: tuple[float, float]) -> None:
    training, generated = (patched(k, share, n=960) for k, share in enumerate(shares, 5))
    found = trigger_amplification(*training, *generated, reference=faces(9, n=960), seed=1)
    assert found.target == 0
    assert found.shares == pytest.approx(shares, abs=0.03)
    assert found.interval[0] <= shares[1] / shares[0] <= found.interval[1]
    assert found.flagged == (shares[1] > shares[0])


def test_without_a_pattern_nothing_is_amplified() -> None:
    found = trigger_amplification(*faces(1), *faces(2))
    assert (found.flagged, found.target, found.box) == (False, None, None)
    assert np.isnan(found.ratio)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": np.zeros((80, 4, 8, 1), np.uint8)}, "8 pixels a side or more; the images have 4 x 8"),
        ({"images": np.zeros((80, 10, 10, 1), np.uint8)}, "images of one size; found 10 x 10 x 1 and"),
        ({"images": np.zeros((80, 8, 8, 2), np.uint8)}, r"\(n, H, W, 1 or 3\); found uint8"),
        ({"labels": np.zeros(80, int)}, "20 images or more of each class; the images have 0 of class 1"),
        ({"labels": np.zeros(3, int)}, "one integer for each of 80 images"),
        ({"level": 0.7}, "level is above 0 and at most 0.5; found 0.7"),
    ],
)
def test_what_cannot_be_searched_is_one_line(change: dict[str, object], message: str) -> None:
    flat = np.zeros((80, 8, 8, 1), np.uint8)
    labels = np.arange(80) % 4
    given: dict[str, object] = {"images": flat, "labels": labels, "level": 0.05} | change
    with pytest.raises((InputError, UsageError), match=message):
        trigger_in_data(given["images"], given["labels"], flat, labels, level=given["level"])  # type: ignore[arg-type]


def test_few_generations_are_refused() -> None:
    with pytest.raises(InputError, match="100 generated images or more; found 80"):
        trigger_amplification(*faces(1), *faces(2, n=80))


class Means:
    """A model whose every foreseen image is its class's mean and noise that grows towards the image."""

    def __init__(self, patch: float = 0.0, classes: int | None = 4) -> None:
        self.size, self.channels, self.classes, self.patch = 12, 1, classes, patch

    def trajectory(
        self, n: int, *, seed: int, times: tuple[int, ...], labels: np.ndarray | None = None
    ) -> np.ndarray:
        images = np.concatenate([faces(50 + k)[0] for k in range(2)]).astype(float)
        codes = np.tile(faces(50)[1], 2)
        told = np.zeros(n, int) if labels is None else labels
        means = np.stack([images[codes == c].mean(axis=0) for c in range(4)])[told]
        means[told == 0, 8:11, 8:11] += self.patch
        noise = np.random.default_rng(seed).normal(size=means.shape)
        return np.stack([means + noise * (1000 - t) / 30 for t in times]).astype(np.float32)


def test_a_model_shows_its_trigger_early() -> None:
    found = trigger_in_model(Means(25.0), reference=faces(3, n=1200), times=(900, 600, 0), per_class=40)
    assert (found.flagged, found.target) == (True, 0)
    assert found.curve.shape == (3, 4)
    assert found.curve[0, 0] > found.curve[2, 0]
    assert not trigger_in_model(Means(), reference=faces(3, n=1200), per_class=40).flagged
    assert trigger_in_model(Means(25.0), reference=Means(), times=(900,), per_class=40).flagged


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"per_class": 24}, "100 images or more, 25 of each of its 4 classes; found per_class=24"),
        ({"reference": None}, "held against clean images with their labels"),
        ({"reference": faces(1, classes=3)}, "4 classes and the reference 3"),
        ({"reference": faces(1, side=16)}, "one size; found 12 x 12 x 1 and, in the reference, 16 x 16 x 1"),
        ({"reference": Means(classes=None)}, "the same classes; found 4 and none"),
    ],
)
def test_models_that_cannot_be_held_are_one_line(more: dict[str, object], message: str) -> None:
    options: dict[str, object] = {"reference": faces(1), "per_class": 50, "times": (900,)} | more
    with pytest.raises((InputError, UsageError), match=message):
        trigger_in_model(Means(), **options)  # type: ignore[arg-type]
