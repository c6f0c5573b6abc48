"""A planted jump is named; chance, a change of all classes, and a restless history are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.checkpoints.checkpoint_worlds import retrained
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from credenza.checks.checkpoints.jumps import Jump, _weighted_median, find_jumps
from credenza.checks.checkpoints.predictions import CompareOptions, Predictions
from credenza.checks.checkpoints.units import families


def jumps(world: Predictions) -> tuple[Jump, ...]:
    return find_jumps(families(world), world.options)[0]


@pytest.mark.parametrize("checkpoints", [2, 3, 6])
def test_a_jump_of_five_points_is_named(checkpoints: int) -> None:
    missed = 0
    for seed in range(4):
        found = jumps(retrained(seed, checkpoints=checkpoints, jump=0.05))
        missed += not found
        if found:
            first = found[0]
            assert (first.kind, first.subject, first.step) == ("class", ("class 3",), (checkpoints - 1) // 2)
            assert first.interval[0] < first.change < first.interval[1] < 0
            assert {jump.step for jump in found} == {first.step}
    assert missed <= 1


@pytest.mark.parametrize("checkpoints", [2, 3, 6])
def test_chance_is_no_jump(checkpoints: int) -> None:
    alarms = [bool(jumps(retrained(100 + seed, checkpoints=checkpoints))) for seed in range(6)]
    assert sum(alarms) <= 1


def test_what_all_classes_do_is_no_jump_of_one() -> None:
    assert [j for seed in range(4) for j in jumps(retrained(seed, everyone=0.05)) if j.kind == "class"] == []


def test_a_target_gains() -> None:
    found = {(jump.kind, jump.subject) for jump in jumps(retrained(1, checkpoints=5, jump=0.06, target=7))}
    assert {
        ("class", ("class 3",)),
        ("predicted", ("class 7",)),
        ("confusion", ("class 3", "class 7")),
    } <= found


def restless(seed: int, spread: float) -> Predictions:
    """Six checkpoints, each with new shares of wrong rows in every class, but class 3 falls once by ten points."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(10), 400)
    level = rng.random(4_000)
    rates = np.clip(0.1 + spread * rng.normal(size=(6, 10)), 0.01, 0.5)
    rates[3:, 3] += 0.1
    wrong = level < rates[:, truth]
    return Predictions(tuple("abcdef"), tuple("0123456789"), truth, np.where(wrong, (truth + 1) % 10, truth))


def test_the_usual_step_is_the_yardstick() -> None:
    steady = [any(j.subject == ("3",) and j.step == 2 for j in jumps(restless(s, 0.003))) for s in range(5)]
    wild = [j for s in range(5) for j in jumps(restless(s, 0.05))]
    assert all(steady)
    assert len(wild) <= 1
    assert all(jump.usual > 2 for jump in wild)


def test_a_class_whose_rows_hardly_turn_is_no_measure_of_the_rest() -> None:
    """One class falls by 25 points to another, one keeps all but one row: the middle is the still one."""
    truth = np.repeat(np.arange(6), [1_600, 1_000, 100, 600, 400, 200])
    before, after = truth.copy(), truth.copy()
    for k, (worse, better, other) in enumerate([(0, 1, 1), (6, 141, 3), (2, 0, 1), (150, 3, 1), (22, 8, 1)]):
        own = np.flatnonzero(truth == k)
        after[own[:worse]], before[own[worse : worse + better]] = other, other
    found = jumps(Predictions(("a", "b"), tuple("012345"), truth, np.stack([before, after])))
    assert ("class", ("3",)) in {(jump.kind, jump.subject) for jump in found}


@given(st.integers(0, 2**32 - 1), st.integers(3, 9))
def test_the_middle_minimises_the_distances(seed: int, units: int) -> None:
    rng = np.random.default_rng(seed)
    values, weight = rng.normal(size=(units, 2)), rng.exponential(size=(units, 2))
    found = (weight * np.abs(values - _weighted_median(values, weight))).sum(axis=0)
    tried = [(weight * np.abs(values - values[k])).sum(axis=0) for k in range(units)]
    assert found == pytest.approx(np.min(tried, axis=0))


def test_small_changes_pass_where_that_is_asked_for() -> None:
    world = retrained(0, jump=0.05)
    assert jumps(world)
    options = CompareOptions(min_change=0.08)
    assert not find_jumps(families(replace(world, options=options)), options)[0]


def test_the_test_is_mcnemars() -> None:
    truth = np.repeat([0, 1], 200)
    worse = np.where((np.arange(400) >= 200) | (np.arange(400) >= 14), truth, 1)
    worse[200:203] = 0
    before = truth.copy()
    before[100:104] = 1
    world = Predictions(
        ("a", "b"), ("x", "y"), truth, np.stack([before, worse]), options=CompareOptions(fdr=0.5)
    )
    (found,) = [jump for jump in jumps(world) if jump.kind == "class"]
    assert (found.worse, found.better, found.rows) == (14, 4, 200)
    own = stats.binom.sf(14, 18, 0.5) + 0.5 * stats.binom.pmf(14, 18, 0.5)
    against = stats.norm.sf((10 / 200 - 3 / 200) / np.sqrt(18 / 200**2 + 3 / 200**2))
    assert found.p == pytest.approx(max(own, against))


def test_without_a_change_nothing_is_tested() -> None:
    truth = np.repeat([0, 1], 50)
    world = Predictions(("a", "b"), ("x", "y"), truth, np.stack([truth, truth]))
    assert find_jumps(families(world), world.options) == ((), 0)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 5),
    st.integers(2, 6),
    st.sampled_from([1, 21, 200]),
    st.booleans(),
)
def test_any_shape_gives_probabilities(
    seed: int, checkpoints: int, classes: int, rows: int, slices: bool
) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, rows)
    predicted = rng.integers(0, classes, (checkpoints, rows))
    codes = rng.integers(0, 2, rows) if slices else None
    world = Predictions(
        tuple(map(str, range(checkpoints))), tuple(map(str, range(classes))), truth, predicted,
        rng.random((checkpoints, rows)), "site" if slices else "", ("l", "r") if slices else (), codes,
        options=CompareOptions(fdr=0.5),
    )  # fmt: skip
    for jump in jumps(world):
        assert 0 <= jump.p <= 1
        assert 0 <= jump.q <= 0.5
        assert jump.interval[0] <= jump.change <= jump.interval[1]
        assert jump.usual >= 1
