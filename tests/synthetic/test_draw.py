from __future__ import annotations

from collections import Counter
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import successive_draw_probability

from credenza.synthetic import draw
from credenza.synthetic.draw import distinct_numbers, distinct_tuples, shared_out


@settings(max_examples=50, deadline=None)
@given(
    size=st.one_of(st.integers(1, 60), st.integers(2**62, 2**90)),
    share=st.floats(0, 1),
    seed=st.integers(0, 9),
)
def test_numbers_are_distinct_and_in_range(size: int, share: float, seed: int) -> None:
    k = int(min(size, 60) * share)
    numbers = distinct_numbers(size, k, np.random.default_rng(seed))
    assert len(numbers) == len(set(numbers)) == k
    assert all(0 <= number < size for number in numbers)


def test_every_ordered_choice_is_equally_likely() -> None:
    rng = np.random.default_rng(3)
    found = Counter(tuple(distinct_numbers(4, 2, rng)) for _ in range(3_000))
    assert set(found) == set(permutations(range(4), 2))
    expected = 3_000 / 12
    assert sum((count - expected) ** 2 / expected for count in found.values()) < 31.3  # 0.1% of chi2 with 11


def test_large_numbers_use_all_their_bits() -> None:
    numbers = distinct_numbers(3 * 2**80, 3_000, np.random.default_rng(0))
    assert 0.3 < np.mean([number >= 2**81 for number in numbers]) < 0.37
    assert 0.45 < np.mean([number % 2 for number in numbers]) < 0.55


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_tuples_are_distinct_and_in_range(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    k = data.draw(st.integers(1, int(np.prod(sizes))))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    rows = distinct_tuples([rng.exponential(size=size) + 0.01 for size in sizes], k, rng)
    assert rows.shape == (k, len(sizes))
    assert len(set(map(tuple, rows.tolist()))) == k
    assert (rows < sizes).all()


@pytest.mark.parametrize("candidates", [1 << 22, 3])
def test_tuples_are_drawn_one_after_another(candidates: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw, "_CANDIDATES", candidates)
    places = [np.array([1.0, 4.0]), np.array([2.0, 1.0, 5.0])]
    weights = {(a, b): float(places[0][a] * places[1][b]) for a, b in product(range(2), range(3))}
    rng, runs = np.random.default_rng(11), 1_500
    found = Counter(tuple(map(tuple, distinct_tuples(places, 2, rng).tolist())) for _ in range(runs))
    chi2 = 0.0
    for ordered in permutations(weights, 2):
        expected = runs * successive_draw_probability(
            list(weights.values()), [list(weights).index(x) for x in ordered]
        )
        chi2 += (found[ordered] - expected) ** 2 / expected
    assert chi2 < 58.3  # 0.1% of chi2 with 29


def test_a_space_that_cannot_be_listed() -> None:
    places = [np.linspace(1, 2, 1_000)] * 12  # 10**36 tuples
    rows = distinct_tuples(places, 50, np.random.default_rng(0))
    assert len(np.unique(rows, axis=0)) == 50


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_shares_add_up_and_fit(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 50), min_size=1, max_size=6))
    weights = data.draw(st.lists(st.floats(0.01, 100), min_size=len(sizes), max_size=len(sizes)))
    total = data.draw(st.integers(1, sum(sizes)))
    counts = shared_out(weights, sizes, total)
    assert sum(counts) == total
    assert all(0 <= count <= size for count, size in zip(counts, sizes, strict=True))


def test_shares_are_in_proportion_where_there_is_room() -> None:
    assert shared_out([3, 1], [10**40, 10**40], 1_000) == [750, 250]
    assert shared_out([1, 1, 1], [5, 5, 5], 4) == [2, 1, 1]
    assert shared_out([1, 98, 1], [50, 2, 50], 12) == [5, 2, 5]
