"""One ladder at a time: what it names, what it prunes, what it stops at, and what it says about the rest."""

from __future__ import annotations

import numpy as np
import pytest
from association.worlds import (
    BINARY,
    CONSEQUENCE,
    LAYOUT,
    PAIR,
    Population,
    drifted,
    ladder,
    left,
    named,
    poison,
)

from credenza.association import ladder as rungs
from credenza.association.calibrate import calibrate
from credenza.association.cells import Cells
from credenza.association.climb import final_weights
from credenza.association.counts import PairCounts
from credenza.association.kernels import pair_counts
from credenza.association.measures import covariance
from credenza.association.probes import Layout
from credenza.errors import InputError

POPULATION = Population.make()


def draws(seed: int, rows: int = 3000) -> tuple[np.random.Generator, np.ndarray, np.ndarray, np.ndarray]:
    """A generator, a clean suspect, a reference and donors."""
    rng = np.random.default_rng(seed)
    return rng, *(POPULATION.draw(rows, rng) for _ in range(3))


def attacked(seed: int, strength: float = 0.08, rows: int = 3000) -> tuple[np.ndarray, np.ndarray]:
    rng, clean, reference, donors = draws(seed, rows)
    return poison(clean, *PAIR, strength, rng, donors), reference


@pytest.mark.parametrize("strength", [0.08, -0.08])
def test_the_planted_pair_is_named_measured_and_explains_the_rest(strength: float) -> None:
    suspect, reference = attacked(0, strength)
    climb = ladder(suspect, reference).climb()
    assert named(climb) == [PAIR]
    assert left(climb) == 0
    assert not climb.exhausted
    (step,), ((eps, error),) = climb.steps, climb.strengths
    assert abs(eps - strength) < 3 * error
    assert np.sign(climb.first.z[step.pair]) == np.sign(strength)
    assert step.q <= 0.05
    assert LAYOUT.probe_feature[[step.probe_a, step.probe_b]].tolist() == list(PAIR)
    flagged = set(np.flatnonzero(climb.first.q() <= 0.05)) - {step.pair}
    assert flagged
    assert set(climb.explained[0]) == flagged


def test_the_weights_restore_the_pair_and_keep_most_rows() -> None:
    suspect, reference = attacked(1)
    climbed = ladder(suspect, reference)
    climb = climbed.climb()
    healed = climbed.explain(climb.shifted, [step.pair for step in climb.steps]).sample
    i, j = PAIR
    tables = [LAYOUT.block(s.joint, i, j) for s in (climbed.plain, healed, climbed.reference)]
    moved, restored, clean = (covariance(t) for t in tables)
    assert moved - clean > 0.05
    assert restored == pytest.approx(clean, abs=1e-6)
    assert climb.calibration.effective_size > 0.8 * len(suspect)
    assert climb.calibration.residual <= 1e-6


def test_a_clean_suspect_names_nothing_and_keeps_its_rows() -> None:
    _, clean, reference, _ = draws(30)
    climb = ladder(clean, reference).climb()
    assert (climb.steps, climb.explained, climb.strengths) == ((), (), ())
    np.testing.assert_array_equal(climb.last.log_p, climb.first.log_p)
    assert climb.calibration.effective_size == len(clean)
    climbed = ladder(clean, reference)
    assert climbed.first_log_p() is None
    assert list(climbed._seen) == [((), ())]  # nothing was weighed


def test_the_same_rows_on_both_sides_have_nothing_to_explain() -> None:
    _, clean, _, _ = draws(3)
    climb = ladder(clean, clean).climb()
    np.testing.assert_allclose(climb.first.log_p, 0.0, atol=1e-6)
    assert (climb.steps, climb.shifted) == ((), ())


def test_drift_is_explained_by_margins_before_pairs_are_tested() -> None:
    rng, _, reference, _ = draws(4)
    climb = ladder(drifted(POPULATION, 3000, (0, 1), rng), reference).climb()
    assert {0, 1} <= set(climb.shifted)
    assert climb.steps == ()
    assert climb.marginal_q[[0, 1]].max() < 0.001
    assert climb.marginal_change[[0, 1]].min() > 0.05


def test_under_drift_the_attacked_pair_comes_first() -> None:
    rng, _, reference, _ = draws(5)
    suspect, donors = (drifted(POPULATION, 3000, (0, 1), rng) for _ in range(2))
    climb = ladder(poison(suspect, *PAIR, 0.08, rng, donors), reference).climb()
    assert named(climb)[0] == PAIR
    assert {0, 1} <= set(climb.shifted)
    assert left(climb) == 0


def test_three_pairs_at_once_are_all_named() -> None:
    rng, suspect, reference, _ = draws(6, 5000)
    planted = [(0, 1), (2, 3), (8, 10)]
    for pair in planted:
        suspect = poison(suspect, *pair, 0.07, rng, POPULATION.draw(5000, rng))
    climb = ladder(suspect, reference).climb()
    assert sorted(named(climb)) == planted
    assert left(climb) == 0
    assert [s.log_p for s in climb.steps] == sorted(s.log_p for s in climb.steps)
    culprits = {s.pair for s in climb.steps}
    explained = [int(k) for part in climb.explained for k in part]
    assert len(explained) == len(set(explained))  # each collateral pair has one culprit
    assert culprits.isdisjoint(explained)


def aliased(codes: np.ndarray) -> np.ndarray:
    """The rows with a copy, a negated copy of the pair's first feature and a finer copy of its second."""
    a, b = codes[:, PAIR[0]], codes[:, PAIR[1]]
    fine = 2 * b + codes[:, BINARY + 1] // 2  # b and half of a nominal feature
    return np.column_stack([codes, a, 1 - a, fine])


def test_copies_negations_and_refinements_are_one_culprit() -> None:
    layout = Layout((*LAYOUT.sizes, 2, 2, 4), (*LAYOUT.ordered, 0, 0, 0))
    suspect, reference = map(aliased, attacked(7))
    climb = ladder(suspect, reference, layout).climb()
    first, second = {PAIR[0], 15, 16}, {PAIR[1], 17}
    (pair,) = named(climb, layout)
    assert (pair[0] in first and pair[1] in second) or (pair[1] in first and pair[0] in second)
    assert left(climb) == 0
    i, j = layout.pairs
    explained = {(int(i[k]), int(j[k])) for k in climb.explained[0]} | {pair}
    assert {tuple(sorted((a, b))) for a in first for b in second} <= explained


def test_a_floor_on_the_strength_mutes_what_is_below_it() -> None:
    suspect, reference = attacked(8, 0.06)
    assert named(ladder(suspect, reference, min_strength=0.02).climb()) == [PAIR]
    assert named(ladder(suspect, reference, min_strength=0.1).climb()) == []
    close = ladder(suspect, reference, min_strength=0.06).climb()
    assert named(close) == []  # at the floor the p-value is about a half
    assert close.first.log_p.min() > np.log(0.001)


def test_a_closed_gate_names_nothing() -> None:
    suspect, reference = attacked(9)
    shut = ladder(suspect, reference, gate=False)
    assert shut.climb().steps == ()
    assert shut.first_log_p() is None
    opened = ladder(suspect, reference).first_log_p()
    assert opened is not None
    assert opened < np.log(1e-6)


def test_copied_rows_carry_no_evidence() -> None:
    _, clean, reference, _ = draws(10, 1000)
    copies = np.repeat(clean, 4, axis=0)
    counted_as_new = ladder(copies, reference).climb()
    counted_once = ladder(copies, reference, design_effect=4.0)
    np.testing.assert_allclose(counted_once.plain.joint, ladder(clean, reference).plain.joint)
    assert counted_once.climb().steps == ()
    assert counted_once.climb().first.log_p.min() > counted_as_new.first.log_p.min()


def test_yekutieli_is_stricter() -> None:
    suspect, reference = attacked(11, 0.03)
    flags = [
        ladder(suspect, reference, correction=c)
        .significant(ladder(suspect, reference).climb().first, [])
        .size
        for c in ("bh", "by")
    ]
    assert flags[0] >= flags[1]


def test_giving_up_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, suspect, reference, _ = draws(12)
    for pair in ((0, 1), (2, 3)):
        suspect = poison(suspect, *pair, 0.08, rng, POPULATION.draw(3000, rng))
    monkeypatch.setattr(rungs, "MAX_CULPRITS", 1)
    climb = ladder(suspect, reference).climb()
    assert climb.exhausted
    assert len(climb.steps) == 1
    assert left(climb) >= 1


def test_a_culprit_that_another_one_covers_is_taken_out() -> None:
    suspect, reference = attacked(13)
    climbed = ladder(suspect, reference)
    (step,) = climbed.climb().steps
    idle = int(np.argmax(climbed.climb().first.log_p))
    spare = rungs.Step(idle, -12.0, 0.01, step.probe_a, step.probe_b)
    assert climbed._prune_culprits((), [step, spare]) == [step]
    assert climbed._prune_culprits((), [spare, step]) == [step]


def test_margins_moved_by_the_edited_rows_are_collateral() -> None:
    # Rows are replaced whole, so what follows from the pair becomes more frequent, and the pair explains that.
    climb = ladder(*attacked(14)).climb()
    assert named(climb) == [PAIR]
    assert climb.marginal_q[CONSEQUENCE] < 0.001
    assert climb.collateral_margins == (CONSEQUENCE,)
    assert climb.shifted == ()


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_few_rows_and_constant_columns_name_nothing(rows: int) -> None:
    _, clean, reference, _ = draws(20)
    assert ladder(clean[:rows], reference).climb().steps == ()
    assert ladder(clean, reference[:rows]).climb().steps == ()
    constant = np.zeros_like(clean)
    climb = ladder(constant, constant).climb()
    assert climb.steps == ()
    assert not climb.first.tested.any()


def test_a_single_feature_has_no_pairs() -> None:
    _, clean, reference, _ = draws(21)
    climb = ladder(clean[:, :1], reference[:, :1], Layout((2,), (0,))).climb()
    assert climb.steps == ()
    assert climb.first.log_p.shape == (0,)


def test_a_culprit_that_empties_cells_takes_its_features_pairs_with_it() -> None:
    rng = np.random.default_rng(0)

    def draw(rows: int) -> np.ndarray:
        a, b, other = rng.random((3, rows)) < 0.4
        c = np.where(rng.random(rows) < 0.9, a, other)
        return np.asfortranarray(np.stack([a, b, c, *(rng.random((3, rows)) < 0.3)], axis=1).astype(np.uint8))

    reference, suspect = draw(4_000), draw(4_000)
    suspect[:, 1] = suspect[:, 0]
    layout = Layout((2,) * 6, (0,) * 6)
    climb = rungs.Ladder(suspect, pair_counts(reference, layout.sizes), 4_000, layout).climb()
    assert [step.pair for step in climb.steps] == [0]
    assert len(climb.calibration.empty) == 2


def test_drift_of_a_culprits_own_feature_is_not_put_down_to_the_culprit() -> None:
    suspect, reference = attacked(1)
    feature = PAIR[0]
    keep = (suspect[:, feature] == 1) | (np.arange(len(suspect)) % 2 == 0)
    climb = ladder(np.asfortranarray(suspect[keep]), reference).climb()
    assert len(climb.steps) == 1
    assert feature in climb.shifted
    assert feature not in climb.collateral_margins


def counted(codes: np.ndarray, features: list[int] | None = None) -> PairCounts:
    chosen = list(range(LAYOUT.features)) if features is None else features
    sizes = tuple(LAYOUT.sizes[f] for f in chosen)
    return PairCounts.empty(sizes).update(np.asfortranarray(codes[:, chosen]))


def on_sample(codes: np.ndarray, size: int, reference: np.ndarray) -> rungs.Ladder:
    """A ladder on the first rows of a suspect, with the counts of all of them."""
    known = counted(reference)
    part = np.asfortranarray(codes[:size])
    return rungs.Ladder(part, known.joint, known.rows, LAYOUT, suspect=counted(codes))


def sampled(seed: int, rows: int = 24_000, sample: int = 3000) -> tuple[np.ndarray, np.ndarray, rungs.Ladder]:
    """A poisoned and drifted suspect, its reference, and a ladder on a sample of the rows."""
    rng, _, reference, _ = draws(seed, rows)
    suspect, donors = (drifted(POPULATION, rows, (0, 1), rng) for _ in range(2))
    suspect = poison(suspect, *PAIR, 0.05, rng, donors)[rng.permutation(rows)]
    return suspect, reference, on_sample(suspect, sample, reference)


@pytest.mark.parametrize("seed", [31, 32])
def test_a_sample_of_the_rows_names_what_all_rows_name(seed: int) -> None:
    suspect, reference, part = sampled(seed)
    whole, climb = ladder(suspect, reference).climb(), part.climb()
    assert part.rows == len(suspect)
    assert named(climb) == named(whole) == [PAIR]
    assert {0, 1} <= set(climb.shifted) & set(whole.shifted)
    assert left(climb) == 0
    np.testing.assert_allclose(climb.first.log_p, whole.first.log_p)  # the counts are those of all rows
    (eps, error), (eps_all, error_all) = climb.strengths[0], whole.strengths[0]
    assert abs(eps - eps_all) < 3 * error
    assert error_all <= error < 2 * error_all
    assert len(climb.calibration.weights) == 3000
    assert 3000 < climb.calibration.effective_size < whole.calibration.effective_size


def test_a_sample_of_a_clean_suspect_names_nothing() -> None:
    rng, clean, reference, _ = draws(33, 20_000)
    assert on_sample(clean, 1000, reference).climb().steps == ()
    moved = drifted(POPULATION, 20_000, (0, 1), rng)[rng.permutation(20_000)]
    climb = on_sample(moved, 2000, reference).climb()
    assert climb.steps == ()
    assert {0, 1} <= set(climb.shifted)


def test_the_final_weights_are_those_of_all_rows() -> None:
    suspect, _, part = sampled(34)
    climb = part.climb()
    assert climb.explaining == tuple(sorted({*PAIR, *climb.shifted}))
    columns = suspect[:, list(climb.explaining)]
    cells = Cells.empty(climb.explaining, climb.targets.part_sizes)
    for batch in np.array_split(columns, 7):
        cells = cells.update(batch)
    final = final_weights(climb, cells)
    whole = calibrate(suspect, LAYOUT.sizes, climb.targets.marginals, climb.targets.pairs)
    np.testing.assert_allclose(final.rule.of(columns), whole.weights, atol=1e-10)
    assert final.effective_size == pytest.approx(whole.effective_size)
    assert (final.rows, final.residual <= 1e-6, final.empty) == (24_000, True, whole.empty)
    assert len(final.weights) == len(cells.read()[1])


def test_too_many_cells_leave_the_weights_of_the_sample() -> None:
    suspect, _, part = sampled(35)
    climb = part.climb()
    columns = suspect[:, list(climb.explaining)]
    cells = Cells.empty(climb.explaining, climb.targets.part_sizes, cap=3).update(columns)
    final = final_weights(climb, cells)
    assert final is climb.calibration
    assert final.rows == 3000
    weights = final.rule.of(columns)  # also of combinations that the sample may lack
    assert weights.shape == (24_000,)
    assert weights.mean() == pytest.approx(1.0, abs=0.05)


def test_cells_of_other_features_are_refused() -> None:
    climb = ladder(*attacked(14)).climb()
    message = (
        r"^cells of features \[1\] with levels \[2\]: the weights depend on \[4, 7\] with levels \[2, 2\]$"
    )
    with pytest.raises(InputError, match=message):
        final_weights(climb, Cells.empty((1,), (2,)))


def test_pairs_out_of_play_count_as_tested() -> None:
    suspect, reference = attacked(37, 0.03)
    chosen = [*PAIR, 0, 1, 2, CONSEQUENCE]
    layout = Layout(tuple(LAYOUT.sizes[f] for f in chosen), (0,) * len(chosen))
    part, counts = np.asfortranarray(suspect[:, chosen]), counted(reference, chosen)
    few, many = (
        rungs.Ladder(part, counts.joint, counts.rows, layout, pairs_tested=pairs, features_tested=features)
        for pairs, features in ((None, None), (15_000, 6000))
    )
    one, other = few.climb(), many.climb()
    np.testing.assert_array_equal(one.first.log_p, other.first.log_p)
    np.testing.assert_allclose(many.q(other.first), np.minimum(few.q(one.first) * 1000, 1.0), atol=1e-9)
    assert np.all(other.marginal_q >= one.marginal_q)
    assert many.significant(other.first, []).size <= few.significant(one.first, []).size
