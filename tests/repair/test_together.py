"""One exchange for several pairs: tables met to the row, cells of the hold-out not overdrawn."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.repair.board import counted
from credenza.repair.case import aim
from credenza.repair.retable import rounded
from credenza.repair.together import exchange

SIZES = {0: 2, 1: 3, 2: 2, 3: 2}


def rows_of(rng: np.random.Generator, rows: int, tilt: float) -> dict[int, np.ndarray]:
    first = rng.random(rows) < 0.5
    codes = {0: first, 1: np.where(rng.random(rows) < tilt, first * 2, rng.integers(0, 3, rows))}
    codes |= {2: rng.random(rows) < 0.4, 3: np.where(rng.random(rows) < tilt, first, rng.random(rows) < 0.5)}
    return {f: c.astype(np.uint8) for f, c in codes.items()}


def table(codes: dict[int, np.ndarray], pair: tuple[int, int], inside: np.ndarray) -> np.ndarray:
    return counted(codes[pair[0]], codes[pair[1]], inside, (SIZES[pair[0]], SIZES[pair[1]]))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(60, 900), spare=st.integers(0, 1_500))
def test_all_tables_are_met_or_nothing_is_exchanged(seed: int, rows: int, spare: int) -> None:
    rng = np.random.default_rng(seed)
    codes, other = rows_of(rng, rows, 0.4), rows_of(rng, spare, 0.1)
    inside, unspent = rng.random(rows) < 0.9, rng.random(spare) < 0.9
    goals = []
    for pair in ((0, 1), (2, 3)):
        found = table(codes, pair, inside)
        goals.append((pair, rounded(aim(found, None), found)))
    goals.append(((1, 2), table(codes, (1, 2), inside)))
    gone, come = exchange(codes, other, inside, unspent, goals, rng)
    assert len(gone) == len(come) == len(set(gone)) == len(set(come))
    assert inside[gone].all()
    assert unspent[come].all()
    after = {f: c.copy() for f, c in codes.items()}
    for f in SIZES:
        after[f][gone] = other[f][come]
    if len(gone):
        for pair, wanted in goals:
            np.testing.assert_array_equal(table(after, pair, inside), wanted)


def test_a_hold_out_with_enough_of_everything_serves() -> None:
    rng = np.random.default_rng(0)
    codes, other = rows_of(rng, 2_000, 0.5), rows_of(rng, 5_000, 0.1)
    every = np.ones(2_000, dtype=bool)
    found = {pair: table(codes, pair, every) for pair in ((0, 1), (0, 3))}
    goals = [(pair, rounded(aim(f, None), f)) for pair, f in found.items()]
    misplaced = sum(np.abs(wanted - found[pair]).sum() / 2 for pair, wanted in goals)
    gone, _ = exchange(codes, other, every, np.ones(5_000, dtype=bool), goals, rng)
    assert misplaced / 2 < len(gone) < misplaced


def test_too_many_combinations_are_left_to_one_pair_after_the_other() -> None:
    rng = np.random.default_rng(0)
    codes = {f: rng.integers(0, 100, 8_000).astype(np.uint8) for f in (0, 1)}
    every = np.ones(8_000, dtype=bool)
    wanted = counted(codes[0], codes[1], every, (100, 100))
    gone, come = exchange(codes, codes, every, every, [((0, 1), wanted)], rng)
    assert len(gone) == len(come) == 0
