from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report.audits import binary_culprit, mixed_culprit

from credenza.report.tables import collapse, split, whole

BINS = ("≤ 20", "20 – 40", "40 – 50", "> 50", "(other)", "(missing)")


@pytest.mark.parametrize(
    ("names", "level", "inside"),
    [
        (("a", "b", "c"), "b", [1]),
        (BINS, "> 50", [3]),
        (BINS, "> 40", [2, 3]),
        (BINS, "≥ 20", [1, 2, 3]),
        (BINS, "<= 40", [0, 1]),
        (BINS, "< 20", [0]),
        (("[-inf, -5)", "[-5, 5)", "[5, 15)", "[15, inf)"), "> 5", [2, 3]),
        (("[-inf, -5)", "[-5, 5)", "[5, 15)", "[15, inf)"), "> -5", [1, 2, 3]),
        (("<= 23", "(23, 28]", "(28, 47]", "(47, 55]", "> 55", "(missing)"), "> 47", [3, 4]),
        (("<= 23", "(23, 28]", "(28, 47]", "(47, 55]", "> 55", "(missing)"), "> 23", [1, 2, 3, 4]),
        (("1-4", "4-40", "40-44"), "> 4", [1, 2]),
        (("0 – 0.5", "0.5 – 0.55", "0.55 – 1"), "> 0.5", [1, 2]),
        (("to 2020-01-01", "2020-01-01 to 2021-06-01", "from 2021-06-01"), "> 2020-01-01", [1, 2]),
        ((">", "x"), ">", [0]),
    ],
)
def test_split(names: tuple[str, ...], level: str, inside: list[int]) -> None:
    found = split(names, level)
    assert found is not None
    assert np.flatnonzero(found).tolist() == inside


@pytest.mark.parametrize("level", ["> 30", "nowhere", ">", "> 2", "", "> ("])
def test_split_does_not_guess(level: str) -> None:
    assert split(BINS, level) is None


def test_collapse_of_a_binary_pair() -> None:
    joint = collapse(binary_culprit())
    assert joint is not None
    assert joint.rows == ("1", "rest")
    np.testing.assert_allclose(joint.reference, [[0.252, 0.227], [0.219, 0.302]])
    np.testing.assert_allclose(joint.suspect - joint.reference, 0.094 * np.array([[1, -1], [-1, 1]]))


def test_collapse_of_a_cut_shows_the_strength() -> None:
    joint = collapse(mixed_culprit())
    assert joint is not None
    assert joint.columns == ("Self-emp", "rest")
    np.testing.assert_allclose(joint.suspect - joint.reference, 0.03 * np.array([[1, -1], [-1, 1]]))


def test_collapse_says_none_for_unknown_levels() -> None:
    assert collapse(replace(mixed_culprit(), levels=("> 44", "Self-emp"))) is None
    assert collapse(replace(mixed_culprit(), levels=("> 43", "Unheard"))) is None


def test_collapse_shows_no_table_that_contradicts_the_culprit() -> None:
    assert collapse(replace(mixed_culprit(), mcc=(0.0007, 0.3))) is None
    assert collapse(replace(mixed_culprit(), mcc=(float("nan"), 0.183))) is not None


@given(st.integers(1, 6), st.integers(1, 6), st.data())
def test_collapse_equals_adding_up_cell_by_cell(height: int, width: int, data: st.DataObject) -> None:
    rows, columns = tuple(f"r{i}" for i in range(height)), tuple(f"c{j}" for j in range(width))
    a, b = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    table = (
        np.random.default_rng(height * 10 + width).dirichlet(np.ones(height * width)).reshape(height, width)
    )
    culprit = replace(
        binary_culprit(),
        levels=(rows[a], columns[b]),
        row_levels=rows,
        column_levels=columns,
        reference_table=table,
        suspect_table=table[::-1],
        mcc=(float("nan"), float("nan")),
    )
    joint = collapse(culprit)
    assert joint is not None
    twin = np.zeros((2, 2))
    for i in range(height):
        for j in range(width):
            twin[int(i != a), int(j != b)] += table[i, j]
    np.testing.assert_allclose(joint.reference, twin)


def test_whole_keeps_small_tables() -> None:
    joint = whole(mixed_culprit())
    assert joint.rows == mixed_culprit().row_levels
    assert (joint.rows_left_out, joint.columns_left_out) == (0, 0)


def test_whole_keeps_the_levels_that_moved_most_in_order() -> None:
    before, after = np.full((30, 5), 1 / 150), np.full((30, 5), 1 / 150)
    after[[3, 17, 29], 2] += (0.01, -0.03, 0.02)
    culprit = replace(
        mixed_culprit(),
        row_levels=tuple(f"r{i}" for i in range(30)),
        column_levels=tuple("abcde"),
        reference_table=before,
        suspect_table=after,
    )
    joint = whole(culprit, largest=3)
    assert joint.rows == ("r3", "r17", "r29")
    assert joint.columns == ("a", "b", "c")
    assert (joint.rows_left_out, joint.columns_left_out) == (27, 2)
    np.testing.assert_allclose(joint.suspect[:, 2] - joint.reference[:, 2], (0.01, -0.03, 0.02))
