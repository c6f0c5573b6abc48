"""Images to tensors and back; what is no image is refused in one line."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from credenza.errors import InputError

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'credenza[torch]'")
from credenza.models.pixels import require_images, to_bytes, to_unit  # noqa: E402

PLAIN = "images are a uint8 array of shape (n, H, W, 3), or (n, H, W, 1) for grey; found "
CPU = torch.device("cpu")


@given(hnp.arrays(np.uint8, st.tuples(*[st.integers(0, 4)] * 3, st.sampled_from([1, 3]))))
def test_bytes_come_back(images: Any) -> None:
    unit = to_unit(images, CPU)
    assert unit.shape == (images.shape[0], images.shape[3], *images.shape[1:3])
    assert (to_bytes(unit) == images).all()


def test_values_span_minus_one_to_one_and_are_cut_off() -> None:
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    unit = to_unit(images, CPU)
    assert (float(unit.min()), float(unit.max())) == (-1.0, 1.0)
    assert to_bytes(torch.tensor([[[[-9.0, 9.0]]]])).ravel().tolist() == [0, 255]


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        ([[1]], {}, PLAIN + "a list"),
        (np.zeros((2, 8, 8, 3)), {}, PLAIN + "float64 of shape (2, 8, 8, 3)"),
        (np.zeros((8, 8, 3), np.uint8), {}, PLAIN + "uint8 of shape (8, 8, 3)"),
        (np.zeros((2, 8, 8, 4), np.uint8), {}, PLAIN + "uint8 of shape (2, 8, 8, 4)"),
        (
            np.zeros((2, 8, 6, 3), np.uint8),
            {"least": 8},
            "images have 8 pixels a side or more; found 8 x 6",
        ),
        (
            np.zeros((2, 8, 8, 3), np.uint8),
            {"shape": (16, 16, 3)},
            "images of shape (16, 16, 3) are needed; found (8, 8, 3): resize them",
        ),
    ],
)
def test_what_is_no_image_is_one_line(images: Any, options: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        require_images(images, **options)
