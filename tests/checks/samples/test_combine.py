from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import best_cell_filter, combined_ranks

from credenza.checks.samples.combine import (
    RowScores,
    agreement,
    combine,
    detection_ceiling,
    summarise_rows,
    surprise,
)
from credenza.checks.samples.evidence import Labels
from credenza.contracts import Outcome, Status

NOTHING = np.zeros(1_000, dtype=bool)


def tpr(scores: np.ndarray, planted: np.ndarray, fpr: float = 0.05) -> float:
    return float((scores[planted] > np.quantile(scores[~planted], 1 - fpr)).mean())


def one_that_sees(seed: int, *, raised: bool) -> tuple[list[RowScores], np.ndarray, np.ndarray]:
    """Five checks of 1,000 rows in four classes; the first sees the 40 planted rows of class 2."""
    rng = np.random.default_rng(seed)
    labels = np.arange(1_000) % 4
    planted = (labels == 2) & (np.arange(1_000) < 160)
    seeing = rng.exponential(size=1_000) + 6.0 * planted
    checks = [RowScores(seeing, planted if raised else NOTHING)]
    checks += [RowScores(rng.exponential(size=1_000), NOTHING) for _ in range(4)]
    return checks, labels, planted


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 25), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_the_score_is_that_of_the_slow_twin(n: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    checks = []
    for _ in range(count):
        scores = rng.integers(0, 4, n).astype(float)
        scores[rng.random(n) < 0.2] = np.nan
        checks.append(RowScores(scores, rng.random(n) < 0.2))
    found = combine(checks, labels, quiet=0.25)
    expected = combined_ranks([(c.scores, c.picked) for c in checks], labels, 0.25)
    np.testing.assert_allclose(found, expected)
    looked = np.any([np.isfinite(c.scores) for c in checks], axis=0)
    assert (np.isfinite(found) == looked).all()
    assert not np.any((found < 0) | (found > 1))


@pytest.mark.parametrize("seed", range(3))
def test_blind_checks_do_not_drown_the_one_that_raised_an_alarm(seed: int) -> None:
    checks, labels, planted = one_that_sees(seed, raised=True)
    assert tpr(combine(checks, labels), planted) > 0.95
    quiet, labels, planted = one_that_sees(seed, raised=False)
    assert tpr(combine(quiet, labels), planted) < tpr(combine(checks, labels), planted)


def test_without_an_alarm_all_checks_count_alike() -> None:
    checks, labels, _ = one_that_sees(0, raised=False)
    np.testing.assert_array_equal(combine(checks, labels), combine(checks[::-1], labels))
    np.testing.assert_array_equal(combine(checks, labels), combine(checks, labels, quiet=1.0))


def test_a_scale_of_scores_does_not_matter() -> None:
    checks, labels, _ = one_that_sees(0, raised=True)
    stretched = [RowScores(np.exp(check.scores), check.picked) for check in checks]
    np.testing.assert_array_equal(combine(checks, labels), combine(stretched, labels))


def test_surprise_without_a_row_that_was_looked_at() -> None:
    assert surprise(np.array([np.nan, np.nan])).tolist() == [0.0, 0.0]
    assert np.isnan(combine([RowScores(np.full(2, np.nan), np.zeros(2, bool))], np.zeros(2, int))).all()


def test_agreement_counts_checks_and_not_rows_that_were_not_looked_at() -> None:
    first = RowScores(np.where(np.arange(100) < 50, np.nan, np.arange(100.0)), np.zeros(100, bool))
    second = RowScores(np.arange(100.0), np.zeros(100, bool))
    found = agreement([first, second])
    assert found.tolist() == [0] * 95 + [1] * 3 + [2] * 2
    assert found.dtype == np.int64


def test_the_summary_counts_rows_classes_and_checks() -> None:
    labels = Labels(np.repeat([0, 1, 2], [50, 30, 20]), ("ant", "bee", "cow"))
    one, two = np.zeros(100, bool), np.zeros(100, bool)
    one[[0, 1, 60]], two[[60, 61, 62, 63]] = True, True
    outcomes = [
        Outcome("CZ002", "", Status.FLAGGED),
        Outcome("CZ003", "", Status.CLEAR, scores=np.ones(100)),
        Outcome("CZ403", "", Status.FLAGGED, scores=one.astype(float), picked=one),
        Outcome("CZ404", "", Status.FLAGGED, scores=two.astype(float), picked=two),
    ]
    found = summarise_rows(outcomes, labels)
    assert found is not None
    assert (found.rows, found.picked, found.agreed) == (100, 6, 1)
    assert found.checks == (("CZ403", 3), ("CZ404", 4))
    assert [(g.label, g.rows, g.picked, g.checks) for g in found.groups] == [
        ("bee", 30, 4, ("CZ403", "CZ404")),
        ("ant", 50, 2, ("CZ403",)),
    ]
    assert found.combined is not None
    assert int(np.argmax(found.combined)) == 60


def test_scores_of_fewer_rows_are_spread() -> None:
    labels = Labels(np.array([0, 0, 1, 1]), ("a", "b"))
    picked = np.array([False, False, True])
    outcome = Outcome("CZ403", "", Status.FLAGGED, scores=np.array([0.1, 0.2, 0.9]), picked=picked)
    found = summarise_rows([outcome], labels, np.array([0, 2, 3]))
    assert found is not None
    assert found.rows == 3
    assert found.groups[0].label == "b"
    assert np.isnan(found.combined).tolist() == [False, True, False, False]


def test_no_summary_without_labels_or_checks_that_pick_rows() -> None:
    labels = Labels(np.array([0, 1]), ("a", "b"))
    assert summarise_rows([Outcome("CZ201", "", Status.CLEAR)], labels) is None
    assert summarise_rows([], None) is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=4, max_size=4), st.floats(0.01, 0.9), st.floats(0.01, 0.99))
def test_no_filter_beats_the_ceiling(cells: list[int], part: float, fpr: float) -> None:
    a, b, c, d = np.array(cells) / sum(cells)
    strength = part * min(b, c)
    best = best_cell_filter((a, b, c, d), strength, fpr)
    bound = detection_ceiling(strength, min(a, d), fpr)
    assert best <= bound + 1e-9
    if bound <= 0.5:
        assert best == pytest.approx(bound)


def test_an_empty_cell_bounds_nothing() -> None:
    assert detection_ceiling(0.1, 0.0) == 1.0
    assert detection_ceiling(-0.1, 0.2) == detection_ceiling(0.1, 0.2)
