"""The spanning tree against all spanning trees; conditionals against counting; draws against their table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracles import best_spanning_tree, mutual_information

from credenza.association.counts import PairCounts
from credenza.contracts import FloatArray
from credenza.models.tabular.tree import (
    DependencyTree,
    corrected_information,
    cumulative_shares,
    drawn_levels,
    maximum_tree,
)


def chain(rows: int, seed: int = 0) -> PairCounts:
    """Counts of a -> b -> c, each with three levels."""
    return PairCounts.empty((3, 3, 3)).update(chain_codes(rows, seed))


def chain_codes(rows: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    columns = [rng.integers(0, 3, rows)]
    for _ in range(2):
        columns.append(np.where(rng.random(rows) < 0.4, rng.integers(0, 3, rows), columns[-1]))
    return np.stack(columns, axis=1).astype(np.uint8)


@given(
    st.integers(1, 5).flatmap(lambda m: hnp.arrays(np.float64, (m, m), elements=st.integers(0, 9).map(float)))
)
@settings(max_examples=40, deadline=None)
def test_no_spanning_tree_weighs_more(weights: FloatArray) -> None:
    weights = weights + weights.T
    order, parents = maximum_tree(weights)
    m = len(weights)
    assert sorted(order.tolist()) == list(range(m))
    assert parents[order[0]] == -1
    places = {int(feature): place for place, feature in enumerate(order)}
    assert all(places[int(parents[f])] < places[int(f)] for f in order[1:])
    total = sum(float(weights[f, parents[f]]) for f in range(m) if parents[f] >= 0)
    assert total == pytest.approx(best_spanning_tree(weights) if m > 1 else 0.0)


def test_a_tree_of_nothing_is_empty() -> None:
    assert [len(part) for part in maximum_tree(np.zeros((0, 0)))] == [0, 0]
    tree = DependencyTree.of(PairCounts.empty(()).update(np.zeros((5, 0), np.uint8)), 1.0)
    assert tree.sampled(3, np.random.default_rng(0)).shape == (3, 0)


def test_information_is_corrected_for_the_number_of_levels() -> None:
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(0, 20, 500), rng.integers(0, 20, 500)], axis=1).astype(np.uint8)
    counts = PairCounts.empty((20, 20)).update(codes)
    plain = mutual_information(counts.table(0, 1))
    assert plain > 0.3
    assert corrected_information(counts)[0, 1] == pytest.approx(max(plain - 19 * 19 / 1_000, 0))


def test_levels_that_never_occur_cost_no_information() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(0, 2, 500)
    codes = np.stack([first, np.where(rng.random(500) < 0.1, 1 - first, first)], axis=1).astype(np.uint8)
    wide = PairCounts.empty((9, 9)).update(codes)
    narrow = PairCounts.empty((2, 2)).update(codes)
    assert corrected_information(wide)[0, 1] == pytest.approx(corrected_information(narrow)[0, 1])


def test_conditionals_are_counted_and_smoothed() -> None:
    counts = chain(300)
    tree = DependencyTree.of(counts, 2.0)
    assert tree.parents.tolist() == [-1, 0, 1]
    pair, margin = counts.table(0, 1), counts.marginal(1) / 300
    for p in range(3):
        for c in range(3):
            wanted = (pair[p, : c + 1].sum() + 2 * margin[: c + 1].sum()) / (pair[p].sum() + 2)
            assert tree.tables[1][p, c] == pytest.approx(wanted)


def test_without_smoothing_nothing_new_comes_out() -> None:
    codes = np.array([[0, 1], [0, 1], [1, 0], [2, 0]], np.uint8)
    tree = DependencyTree.of(PairCounts.empty((3, 2)).update(codes), 0.0)
    drawn = tree.sampled(500, np.random.default_rng(0))
    assert {tuple(row) for row in drawn.tolist()} == {tuple(row) for row in codes.tolist()}


def test_the_tree_keeps_its_pairs() -> None:
    counts = chain(20_000)
    drawn = DependencyTree.of(counts, 1.0).sampled(40_000, np.random.default_rng(1))
    again = PairCounts.empty(counts.sizes).update(drawn)
    for i, j in ((0, 1), (1, 2), (0, 2)):
        assert np.abs(again.table(i, j) / 40_000 - counts.table(i, j) / 20_000).max() < 0.01


def test_the_tree_survives_as_arrays() -> None:
    tree = DependencyTree.of(chain(100), 1.0)
    again = DependencyTree.of_arrays({**tree.arrays(), "other": np.zeros(1)})
    made = [one.sampled(200, np.random.default_rng(0)) for one in (tree, again)]
    assert (made[0] == made[1]).all()


@given(
    hnp.arrays(
        np.float64, st.tuples(st.integers(1, 4), st.integers(1, 6)), elements=st.integers(0, 5).map(float)
    ),
    st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_draws_are_the_first_level_beyond(shares: FloatArray, seed: int) -> None:
    shares = shares[shares.sum(axis=1) > 0]
    if not len(shares):
        return
    table = cumulative_shares(shares / shares.sum(axis=1, keepdims=True))
    rng = np.random.default_rng(seed)
    given_rows, uniform = rng.integers(0, len(table), 60), rng.random(60)
    drawn = drawn_levels(table, given_rows, uniform)
    for row, u, level in zip(given_rows, uniform, drawn, strict=True):
        assert level == next(c for c, end in enumerate(table[row]) if u < end)
        assert shares[row, level] > 0
