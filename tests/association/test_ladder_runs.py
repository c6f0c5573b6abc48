"""Many ladders from fixed seeds: rates of false alarms, hits and coverage, within what chance allows."""

from __future__ import annotations

import numpy as np
from association.worlds import LAYOUT, PAIR, Population, drifted, ladder, left, named, poison
from scipy import stats

from credenza.association.counts import PairCounts
from credenza.association.ladder import Ladder

POPULATION = Population.make()
FDR = 0.05
EXTRA = 0.1  # culprits beyond the planted one, a run


def most(runs: int, rate: float) -> float:
    """What a rate exceeds in one of 2,000 such tests."""
    return float(stats.binom.isf(0.0005, runs, rate))


def least(runs: int, rate: float) -> float:
    return float(stats.binom.isf(0.9995, runs, rate))


def test_clean_suspects_are_flagged_no_more_often_than_the_rate() -> None:
    runs, flagged, named_runs = 200, 0, 0
    for seed in range(runs):
        rng = np.random.default_rng(1000 + seed)
        climb = ladder(POPULATION.draw(1500, rng), POPULATION.draw(2000, rng)).climb()
        flagged += bool((climb.first.q() <= FDR).any())
        named_runs += bool(climb.steps)
    assert max(flagged, named_runs) <= most(runs, FDR)


def test_planted_pairs_are_named_alone_with_honest_intervals() -> None:
    runs, strength = 60, 0.07
    hits = extra = unexplained = covered = 0
    for seed in range(runs):
        rng = np.random.default_rng(2000 + seed)
        clean, reference, donors = (POPULATION.draw(3000, rng) for _ in range(3))
        climb = ladder(poison(clean, *PAIR, strength, rng, donors), reference).climb()
        pairs = named(climb)
        extra += len(pairs) - (PAIR in pairs)
        unexplained += left(climb)
        if PAIR in pairs:
            hits += 1
            eps, error = climb.strengths[pairs.index(PAIR)]
            covered += abs(eps - strength) <= stats.norm.isf(0.025) * error
    assert hits == runs
    assert unexplained == 0
    assert extra <= most(runs, EXTRA)
    assert covered >= least(runs, 0.95)


def test_pairs_of_all_kinds_and_both_signs_are_named_first() -> None:
    runs, hits = 24, 0
    for seed in range(runs):
        rng = np.random.default_rng(3000 + seed)
        clean, reference, donors = (POPULATION.draw(4000, rng) for _ in range(3))
        a, b = sorted(int(f) for f in rng.choice(10, 2, replace=False))
        strength = 0.07 * (1 if seed % 2 else -1)
        climb = ladder(poison(clean, a, b, strength, rng, donors), reference).climb()
        hits += named(climb)[:1] == [(a, b)]
    assert hits >= least(runs, 0.97)


def test_drift_alone_names_little_and_hides_no_attack() -> None:
    runs, false, first = 25, 0, 0
    for seed in range(runs):
        rng = np.random.default_rng(4000 + seed)
        reference = POPULATION.draw(2500, rng)
        suspect, donors = (drifted(POPULATION, 2500, (0, 1), rng) for _ in range(2))
        false += bool(ladder(suspect, reference).climb().steps)
        climb = ladder(poison(suspect, *PAIR, 0.07, rng, donors), reference).climb()
        first += named(climb)[:1] == [PAIR]
    assert false <= most(runs, 0.1)
    assert first >= least(runs, 0.97)


def tilted(rows: int, rng: np.random.Generator) -> np.ndarray:
    """Independent rows of the population with the odds of features 0 and 1 multiplied by e^0.7."""
    pool = POPULATION.draw(4 * rows, rng)
    return pool[rng.random(len(pool)) < np.exp(0.7 * (pool[:, 0].astype(float) + pool[:, 1] - 2.0))][:rows]


def test_a_sample_of_drifted_rows_raises_no_more_alarms_than_all_rows_may() -> None:
    runs, rows, false, first = 15, 20_000, 0, 0
    for seed in range(runs):
        rng = np.random.default_rng(6000 + seed)
        reference = PairCounts.empty(LAYOUT.sizes).update(POPULATION.draw(rows, rng))
        clean = tilted(rows, rng)
        for suspect in (clean, poison(clean, *PAIR, 0.04, rng, tilted(rows, rng))):
            suspect = np.asfortranarray(suspect[rng.permutation(rows)])
            climb = Ladder(
                suspect[:1500],
                reference.joint,
                rows,
                LAYOUT,
                suspect=PairCounts.empty(LAYOUT.sizes).update(suspect),
            ).climb()
            false += bool(climb.steps) and named(climb)[:1] != [PAIR]
            first += named(climb)[:1] == [PAIR]
    assert false <= most(2 * runs, FDR)
    assert first == runs


def test_no_run_fails_whatever_is_rare() -> None:
    # Features at 1%, few rows, several pairs moved: weights stay finite and what is left over is reported.
    for seed in range(25):
        rng = np.random.default_rng(5000 + seed)
        suspect, reference = POPULATION.draw(400, rng), POPULATION.draw(500, rng)
        for f in (2, 3, 8):
            suspect[:, f] &= (rng.random(400) < 0.02).astype(np.uint8)
            reference[:, f] &= (rng.random(500) < 0.02).astype(np.uint8)
        suspect[:, 5] = np.where(rng.random(400) < 0.6, suspect[:, 6], suspect[:, 5])
        suspect[:, 9] = np.where(rng.random(400) < 0.6, suspect[:, 14] > 2, suspect[:, 9])
        climb = ladder(suspect, reference).climb()
        fit = climb.calibration
        assert np.all(np.isfinite(fit.weights) & (fit.weights >= 0))
        assert np.isfinite(fit.residual)
        assert np.all(np.isfinite(climb.last.log_p) & np.isfinite(climb.last.z))
        assert (5, 6) in named(climb)
        assert {f for p in named(climb) for f in p} <= set(range(LAYOUT.features))
