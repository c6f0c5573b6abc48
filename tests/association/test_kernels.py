"""Counts of all levels: planes, histograms or both, level 0 restored, and what is refused."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.association import kernels
from credenza.association.kernels import (
    cross_counts,
    inner_counts,
    pack_codes,
    pair_inner,
    plan,
    restore,
)
from credenza.errors import InputError

some_sizes = st.lists(st.one_of(st.integers(1, 4), st.integers(5, 40)), max_size=5)


def codes_of(sizes: list[int], rows: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array([rng.integers(0, s, rows) for s in sizes], np.uint8).reshape(len(sizes), rows).T


def beyond_first(sizes: list[int]) -> np.ndarray:
    return np.array([level > 0 for size in sizes for level in range(size)], bool)


@given(some_sizes, st.sampled_from([0, 1, 65, 130]), st.integers(0, 999))
def test_pairs_are_those_of_nested_loops(sizes: list[int], rows: int, seed: int) -> None:
    codes, kept = codes_of(sizes, rows, seed), beyond_first(sizes)
    expected = oracles.pair_counts(codes, sizes).astype(np.int64)
    inner = pair_inner(codes, sizes)
    np.testing.assert_array_equal(inner, expected[np.ix_(kept, kept)])
    np.testing.assert_array_equal(pair_inner(codes, sizes, inner), 2 * inner)
    np.testing.assert_array_equal(restore(inner, sizes, rows), expected)
    planes = pack_codes(codes, sizes)
    np.testing.assert_array_equal(inner_counts(planes, inner), 2 * inner)
    np.testing.assert_array_equal(cross_counts(planes, planes[1:]), inner[:, 1:])


@pytest.mark.parametrize("across", [True, False])
@pytest.mark.parametrize("few", [(), (0, 3), (1, 2), (3, 1, 0)])
def test_any_plan_counts_alike(few: tuple[int, ...], across: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = [3, 12, 1, 2]
    codes, kept = codes_of(sizes, 100, 1), beyond_first(sizes)
    many = tuple(j for j in range(4) if j not in few)
    monkeypatch.setattr(kernels, "plan", lambda *_: (tuple(sorted(few)), many, across))
    expected = oracles.pair_counts(codes, sizes)[np.ix_(kept, kept)]
    onto = np.ones(expected.shape, np.int64)
    np.testing.assert_array_equal(pair_inner(codes, sizes, onto), expected + 1)
    assert onto.max() == 1


def test_planes_for_few_levels_histograms_for_many() -> None:
    assert plan((2,) * 50, 1 << 16, True) == (tuple(range(50)), (), True)
    assert plan((200,) * 5, 1 << 16, True)[1] == tuple(range(5))
    assert plan((200, 2, 100, 3), 1 << 16, True) == ((1, 3), (0, 2), False)
    assert plan((200, 100, *[2] * 40), 1 << 16, True) == (tuple(range(2, 42)), (0, 1), True)
    border = {
        wide: min(s for s in range(2, 60) if plan((s,) * 40, 1 << 16, wide)[1]) for wide in (True, False)
    }
    assert 16 < border[True] < 36
    assert 8 < border[False] < 20


@given(st.lists(st.integers(2, 90), min_size=1, max_size=30), st.integers(0, 20))
def test_a_plan_deals_every_feature_to_one_group(sizes: list[int], exponent: int) -> None:
    few, many, _ = plan(tuple(sizes), 1 << exponent, True)
    assert sorted(few + many) == list(range(len(sizes)))
    assert max((sizes[j] for j in few), default=0) < min((sizes[j] for j in many), default=99)


def test_both_orders_of_memory_count_alike() -> None:
    codes = codes_of([3, 30, 3, 3], 100, 4)
    left = pair_inner(np.ascontiguousarray(codes), [3, 30, 3, 3])
    np.testing.assert_array_equal(left, pair_inner(np.asfortranarray(codes), [3, 30, 3, 3]))
    planes = pack_codes(codes, [3, 30, 3, 3])
    np.testing.assert_array_equal(inner_counts(np.asfortranarray(planes)), inner_counts(planes))


def test_planes_of_other_rows_are_refused() -> None:
    with pytest.raises(InputError) as error:
        cross_counts(np.zeros((2, 3), np.uint64), np.zeros((2, 4), np.uint64))
    assert str(error.value) == "planes of 3 and 4 words: give planes of the same rows"
