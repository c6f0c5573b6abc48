"""The promised rates, at a size that a test run can afford; ``make bench-detection`` runs them in full.

Seeds are fixed. Each bound is the count that the promised rate would exceed once in a thousand test runs, so a
failure means that the rate is broken, not that luck was bad.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from statistics_worlds import (
    binary_world,
    climbed,
    draw_pairs,
    drifted,
    least,
    most,
    poison,
    real,
    split,
)

from credenza.attacks import AssociativePoisoning, ContinuousPoisoning
from credenza.checks import Evidence, Settings
from credenza.checks.slices import SliceShift
from credenza.contracts import Culprit
from credenza.data import open_source
from credenza.demo import load

WORLDS = pytest.mark.parametrize("world", ["celeba", "factors"])
MIXED = pytest.mark.parametrize("world", ["adult", "demo"])


def names(culprits: tuple[Culprit, ...]) -> list[frozenset[str]]:
    return [frozenset(c.features) for c in culprits]


def test_bounds_are_those_of_the_binomial() -> None:
    assert most(0.07, 30) == 7
    assert least(0.95, 6) == 3
    assert (most(0.0, 10), least(1.0, 10)) == (0, 10)


@WORLDS
@pytest.mark.parametrize("reference", [500, 2_000])
def test_clean_splits_raise_few_alarms(world: str, reference: int) -> None:
    table, _ = binary_world(world)
    runs, flagged = 20, 0
    for seed in range(runs):
        suspect, known = split(table, seed, 4_000, reference)
        seen = Evidence(open_source(suspect), open_source(known), Settings())
        flagged += bool(seen.inquiry.flagged.size)
    assert flagged <= most(0.07, runs)


@WORLDS
def test_one_moved_pair_is_the_only_one_named(world: str) -> None:
    table, _ = binary_world(world)
    runs, extra, covered = 6, 0, 0
    for seed in range(runs):
        suspect, known, spare = split(table, seed, 6_000, 6_000, 4_000)
        (pair,) = draw_pairs(world, 0.05, 1.5, seed, 1)
        culprits, left = climbed(poison(suspect, [pair], 0.05, spare, seed), known)
        assert frozenset(pair[:2]) in names(culprits), (seed, pair)
        assert not left
        extra += len(culprits) - 1
        truth = pair[2] * 0.05
        (named,) = (c for c in culprits if frozenset(c.features) == frozenset(pair[:2]))
        covered += named.interval[0] <= truth <= named.interval[1]
    assert extra <= most(0.1, runs)
    assert covered >= least(0.95, runs)


@WORLDS
def test_three_moved_pairs_are_all_named(world: str) -> None:
    table, _ = binary_world(world)
    runs, found, extra = 2, 0, 0
    for seed in range(runs):
        suspect, known, spare = split(table, 100 + seed, 5_000, 5_000, 6_000)
        pairs = draw_pairs(world, 0.05, 2.5, seed, 3)
        culprits, left = climbed(poison(suspect, pairs, 0.05, spare, seed), known)
        wanted = {frozenset(pair[:2]) for pair in pairs}
        found += wanted <= set(names(culprits))
        extra += len(set(names(culprits)) - wanted)
        assert not left
    assert found >= least(0.95, runs)
    assert extra <= most(0.2, runs)


@WORLDS
def test_drift_is_not_taken_for_poison(world: str) -> None:
    table, moving = binary_world(world)
    runs, false = 6, 0
    for seed in range(runs):
        suspect, known = split(table, 200 + seed, 8_000, 6_000)
        false += bool(climbed(drifted(suspect, moving, seed), known)[0])
    assert false <= most(0.1, runs)


@WORLDS
def test_poison_under_drift_is_ranked_first(world: str) -> None:
    table, moving = binary_world(world)
    runs, first = 3, 0
    for seed in range(runs):
        suspect, known, spare = split(table, 300 + seed, 8_000, 5_000, 3_000)
        (pair,) = draw_pairs(world, 0.04, 8 / 3, seed, 1)
        moved = poison(suspect, [pair], 0.04, spare, seed)
        culprits, _ = climbed(drifted(moved, moving, seed), known)
        first += bool(culprits) and names(culprits)[0] == frozenset(pair[:2])
    assert first >= least(0.95, runs)


@WORLDS
def test_copies_of_a_feature_are_aliases(world: str) -> None:
    """A copy and a negated copy of a culprit's feature: still one culprit, the other two pairs are its aliases."""
    table, _ = binary_world(world)
    suspect, known, spare = split(table, 400, 6_000, 6_000, 4_000)
    (pair,) = draw_pairs(world, 0.05, 1.5, 0, 1)
    a, b, _ = pair

    def widened(part: pa.Table) -> pa.Table:
        return part.append_column("copy", part[a]).append_column("negated", pc.invert(part[a]))

    culprits, _ = climbed(widened(poison(suspect, [pair], 0.05, spare, 0)), widened(known))
    (culprit,) = culprits
    assert {frozenset(culprit.features), *map(frozenset, culprit.aliases)} == {
        frozenset((name, b)) for name in (a, "copy", "negated")
    }


def mixed_world(world: str) -> tuple[pa.Table, tuple[str, str], tuple[str, str], tuple[str, str]]:
    """(table, pair of levels' features, those levels, pair of numbers)."""
    if world == "adult":
        table = real("adult_census.parquet")
        return table, ("education", "occupation"), ("HS-grad", "Prof-specialty"), ("age", "hours_per_week")
    return load(), ("site", "self_rated_health"), ("site 1", "good"), ("age", "visits")


@MIXED
def test_clean_mixed_splits_raise_few_alarms(world: str) -> None:
    table, *_ = mixed_world(world)
    runs, flagged = 8, 0
    for seed in range(runs):
        suspect, known = split(table, seed, 6_000, 1_000 if seed % 2 else 6_000)
        seen = Evidence(open_source(suspect), open_source(known), Settings())
        flagged += bool(seen.inquiry.flagged.size)
    assert flagged <= most(0.07, runs)


@MIXED
@pytest.mark.parametrize("kind", ["levels", "numbers"])
def test_a_moved_mixed_pair_is_named(world: str, kind: str) -> None:
    table, pair, levels, numbers = mixed_world(world)
    runs, found, extra = 2, 0, 0
    for seed in range(runs):
        suspect, known = split(table, 500 + seed, 8_000, 8_000)
        if kind == "levels":
            attack = AssociativePoisoning(pair, levels=levels, edits=0.1, mode="relabel")
            moved, truth = attack.apply(suspect, seed=seed).data, frozenset(pair)
        else:
            moved = ContinuousPoisoning(numbers, edits=0.12).apply(suspect, seed=seed).data
            truth = frozenset(numbers)
        culprits, _ = climbed(moved, known)
        found += truth in names(culprits)
        extra += len(culprits) - (truth in names(culprits))
    assert found >= least(0.95, runs)
    assert extra <= most(0.1, runs)


def contributors(table: pa.Table, rows: int, seed: int) -> list[pa.Table]:
    return [
        part.append_column("contributor", pa.array([f"c{k}"] * rows))
        for k, part in enumerate(split(table, seed, *[rows] * 10))
    ]


def sliced(parts: list[pa.Table]) -> tuple[Culprit, ...]:
    source = open_source(pa.concat_tables(parts))
    return SliceShift().run(Evidence(source, None, Settings(), slices="contributor")).culprits


@WORLDS
def test_alike_contributors_raise_few_alarms(world: str) -> None:
    table, _ = binary_world(world)
    runs = 8
    flagged = sum(bool(sliced(contributors(table, 1_600, 600 + seed))) for seed in range(runs))
    assert flagged <= most(0.07, runs)


@WORLDS
def test_the_poisoned_contributor_is_named(world: str) -> None:
    table, _ = binary_world(world)
    runs, found = 4, 0
    for seed in range(runs):
        parts = contributors(table, 1_600, 700 + seed)
        ((a, b, sign),) = draw_pairs(world, 0.08, 1.0, seed, 1)
        attack = AssociativePoisoning((a, b), strength=sign * 0.08, mode="relabel")
        bad = int(np.random.default_rng(seed).integers(10))
        parts[bad] = attack.apply(parts[bad], seed=seed).data
        named = {(c.where, frozenset(c.features)) for c in sliced(parts)}
        found += (f"contributor = c{bad}", frozenset((a, b))) in named
    assert found >= least(0.95, runs)
