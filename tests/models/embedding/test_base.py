"""What comes out of making embeddings, and what models may return."""

from __future__ import annotations

import numpy as np
import pytest

from credenza.data.features import Unreadable
from credenza.errors import InputError
from credenza.models.embedding.base import Embedded, finite_rows, require_some, told


def test_scores_of_rows_that_were_read_go_back_to_their_places() -> None:
    made = Embedded(np.zeros((2, 3), np.float32), np.array([1, 3]))
    assert np.isnan(made.spread(np.array([[1.0], [2.0]]), 4)[[0, 2]]).all()
    assert made.spread(np.array([5.0, 6.0]), 4)[[1, 3]].tolist() == [5.0, 6.0]
    whole = np.arange(2.0)
    assert Embedded(np.zeros((2, 3), np.float32)).spread(whole, 2) is whole


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            np.zeros(3),
            r"the model net returns float64 of shape \(3,\) for 3 rows; it must return .* \(3, d\)",
        ),
        (np.zeros((2, 4)), r"shape \(2, 4\) for 3 rows"),
        (np.zeros((3, 0)), r"shape \(3, 0\)"),
        (np.zeros((3, 2, 2)), r"flatten or pool inside the model"),
        (np.array([["a"], ["b"], ["c"]]), r"returns <U1"),
        (np.array([[1.0], [np.nan], [np.inf]]), r"missing or infinite for 2 of 3 rows; check it"),
    ],
)
def test_what_a_model_returns_is_looked_at(values: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        finite_rows(values, 3, "net")
    assert finite_rows(np.ones((3, 2), np.int64), 3, "net").dtype == np.float32


def test_unreadable_rows_are_told_and_counted() -> None:
    bad = tuple(Unreadable(k, str(k), f"image {k} is cut") for k in range(5))
    assert told(bad) == "image 0 is cut; image 1 is cut; image 2 is cut; and 2 more"
    with pytest.raises(
        InputError, match=r"^none of the 5 images of photos could be read; the first: image 0 is cut$"
    ):
        require_some(0, bad, "image", "photos")
