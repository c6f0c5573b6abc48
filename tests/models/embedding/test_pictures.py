"""Images of a table as pictures of one size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.embedding.embedding_worlds import bomb, image_table, png, stripes

from credenza.data import open_source
from credenza.errors import InputError
from credenza.models.embedding import pictures as module
from credenza.models.embedding.pictures import coloured, read_pictures, resized


def test_all_images_come_out_as_they_are() -> None:
    images, labels = stripes(5, 0)
    found = read_pictures(open_source(image_table(images, labels)), "image", (16, 16))
    assert (found.pixels == images).all()
    assert found.rows.tolist() == [0, 1, 2, 3, 4]
    assert found.unreadable == ()


def test_what_cannot_be_read_is_listed_and_the_rest_is_read() -> None:
    images, labels = stripes(6, 0)
    table = image_table(images, labels, row1=b"no image", row3=b"", row4=bomb())
    found = read_pictures(open_source(table), "image", (8, 8))
    assert found.rows.tolist() == [0, 2, 5]
    assert [item.row for item in found.unreadable] == [1, 3, 4]
    first, second, third = (item.reason for item in found.unreadable)
    assert "image 'row 1' is not an image that we know" in first
    assert "image 'row 3' is missing" in second
    assert "image 'row 4' has more than 67,108,864 pixels" in third
    assert (found.pixels[1] == resized(images[2], (8, 8))).all()


def test_a_folder_is_read_by_file(tmp_path: Path) -> None:
    images, _ = stripes(3, 0)
    for k, image in enumerate(images):
        (tmp_path / f"{k}.png").write_bytes(png(image))
    (tmp_path / "1.png").write_bytes(b"cut")
    found = read_pictures(open_source(tmp_path), "image", (16, 16))
    assert found.rows.tolist() == [0, 2]
    assert found.unreadable[0].name == "1.png"


def test_nothing_to_read_is_one_line() -> None:
    table = pa.table({"image": pa.array([b"x", b"y"])})
    with pytest.raises(
        InputError, match=r"^none of the 2 images of .* could be read; the first: image 'row 0' is not"
    ):
        read_pictures(open_source(table), "image", (8, 8))


def test_many_pictures_lie_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = stripes(4, 0)
    monkeypatch.setattr(module, "HELD_BYTES", 100)
    found = read_pictures(open_source(image_table(images, labels)), "image", (16, 16))
    assert isinstance(found.pixels, np.memmap)
    assert (found.pixels == images).all()


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([None, 3, 4]))
def test_any_picture_gets_the_size_and_three_channels(height: int, width: int, channels: int | None) -> None:
    shape = (height, width) if channels is None else (height, width, channels)
    pixels = np.full(shape, 200, np.uint8)
    found = resized(coloured(pixels), (8, 8))
    assert found.shape == (8, 8, 3)
    assert set(np.unique(found)) <= ({212} if channels == 4 else {200})


def test_shrinking_takes_means() -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[:2, :2] = 100
    pixels[0, 0] = 200
    assert resized(pixels, (2, 2))[:, :, 0].tolist() == [[125, 0], [0, 0]]
