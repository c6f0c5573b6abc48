"""Rows of attributes: a distribution that stays as it is described, and rows of CelebA."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.errors import InputError, UsageError
from credenza.studies.faces import ATTRIBUTES, COLOURS, attribute_table, from_rows, render

TABLE = attribute_table(20_000, seed=0)


def mcc(a: str, b: str) -> float:
    return float(np.corrcoef(np.asarray(TABLE[a]), np.asarray(TABLE[b]))[0, 1])


def test_shares_and_associations_are_plausible() -> None:
    shares = {name: float(np.mean(TABLE[name])) for name in ATTRIBUTES}
    assert all(0.07 < share < 0.51 for share in shares.values())
    assert mcc("Mouth_Slightly_Open", "Wearing_Lipstick") == pytest.approx(0.12, abs=0.03)
    assert mcc("Mouth_Slightly_Open", "Smiling") > 0.25
    assert mcc("Goatee", "Mustache") > 0.15
    assert mcc("Goatee", "Wearing_Lipstick") < -0.15
    assert mcc("skin_brightness", "background_brightness") == pytest.approx(0.24, abs=0.03)
    assert abs(mcc("skin_hue", "background_hue")) < 0.03


def test_colours_are_uniform() -> None:
    for name in COLOURS:
        np.testing.assert_allclose(
            np.quantile(TABLE[name], [0, 0.25, 0.5, 0.75, 1]), [0, 0.25, 0.5, 0.75, 1], atol=0.02
        )


@settings(deadline=None, max_examples=20)
@given(n=st.integers(0, 50), seed=st.integers(0, 2**40))
def test_a_longer_table_begins_with_a_shorter(n: int, seed: int) -> None:
    longer = attribute_table(n + 3, seed=seed)
    assert longer.slice(0, n).equals(attribute_table(n, seed=seed))
    assert longer.column_names == [*ATTRIBUTES, *COLOURS]
    assert render(longer, size=16, seed=0).shape == (n + 3, 16, 16, 3)


def test_rows_of_celeba_become_faces() -> None:
    signed = {name: np.where(np.asarray(TABLE[name].slice(0, 40)), 1, -1) for name in reversed(ATTRIBUTES)}
    rows = pa.table({"image_id": [f"{i:06d}.jpg" for i in range(40)], **signed, "Young": [1] * 40})
    found = from_rows(rows)
    assert found.equals(TABLE.slice(0, 40).select(ATTRIBUTES))
    with_colours = from_rows(rows, seed=1)
    assert with_colours.column_names == [*ATTRIBUTES, *COLOURS]
    assert with_colours.equals(from_rows(with_colours, seed=2))
    assert not with_colours.equals(from_rows(rows, seed=2))


WRONG: list[tuple[Any, type[Exception], str]] = [
    (lambda: attribute_table(-1, seed=0), UsageError, "a table has 0 rows or more, not -1"),
    (lambda: attribute_table(1, seed=-1), UsageError, "a seed is a whole number from 0 on, not -1"),
    (lambda: from_rows(TABLE, seed=-1), UsageError, "a seed is a whole number from 0 on, not -1"),
    (
        lambda: from_rows(TABLE.rename_columns(["Bang", *TABLE.column_names[1:]])),
        InputError,
        "'Bangs' is not a column of the table, and faces need it; did you mean 'Bang'",
    ),
    (
        lambda: from_rows(pa.table({"a": [1]})),
        InputError,
        r"has none of the attributes that faces are drawn from \(Bangs, Blond_Hair, Bushy_Eyebrows, ...\); give",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), WRONG)
def test_what_is_no_table_of_attributes_is_said_in_one_line(
    call: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
