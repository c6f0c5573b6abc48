"""Scores of tables under an attack: their means, their spread, their correlation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import homogeneity_signed_root

from credenza.association.exact import homogeneity
from credenza.association.followed import Followed, Tables, nearby_features, of_probes, reach, signed_root
from credenza.association.probes import Layout
from credenza.association.tails import normal_score

LAYOUT = Layout((2, 2, 3), (0, 0, 0))


def world(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=n)
    a, b = (hidden + rng.normal(size=n) > cut for cut in (0.3, -0.2))
    c = np.digitize(hidden + rng.normal(size=n), [-0.5, 0.8])
    return np.stack([a, b, c], axis=1).astype(np.uint8)


def shares(codes: np.ndarray, layout: Layout = LAYOUT) -> np.ndarray:
    x = np.concatenate([np.eye(s)[codes[:, j]] for j, s in enumerate(layout.sizes)], axis=1)
    return np.asarray(x.T @ x / len(codes))


@given(
    st.lists(st.integers(1, 200), min_size=8, max_size=8),
)
@settings(max_examples=20, deadline=None)
def test_the_signed_root_is_the_likelihood_ratio(counts: list[int]) -> None:
    r, s = np.array([counts[:4]], float), np.array([counts[4:]], float)
    found = float(signed_root(r, s)[0])
    assert abs(found) == pytest.approx(homogeneity_signed_root(r[0], s[0]), abs=2e-2)


def test_the_signed_root_has_the_sign_of_the_change() -> None:
    clean, up = np.array([[50.0, 50, 50, 50]]), np.array([[80.0, 20, 20, 80]])
    assert signed_root(clean, up)[0] > 5
    assert signed_root(up, clean)[0] == pytest.approx(-signed_root(clean, up)[0])
    assert abs(signed_root(clean, clean)[0]) < 1e-6


def test_the_signed_root_is_near_the_exact_test_in_small_cells() -> None:
    r, s = np.array([[1.0, 400, 300, 3000]]), np.array([[25.0, 376, 276, 3024]])
    table = np.array([[1, 401, 301, 3701, 25, 401, 301, 3701]], float)
    exact = float(normal_score(homogeneity(table))[0])
    assert float(signed_root(r, s)[0]) == pytest.approx(exact, abs=0.5)


def test_probes_are_sums_of_levels() -> None:
    layout = Layout((2, 4), (0, 4))
    joint = shares(np.array([[0, 3], [1, 2], [1, 0], [0, 1]], np.uint8), layout)
    found = of_probes(joint, layout)
    assert found.shape == (4, 4)
    assert found[0].tolist() == [0.5, 0.25, 0.25, 0.0]


def test_means_and_spreads_are_those_of_drawn_samples() -> None:
    """Scores of samples that are dealt out of one population, a fixed number of rows of one of them edited."""
    codes, n = world(20_000, 0), 1_500
    joint, rng = shares(codes), np.random.default_rng(1)
    change = np.zeros((7, 7))
    for p, q, sign in ((0, 2, 1), (1, 3, 1), (0, 3, -1), (1, 2, -1)):
        change[p, q] = change[q, p] = sign
    tables = Tables.of(joint, change, LAYOUT)
    mine = tables.at(np.flatnonzero((tables.a == 0) & (tables.b == 1)))
    strength, k, found = 0.03, round(0.03 * n), []
    for _ in range(250):
        drawn = rng.choice(len(codes), 2 * n, replace=False)
        r, s = (
            np.bincount(2 * (1 - c[:, 0]) + (1 - c[:, 1]), minlength=4)
            for c in (codes[drawn[:n]].astype(int), codes[drawn[n:]].astype(int))
        )
        s = s + k * np.array([1, -1, -1, 1])
        found.append(float(signed_root(r[None].astype(float), s[None].astype(float))[0]))
    mean, spread = mine.moments(strength, (n, n))
    assert mean[0] == pytest.approx(np.mean(found), abs=0.25)
    assert spread[0] == pytest.approx(np.std(found), abs=0.17)


def test_correlations_are_those_of_drawn_scores() -> None:
    codes, n = world(20_000, 2), 2_000
    joint, rng = shares(codes), np.random.default_rng(3)
    change = np.zeros((7, 7))
    for p, q, sign in ((0, 2, 1), (1, 3, 1), (0, 3, -1), (1, 2, -1)):
        change[p, q] = change[q, p] = sign
    for f, g in ((0, 4), (2, 4), (0, 5), (2, 5)):
        change[f, g] = change[g, f] = 0.3 * (-1) ** g
        change[f + 1, g] = change[g, f + 1] = -0.3 * (-1) ** g
    followed = Followed.choose(joint, change, LAYOUT, (0, 1), (n, n), 0.2)
    assert followed.pairs[0] == (0, 1)
    assert len(followed.pairs) > 1
    expected = followed.correlation(codes)
    every = Tables.of(joint, change, LAYOUT)
    scores = []
    for _ in range(200):
        drawn = rng.choice(len(codes), 2 * n, replace=False)
        r, s = (
            Tables.of(shares(codes[part]), np.zeros((7, 7)), LAYOUT).cells(0) * n
            for part in (drawn[:n], drawn[n:])
        )
        scores.append(signed_root(r, s))
    seen = np.corrcoef(np.array(scores).T)
    at = [
        int(np.flatnonzero((every.a == a) & (every.b == b))[0])
        for a, b in zip(followed.tables.a, followed.tables.b, strict=True)
    ]
    assert np.abs(seen[np.ix_(at, at)] - expected[: len(at), : len(at)]).max() < 0.3


def test_a_strength_that_no_table_reaches_is_the_limit() -> None:
    tables = Tables.of(shares(world(1_000, 4)), np.zeros((7, 7)), LAYOUT)
    assert reach(tables, (100, 100), 0.2, 6.0) == 0.2


def test_nearby_features_come_first_and_within_the_room() -> None:
    layout = Layout((2,) * 6, (0,) * 6)
    change = np.zeros((12, 12))
    change[8, 0] = change[0, 8] = 1.0
    assert nearby_features(change, layout, (0, 1)) == [0, 1, 2, 3, 4, 5]
    wide = Layout((150, 2, 150, 2, 2, 150), (0,) * 6)
    change = np.zeros((456, 456))
    change[304, 0] = change[0, 304] = 1.0
    assert nearby_features(change, wide, (0, 2)) == [0, 1, 2, 3, 4]
