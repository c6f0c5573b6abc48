from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import minimum_spanning_tree

from credenza.association.counts import PairCounts
from credenza.checks.collision import coincidence, spanning_tree, tree_collision
from credenza.data import Duplicates


def counts_of(codes: np.ndarray, sizes: tuple[int, ...]) -> PairCounts:
    return PairCounts.empty(sizes).update(np.asfortranarray(codes.astype(np.uint8)))


def best_tree(counts: PairCounts) -> float:
    """The slow twin: every spanning tree of three features, the likeliest one, every row of the product space."""
    sizes = counts.sizes
    n = counts.rows
    results = []
    for centre in range(3):
        others = [k for k in range(3) if k != centre]
        root = counts.marginal(centre) / n
        gain, total = 0.0, 0.0
        conditionals = []
        for k in others:
            table = counts.table(centre, k) / n
            own = counts.marginal(k) / n
            seen = table > 0
            gain += float((table[seen] * np.log(table[seen] / np.outer(root, own)[seen])).sum())
            conditionals.append(table / np.maximum(root[:, None], 1e-300))
        for row in itertools.product(*(range(s) for s in sizes)):
            p = root[row[centre]]
            for k, given_centre in zip(others, conditionals, strict=True):
                p = p * given_centre[row[centre], row[k]]
            total += float(p**2)
        results.append((gain, total))
    return max(results)[1]


@given(st.integers(0, 2**32 - 1), st.integers(20, 300))
@settings(max_examples=30, deadline=None)
def test_it_is_the_sum_over_all_rows(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = (2, 3, 4)
    first = rng.integers(0, 2, rows)
    codes = np.stack([first, (first + rng.integers(0, 2, rows)) % 3, rng.integers(0, 4, rows)], axis=1)
    counts = counts_of(codes, sizes)
    assert tree_collision(counts) == pytest.approx(best_tree(counts), rel=1e-9)


def test_it_predicts_the_coincidences_of_a_chain() -> None:
    rng = np.random.default_rng(0)
    columns = [rng.integers(0, 3, 30_000)]
    for _ in range(5):
        columns.append(np.where(rng.random(30_000) < 0.6, columns[-1], rng.integers(0, 3, 30_000)))
    codes = np.stack(columns, axis=1)
    _, c = np.unique(codes, axis=0, return_counts=True)
    found = (c * (c - 1)).sum() / (30_000 * 29_999)
    assert tree_collision(counts_of(codes, (3,) * 6)) == pytest.approx(found, rel=0.03)


def test_no_rows_or_no_features_coincide() -> None:
    assert tree_collision(PairCounts.empty((2, 2))) == 1.0
    assert tree_collision(PairCounts.empty(())) == 1.0


@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_the_spanning_tree_weighs_what_an_independent_one_does(features: int, seed: int) -> None:
    drawn = np.random.default_rng(seed).random((features, features))
    weights = drawn + drawn.T
    order, parent = spanning_tree(weights)
    assert sorted(order.tolist()) == list(range(features))
    placed = {int(f): k for k, f in enumerate(order)}
    assert all(placed[int(parent[f])] < placed[int(f)] for f in order[1:])
    least = minimum_spanning_tree(csr_matrix(np.triu(3.0 - weights, 1))) if features > 1 else None
    total = sum(weights[f, parent[f]] for f in order[1:])
    expected = 3.0 * (features - 1) - (least.sum() if least is not None else 0.0)
    assert total == pytest.approx(expected)


def test_the_error_of_an_estimate_enters_the_variance() -> None:
    exact = Duplicates(1_000, 900, 100, 3, 5)
    guessed = Duplicates(1_000, 900, 100, 3, 5, share=0.5, error=20.0)
    (u, known), (v, wider) = coincidence(exact), coincidence(guessed)
    assert u == v
    assert wider - known == pytest.approx((20.0 / (1_000 * 999 / 2)) ** 2)
