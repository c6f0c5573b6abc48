"""Drawing of swaps and donors against slow twins."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from credenza.attacks.swaps import (
    Cells,
    apportion,
    capacity,
    draw_donors,
    draw_labelled,
    draw_swaps,
    split_cells,
)


@st.composite
def small_cells(draw: st.DrawFn) -> Cells:
    """Few rows, up to four values a feature, some missing: where donors run out in every possible way."""
    rows, spare = draw(st.integers(4, 40)), draw(st.integers(0, 40))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    a, b = rng.integers(-1, draw(st.integers(2, 4)), (2, rows + spare))
    members = np.flatnonzero(rng.random(rows + spare) < 0.9)
    mode = draw(st.sampled_from(["replace", "relabel", "duplicate"]))
    return split_cells((a, b), (1, 1), members, rows, positive=draw(st.booleans()), mode=mode)


def largest(cells: Cells) -> int:
    """Slow twin of the capacity: a linear program over the table of swaps by their two values."""
    if cells.pool is None:
        return min(len(cells.first), len(cells.second))
    pool = Counter(zip(cells.a[cells.pool].tolist(), cells.b[cells.pool].tolist(), strict=True))
    stock = {pair: (10**6 if cells.recycle else number) for pair, number in pool.items()}
    second = Counter(zip(cells.a[cells.second].tolist(), cells.b[cells.second].tolist(), strict=True))
    first = Counter(cells.b[cells.first].tolist())
    la, lb, positive = cells.level_a, cells.level_b, cells.positive
    xs = sorted({a for a, _ in second})
    ys = sorted(first) if positive else sorted({b for _, b in second})
    slots = [(x, y) for x in xs for y in ys]
    if not slots:
        return 0
    rows = [[float(slot[0] == x) for slot in slots] for x in xs]
    columns = [[float(slot[1] == y) for slot in slots] for y in ys]
    if positive:
        limits = [second[x, lb] for x in xs] + [first[y] for y in ys]
        upper, total = [stock.get(slot, 0) for slot in slots], stock.get((la, lb), 0)
    else:
        limits = [stock.get((x, lb), 0) for x in xs] + [stock.get((la, y), 0) for y in ys]
        upper, total = [second[slot] for slot in slots], len(cells.first)
    solved = linprog(
        [-1.0] * len(slots),
        A_ub=[*rows, *columns, [1.0] * len(slots)],
        b_ub=[*limits, total],
        bounds=[(0, high) for high in upper],
    )
    return round(-solved.fun)


@settings(max_examples=150, deadline=None)
@given(small_cells())
def test_capacity_agrees_with_linear_program(cells: Cells) -> None:
    assert capacity(cells) == largest(cells)


@settings(max_examples=150, deadline=None)
@given(small_cells(), st.floats(0, 1), st.integers(0, 1000))
def test_any_count_up_to_capacity_is_drawn_with_the_right_donors(
    cells: Cells, part: float, seed: int
) -> None:
    count = round(part * capacity(cells))
    rng = np.random.default_rng(seed)
    i, j = draw_swaps(cells, count, rng)
    donors = draw_donors(cells, i, j, rng)
    assert len(set(i.tolist())) == len(set(j.tolist())) == count
    assert set(i.tolist()) <= set(cells.first.tolist())
    assert set(j.tolist()) <= set(cells.second.tolist())
    if cells.pool is None:
        assert donors.tolist() == [*j.tolist(), *i.tolist()]
        return
    assert set(donors.tolist()) <= set(cells.pool.tolist())
    np.testing.assert_array_equal(cells.a[donors], np.concatenate([cells.a[i], cells.a[j]]))
    np.testing.assert_array_equal(cells.b[donors], np.concatenate([cells.b[j], cells.b[i]]))
    if not cells.recycle:
        assert len(set(donors.tolist())) == 2 * count


@settings(max_examples=60, deadline=None)
@given(
    total=st.integers(0, 200), capacities=st.lists(st.integers(0, 100), min_size=1, max_size=12).map(np.array)
)
def test_apportion_is_exact_bounded_and_proportional(total: int, capacities: np.ndarray) -> None:
    total = min(total, int(capacities.sum()))
    share = apportion(total, capacities)
    assert share.sum() == total
    assert (share <= capacities).all()
    if total:
        assert (np.abs(share - total * capacities / capacities.sum()) < 1).all()


def test_rows_of_a_cell_are_drawn_uniformly() -> None:
    a, b = np.array([1, 1, 1, 1, 0, 0, 0, 0]), np.array([0, 0, 0, 0, 1, 1, 1, 1])
    cells = split_cells((a, b), (1, 1), np.arange(8), 8, positive=True, mode="relabel")
    drawn = Counter()
    for seed in range(2000):
        drawn.update(draw_swaps(cells, 1, np.random.default_rng(seed))[0].tolist())
    assert all(430 < drawn[row] < 570 for row in range(4))


@pytest.mark.parametrize("recycle", [False, True])
def test_draw_labelled(recycle: bool) -> None:
    rows, labels = np.arange(10) + 100, np.array([3, 5] * 5)
    wanted = np.array([5, 3, 5, 5]) if not recycle else np.array([5] * 15)
    drawn = draw_labelled(rows, labels, wanted, np.random.default_rng(0), recycle=recycle)
    assert [int(labels[row - 100]) for row in drawn] == wanted.tolist()
    assert set(Counter(drawn.tolist()).values()) == ({3} if recycle else {1})
    assert draw_labelled(rows, labels, wanted[:0], np.random.default_rng(0)).shape == (0,)
