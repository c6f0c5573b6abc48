"""Canonical JSON: one text for one content, and nothing that readers tell differently."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.errors import InputError
from credenza.provenance import canonical, read_object

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: not 2**53 <= abs(x) < 1e21)
NUMBERS = FLOATS | st.integers(1 - 2**53, 2**53 - 1)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_reads_back_the_same(value: Any) -> None:
    text = canonical(value)
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text


@given(st.dictionaries(TEXTS, NUMBERS, max_size=6))
def test_order_does_not_matter(value: dict[str, Any]) -> None:
    assert canonical(dict(reversed(value.items()))) == canonical(value)


def test_the_example_of_the_standard() -> None:
    numbers = [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001]
    names = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    assert canonical(numbers) == b"[333333333.3333333,1e+30,4.5,0.002,1e-27]"
    in_order = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(canonical(names))) == in_order


def test_numbers_of_numpy_and_tuples_are_plain() -> None:
    assert canonical({"a": np.float64(0.1), "b": (np.int64(2), np.bool_(True))}) == b'{"a":0.1,"b":[2,true]}'


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": math.nan}, "the record: a is nan, which JSON cannot hold; give a finite number or none"),
        ([math.inf], "the record: item 0 is inf, which JSON cannot hold; give a finite number or none"),
        (2**53, f"the record is {2**53}, beyond 2^53, which JSON cannot hold exactly; give it as text"),
        (
            {"a": b"x"},
            "the record: a is a bytes, which JSON cannot hold; give text, numbers, lists or mappings",
        ),
        ({1: 2}, "the record has the name 1; names in JSON are text"),
        ("\ud800", r"the record holds half of a character ('\ud800'), which UTF-8 cannot; give whole text"),
    ],
)
def test_what_json_cannot_hold_is_one_line(value: Any, message: str) -> None:
    with pytest.raises(InputError) as found:
        canonical(value)
    assert str(found.value) == message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1, "a": 2}', "the name 'a' comes twice in one object"),
        ('{"a": NaN}', "NaN is no number in JSON"),
        ("{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"\xff\xfe\xfa", "'utf-16-le' codec can't decode byte 0xfa in position 2: truncated data"),
    ],
)
def test_json_that_readers_tell_differently_is_refused(text: str | bytes, reason: str) -> None:
    with pytest.raises(InputError) as found:
        read_object(text, "the record x")
    assert (
        str(found.value) == f"the record x is not JSON that can be trusted ({reason}); give what was written"
    )


def test_deep_nesting_and_other_things_than_objects_are_refused() -> None:
    with pytest.raises(InputError, match=r"^x is not JSON that can be trusted \(maximum recursion"):
        read_object("[" * 100_000, "x")
    with pytest.raises(InputError, match=r"^x is no JSON object, but a list; give what was written$"):
        read_object("[]", "x")
