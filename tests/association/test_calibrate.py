"""Maximum-entropy weights: targets met, twins agreed with, and nothing that makes them blow up."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.association.calibrate import MIN_ESS_SHARE, RIDGES, Calibration, calibrate, raked

Pair = tuple[int, int]


def rows(n: int, rates: tuple[float, ...], rng: np.random.Generator) -> np.ndarray:
    """Binary features that lean on a hidden one."""
    hidden = rng.random(n) < 0.5
    lean = np.where(hidden[:, None], 1.3, 0.7)
    return (rng.random((n, len(rates))) < np.array(rates) * lean).astype(np.uint8)


def share(codes: np.ndarray, *features: int, sizes: tuple[int, ...]) -> np.ndarray:
    out = np.zeros([sizes[f] for f in features])
    np.add.at(out, tuple(codes[:, f].astype(int) for f in features), 1 / len(codes))
    return out


def weighted(
    codes: np.ndarray, weights: np.ndarray, features: tuple[int, ...], shape: tuple[int, ...]
) -> np.ndarray:
    out = np.zeros(shape)
    np.add.at(out, tuple(codes[:, f].astype(int) for f in features), weights / len(codes))
    return out


def sound(fit: Calibration, n: int) -> None:
    assert fit.weights.shape == (n,)
    assert np.all(np.isfinite(fit.weights))
    assert np.all(fit.weights >= 0)
    assert fit.weights.mean() == pytest.approx(1.0)
    assert fit.effective_size == pytest.approx(fit.weights.sum() ** 2 / (fit.weights**2).sum())
    assert 1 - 1e-9 <= fit.effective_size <= n * (1 + 1e-9)
    assert np.isfinite(fit.residual)
    assert 0 <= fit.residual <= 1


@st.composite
def problems(
    draw: st.DrawFn,
) -> tuple[np.ndarray, tuple[int, ...], dict[int, np.ndarray], dict[Pair, np.ndarray]]:
    """A sample, and targets that another sample of the same features has: reachable unless a cell is empty."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    sizes = tuple(draw(st.lists(st.integers(2, 4), min_size=3, max_size=4)))
    samples = []
    for n in (600, 500):
        free = np.stack([rng.integers(0, s, n) for s in sizes], axis=1)
        follow = rng.random(n) < 0.3
        free[follow, 1] = free[follow, 0] % sizes[1]
        samples.append(free.astype(np.uint8))
    codes, other = samples
    singles = draw(st.sets(st.integers(0, len(sizes) - 1)))
    couples = draw(st.sets(st.sampled_from([(0, 1), (1, 2), (0, 2)]), max_size=2))
    marginals = {f: share(other, f, sizes=sizes) for f in singles}
    return codes, sizes, marginals, {pair: share(other, *pair, sizes=sizes) for pair in couples}


@given(problems())
def test_targets_are_met(problem: tuple) -> None:
    codes, sizes, marginals, pairs = problem
    fit = calibrate(codes, sizes, marginals, pairs)
    sound(fit, len(codes))
    assert fit.empty == ()
    for features, target in [*(((f,), t) for f, t in marginals.items()), *pairs.items()]:
        np.testing.assert_allclose(weighted(codes, fit.weights, features, target.shape), target, atol=1e-6)
    assert fit.residual <= 1e-6


@settings(max_examples=15)
@given(problems())
def test_weights_are_those_of_raking_and_of_the_dual(problem: tuple) -> None:
    codes, sizes, marginals, pairs = problem
    targets = {(f,): t for f, t in marginals.items()} | pairs
    if targets:
        fit = calibrate(codes, sizes, marginals, pairs)
        np.testing.assert_allclose(fit.weights, oracles.raking(codes, targets), atol=1e-5)
        np.testing.assert_allclose(fit.weights, oracles.entropy_balance(codes, targets), atol=1e-4)


@given(problems())
def test_what_is_equal_already_is_left_alone(problem: tuple) -> None:
    codes, sizes, marginals, pairs = problem
    own = {f: share(codes, f, sizes=sizes) for f in marginals}
    fit = calibrate(codes, sizes, own, {pair: share(codes, *pair, sizes=sizes) for pair in pairs})
    np.testing.assert_allclose(fit.weights, 1.0, atol=1e-9)
    assert fit.effective_size == pytest.approx(len(codes))
    assert fit.residual <= 1e-9


def test_nothing_asked_or_no_rows_give_uniform_weights() -> None:
    codes = np.zeros((5, 2), np.uint8)
    assert calibrate(codes, (2, 2), {}, {}).weights.tolist() == [1.0] * 5
    assert calibrate(codes[:0], (2, 2), {0: np.array([0.5, 0.5])}, {}).weights.shape == (0,)
    one = calibrate(codes[:1], (2, 2), {0: np.array([0.5, 0.5])}, {})
    sound(one, 1)
    assert one.empty == (((0,), (1,), 0.5),)


def test_equal_rows_get_equal_weights() -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 2, (200, 3)).astype(np.uint8)
    fit = calibrate(codes, (2, 2, 2), {2: np.array([0.3, 0.7])}, {(0, 1): np.full((2, 2), 0.25)})
    for row in np.unique(codes, axis=0):
        assert np.ptp(fit.weights[(codes == row).all(axis=1)]) == 0.0


def test_cells_that_the_sample_lacks_are_named_and_the_rest_is_met() -> None:
    codes = np.array([[0, 0], [0, 1], [1, 0]] * 40, np.uint8)
    target = np.array([[0.4, 0.2], [0.3, 0.1]])
    fit = calibrate(codes, (2, 2), {}, {(0, 1): target})
    sound(fit, len(codes))
    assert fit.empty == (((0, 1), (1, 1), pytest.approx(0.1)),)
    found = weighted(codes, fit.weights, (0, 1), (2, 2))
    np.testing.assert_allclose(found, np.array([[0.4, 0.2], [0.3, 0.0]]) / 0.9, atol=1e-6)


def test_cells_that_the_target_lacks_get_no_weight() -> None:
    rng = np.random.default_rng(2)
    codes = rows(400, (0.5, 0.5, 0.4), rng)
    target = np.array([[0.5, 0.0], [0.2, 0.3]])
    fit = calibrate(codes, (2, 2, 2), {2: np.array([0.5, 0.5])}, {(0, 1): target})
    sound(fit, len(codes))
    assert np.all(fit.weights[(codes[:, 0] == 0) & (codes[:, 1] == 1)] == 0.0)
    assert fit.residual <= 1e-6


def test_nothing_in_common_with_the_target_is_reported() -> None:
    codes = np.zeros((30, 2), np.uint8)
    fit = calibrate(codes, (2, 2), {}, {(0, 1): np.array([[0.0, 0.5], [0.5, 0.0]])})
    sound(fit, 30)
    assert fit.residual == 1.0
    assert {cell for _, cell, _ in fit.empty} == {(0, 1), (1, 0)}


def test_contradictory_targets_end_with_a_residual() -> None:
    codes = rows(500, (0.5, 0.5, 0.5), np.random.default_rng(3))
    low = np.array([[0.4, 0.4], [0.1, 0.1]])  # says 80% for level 0 of feature 0
    high = np.array([[0.1, 0.1], [0.4, 0.4]])  # says 20%
    fit = calibrate(codes, (2, 2, 2), {}, {(0, 1): low, (0, 2): high})
    sound(fit, len(codes))
    assert fit.residual > 0.1
    assert fit.ridge in RIDGES


def test_a_copy_asked_for_something_else_cannot_follow() -> None:
    codes = rows(500, (0.5, 0.5), np.random.default_rng(4))[:, [0, 0, 1]]
    fit = calibrate(codes, (2, 2, 2), {0: np.array([0.6, 0.4]), 1: np.array([0.4, 0.6])}, {})
    sound(fit, len(codes))
    assert fit.residual > 0.05


def test_targets_that_pull_too_hard_meet_a_larger_ridge() -> None:
    codes = rows(2000, (0.005, 0.5), np.random.default_rng(5))
    fit = calibrate(codes, (2, 2), {0: np.array([0.01, 0.99])}, {})
    sound(fit, len(codes))
    assert fit.ridge > RIDGES[0] or fit.effective_size >= MIN_ESS_SHARE * len(codes)


def test_more_combinations_than_fit_in_64_bits() -> None:
    rng = np.random.default_rng(6)
    sizes = (2,) * 70
    codes = rng.integers(0, 2, (400, 70)).astype(np.uint8)
    codes[:200] = codes[200:]
    fit = calibrate(codes, sizes, {f: np.array([0.49, 0.51]) for f in range(70)}, {})
    sound(fit, 400)
    assert fit.residual <= 1e-6
    np.testing.assert_allclose(fit.weights[:200], fit.weights[200:], atol=1e-12)


def test_five_hundred_hostile_problems_never_diverge() -> None:
    rng = np.random.default_rng(7)
    met = 0
    for _ in range(500):
        m = 6
        rates = tuple(rng.choice([0.01, 0.02, 0.1, 0.4], m))
        n = int(rng.integers(50, 400))
        codes, other = rows(n, rates, rng), rows(int(rng.integers(50, 400)), rates, rng)
        other[:, 1] ^= (rng.random(len(other)) < 0.2).astype(np.uint8)
        sizes = (2,) * m
        couples = {(0, 1), (1, 2), (int(rng.integers(0, 3)), int(rng.integers(3, m)))}
        marginals = {f: share(other, f, sizes=sizes) for f in range(m)}
        pairs = {pair: share(other, *pair, sizes=sizes) for pair in couples}
        fit = calibrate(codes, sizes, marginals, pairs)
        sound(fit, n)
        met += not fit.empty and fit.residual <= 1e-6
        for features, cell, missing in fit.empty:
            assert missing > 0
            where = tuple(slice(k, k + 1) for k in cell)
            kept = weighted(codes, fit.weights, features, (2,) * len(features))[where]
            assert kept.sum() == 0.0
    assert met > 50


@given(st.integers(2, 6), st.integers(2, 6), st.integers(0, 10_000))
def test_raking_keeps_odds_ratios_and_meets_the_margins(r: int, c: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    table, want = (
        rng.dirichlet(np.full(r * c, 2.0)).reshape(r, c),
        rng.dirichlet(np.full(r * c, 2.0)).reshape(r, c),
    )
    found = raked(table, want.sum(axis=1), want.sum(axis=0))
    np.testing.assert_allclose(found.sum(axis=1), want.sum(axis=1), atol=1e-8)
    np.testing.assert_allclose(found.sum(axis=0), want.sum(axis=0), atol=1e-8)
    np.testing.assert_allclose(
        found * found[0, 0] / (found[:, :1] * found[:1]),
        table * table[0, 0] / (table[:, :1] * table[:1]),
        rtol=1e-6,
    )


def test_raking_fills_a_level_that_the_table_lacks() -> None:
    found = raked(np.array([[0.6, 0.4], [0.0, 0.0]]), np.array([0.7, 0.3]), np.array([0.5, 0.5]))
    np.testing.assert_allclose(found.sum(axis=1), [0.7, 0.3], atol=1e-8)
    assert np.isfinite(found).all()
