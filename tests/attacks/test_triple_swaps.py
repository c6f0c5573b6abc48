"""Quadruples of rows: every full pair table stays, no row is used twice, no donor is of the wrong kind."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.attacks.triple_swaps import largest_plan, quadruples, thin

tables = st.lists(
    st.tuples(st.integers(-1, 2), st.integers(-1, 3), st.integers(-1, 2)), min_size=1, max_size=150
)


@settings(max_examples=150, deadline=None)
@given(tables, st.booleans(), st.sampled_from(["relabel", "replace", "duplicate"]), st.integers(0, 99))
def test_pair_tables_stay(rows: list[tuple[int, int, int]], positive: bool, mode: str, seed: int) -> None:
    a, b, c = (np.array(code) for code in zip(*rows, strict=True))
    size = len(a) if mode != "replace" else (len(a) + 1) // 2
    rng = np.random.default_rng(seed)
    found = quadruples((a, b, c), (3, 4, 3), (1, 1, 1), np.arange(len(a)), size, positive=positive, mode=mode)
    plan = largest_plan(*found.limits(), rng)
    edited, sources = found.draw(plan, rng)
    assert edited.size == len(np.unique(edited)) == 4 * plan.sum()
    assert (edited < size).all()
    after = [code[:size].copy() for code in (a, b, c)]
    if mode == "relabel":
        after[2][edited] = c[sources]
    else:
        for code, full in zip(after, (a, b, c), strict=True):
            code[edited] = full[sources]
        assert mode == "duplicate" or ((sources >= size).all() and len(np.unique(sources)) == sources.size)
    before = [code[:size].tolist() for code in (a, b, c)]
    assert oracles.full_pair_tables(before) == oracles.full_pair_tables([code.tolist() for code in after])
    sign = (-1) ** ((a[:size] == 1) + (b[:size] == 1) + 1 * (c[:size] == 1))
    new = (-1) ** ((after[0] == 1) + (after[1] == 1) + 1 * (after[2] == 1))
    known = (a[:size] >= 0) & (b[:size] >= 0) & (c[:size] >= 0)
    assert (new - sign)[known].sum() == (8 if positive else -8) * plan.sum()


def test_binary_features_have_one_combination_and_an_exact_range() -> None:
    cells = np.array([9, 4, 7, 6, 8, 3, 5, 2])
    flat = np.repeat(np.arange(8), cells)
    codes = (flat // 4, flat // 2 % 2, flat % 2)
    for positive, most in ((True, min(4, 7, 8, 2)), (False, min(9, 6, 3, 5))):
        found = quadruples(codes, (2, 2, 2), (1, 1, 1), np.arange(44), 44, positive=positive, mode="relabel")
        assert largest_plan(*found.limits(), np.random.default_rng(0)).tolist() == [most]


def test_greedy_packing_leaves_nothing_that_would_fit() -> None:
    rng = np.random.default_rng(0)
    codes = tuple(rng.choice(5, 4000, p=[0.4, 0.3, 0.1, 0.1, 0.1]) for _ in range(3))
    found = quadruples(codes, (5, 5, 5), (0, 0, 0), np.arange(4000), 4000, positive=True, mode="relabel")
    kinds, counts = found.limits()
    plan = largest_plan(kinds, counts, rng)
    used = np.bincount(kinds.ravel(), np.tile(plan, 4), minlength=len(counts))
    assert (used <= counts).all()
    assert ((counts - used)[kinds].min(axis=0) == 0).all()
    assert (plan > 0).sum() > 30
    thinned = thin(plan, 100, rng)
    assert thinned.sum() == 100
    assert (thinned <= plan).all()


def test_too_many_combinations_keep_the_most_frequent_values(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    codes = tuple(rng.geometric(0.3, 5000) for _ in range(3))
    sizes = []
    for limit in (10**6, 100):
        monkeypatch.setattr("credenza.attacks.triple_swaps.MAX_COMBINATIONS", limit)
        found = quadruples(
            codes, (99, 99, 99), (1, 1, 1), np.arange(5000), 5000, positive=True, mode="relabel"
        )
        sizes.append(int(largest_plan(*found.limits(), rng).sum()))
        assert found.before.shape[1] <= limit
    assert sizes[0] >= sizes[1] > 0.7 * sizes[0]


def test_nothing_to_exchange() -> None:
    code = np.array([0, 0, 1])
    found = quadruples(
        (code, code, code), (2, 2, 2), (1, 1, 1), np.arange(3), 3, positive=True, mode="relabel"
    )
    plan = largest_plan(*found.limits(), np.random.default_rng(0))
    assert plan.shape == (0,)
    edited, sources = found.draw(plan, np.random.default_rng(0))
    assert edited.shape == sources.shape == (4, 0)
