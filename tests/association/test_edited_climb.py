"""One edit of a feature's values is one culprit; exchanged rows are never taken for it."""

from __future__ import annotations

import numpy as np
import pytest
from association.edits import BINARY, MIXED, ROWS, exchanged, population, relabelled
from association.worlds import ladder, named

from credenza.association import edited_climb as module
from credenza.association.climb import Climb
from credenza.association.edited_climb import EditSearch, linked
from credenza.association.edited_counts import GivenPairs
from credenza.association.ladder import Ladder
from credenza.association.probes import Layout

Codes = np.ndarray


def search(suspect: Codes, reference: Codes, layout: Layout = BINARY) -> tuple[EditSearch, list[int]]:
    """The search after a climb, and the passes that it made over the reference."""
    rungs, passes = ladder(suspect, reference, layout), []

    def count(pairs: tuple[tuple[int, int], ...]) -> GivenPairs:
        passes.append(len(pairs))
        return GivenPairs.empty(layout.sizes, pairs).update(reference)

    return EditSearch(rungs, rungs.climb(), count), passes


def told(climb: Climb, layout: Layout = BINARY) -> list[tuple[tuple[int, int], int]]:
    return list(zip(named(climb, layout), climb.edited or [-1] * len(climb.steps), strict=True))


@pytest.mark.parametrize("share", [0.1, 0.2])
def test_an_edited_feature_is_one_culprit_and_explains_the_rest(share: float) -> None:
    reference, suspect = population(ROWS, 1), relabelled(population(ROWS, 2), 8, 1, share, 3)
    looked, passes = search(suspect, reference)
    before, after = looked.before, looked.climb()
    assert len(before.steps) > 1
    assert told(after) == [((1, 8), 1)]
    assert passes == [len(set(map(frozenset, (p for _, p in looked._candidates))))]
    flagged = set(np.flatnonzero(before.first.q() <= 0.05)) - {after.steps[0].pair}
    assert set(after.explained[0]) == flagged
    assert not (after.last.q() <= 0.05).any()
    ((strength, error),) = after.strengths
    assert abs(strength - share / 2) < 3 * error
    assert not after.exhausted


def test_weights_and_tests_of_the_first_round_stay_those_of_exchanged_rows() -> None:
    looked, _ = search(relabelled(population(ROWS, 2), 8, 1, 0.2, 3), population(ROWS, 1))
    before, after = looked.before, looked.climb()
    assert after.calibration is before.calibration
    assert after.targets is before.targets
    assert after.first is before.first
    assert after.last is not before.last


@pytest.mark.parametrize("seed", range(3))
def test_exchanged_rows_are_told_as_before(seed: int) -> None:
    reference, clean = population(ROWS, 10 + seed), population(ROWS, 20 + seed)
    one, _ = search(exchanged(clean, 8, 1, 0.15, seed), reference)
    assert not one.climb().edited
    two, _ = search(exchanged(exchanged(clean, 8, 1, 0.1, seed), 1, 4, 0.1, seed), reference)
    assert linked(two.before, BINARY.pairs) >= {1, 4, 8}
    assert two.climb() is two.before


def test_nothing_is_read_where_no_culprits_share_a_feature() -> None:
    reference, clean = population(ROWS, 1), population(ROWS, 2)
    apart = exchanged(exchanged(clean, 8, 1, 0.15, 3), 9, 5, 0.15, 3)
    for suspect in (clean, exchanged(clean, 9, 5, 0.15, 3), apart):
        looked, passes = search(suspect, reference)
        assert not linked(looked.before, BINARY.pairs)
        assert looked.climb() is looked.before
        assert not passes


def test_two_features_that_were_edited_are_two_culprits() -> None:
    once = relabelled(population(ROWS, 2), 8, 1, 0.15, 3)
    looked, passes = search(relabelled(once, 9, 5, 0.15, 4), population(ROWS, 1))
    assert len(looked.before.steps) > 2
    after = looked.climb()
    assert sorted(told(after)) == [((1, 8), 1), ((5, 9), 5)]
    assert len(passes) == 1
    i, j = BINARY.pairs
    for step, explained in zip(after.steps, after.explained, strict=True):
        own, other = (1, 5) if 8 in (i[step.pair], j[step.pair]) else (5, 1)
        features = {int(f) for k in explained for f in (i[k], j[k])}
        assert own in features
        assert other not in features


def test_an_edit_beside_exchanged_rows_leaves_those_their_own_culprit() -> None:
    suspect = relabelled(exchanged(population(ROWS, 2), 9, 6, 0.12, 5), 8, 1, 0.2, 3)
    looked, _ = search(suspect, population(ROWS, 1))
    assert sorted(told(looked.climb())) == [((1, 8), 1), ((6, 9), -1)]


def test_levels_of_categories_and_cuts_of_ordered_features() -> None:
    reference, clean = population(12_000, 1, MIXED), population(12_000, 2, MIXED)
    suspect = relabelled(clean, 5, 1, 0.12, 3, (5, 1))
    looked, _ = search(suspect, reference, MIXED)
    assert len(looked.before.steps) > 1
    assert told(looked.climb(), MIXED) == [((1, 5), 1)]


def test_a_pair_of_too_many_levels_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_MASKS", 0)
    looked, _ = search(relabelled(population(ROWS, 2), 8, 1, 0.2, 3), population(ROWS, 1))
    assert looked.climb() is looked.before


def test_a_drifted_margin_is_taken_off_first() -> None:
    rng, clean = np.random.default_rng(0), population(3 * ROWS, 2)
    weight = np.exp(0.5 * clean[:, 9])
    kept = clean[rng.random(len(clean)) < 0.4 * weight / weight.mean()]
    looked, _ = search(relabelled(np.asfortranarray(kept), 8, 1, 0.2, 3), population(ROWS, 1))
    assert 9 in looked.before.shifted
    assert told(looked.climb()) == [((1, 8), 1)]


def test_a_ladder_against_another_reference_keeps_the_suspect() -> None:
    reference, suspect = population(ROWS, 1), relabelled(population(ROWS, 2), 8, 1, 0.2, 3)
    rungs = ladder(suspect, reference, BINARY)
    other = rungs.against(ladder(reference, population(ROWS, 4), BINARY).reference.joint)
    assert isinstance(other, Ladder)
    np.testing.assert_array_equal(other.plain.joint, rungs.plain.joint)
    assert other.reference is not rungs.reference
    own = rungs.climb()
    assert named(own, BINARY) == named(ladder(suspect, reference, BINARY).climb(), BINARY)
    assert rungs.climb(most=1).exhausted
