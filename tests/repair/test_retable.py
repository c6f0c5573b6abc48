"""Whole tables: margins kept to the row, cells next to what is wanted, the fewest moves."""

from __future__ import annotations

import re

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.errors import InfeasibleError
from credenza.repair.case import aim
from credenza.repair.retable import capped, closest, goal, margin, rounded, routes, spread

shapes = st.tuples(st.integers(1, 6), st.integers(1, 6))


def worlds(seed: int, shape: tuple[int, int], rows: int) -> tuple[np.ndarray, np.ndarray]:
    """A table found, and what is wanted in its margins."""
    rng = np.random.default_rng(seed)
    cells = rng.dirichlet(np.full(shape[0] * shape[1], 0.7), 2)
    found, reference = (rng.multinomial(rows, c).reshape(shape) for c in cells)
    return found.astype(np.int64), aim(found, reference + 0.5)


def same_margins(a: np.ndarray, b: np.ndarray) -> bool:
    return all((a.sum(axis=k) == b.sum(axis=k)).all() for k in (0, 1))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), shape=shapes, rows=st.integers(1, 3_000))
def test_rounding_keeps_margins_and_goes_up_or_down(seed: int, shape: tuple[int, int], rows: int) -> None:
    found, wanted = worlds(seed, shape, rows)
    whole = rounded(wanted, found)
    assert same_margins(whole, found)
    assert (whole >= 0).all()
    assert (np.abs(whole - wanted) < 1 + 1e-3).all()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(1, 30))
def test_rounding_moves_as_few_as_any_table_does(seed: int, rows: int) -> None:
    found, wanted = worlds(seed, (3, 3), rows)
    whole = rounded(wanted, found)
    assert int(np.abs(whole - found).sum()) == oracles.fewest_moves(wanted, found)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), shape=shapes, rows=st.integers(50, 3_000), tolerance=st.floats(0, 3))
def test_a_goal_is_within_its_tolerance_and_cheaper(
    seed: int, shape: tuple[int, int], rows: int, tolerance: float
) -> None:
    found, wanted = worlds(seed, shape, rows)
    table = goal(wanted, found, tolerance)
    assert same_margins(table, found)
    assert (np.abs(table - wanted) < tolerance * spread(wanted, found) + 1.001).all()
    assert np.abs(table - found).sum() <= np.abs(rounded(wanted, found) - found).sum()


@settings(max_examples=25, deadline=None)
@given(counts=st.lists(st.integers(0, 500), min_size=4, max_size=4).filter(sum))
def test_two_by_two_takes_two_k_edits(counts: list[int]) -> None:
    found = np.array(counts).reshape(2, 2)
    wanted = aim(found, None)
    moved = np.abs(goal(wanted, found) - found).sum() / 2
    n = found.sum()
    epsilon = (found[0, 0] * found[1, 1] - found[0, 1] * found[1, 0]) / n**2
    assert abs(moved - 2 * n * abs(epsilon)) <= 2.0
    assert moved % 2 == 0


def test_larger_tables_leave_noise_alone_and_restore_what_was_moved() -> None:
    rng = np.random.default_rng(1)
    clean = np.full((6, 7), 300)
    found = rng.poisson(clean)
    moved = 250
    found[2, 3] += moved
    found[2, 4] -= moved
    found[4, 3] -= moved
    found[4, 4] += moved
    wanted = aim(found, clean.astype(float))
    table = goal(wanted, found)
    assert (
        np.abs(table - found).sum() / 2 < 1.1 * 2 * moved < np.abs(rounded(wanted, found) - found).sum() / 2
    )
    assert (np.abs(table - wanted) <= margin(wanted, found) + 1).all()


def test_cells_that_cannot_be_filled_wait_where_tolerance_is_given() -> None:
    found, wanted = worlds(3, (4, 5), 2_000)
    free = goal(wanted, found)
    short = tuple(np.argwhere(free - found >= 3)[0])
    entering = np.full((4, 5), 10_000)
    entering[short] = max(free[short] - found[short] - 2, 0)
    table = goal(wanted, found, entering=entering)
    assert same_margins(table, found)
    assert table[short] == found[short] + entering[short]
    assert (np.abs(table - wanted) <= 2 * spread(wanted, found) + 2).all()
    with pytest.raises(InfeasibleError):
        goal(np.full((2, 2), 25.0), np.array([[40, 10], [10, 40]]), entering=np.full((2, 2), 14))


def test_empty_cells_are_filled() -> None:
    found = np.array([[50, 0], [10, 40]])
    assert goal(np.array([[30.0, 20.0], [30.0, 20.0]]), found).tolist() == [[30, 20], [30, 20]]


def test_margins_that_are_nearly_those_found_are_met() -> None:
    found = np.array([[4, 0], [0, 4]])
    wanted = np.array([[2.0 + 1e-5, 2.0], [2.0, 2.0 - 3e-5]])
    assert rounded(wanted, found).tolist() == [[2, 2], [2, 2]]


def test_other_margins_are_refused() -> None:
    message = (
        "no whole table within these bounds has the margins of the table found; "
        "give a wanted table of the same margins"
    )
    with pytest.raises(InfeasibleError, match=f"^{re.escape(message)}$"):
        rounded(np.array([[50.0, 0.0], [0.0, 0.0]]), np.array([[4, 0], [0, 4]]))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), shape=shapes, rows=st.integers(0, 2_000), axis=st.integers(0, 1))
def test_routes_carry_out_the_change_with_no_move_too_many(
    seed: int, shape: tuple[int, int], rows: int, axis: int
) -> None:
    found, wanted = worlds(seed, shape, max(rows, 1))
    change = rounded(wanted, found) - found
    done = np.zeros_like(change)
    total = 0
    for route in routes(change, axis):
        assert route.rows > 0
        assert route.origin[1 - axis] == route.target[1 - axis]
        done[route.origin] -= route.rows
        done[route.target] += route.rows
        total += route.rows
    np.testing.assert_array_equal(done, change)
    assert 2 * total == np.abs(change).sum()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), shape=shapes, room=st.integers(0, 40))
def test_what_is_capped_fits_the_room_and_keeps_margins(seed: int, shape: tuple[int, int], room: int) -> None:
    found, wanted = worlds(seed, shape, 500)
    change = rounded(wanted, found) - found
    most = np.random.default_rng(seed).integers(0, room + 1, shape)
    part = capped(change, most, most)
    assert not part.sum(axis=0).any()
    assert not part.sum(axis=1).any()
    assert (np.abs(part) <= most).all()
    assert (part * change >= 0).all()
    assert (np.abs(part) <= np.abs(change)).all()


def test_a_change_with_room_for_all_of_it_is_not_capped() -> None:
    change = np.array([[-3, 3, 0], [0, -2, 2], [3, -1, -2]])
    room = np.full((3, 3), 3)
    np.testing.assert_array_equal(capped(change, room, room), change)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), shapes)
def test_the_closest_table_has_the_margins_and_none_is_closer(seed: int, shape: tuple[int, int]) -> None:
    found, wanted = worlds(seed, shape, 300)
    table = closest(wanted, found)
    assert same_margins(table, found)
    assert np.abs(table - wanted).max() < 1 + 1e-6
    assert np.abs(table - wanted).sum() <= np.abs(rounded(wanted, found) - wanted).sum() + 1e-6
