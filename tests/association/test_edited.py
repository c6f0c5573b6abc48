"""A reference in which one feature's values were edited along another: expectation, noise, and how well it fits."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
from hypothesis import given, strategies

from credenza.association.edited import carried, misfit, movement, plain_change
from credenza.association.kernels import pair_counts
from credenza.association.probes import Layout
from credenza.association.samples import Sample


def joint_of(seed: int, shape: tuple[int, int]) -> np.ndarray:
    rng = np.random.default_rng(seed)
    table = rng.dirichlet(np.ones(shape[0] * shape[1])).reshape(shape)
    return np.asarray(table)


@given(
    strategies.integers(2, 5), strategies.integers(2, 5), strategies.floats(0, 1), strategies.integers(0, 99)
)
def test_a_movement_leads_from_one_joint_to_the_other(a: int, b: int, redrawn: float, seed: int) -> None:
    before = joint_of(seed, (a, b))
    after = plain_change(before, joint_of(seed + 100, (a, b)), 0.0)
    np.testing.assert_allclose(after.sum(axis=1), before.sum(axis=1), atol=1e-6)
    np.testing.assert_allclose(after.sum(axis=0), before.sum(axis=0), atol=1e-6)
    moved = movement(before, after, redrawn)
    assert moved.min() >= 0
    np.testing.assert_allclose(before - moved.sum(axis=2) + moved.sum(axis=1), after, atol=1e-6)
    assert (moved.sum(axis=2) <= before + 1e-6).all()
    assert (moved.sum(axis=2) >= redrawn * before - 1e-6).all()


def test_the_least_movement_moves_no_more_than_the_joints_differ() -> None:
    before, after = joint_of(1, (3, 4)), plain_change(joint_of(1, (3, 4)), joint_of(2, (3, 4)), 0.0)
    moved = movement(before, after)
    assert moved.sum() == pytest.approx(np.abs(after - before).sum() / 2)
    assert np.trace(moved, axis1=1, axis2=2).max() == 0


def test_values_that_are_all_drawn_anew_forget_what_they_were() -> None:
    before = after = np.array([[0.3, 0.2], [0.1, 0.4]])
    moved = movement(before, after, 1.0)
    np.testing.assert_allclose(moved / before[:, :, None], np.broadcast_to((after / 0.5)[:, None], (2, 2, 2)))


@given(strategies.integers(0, 99), strategies.floats(0, 0.5))
def test_the_carried_reference_is_the_expectation_over_edited_rows(seed: int, redrawn: float) -> None:
    rng = np.random.default_rng(seed)
    sizes, rows = (2, 3, 3, 2), 60
    codes = np.asfortranarray(np.stack([rng.integers(0, s, rows) for s in sizes], axis=1).astype(np.uint8))
    layout, joint = Layout(sizes, (0,) * 4), pair_counts(codes, sizes).astype(float)
    a, b = 2, 1
    before = layout.block(joint, a, b) / rows
    after = plain_change(before, joint_of(seed, (3, 3)), 0.0)
    held = before > 0
    moved = movement(before, np.where(held, after, 0.0) if held.all() else before, redrawn)
    counted = oracles.given_pairs(codes, sizes, a, b).astype(float)
    out = carried(joint, rows, counted, moved, layout, (a, b))
    expected = oracles.edited_counts(codes, sizes, a, b, moved)[layout.starts[b] : layout.starts[b + 1]]
    np.testing.assert_allclose(out, expected, atol=1e-6)


def test_a_cell_that_the_rows_lack_goes_with_the_rest_as_its_value_does() -> None:
    codes = np.array([[0, 0, 1], [0, 0, 0], [1, 1, 1], [1, 1, 1]], np.uint8)
    layout, joint = Layout((2, 2, 2), (0, 0, 0)), pair_counts(codes, (2, 2, 2)).astype(float)
    moved = np.zeros((2, 2, 2))
    moved[0, 1, 0] = 0.25  # of a cell without a row: what has b = 1 has c = 1
    out = carried(joint, 4, oracles.given_pairs(codes, (2, 2, 2), 0, 1).astype(float), moved, layout, (0, 1))
    assert out[:, 4:].tolist() == [[1.0, 2.0], [0.0, 1.0]]


def test_noise_is_left_out_and_what_moved_stays() -> None:
    rng = np.random.default_rng(3)
    before = np.outer(rng.dirichlet(np.full(6, 9.0)), rng.dirichlet(np.full(7, 9.0)))
    rows = 20_000
    noisy = rng.multinomial(rows, before.ravel()).reshape(6, 7) / rows
    calm = plain_change(before, noisy, 1 / rows)
    moved = noisy.copy()
    moved[[0, 1], [0, 1]] += 0.01
    moved[[0, 1], [1, 0]] -= 0.01
    found = plain_change(before, moved, 1 / rows)
    assert np.abs(calm - before).sum() < 0.7 * np.abs(noisy - before).sum()
    assert (found - before)[[0, 1], [0, 1]] == pytest.approx([0.01, 0.01], abs=0.004)
    assert np.abs(found - before).sum() < np.abs(moved - before).sum()


def test_equal_samples_fit_and_margins_do_not_matter() -> None:
    rng = np.random.default_rng(5)
    sizes, layout = (2, 3, 2), Layout((2, 3, 2), (0, 0, 0))
    first, second = (
        np.asfortranarray(
            np.stack([rng.random(9_000) < p, rng.integers(0, 3, 9_000), rng.random(9_000) < 0.5], 1)
        )
        for p in (0.3, 0.6)
    )
    one, other = (
        Sample(pair_counts(c.astype(np.uint8), sizes).astype(float), 9_000.0) for c in (first, second)
    )
    assert misfit(one, one, layout) == 0
    assert misfit(one, other, layout) < 20  # five degrees of freedom
    parts = [misfit(one, other, layout, f) for f in range(3)]
    assert sum(parts) / 2 == pytest.approx(misfit(one, other, layout))


def test_cells_with_hardly_a_row_tell_nothing() -> None:
    joint = np.array([[100, 0, 98, 2], [0, 2, 2, 0], [98, 2, 100, 0], [2, 0, 0, 2]], float)
    other = np.array([[100, 0, 100, 0], [0, 2, 0, 2], [100, 0, 100, 0], [0, 2, 0, 2]], float)
    few = misfit(Sample(joint, 102.0), Sample(other, 102.0), Layout((2, 2), (0, 0)))
    assert few < 2.0
