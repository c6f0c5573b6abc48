from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.checks.batches.support import column_support, combination_support


def asked(own: list[Any], known: list[Any]) -> tuple[list[bool], list[bool], str] | None:
    found = column_support(pa.array(own), pa.array(known), "c")
    return None if found is None else (found.own.tolist(), found.known.tolist(), found.example)


@pytest.mark.parametrize(
    ("own", "known", "strange", "alone", "example"),
    [
        (["a", "b"], ["a", "a", "b", "b"], [False, False], [False] * 4, ""),
        ([None], ["a", "a"], [True], [False, False], "c = '(missing)'"),
        ([True, False], [True, True, True], [False, True], [False] * 3, "c = 'false'"),
        ([0.0, 5.0, 6.0], [1.0, 1.0, 5.0, 5.0], [True, False, True], [False] * 4, "c = 0"),
        ([2.5], [1, 2, 3, 3, 1], [True], [False] * 5, "c = 2.5"),
        ([2.5], [1.5, 3.0], [False], [True, True], ""),
        ([None, 1], [1, 1, 1], [True, False], [False] * 3, "c = nan"),
        ([None, 1], [1, 1, None], [False, False], [False, False, True], ""),
        ([True, 3], [0, 1, 0, 1], [False, True], [False] * 4, "c = 3"),
    ],
)
def test_values_outside_the_support(
    own: list[Any], known: list[Any], strange: list[bool], alone: list[bool], example: str
) -> None:
    if own[0] is True and own[1] == 3:
        own = [1, 3]
    assert asked(own, known) == (strange, alone, example)


def test_columns_without_a_support_are_left_out() -> None:
    assert asked(["a", "b"], ["x", "y", "z"]) is None  # identifiers
    assert asked([[1]], [[2]]) is None
    assert asked(["a"], [1, 2]) is None
    assert asked([1.0], [None, None]) is None
    assert column_support(pa.array([1.0]), pa.array([float("nan")]), "c") is None


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1_000))
def test_a_fresh_row_is_as_strange_as_one_left_out(seed: int) -> None:
    """Leaving a row out of the reference and asking about it is what ``known`` says."""
    rng = np.random.default_rng(seed)
    known = rng.choice(["a", "b", "c", "d"], 12).tolist()
    numbers = rng.integers(0, 6, 12).tolist()
    for values in (known, numbers):
        found = asked(values, values)
        assert found is not None
        for i, value in enumerate(values):
            rest = values[:i] + values[i + 1 :]
            again = asked([value], rest)
            assert again is not None
            assert again[0] == [found[1][i]]


def test_levels_that_never_meet() -> None:
    known = np.array([[0, 0]] * 60 + [[1, 1]] * 59 + [[1, 0]], np.uint8)
    joint = np.zeros((4, 4))
    for a, b in known:
        for p in (a, 2 + b):
            for q in (a, 2 + b):
                joint[p, q] += 1
    names = [("a", "no"), ("a", "yes"), ("b", "no"), ("b", "yes")]
    own = np.array([[0, 1], [1, 0], [0, 0]], np.uint8)
    found = combination_support(own, known, joint, np.array([0, 2, 4]), names)
    assert found.own.tolist() == [True, False, False]
    assert np.flatnonzero(found.known).tolist() == [119]
    assert found.example == "a = no with b = yes"


def test_levels_too_rare_to_be_expected_together_say_nothing() -> None:
    known = np.array([[0, 0]] * 20 + [[1, 1]] * 4, np.uint8)
    joint = np.kron(np.ones((2, 2)), np.diag([20.0, 4.0]))
    names = [("a", "0"), ("a", "1"), ("b", "0"), ("b", "1")]
    found = combination_support(np.array([[0, 1]], np.uint8), known, joint, np.array([0, 2, 4]), names)
    assert not found.own.any()
