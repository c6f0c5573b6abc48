from __future__ import annotations

from itertools import combinations
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.errors import InputError
from credenza.studies.associative.compare import mann_whitney, spread

numbers = st.lists(st.integers(0, 10_000), min_size=2, max_size=9, unique=True)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(numbers, st.data())
def test_p_counts_divisions(pool: list[int], data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(pool) - 1))
    clean, other = [float(x) for x in pool[:size]], [float(x) for x in pool[size:]]
    found = mann_whitney(clean, other)

    def u(second: tuple[int, ...]) -> int:
        first = [x for x in pool if x not in second]
        return sum(y > x for x in first for y in second)

    every = [u(second) for second in combinations(pool, len(other))]
    middle = size * len(other) / 2
    extreme = sum(abs(value - middle) >= abs(found.u - middle) - 1e-9 for value in every) / len(every)
    assert found.u == u(tuple(int(x) for x in other))
    assert found.p == pytest.approx(extreme)
    assert found.least == pytest.approx(min(1.0, 2 / comb(len(pool), size)))
    assert found.p >= found.least - 1e-12


@pytest.mark.parametrize(
    ("clean", "other", "message"),
    [
        ([], [1.0], "a comparison needs models in both groups; found 0 and 1"),
        ([1.0], [float("nan")], "a comparison needs finite numbers; found NaN or infinity"),
    ],
)
def test_what_cannot_be_compared(clean: list[float], other: list[float], message: str) -> None:
    with pytest.raises(InputError) as caught:
        mann_whitney(clean, other)
    assert str(caught.value) == message


def test_spread_of_one_and_of_none() -> None:
    assert spread([]) is None
    assert spread([2.0]) == {"mean": 2.0, "sd": 0.0, "values": [2.0]}
