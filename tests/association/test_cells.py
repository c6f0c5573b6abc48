"""Cells: the same counts however the rows are cut, bounded, and weights that hold for any row."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.association import cells as module
from credenza.association.cells import Cells, CellWeights, combinations
from credenza.errors import InputError

WIDE = (256, 3) * 12  # 2^115 combinations: two words


@st.composite
def tables(draw: st.DrawFn) -> tuple[tuple[int, ...], np.ndarray]:
    """Level sizes and codes, from none to more combinations than a word tells apart."""
    sizes = draw(
        st.one_of(st.lists(st.integers(1, 5), max_size=4).map(tuple), st.just((40,) * 5), st.just(WIDE))
    )
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    rows = rng.integers(0, sizes, (draw(st.integers(1, 30)), len(sizes))).astype(np.uint8)
    return sizes, rows[rng.integers(0, len(rows), draw(st.integers(0, 80)))]


def tally(codes: np.ndarray) -> Counter[tuple[int, ...]]:
    return Counter(tuple(map(int, row)) for row in codes)


def read(cells: Cells) -> Counter[tuple[int, ...]]:
    codes, counts = cells.read()
    assert len(np.unique(codes, axis=0)) == len(codes) or not codes.shape[1]
    return Counter({tuple(map(int, row)): int(c) for row, c in zip(codes, counts, strict=True)})


def empty(sizes: tuple[int, ...], **settings: int) -> Cells:
    return Cells.empty(range(len(sizes)), sizes, **settings)


@given(tables(), st.lists(st.integers(0, 80), max_size=6))
def test_any_cut_of_the_rows_counts_alike(table: tuple, cuts: list[int]) -> None:
    sizes, codes = table
    parts = np.split(codes, sorted(cuts))
    batched = empty(sizes)
    for part in parts:
        batched = batched.update(part)
    merged = empty(sizes)
    for part in reversed(parts):
        merged = empty(sizes).update(part) + merged
    for cells in (empty(sizes).update(codes), batched, merged):
        assert cells.rows == len(codes)
        assert read(cells) == tally(codes)
    for one, other in zip(batched.read(), merged.read(), strict=True):
        np.testing.assert_array_equal(one, other)


@given(tables())
def test_combinations_are_the_distinct_rows(table: tuple) -> None:
    sizes, codes = table
    rows, counts, index = combinations(codes, sizes)
    np.testing.assert_array_equal(rows[index], codes)
    assert counts.sum() == len(codes)
    assert Counter(dict(zip(map(tuple, rows.tolist()), counts.tolist(), strict=True))) == tally(codes)


def test_runs_stay_few_while_batches_come() -> None:
    rng = np.random.default_rng(0)
    cells = empty((40,) * 5)
    for _ in range(60):
        cells = cells.update(rng.integers(0, 40, (50, 5)).astype(np.uint8))
        assert len(cells.runs) <= 1 + np.log2(cells.rows)
    assert cells.read()[1].sum() == 3000


def test_sorted_and_counted_cells_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = np.random.default_rng(1).integers(0, 4, (500, 3)).astype(np.uint8)
    dense = empty((4, 4, 4)).update(codes)
    found = combinations(codes, (4, 4, 4))
    monkeypatch.setattr(module, "DENSE_SPAN", 0)
    for one, other in zip(dense.read(), empty((4, 4, 4)).update(codes).read(), strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(found, combinations(codes, (4, 4, 4)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_beyond_the_cap_only_rows_are_counted() -> None:
    codes = np.arange(12, dtype=np.uint8)[:, None]
    kept, over = empty((12,), cap=11).update(codes[:11]), empty((12,), cap=11).update(codes)
    assert read(kept) == tally(codes[:11])
    halves = [empty((12,), cap=11).update(part) for part in (codes[:4], codes[4:])]
    for cells in (over, kept.update(codes[11:]), halves[0] + halves[1], halves[1] + halves[0], kept + over):
        whole = cells.whole()
        assert whole.exceeded
        assert (whole.update(codes).rows, whole.runs) == (cells.rows + 12, ())
        with pytest.raises(
            InputError, match=r"^more than 11 combinations of 1 features in \d+ rows: solve on a sample$"
        ):
            cells.read()


def test_misfits_are_refused() -> None:
    cells = Cells.empty((4, 9), (2, 3))
    with pytest.raises(
        InputError, match=r"^codes of shape \(5, 3\) for the cells of 2 features: one column a feature$"
    ):
        cells.update(np.zeros((5, 3), np.uint8))
    with pytest.raises(InputError, match=r"^code 3 of feature 9, which has 3 levels: codes run from 0 to 2$"):
        cells.update(np.array([[0, 3]], np.uint8))
    with pytest.raises(
        InputError,
        match=r"^cells of features 4, 9 and of none: only cells of the same features, levels and cap can be merged$",
    ):
        cells.merge(Cells.empty((), ()))


def test_cells_of_no_features_count_rows() -> None:
    codes, counts = Cells.empty((), ()).update(np.empty((7, 0), np.uint8)).read()
    assert codes.shape == (1, 0)
    assert counts.tolist() == [7]


def test_weights_are_a_product_of_terms() -> None:
    rng = np.random.default_rng(2)
    pair, single = rng.normal(size=(2, 3)), np.array([0.5, -np.inf])
    rule = CellWeights((1, 4, 6), (2, 2, 3), (((0, 2), pair), ((1,), single)), 0.25)
    codes = rng.integers(0, (2, 2, 3), (50, 3)).astype(np.uint8)
    expected = [np.exp(pair[a, c] + single[b] - 0.25) for a, b, c in codes]
    np.testing.assert_allclose(rule.of(codes), expected)
    assert np.all(rule.of(codes)[codes[:, 1] == 1] == 0.0)
    assert CellWeights((), (), (), 0.0).of(np.empty((3, 0), np.uint8)).tolist() == [1.0] * 3
    message = r"^codes of shape \(50, 2\) for weights that depend on 3 features: one column a feature$"
    with pytest.raises(InputError, match=message):
        rule.of(codes[:, :2])
