"""Strength, interval and power of three-way shifts, by roots found elsewhere and by simulation."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.association.probes import Layout
from credenza.association.triple_counts import TripleCounts
from credenza.association.triple_exact import SIGNS, same_interaction
from credenza.association.triple_power import (
    TriplePower,
    detectable_triples,
    smallest_strengths,
    triple_strengths,
)

CELLS = st.lists(st.integers(0, 500), min_size=8, max_size=8).filter(any)
P = np.random.default_rng(3).dirichlet(np.full(8, 4.0))


@given(CELLS, CELLS)
def test_the_strength_is_the_root(reference: list[int], suspect: list[int]) -> None:
    r, s = (np.array(cells, float)[:, None] for cells in (reference, suspect))
    eps, error = triple_strengths(r, s)
    assert eps[0] == pytest.approx(oracles.three_way_strength(r[:, 0], s[:, 0]), abs=1e-9)
    assert 0 < error[0] < np.inf


def test_what_was_added_is_found_whatever_the_pairs() -> None:
    other = P * np.exp(0.7 * np.array([a * b for a in (0, 1) for b in (0, 1) for _ in (0, 1)]))
    other /= other.sum()
    eps, _ = triple_strengths(1e9 * P[:, None], 1e9 * (other + 0.02 * SIGNS)[:, None])
    assert eps[0] == pytest.approx(0.02, abs=1e-6)


@pytest.mark.parametrize("edited", [False, True])
def test_intervals_cover(edited: bool) -> None:
    """Of rows from a poisoned source, and of a fixed number of edits; the second may be on the safe side."""
    rng, n, eps = np.random.default_rng(5), 3_000, 0.02
    r = rng.multinomial(2_000, P, 3_000).T.astype(float)
    s = rng.multinomial(n, P if edited else P + eps * SIGNS, 3_000).T.astype(float)
    found, error = triple_strengths(r, s + n * eps * SIGNS[:, None] * edited)
    covered = np.mean(np.abs(found - eps) <= 1.96 * error)
    assert 0.935 <= covered <= (0.99 if edited else 0.965)


@pytest.mark.parametrize("rows", [800, 8_000])
def test_power_is_what_is_promised(rows: int) -> None:
    rng, alpha, n = np.random.default_rng(6), 1e-3, 6_000
    needed = 3.2905 + 0.8416  # two-sided 1e-3, 80% power
    eps = smallest_strengths(rows * P[:, None], rows, n, np.array([needed]))[0]
    r = rng.multinomial(rows, P, 2_000).T.astype(float)
    power = []
    for sign in (1.0, -1.0):
        moved = P + sign * eps * SIGNS
        if moved.min() > 0:
            s = rng.multinomial(n, moved, 2_000).T.astype(float)
            power.append(np.mean(same_interaction(r, s) <= np.log(alpha)))
    assert min(power) == pytest.approx(0.8, abs=0.05)  # in the weaker direction


def test_where_there_is_no_room_no_strength_is_seen() -> None:
    thin = np.array([500.0, 500, 500, 500, 500, 500, 3, 3])[:, None]
    found = smallest_strengths(thin, 3006, 3000, np.array([5.0]))
    assert np.isinf(found).all()


def test_detectable_is_of_the_tested_triples() -> None:
    rng = np.random.default_rng(8)
    codes = np.stack([rng.random(1_000) < p for p in (0.5, 0.4, 0.5, 0.002)], axis=1).astype(np.uint8)
    counts = TripleCounts.empty(Layout((2, 2, 2, 2), (0, 0, 0, 0))).update(codes)
    power = detectable_triples(counts, 2_000, alpha=0.05)
    assert power.strength.shape == (1,)
    assert 0 < power.typical() == power.weakest() < 0.125
    more = detectable_triples(counts, 20_000, alpha=0.05)
    assert more.typical() < power.typical()
    assert detectable_triples(counts, 2_000, alpha=0.01).typical() > power.typical()


def test_several_tables_of_a_triple_cost_power() -> None:
    rng = np.random.default_rng(9)
    codes = np.stack(
        [rng.integers(0, 2, 4_000), rng.integers(0, 2, 4_000), rng.integers(0, 4, 4_000)], axis=1
    )
    wide, narrow = Layout((2, 2, 4), (0, 0, 4)), Layout((2, 2, 2), (0, 0, 0))
    cut = np.stack([codes[:, 0], codes[:, 1], codes[:, 2] >= 2], axis=1)
    both = [
        detectable_triples(TripleCounts.empty(layout).update(c.astype(np.uint8)), 4_000, alpha=0.05).typical()
        for layout, c in ((wide, codes), (narrow, cut))
    ]
    assert both[0] > both[1]


def test_nothing_to_test_is_never_seen() -> None:
    power = detectable_triples(TripleCounts.empty(Layout((2, 2, 2), (0, 0, 0))), 100, alpha=0.05)
    assert power.strength.shape == (0,)
    assert (power.typical(), power.weakest()) == (np.inf, np.inf)
    blind = TriplePower(np.array([np.inf, 0.02]), 0.8)
    assert (blind.typical(), blind.weakest()) == (0.02, 0.02)
