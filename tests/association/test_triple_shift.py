"""The test of all triples: against one table at a time, its level, what it does not ask, invariances."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import oracles
import pytest
from numpy.typing import NDArray

from credenza.association.probes import Layout
from credenza.association.triple_counts import TripleCounts
from credenza.association.triple_exact import SIGNS
from credenza.association.triple_shift import (
    MIN_PAIR,
    TripleShift,
    comparable,
    compare,
    contrast,
    triple_shift,
)

BINARY = Layout((2, 2, 2, 2, 2), (0,) * 5)
MIXED = Layout((2, 3, 5, 4), (0, 0, 4, 4))


def mixture(rows: int, layout: Layout, seed: int) -> NDArray[np.uint8]:
    """Two hidden classes with their own frequencies, so that everything hangs together."""
    rng, tables = np.random.default_rng(seed), np.random.default_rng(7)
    hidden = rng.integers(0, 2, rows)
    columns = []
    for size in layout.sizes:
        table = np.cumsum(tables.dirichlet(np.full(size, 2.0), 2), axis=1)[hidden, :-1]
        columns.append((rng.random(rows)[:, None] > table).sum(axis=1))
    return np.stack(columns, axis=1).astype(np.uint8)


def counted(codes: NDArray[np.uint8], layout: Layout) -> TripleCounts:
    return TripleCounts.empty(layout).update(codes)


def slowly(reference: TripleCounts, suspect: TripleCounts) -> list[tuple[float, int]]:
    """(log p, tables tested) of every triple of features, always by the exact test."""
    layout, out = reference.threes.layout, []
    of = [np.flatnonzero(layout.probe_feature == f).tolist() for f in range(layout.features)]
    for i, j, k in combinations(range(layout.features), 3):
        found = []
        for probes in product(of[i], of[j], of[k]):
            both = [side.table(np.array([probes]))[:, 0] for side in (reference, suspect)]
            least = [
                np.moveaxis(t.reshape(2, 2, 2), axis, 0)[:, a, b].sum()
                for t in both
                for axis in range(3)
                for a in (0, 1)
                for b in (0, 1)
            ]
            if min(least) >= MIN_PAIR:
                found.append(oracles.log_same_interaction(both[0].tolist(), both[1].tolist()))
        out.append((min(0.0, min(found) + np.log(len(found))) if found else 0.0, len(found)))
    return out


@pytest.mark.parametrize(("layout", "rows"), [(BINARY, 150), (MIXED, 400)])
def test_each_triple_is_its_strongest_table(layout: Layout, rows: int) -> None:
    reference, suspect = (counted(mixture(rows * k, layout, k), layout) for k in (1, 2))
    found = triple_shift(reference, suspect)
    for log_p, tables, (expected, tests) in zip(
        found.log_p, found.tables, slowly(reference, suspect), strict=True
    ):
        assert tables == tests
        if expected < np.log(0.05 * max(tests, 1)):  # else the normal score may stand for the exact p-value
            assert log_p == pytest.approx(expected, abs=1e-8)


def test_a_planted_triple_is_the_strongest() -> None:
    codes = mixture(4_000, MIXED, 3)
    moved = codes.copy()
    high = (codes[:, 2] >= 2) & (codes[:, 2] < 4)
    for a, b in product((0, 1), repeat=2):
        cell = (codes[:, 0] == a) & ((codes[:, 1] == 1) == b)
        emptied = np.flatnonzero(cell & (high == ((a + b) % 2 == 0)))[:150]
        filled = np.flatnonzero(cell & (high == ((a + b) % 2 == 1)))[:150]
        moved[emptied, 2] = codes[filled, 2]
    reference, suspect = counted(mixture(4_000, MIXED, 4), MIXED), counted(moved, MIXED)
    found = triple_shift(reference, suspect)
    strongest = int(np.argmin(found.log_p))
    assert reference.threes.features[strongest].tolist() == [0, 1, 2]
    assert found.q()[strongest] < 1e-3
    assert found.z[strongest] > 4
    first, second, third = found.probes[strongest].tolist()
    assert (MIXED.probe_level[first], MIXED.probe_level[second], MIXED.probe_level[third]) == (1, 1, 2)


@pytest.mark.parametrize("rows", [200, 1_500])
def test_the_level_is_held_over_all_triples(rows: int) -> None:
    layout = Layout((2,) * 8, (0,) * 8)
    flagged = 0
    for seed in range(60):
        reference, suspect = (
            counted(mixture(rows, layout, 2 * seed), layout),
            counted(mixture(1_200, layout, 2 * seed + 1), layout),
        )
        flagged += bool((triple_shift(reference, suspect).q() <= 0.05).any())
    assert flagged <= 9  # 5% of 60 runs, exceeded once in a thousand


def test_empty_and_small_layouts() -> None:
    none = triple_shift(TripleCounts.empty(Layout((), ())), TripleCounts.empty(Layout((), ())))
    assert none.log_p.shape == (0,)
    assert none.q().shape == (0,)
    two = TripleCounts.empty(Layout((2, 2), (0, 0)))
    assert triple_shift(two, two).log_p.shape == (0,)
    empty = triple_shift(TripleCounts.empty(BINARY), TripleCounts.empty(BINARY))
    assert not empty.tested.any()
    assert empty.q().tolist() == [1.0] * 10


def test_order_of_the_features_does_not_matter() -> None:
    order = [3, 1, 4, 0, 2]
    sides = [mixture(900, BINARY, seed) for seed in (1, 2)]
    plain = triple_shift(*(counted(c, BINARY) for c in sides))
    turned = triple_shift(*(counted(c[:, order], BINARY) for c in sides))
    name = [frozenset(t) for t in combinations(range(5), 3)]
    by_name = {frozenset(order[f] for f in t): k for k, t in enumerate(combinations(range(5), 3))}
    np.testing.assert_allclose(turned.log_p[[by_name[n] for n in name]], plain.log_p, atol=1e-9)


def test_swapping_the_samples_turns_the_sign() -> None:
    sides = [counted(mixture(900, BINARY, seed), BINARY) for seed in (1, 2)]
    there, back = triple_shift(*sides), triple_shift(*sides[::-1])
    np.testing.assert_allclose(there.log_p, back.log_p, atol=1e-9)
    np.testing.assert_allclose(there.z, -back.z, atol=1e-9)


def test_sparse_pairs_are_not_asked() -> None:
    full = np.full((8, 2), 10.0)
    thin = full.copy()
    thin[[6, 7], 1] = 2.0
    assert comparable(full, thin).tolist() == [True, False]
    log_p, z, usable = compare(full, thin)
    assert (log_p[1], z[1], usable.tolist()) == (0.0, 0.0, [True, False])


def test_contrast_rises_with_the_strength() -> None:
    even = np.full((8, 3), 100.0)
    assert np.all(np.diff(contrast(even + np.array([-10.0, 0.0, 10.0]) * SIGNS[:, None])) > 0)


def test_only_tested_triples_are_adjusted_for() -> None:
    log_p = np.log([0.01, 1.0, 0.04])
    shift = TripleShift(log_p, np.zeros(3), np.zeros((3, 3), np.int64), np.array([1, 0, 1]))
    assert shift.q().round(3).tolist() == [0.02, 1.0, 0.04]
    assert shift.q("by")[0] == pytest.approx(0.03)
