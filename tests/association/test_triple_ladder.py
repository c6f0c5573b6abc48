"""Rung 3: one planted triple is one culprit, consequences are collateral, what lower rungs explain is none."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from credenza.association.calibrate import Targets
from credenza.association.probes import Layout
from credenza.association.triple_counts import TripleCounts
from credenza.association.triple_explain import Given
from credenza.association.triple_ladder import MAX_CULPRITS, TripleClimb, TripleLadder
from credenza.association.triple_shift import contrast

M = 8
LAYOUT = Layout((2,) * M, (0,) * M)
Codes = NDArray[np.uint8]


def world(rows: int, seed: int) -> Codes:
    """Independent coins, but the last one mostly the parity of the first three, and the one before of 3, 4, 5."""
    rng = np.random.default_rng(seed)
    codes = (rng.random((rows, M)) < 0.5).astype(np.uint8)
    for target, sources in ((7, (0, 1, 2)), (6, (3, 4, 5))):
        copied = rng.random(rows) < 0.6
        codes[:, target] = np.where(copied, codes[:, sources].sum(axis=1) % 2, codes[:, target])
    return codes


def exchanged(codes: Codes, donors: Codes, triple: tuple[int, int, int], strength: float) -> Codes:
    """Put genuine donors with filled cells in the place of rows of the emptied cells of a triple."""
    out, k = codes.copy(), round(abs(strength) * len(codes))
    filled = [c for c in product((0, 1), repeat=3) if (-1) ** sum(c) * strength > 0]
    emptied = [c for c in product((0, 1), repeat=3) if (-1) ** sum(c) * strength < 0]
    for gone, put in zip(emptied, filled, strict=True):
        places = np.flatnonzero((codes[:, triple] == gone).all(axis=1))[:k]
        given = np.flatnonzero((donors[:, triple] == put).all(axis=1))[:k]
        assert len(places) == len(given) == k
        out[places] = donors[given]
    return out


def counted(codes: Codes) -> TripleCounts:
    return TripleCounts.empty(LAYOUT).update(codes)


def climbed(reference: Codes, suspect: Codes, **options: object) -> TripleClimb:
    return TripleLadder(counted(reference), counted(suspect), lambda: suspect, **options).climb()  # type: ignore[arg-type]


def named(climb: TripleClimb) -> list[tuple[int, ...]]:
    return [step.probes for step in climb.steps]  # binary: probe f is feature f


@pytest.mark.parametrize("strength", [0.03, -0.03])
def test_one_triple_is_one_culprit(strength: float) -> None:
    clean, known, spare = (world(6_000, seed) for seed in (1, 2, 3))
    climb = climbed(known, exchanged(clean, spare, (0, 1, 2), strength))
    assert named(climb) == [(0, 1, 2)]
    (eps, error), (step,) = climb.strengths[0], climb.steps
    assert abs(eps - strength) <= 1.96 * error
    assert step.q < 1e-6
    assert np.sign(step.z) == np.sign(strength)
    assert climb.last.q()[~np.isin(np.arange(56), [step.triple])].min() > 0.05
    assert not climb.exhausted
    assert 3_000 < climb.effective_size <= 6_000


def test_two_triples_are_two_culprits() -> None:
    clean, known, spare = (world(8_000, seed) for seed in (4, 5, 6))
    moved = exchanged(exchanged(clean, spare[:4_000], (0, 1, 2), 0.03), spare[4_000:], (3, 4, 6), -0.03)
    assert set(named(climbed(known, moved))) == {(0, 1, 2), (3, 4, 6)}


def test_nothing_moved_reads_no_row() -> None:
    def rows() -> Codes:
        raise AssertionError("rows were asked for")

    climb = TripleLadder(counted(world(3_000, 7)), counted(world(3_000, 8)), rows).climb()
    assert named(climb) == []
    assert climb.effective_size == 3_000


def test_collateral_is_credited_and_not_named() -> None:
    """Features 8 and on copy the third member: their triples move too, and come back with the culprit."""

    def widened(codes: Codes) -> Codes:
        copy = np.where(np.random.default_rng(9).random(len(codes)) < 0.9, codes[:, 2], 1 - codes[:, 2])
        return np.concatenate([codes[:, :7], copy[:, None]], axis=1).astype(np.uint8)

    known, moved = world(8_000, 11), exchanged(world(8_000, 10), world(8_000, 12), (0, 1, 2), 0.04)
    climb = climbed(widened(known), widened(moved))
    assert named(climb) == [(0, 1, 2)]
    assert len(climb.flagged) > 1
    names = [(i, j, k) for i in range(M) for j in range(i + 1, M) for k in range(j + 1, M)]
    assert {names[t] for t in climb.explained[0]} >= {(0, 1, 7)}


def test_what_lower_rungs_explain_does_not_show() -> None:
    """Rows are thinned by a marginal that opens a three-way interaction of three others."""
    rng = np.random.default_rng(13)

    def mixed(rows: int, share: float) -> Codes:
        codes = (rng.random((rows, M)) < 0.5).astype(np.uint8)
        codes[:, 7] = rng.random(rows) < share
        codes[:, 2] = np.where(codes[:, 7] == 1, codes[:, 0] ^ codes[:, 1], codes[:, 2])
        return codes

    known, drifted = mixed(6_000, 0.3), mixed(6_000, 0.6)
    assert (0, 1, 2) in named(climbed(known, drifted))
    shares = {7: np.bincount(known[:, 7]) / 6_000}
    own = {7: np.bincount(drifted[:, 7]) / 6_000}
    given = Given(Targets(LAYOUT.sizes, shares, {}), Targets(LAYOUT.sizes, own, {}))
    assert named(climbed(known, drifted, given=given)) == []


def test_a_sample_of_the_rows_serves() -> None:
    clean, known, spare = (world(20_000, seed) for seed in (14, 15, 16))
    moved = exchanged(clean, spare, (0, 1, 2), 0.03)
    part = moved[np.random.default_rng(17).permutation(20_000)[:5_000]]
    climb = TripleLadder(counted(known), counted(moved), lambda: part).climb()
    assert named(climb) == [(0, 1, 2)]
    whole = climbed(known, moved)
    assert climb.strengths[0] == whole.strengths[0]
    assert abs(climb.effective_size / whole.effective_size - 1) < 0.2


def test_a_floor_lets_small_shifts_pass() -> None:
    clean, known, spare = (world(6_000, seed) for seed in (1, 2, 3))
    moved = exchanged(clean, spare, (0, 1, 2), 0.03)
    assert named(climbed(known, moved, min_strength=0.05)) == []
    assert named(climbed(known, moved, min_strength=0.01)) == [(0, 1, 2)]


def test_copies_lower_the_evidence() -> None:
    clean, known, spare = (world(6_000, seed) for seed in (1, 2, 3))
    moved = exchanged(clean, spare, (0, 1, 2), 0.03)
    plain, fewer = climbed(known, moved), climbed(known, moved, design_effect=3.0)
    assert fewer.steps[0].log_p > plain.steps[0].log_p
    assert fewer.effective_size == pytest.approx(plain.effective_size / 3.0)


def test_barred_triples_are_not_named() -> None:
    clean, known, spare = (world(6_000, seed) for seed in (1, 2, 3))
    barred = np.ones(56, bool)
    climb = climbed(known, exchanged(clean, spare, (0, 1, 2), 0.03), barred=barred)
    assert named(climb) == []
    assert climb.flagged.size == 0


def test_it_gives_up_on_tables_that_differ_throughout(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_CULPRITS >= 10
    monkeypatch.setattr("credenza.association.triple_ladder.MAX_CULPRITS", 1)
    clean, known, spare = (world(8_000, seed) for seed in (4, 5, 6))
    moved = exchanged(exchanged(clean, spare[:4_000], (0, 1, 2), 0.03), spare[4_000:], (3, 4, 6), -0.03)
    climb = climbed(known, moved)
    assert climb.exhausted
    assert len(climb.steps) == 1


def test_cells_that_the_reference_lacks_are_emptied() -> None:
    """Mass put where the reference has none can be taken away by weights of zero."""
    known = world(6_000, 20)
    known = known[~(known[:, :3] == 1).all(axis=1)]
    moved = world(6_000, 21)
    moved = np.concatenate(
        [moved[~(moved[:, :3] == 1).all(axis=1)], moved[(moved[:, :3] == 1).all(axis=1)][:300]]
    )
    climb = climbed(known, moved)
    assert (0, 1, 2) in named(climb)
    assert contrast(counted(known).table(np.array([[0, 1, 2]])))[0] > 3
