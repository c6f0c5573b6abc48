"""The exact three-way test against a list of its support, and its level."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.association.triple_exact import SIGNS, same_interaction

CELLS = st.lists(st.integers(0, 40), min_size=8, max_size=8)


@given(CELLS, CELLS)
def test_the_support_is_summed(reference: list[int], suspect: list[int]) -> None:
    r, s = (np.array(cells, float)[:, None] for cells in (reference, suspect))
    assert same_interaction(r, s)[0] == pytest.approx(
        oracles.log_same_interaction(reference, suspect), abs=1e-9
    )


@given(CELLS, CELLS, st.floats(0.1, 1.0))
def test_effective_counts_may_be_fractions(reference: list[int], suspect: list[int], share: float) -> None:
    thin = [share * cell for cell in suspect]
    r, s = (np.array(cells, float)[:, None] for cells in (reference, thin))
    assert same_interaction(r, s)[0] == pytest.approx(oracles.log_same_interaction(reference, thin), abs=1e-9)


@pytest.mark.parametrize("strength", [0, 300, -900])
def test_large_tables(strength: int) -> None:
    even = np.full((8, 1), 2_000.0)
    moved = even + strength * SIGNS[:, None]
    expected = oracles.log_same_interaction(even[:, 0].tolist(), moved[:, 0].tolist())
    assert same_interaction(even, moved)[0] == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_a_table_without_room_says_nothing() -> None:
    """A pair cell that is empty on both sides leaves nothing to vary."""
    table = np.array([5.0, 5, 5, 5, 5, 5, 0, 0])[:, None]
    assert same_interaction(table, 3 * table).tolist() == [0.0]


@pytest.mark.parametrize("rows", [300, 3_000])
def test_the_level_is_held_whatever_the_pairs(rows: int) -> None:
    """Two samples with other marginals and other pairs, but one three-way odds ratio."""
    rng = np.random.default_rng(4)
    p = rng.dirichlet(np.full(8, 1.5))
    pair = np.exp(0.8 * np.array([a * b - 0.5 * c * b for a in (0, 1) for b in (0, 1) for c in (0, 1)]))
    q = p * pair / (p * pair).sum()
    r, s = rng.multinomial(rows, p, 4_000).T.astype(float), rng.multinomial(2_000, q, 4_000).T.astype(float)
    log_p = same_interaction(r, s)
    for level in (0.01, 0.05, 0.2):
        assert np.mean(log_p <= np.log(level)) <= level + 3.1 * np.sqrt(level * (1 - level) / 4_000)
    assert np.mean(log_p <= np.log(0.2)) > 0.15
