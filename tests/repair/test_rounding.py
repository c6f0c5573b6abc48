from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.repair import rounding
from credenza.repair.rounding import HARD, SOFT, Family, rounded


def margins(*shape: int) -> list[Family]:
    axes = np.indices(shape).reshape(len(shape), -1)
    return [Family(np.zeros(axes.shape[1], np.int64), HARD), *(Family(axis, HARD) for axis in axes)]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_tables_are_rounded_with_their_margins(rows: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.random((rows, columns)) * 5
    out = rounded(table.ravel(), margins(rows, columns), rng, 1e-6).reshape(rows, columns)
    assert (np.abs(out - table) < 1).all()
    for axis in (0, 1, None):
        assert (np.abs(out.sum(axis=axis) - table.sum(axis=axis)) < 1).all()


def test_whole_margins_stay() -> None:
    table = np.array([[0.25, 0.75], [0.75, 0.25]])
    for seed in range(20):
        out = rounded(table.ravel(), margins(2, 2), np.random.default_rng(seed), 1e-6).reshape(2, 2)
        assert out.sum(axis=0).tolist() == out.sum(axis=1).tolist() == [1, 1]


def test_many_ways_are_rounded_as_well_as_can_be() -> None:
    rng = np.random.default_rng(0)
    shape = (2,) * 6
    table = rng.random(64) * 3
    axes = np.indices(shape).reshape(6, -1)
    pairs = [Family(2 * axes[a] + axes[b], SOFT) for a, b in ((0, 1), (2, 3), (4, 5))]
    out = rounded(table, [*margins(*shape), *pairs], rng, 1e-6)
    for family in (*margins(*shape), *pairs):
        have, wanted = np.bincount(family.sums, out), np.bincount(family.sums, table)
        assert (np.abs(have - wanted) < 1).all()


def test_larger_fractions_are_rounded_up_more_often() -> None:
    table = np.array([0.1, 0.9])
    family = [Family(np.zeros(2, np.int64), HARD)]
    ups = sum(rounded(table, family, np.random.default_rng(seed), 1e-6) for seed in range(60))
    assert ups[1] > 40 > 20 > ups[0]


def test_whole_numbers_stay_as_they_are() -> None:
    out = rounded(np.array([2.0, 3.0 - 1e-9, 0.0]), margins(3), np.random.default_rng(0), 1e-6)
    assert out.tolist() == [2, 3, 0]


def test_many_cells_are_rounded_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounding, "MOST", 10)
    monkeypatch.setattr(rounding, "MANY", 20)
    table = np.random.default_rng(0).random(50)
    out = rounded(table, margins(50), np.random.default_rng(1), 1e-6)
    assert (np.abs(np.cumsum(out) - np.cumsum(table)) < 1).all()


def test_more_cells_are_rounded_in_fractions_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounding, "MOST", 40)
    shape = (6, 5, 4)
    table = np.random.default_rng(0).random(120) * 2
    for family in margins(*shape):
        out = rounded(table, margins(*shape), np.random.default_rng(1), 1e-6)
        have, wanted = np.bincount(family.sums, out), np.bincount(family.sums, table)
        assert (np.abs(have - wanted) < 1).all()
    assert (np.abs(out - table) < 1).all()
