"""The attribute classifier: reads what is drawn, says how well, resumes exactly, refuses what it cannot learn from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.shape_pictures import NAMES, attribute_rows, draw

from credenza.errors import CredenzaError, InputError, UsageError
from credenza.models import classifier as module
from credenza.models.classifier import AttributeClassifier
from credenza.models.classifier_training import Lesson
from credenza.models.reading import measure_quality

SIZE = 12


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, np.ndarray]:
    truth = attribute_rows(1000, seed=3)
    return draw(truth, SIZE, seed=3), truth


@pytest.fixture(scope="module")
def reader(pictures: tuple[np.ndarray, np.ndarray]) -> AttributeClassifier:
    model = AttributeClassifier(width=8, steps=150, batch=32, device="cpu")
    return model.fit(*pictures, NAMES, seed=0)


def small(**settings: Any) -> AttributeClassifier:
    return AttributeClassifier(**{"width": 2, "depth": 4, "steps": 6, "batch": 4, "device": "cpu"} | settings)


def test_it_reads_what_is_drawn_on_new_pictures(reader: AttributeClassifier) -> None:
    truth = attribute_rows(500, seed=9)
    images = draw(truth, SIZE, seed=9)
    assert (reader.read(images) == truth).mean(0).min() >= 0.98
    assert ((reader.scores(images) > 0.5) == reader.read(images)).all()


def test_quality_is_of_held_out_images(
    reader: AttributeClassifier, pictures: tuple[np.ndarray, np.ndarray]
) -> None:
    assert tuple(reader.quality) == NAMES == reader.names
    held = np.random.default_rng((0, 0)).permutation(1000)[800:]
    images, truth = (part[held] for part in pictures)
    assert reader.quality == measure_quality(NAMES, reader.read(images), truth)
    for name, column in zip(NAMES, truth.T, strict=True):
        found = reader.quality[name]
        assert (found.positives, found.negatives) == (column.sum(), (~column).sum())
        assert found.sensitivity_interval[0] <= found.sensitivity <= found.sensitivity_interval[1]
        assert found.accuracy == pytest.approx((reader.read(images)[:, NAMES.index(name)] == column).mean())


def test_features_are_the_last_layer_but_one(
    reader: AttributeClassifier, pictures: tuple[np.ndarray, np.ndarray]
) -> None:
    features = reader.features(pictures[0][:300])
    assert features.shape == (300, 64)
    assert features.dtype == np.float32
    assert features.min() >= 0
    assert len(np.unique(features, axis=0)) > 290


def test_what_is_read_does_not_depend_on_the_company(
    reader: AttributeClassifier, pictures: tuple[np.ndarray, np.ndarray]
) -> None:
    images = pictures[0]
    together = reader.scores(images[:300])
    assert reader.scores(images[250:255]) == pytest.approx(together[250:255], abs=1e-5)
    assert reader.scores(images[:0]).shape == (0, 4)
    assert reader.features(images[:0]).shape == (0, 64)


def test_a_saved_one_reads_the_same(
    reader: AttributeClassifier, pictures: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    reader.save(tmp_path / "c")
    again = AttributeClassifier.load(tmp_path / "c", device="cpu")
    assert (again.scores(pictures[0][:50]) == reader.scores(pictures[0][:50])).all()
    assert again.quality == reader.quality
    assert (again.names, again.settings) == (reader.names, reader.settings)


def test_seed_decides(pictures: tuple[np.ndarray, np.ndarray]) -> None:
    images, truth = pictures[0][:60], pictures[1][:60]
    one, two, other = (small().fit(images, truth, NAMES, seed=seed).scores(images) for seed in (1, 1, 2))
    assert (one == two).all()
    assert (one != other).any()


def test_a_killed_fit_ends_bit_for_bit_where_it_would_have(
    pictures: tuple[np.ndarray, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, truth = pictures[0][:60], pictures[1][:60]
    whole = small().fit(images, truth, NAMES, seed=1).scores(images)
    monkeypatch.setattr(module, "EVERY", 2)
    step = Lesson.step

    def fatal(self: Lesson, index: int) -> Any:
        if index == 3:
            raise KeyboardInterrupt
        return step(self, index)

    monkeypatch.setattr(Lesson, "step", fatal)
    with pytest.raises(KeyboardInterrupt):
        small().fit(images, truth, NAMES, seed=1, folder=tmp_path / "f")
    monkeypatch.setattr(Lesson, "step", step)
    again = small().fit(images, truth, NAMES, seed=1, folder=tmp_path / "f")
    assert (again.scores(images) == whole).all()
    with pytest.raises(InputError, match="was made from other data or settings, or with another seed"):
        small().fit(images, truth, NAMES, seed=2, folder=tmp_path / "f")


@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 14, 3), (33, 40, 1)])
def test_any_shape_of_image(shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20, *shape), np.uint8)
    truth = np.arange(20)[:, None] % 2 == 1
    assert small(held_out=0.5).fit(images, truth, ["odd"], seed=0).read(images).shape == (20, 1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 0}, "width is 1 or more; found 0"),
        ({"depth": 0}, "depth is 1 or more; found 0"),
        ({"steps": 0}, "steps is 1 or more; found 0"),
        ({"batch": 1}, "batch is 2 or more; found 1"),
        ({"rate": 0.0}, "rate is a positive number; found 0.0"),
        ({"noise": -0.1}, "noise is 0 or more; found -0.1"),
        ({"held_out": 1.0}, "held_out is a share between 0 and 1; found 1.0"),
        ({"device": "tpu"}, "the device is one of auto, cpu, cuda; found 'tpu'"),
    ],
)
def test_a_setting_out_of_range_is_one_line(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        small(**settings)


IMAGES = np.zeros((40, 8, 8, 3), np.uint8)
EVEN = np.arange(40)[:, None] % 2 == 0


@pytest.mark.parametrize(
    ("images", "truth", "names", "message"),
    [
        (IMAGES[:, :4], EVEN, ["a"], "images have 8 pixels a side or more; found 4 x 8"),
        (
            IMAGES,
            EVEN[:30],
            ["a"],
            "the attributes of 40 images with 1 names have the shape (40, 1), at least one name; found (30, 1)",
        ),
        (
            IMAGES,
            EVEN,
            ["a", "b"],
            "the attributes of 40 images with 2 names have the shape (40, 2), at least one name; found (40, 1)",
        ),
        (IMAGES, np.hstack([EVEN, EVEN]), ["a", "a"], "attributes have different names; found a, a"),
        (IMAGES, EVEN * 2, ["a"], "attributes are true or false (1 or 0); found other values"),
        (
            IMAGES,
            EVEN & False,
            ["hat"],
            "the attribute 'hat' is true in 0 of the 32 images to learn from; it must be true in some and false in "
            "others: give more images, or leave it out",
        ),
    ],
)
def test_what_cannot_be_learnt_from_is_one_line(images: Any, truth: Any, names: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        small().fit(images, truth, names, seed=0)


def test_a_value_that_is_not_held_out_is_one_line() -> None:
    rows = np.random.default_rng((0, 0)).permutation(40)
    truth = np.isin(np.arange(40), rows[:5])[:, None]
    with pytest.raises(
        InputError, match=r"^the attribute 'hat' is true in 0 of the 8 images held out; it must"
    ):
        small().fit(IMAGES, truth, ["hat"], seed=0)


@pytest.mark.parametrize(
    "call",
    [lambda m: m.read(IMAGES), lambda m: m.quality, lambda m: m.save("x"), lambda m: m.features(IMAGES)],
)
def test_before_the_fit_is_one_line(call: Any) -> None:
    with pytest.raises(UsageError, match=r"^this classifier has learnt nothing yet; call fit, or load one$"):
        call(small())


def test_images_of_another_size_are_one_line(reader: AttributeClassifier) -> None:
    with pytest.raises(
        CredenzaError, match=r"^images of shape \(12, 12, 3\) are needed; found \(8, 8, 3\): "
    ):
        reader.read(IMAGES)
    with pytest.raises(UsageError, match=r"^the seed is a non-negative integer; found -1$"):
        small().fit(IMAGES, EVEN, ["a"], seed=-1)
