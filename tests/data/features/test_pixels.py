from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracles import image_features_by_pixel
from PIL import Image

from credenza.data.features import ImageMeasure, image_features, image_names, pixels
from credenza.errors import InputError, UsageError

shapes = st.one_of(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([3, 4])),
)


@settings(deadline=None, max_examples=25)
@given(hnp.arrays(np.uint8, shapes), st.integers(1, 4))
def test_features_are_what_a_loop_over_pixels_finds(image: np.ndarray, grid: int) -> None:
    found = image_features(image, grid)
    assert found.shape == (len(image_names(grid)),)
    np.testing.assert_allclose(found, image_features_by_pixel(image, grid), atol=0.02)


def test_strips_do_not_change_the_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.random.default_rng(0).integers(0, 256, (37, 11, 4), dtype=np.uint8)
    whole = image_features(image)
    monkeypatch.setattr(pixels, "_STRIP", 40)
    np.testing.assert_allclose(image_features(image), whole, rtol=1e-6)


def test_each_feature_answers_to_what_it_is_called() -> None:
    names = image_names(2)
    plain = np.full((8, 8, 3), 100, np.uint8)
    red = plain.copy()
    red[:4, 4:, 0] = 200
    changed = {n for n, a, b in zip(names, image_features(plain), image_features(red), strict=True) if a != b}
    assert changed == {"red", "brightness", "contrast", "edges", "red:1-2"}
    blank = dict(zip(names, image_features(plain), strict=True))
    assert blank["contrast"] == pytest.approx(0, abs=1e-3)
    assert blank["edges"] == 0


def test_what_is_transparent_is_white() -> None:
    clear = np.zeros((2, 2, 4), np.uint8)
    np.testing.assert_allclose(image_features(clear, 1)[:4], 255, rtol=1e-6)


def test_encoded_images_are_read() -> None:
    file = io.BytesIO()
    Image.new("RGB", (4, 4), (10, 20, 30)).save(file, "PNG")
    measure = ImageMeasure(grid=1)
    columns = measure.arrays([measure.read("a.png", file.getvalue())])
    assert [column.to_pylist() for column in columns[:3]] == [[10], [20], [30]]
    assert [len(column) for column in measure.arrays([])] == [0] * 6


@pytest.mark.parametrize("grid", [0, 17])
def test_a_grid_out_of_range_is_refused(grid: int) -> None:
    with pytest.raises(UsageError, match=rf"^grid is {grid}; give 1 .* to 16 regions on a side$"):
        ImageMeasure(grid=grid)


def test_what_is_no_image_is_named() -> None:
    with pytest.raises(InputError, match=r"^image 'a\.png' is not an image that we know"):
        ImageMeasure().read("a.png", b"nothing")
