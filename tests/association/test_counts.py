"""Pair counts: exact, mergeable, and the same however the rows are split."""

from __future__ import annotations

import pickle

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.association.counts import PairCounts
from credenza.association.kernels import pack_codes, pair_inner
from credenza.errors import InputError

sizes_of = st.lists(st.one_of(st.integers(1, 4), st.integers(1, 30)), min_size=1, max_size=5).filter(
    lambda s: sum(s) <= 60
)


@st.composite
def tables(draw: st.DrawFn, rows: st.SearchStrategy[int] | None = None) -> tuple[tuple[int, ...], np.ndarray]:
    """Level sizes and codes; with many zeros, so that levels stay empty."""
    sizes = tuple(draw(sizes_of))
    n = draw(st.sampled_from([0, 1, 2, 63, 64, 65, 130]) if rows is None else rows)
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    codes = np.stack([rng.integers(0, s, n) for s in sizes], axis=1).astype(np.uint8)
    return sizes, codes * (rng.random(codes.shape) < draw(st.sampled_from([0.0, 0.3, 1.0])))


def same(a: PairCounts, b: PairCounts) -> bool:
    return a.sizes == b.sizes and a.rows == b.rows and np.array_equal(a.inner, b.inner)


def places(sizes: tuple[int, ...], feature: int) -> slice:
    start = sum(sizes[:feature])
    return slice(start, start + sizes[feature])


def counted(sizes: tuple[int, ...], codes: np.ndarray) -> PairCounts:
    return PairCounts.empty(sizes).update(codes)


@given(tables())
def test_counts_are_those_of_nested_loops(table: tuple[tuple[int, ...], np.ndarray]) -> None:
    sizes, codes = table
    found = counted(sizes, codes)
    assert found.rows == len(codes)
    assert found.joint.dtype == found.inner.dtype == np.int64
    np.testing.assert_array_equal(found.joint, oracles.pair_counts(codes, sizes))
    assert same(PairCounts.of_joint(sizes, len(codes), found.joint), found)


@given(tables(), st.lists(st.integers(0, 130), max_size=4))
def test_any_split_into_batches_counts_alike(
    table: tuple[tuple[int, ...], np.ndarray], cuts: list[int]
) -> None:
    sizes, codes = table
    state, parts = PairCounts.empty(sizes), np.split(codes, sorted(min(c, len(codes)) for c in cuts))
    for part in parts:
        state = state.update(part)
    merged = PairCounts.empty(sizes)
    for part in reversed(parts):
        merged = counted(sizes, part) + merged
    assert same(state, counted(sizes, codes))
    assert same(merged, state)


@given(tables(), st.integers(0, 999))
def test_merging_is_a_commutative_monoid_and_less_undoes_it(
    table: tuple[tuple[int, ...], np.ndarray], seed: int
) -> None:
    sizes, codes = table
    rng = np.random.default_rng(seed)
    a = counted(sizes, codes)
    b, c = (counted(sizes, codes[rng.random(len(codes)) < 0.5]) for _ in range(2))
    empty = PairCounts.empty(sizes)
    assert same(a + empty, a)
    assert same(empty + a, a)
    assert same(a + b, b + a)
    assert same((a + b) + c, a + (b + c))
    assert same((a + b).less(b), a)
    assert same(a.less(a), empty)


@given(tables())
def test_tables_and_marginals_agree(table: tuple[tuple[int, ...], np.ndarray]) -> None:
    sizes, codes = table
    counts = counted(sizes, codes)
    np.testing.assert_array_equal(counts.margins(), counts.joint.diagonal())
    for i in range(len(sizes)):
        np.testing.assert_array_equal(counts.marginal(i), np.bincount(codes[:, i], minlength=sizes[i]))
        for j in range(len(sizes)):
            pair = counts.table(i, j)
            np.testing.assert_array_equal(pair, counts.table(j, i).T)
            np.testing.assert_array_equal(pair, counts.joint[places(sizes, i), places(sizes, j)])
            np.testing.assert_array_equal(pair.sum(axis=1), counts.marginal(i))


def test_sixty_levels_all_in_level_zero_one_row_and_no_feature() -> None:
    codes = np.arange(60, dtype=np.uint8)[:, None].repeat(2, axis=1)
    counts = counted((60, 60), codes)
    np.testing.assert_array_equal(counts.table(0, 1), np.eye(60))
    zero = counted((5, 3), np.zeros((10, 2), np.uint8))
    assert zero.table(0, 1)[0, 0] == zero.joint.diagonal().sum() / 2 == 10
    one = counted((2, 2), np.array([[1, 0]], np.uint8))
    assert one.table(0, 1).tolist() == [[0, 0], [1, 0]]
    nothing = PairCounts.empty(()).update(np.zeros((7, 0), np.uint8))
    assert (nothing.rows, nothing.joint.shape, nothing.margins().shape) == (7, (0, 0), (0,))


@given(tables(), st.integers(0, 999))
def test_a_part_is_counted_as_if_alone(table: tuple[tuple[int, ...], np.ndarray], seed: int) -> None:
    sizes, codes = table
    chosen = list(np.random.default_rng(seed).permutation(len(sizes))[: max(0, len(sizes) - 1)])
    alone = counted(tuple(sizes[j] for j in chosen), codes[:, chosen])
    assert same(counted(sizes, codes).part(chosen), alone)


@given(tables())
def test_planes_and_other_kernels_update_alike(table: tuple[tuple[int, ...], np.ndarray]) -> None:
    sizes, codes = table
    expected = counted(sizes, codes) + counted(sizes, codes)
    assert same(counted(sizes, codes).update_planes(pack_codes(codes, sizes), len(codes)), expected)
    assert same(counted(sizes, codes).update(codes, kernel=pair_inner), expected)


def test_the_matrix_of_all_levels_is_made_once_and_does_not_travel() -> None:
    counts = counted((2, 3), np.array([[0, 2], [1, 1]], np.uint8))
    small = len(pickle.dumps(counts))
    assert counts.joint is counts.joint
    travelled = pickle.loads(pickle.dumps(counts))
    assert len(pickle.dumps(counts)) == small
    assert same(travelled, counts)
    np.testing.assert_array_equal(travelled.joint, counts.joint)


def test_relaid_keeps_tables_and_drops_whole_features() -> None:
    codes = np.random.default_rng(5).integers(0, 2, (50, 3)).astype(np.uint8)
    counts = counted((2, 2, 2), codes)
    planes = np.array([0, 2, -1, -1, 3, 4])  # feature 0 gains a level between its two, feature 1 goes
    wider = counts.relaid((3, 2), planes)
    assert wider.rows == 50
    np.testing.assert_array_equal(wider.table(0, 1)[[0, 2]], counts.table(0, 2))
    assert wider.table(0, 1)[1].sum() == 0
    assert same(counts.relaid(counts.sizes, np.arange(6)), counts)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros((2, 3), np.uint8), "codes of shape (2, 3) for 2 features: one column a feature"),
        (np.zeros(4, np.uint8), "codes of shape (4,) for 2 features: one column a feature"),
        (
            np.array([[0, 0], [1, 3]], np.uint8),
            "code 3 in column 1, which has 3 levels: codes run from 0 to 2",
        ),
    ],
)
def test_codes_that_do_not_fit_are_refused(codes: np.ndarray, message: str) -> None:
    empty = PairCounts.empty((2, 3))
    ways = (empty.update, lambda c: empty.update(c, kernel=pair_inner), lambda c: pair_inner(c, (2, 3)))
    for refuse in ways:
        with pytest.raises(InputError) as error:
            refuse(codes)
        assert str(error.value) == message


def test_matrices_and_planes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError) as error:
        PairCounts.of_joint((2, 3), 1, np.zeros((4, 4), np.int64))
    assert str(error.value) == "pair counts of shape (4, 4): 5 levels a side were expected"
    with pytest.raises(InputError) as error:
        PairCounts.empty((2, 3)).update_planes(np.zeros((3, 1), np.uint64), 65)
    assert str(error.value) == "planes of shape (3, 1): (3, 2) were expected for 65 rows"


def test_states_that_do_not_fit_are_refused() -> None:
    two, three = PairCounts.empty((2, 2)), PairCounts.empty((2, 3))
    with pytest.raises(InputError) as error:
        two.merge(three)
    assert str(error.value) == "counts of 2 and 2 features with differing levels: count both with one schema"
    more = two.update(np.zeros((1, 2), np.uint8))
    for whole, part in ((two, three), (two, more)):
        with pytest.raises(InputError) as error:
            whole.less(part)
        expected = "counts of a part can only be taken from counts of the whole with the same levels"
        assert str(error.value) == expected
