"""The chance that an attack is named: against simulation, and as it must change with its parameters."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import pytest

from credenza.association.counts import PairCounts
from credenza.association.ladder import Ladder
from credenza.association.power import AttackPower, Chances
from credenza.association.probes import Layout
from credenza.errors import UsageError

LAYOUT = Layout((2,) * 6, (0,) * 6)
SIGNS = np.array([1.0, -1.0, -1.0, 1.0])


def world(n: int, seed: int) -> np.ndarray:
    """Six binary features that hang together."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(n, 1))
    return np.asfortranarray(0.8 * hidden + rng.normal(size=(n, 6)) > np.linspace(-0.6, 0.6, 6)).astype(
        np.uint8
    )


def cell(codes: np.ndarray) -> np.ndarray:
    return np.asarray(3 - 2 * codes[:, 0].astype(int) - codes[:, 1])


def joint(codes: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    x = np.stack([codes[:, j] == k for j in range(6) for k in (0, 1)], axis=1).astype(float)
    w = np.full(len(codes), 1 / len(codes)) if weights is None else weights
    return np.asarray(x.T @ (x * w[:, None]))


@pytest.fixture(scope="module")
def model() -> AttackPower:
    codes = world(20_000, 0)
    place = cell(codes)
    weights = SIGNS[place] / np.bincount(place, minlength=4)[place]
    return AttackPower(
        codes,
        joint(codes),
        joint(codes, weights),
        LAYOUT,
        (0, 1),
        2_000,
        2_000,
        keeps_rest=True,
        limit=0.2,
        draws=1_000,
    )


def simulated(codes: np.ndarray, strength: float, runs: int, n: int) -> Chances:
    """Whole rows exchanged between the cells, and the real ladder."""
    named = alarm = 0
    for run in range(runs):
        rng = np.random.default_rng([run, 9])
        drawn = rng.permutation(len(codes))
        suspect, reference, spare = codes[drawn[:n]], codes[drawn[n : 2 * n]], codes[drawn[2 * n :]]
        rows, k = np.arange(n), round(strength * n)
        out = [rng.choice(rows[cell(suspect) == c], k, replace=False) for c in (1, 2)]
        new = [rng.choice(np.flatnonzero(cell(spare) == c), k, replace=False) for c in (0, 3)]
        moved = suspect.copy()
        moved[np.concatenate(out)] = spare[np.concatenate(new)]
        counts = PairCounts.empty(LAYOUT.sizes).update(np.asfortranarray(reference))
        steps = Ladder(np.asfortranarray(moved), counts.joint, n, LAYOUT).climb().steps
        named += 0 in [step.pair for step in steps]
        alarm += bool(steps)
    return Chances(named / runs, alarm / runs)


def test_calculation_agrees_with_simulation(model: AttackPower) -> None:
    strength = model.strength_for(0.6)
    found = simulated(model.codes, strength, 80, 2_000)
    assert found.named == pytest.approx(0.6, abs=0.19)  # 3.5 standard errors
    assert found.alarm >= found.named


def test_chances_rise_with_strength_and_rows(model: AttackPower) -> None:
    chances = [model.at(e).named for e in (0.0, 0.02, 0.04, 0.08)]
    assert chances == sorted(chances)
    assert chances[0] < 0.01
    assert chances[-1] > 0.95
    assert model.at(0.03, 20_000).named > model.at(0.03).named > model.at(0.03, 500).named
    assert model.at(0.03).alarm >= model.at(0.03).named


def test_the_strength_has_the_chance_it_was_asked_for(model: AttackPower) -> None:
    for chance in (0.5, 0.95):
        assert model.at(model.strength_for(chance)).named == pytest.approx(chance, abs=0.03)


def test_reference_rows_are_those_that_bring_the_strength_within_reach(model: AttackPower) -> None:
    strength = 0.9 * model.strength_for(0.8)
    rows = model.reference_rows_for(strength, 0.8)
    assert rows > 2_000
    assert model.at(strength, rows).named == pytest.approx(0.8, abs=0.03)
    assert model.reference_rows_for(0.3 * strength, 0.8) == inf


def test_a_limit_below_what_is_seen_gives_none(model: AttackPower) -> None:
    assert replace(model, limit=0.005).strength_for(0.8) == inf


def test_copies_and_floors_and_corrections_cost_power(model: AttackPower) -> None:
    strength = model.strength_for(0.8)
    for changes in ({"copies": 20.0}, {"min_strength": 0.02}, {"correction": "by"}, {"pairs_tested": 10_000}):
        assert replace(model, **changes).at(strength).named < 0.75  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_chance(model: AttackPower) -> None:
    assert replace(model).at(0.03) == model.at(0.03)


def test_levels_and_bins_are_followed_too() -> None:
    rng = np.random.default_rng(5)
    hidden = rng.normal(size=8_000)
    codes = np.stack(
        [np.digitize(hidden + rng.normal(size=8_000), cuts) for cuts in ([-1, 0, 1], [0], [-0.5, 0.5])], 1
    )
    layout = Layout((4, 2, 3), (4, 0, 0))
    x = np.concatenate([np.eye(s)[codes[:, j]] for j, s in enumerate(layout.sizes)], axis=1)
    share, change = x.T @ x / 8_000, np.zeros((9, 9))
    for p, q, sign in ((0, 4, 1), (3, 5, 1), (0, 5, -1), (3, 4, -1)):
        change[p, q] = change[q, p] = sign
    one = AttackPower(codes.astype(np.uint8), share, change, layout, (0, 1), 4_000, 4_000, limit=0.1)
    assert 0.005 < one.strength_for(0.8) < 0.05


@pytest.mark.parametrize("pair", [(0, 0), (0, 6), (-1, 2)])
def test_a_pair_is_two_features(model: AttackPower, pair: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match=r"^a pair is two of 6 features; found \(.*\)$"):
        replace(model, pair=pair)
