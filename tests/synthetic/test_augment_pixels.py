from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.errors import InfeasibleError, InputError, UsageError
from credenza.synthetic import augment_images, augment_pixels
from credenza.synthetic.augment_pixels import METHODS
from credenza.synthetic.pictures import png

pytest.importorskip("PIL", reason="images need Pillow")


def images(n: int = 3, shape: tuple[int, ...] = (16, 12, 3)) -> pa.Table:
    rng = np.random.default_rng(0)
    files = [png(rng.integers(0, 256, shape, np.uint8)) for _ in range(n)]
    return pa.table({"image": files, "label": [f"l{k}" for k in range(n)]})


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(sorted(METHODS)),
    st.integers(1, 20),
    st.integers(1, 20),
    st.sampled_from([(), (3,), (4,)]),
    st.integers(0, 9),
)
def test_size_type_and_transparency_stay(
    name: str, height: int, width: int, channels: tuple[int, ...], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, *channels), np.uint8)
    before = pixels.copy()
    made = METHODS[name](pixels, rng)
    assert made.shape == pixels.shape
    assert made.dtype == np.uint8
    assert np.array_equal(pixels, before)
    if channels == (4,) and name in ("colour", "noise", "cutout"):
        assert np.array_equal(made[..., 3], pixels[..., 3])


def test_what_each_method_does() -> None:
    pixels = np.random.default_rng(0).integers(60, 190, (32, 32, 3), np.uint8)
    rng = np.random.default_rng(1)
    assert np.array_equal(METHODS["flip"](METHODS["flip"](pixels, rng), rng), pixels)
    noisy = METHODS["noise"](pixels, rng).astype(float) - pixels
    assert 7 < noisy.std() < 9
    covered = METHODS["cutout"](pixels, rng)
    assert (covered != pixels).any(axis=2).sum() <= 64
    shades = METHODS["colour"](pixels, rng).astype(float)
    assert np.corrcoef(shades.ravel(), pixels.ravel())[0, 1] > 0.9
    moved = METHODS["crop"](pixels, rng)
    assert any(
        np.array_equal(moved[8:24, 8:24], pixels[8 + y : 24 + y, 8 + x : 24 + x])
        for y in range(-4, 5)
        for x in range(-4, 5)
    )


def test_labels_and_parents_are_kept() -> None:
    made = augment_images(images(), variations=2, seed=1)
    assert made.data.column_names == ["image", "label", "source", "parent", "how"]
    assert made.data["parent"].to_pylist() == [0, 0, 1, 1, 2, 2]
    assert made.data["label"].to_pylist() == ["l0", "l0", "l1", "l1", "l2", "l2"]
    assert all(set(how.split("+")) <= set(METHODS) for how in made.data["how"].to_pylist())
    assert made.data.equals(augment_images(images(), variations=2, seed=1).data)
    assert not set(made.data["image"].to_pylist()) & set(images()["image"].to_pylist())


def test_a_folder_and_more_than_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, file in zip(
        ("cat/a.png", "cat/b.png", "dog/c.png"), images()["image"].to_pylist(), strict=True
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(file)
    monkeypatch.setattr(augment_pixels, "_AT_ONCE", 2)
    made = augment_images(tmp_path, rows=5, methods=["noise"])
    assert made.rows == 5
    labels = {0: "cat", 1: "cat", 2: "dog"}
    assert made.data["label"].to_pylist() == [labels[parent] for parent in made.data["parent"].to_pylist()]


def test_what_cannot_change_is_left_out() -> None:
    flat = png(np.full((4, 4, 3), 9, np.uint8))
    table = pa.concat_tables([images(1), pa.table({"image": [flat], "label": ["x"]})])
    made = augment_images(table, methods=["flip"], variations=1)
    assert made.notes == ("left out 1 of 2 variations that changed nothing",)
    with pytest.raises(InfeasibleError) as error:
        augment_images(table.slice(1), methods=["flip"])
    assert str(error.value) == "none of the 1 images is changed by flip; use more methods"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"methods": ["turn"]},
            "unknown method 'turn' for images; choose from flip, crop, colour, noise, cutout",
        ),
        ({"methods": []}, "give one method or more, each once: flip, crop, colour, noise, cutout; found []"),
        (
            {"methods": ["flip", "flip"]},
            "each once: flip, crop, colour, noise, cutout; found ['flip', 'flip']",
        ),
        ({"seed": -1}, "the seed is a non-negative integer; found -1"),
    ],
)
def test_what_cannot_be_asked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as error:
        augment_images(images(), **options)
    assert message in str(error.value)


def test_what_is_no_image() -> None:
    with pytest.raises(InputError, match="give a folder or a column of images"):
        augment_images(pa.table({"text": ["a long text of words"]}))
    with pytest.raises(InputError, match="image 'in row 0' cannot be decoded"):
        augment_images(pa.table({"image": [images(1)["image"][0].as_py()[:60]]}))
