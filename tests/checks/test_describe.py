from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from checks.tables import evidence, poisoned, population
from hypothesis import given
from hypothesis import strategies as st

from credenza.association.measures import mcc
from credenza.checks.describe import filter_ceiling, sentence, table_mcc
from credenza.checks.pair_table import pair_table

COUNTS = st.lists(st.integers(1, 500), min_size=4, max_size=4)


def comparison(before: list[int], after: list[int]) -> np.ndarray:
    """(1, 8) of cells 11, 10, 01, 00 of either side."""
    sides = [(x, x + p, x + q, x + p + q + r) for x, p, q, r in (before, after)]
    return np.array([[*sides[0], *sides[1]]], float)


@given(COUNTS, COUNTS)
def test_mcc_is_that_of_the_tables(before: list[int], after: list[int]) -> None:
    for found, (x, p, q, r) in zip(table_mcc(comparison(before, after)), (before, after), strict=True):
        assert found[0] == pytest.approx(mcc(np.array([[r, q], [p, x]])), abs=1e-12)


def test_mcc_of_an_empty_margin_is_zero() -> None:
    before, after = table_mcc(comparison([0, 0, 5, 5], [3, 0, 0, 3]))
    assert (before[0], after[0]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("cells", "strength", "ceiling"),
    [
        ([400, 100, 100, 400], 0.1, 0.25),
        ([200, 300, 300, 200], -0.1, 1 / 3),
        ([300, 100, 100, 500], 0.1, 1 / 3),
        ([20, 490, 480, 10], 0.1, 1.0),
        ([0, 50, 50, 0], 0.1, 1.0),
    ],
)
def test_the_ceiling_is_the_foreign_share_of_the_emptier_cell(
    cells: list[int], strength: float, ceiling: float
) -> None:
    assert filter_ceiling(comparison([1, 1, 1, 1], cells)[0], strength) == pytest.approx(ceiling)


def test_a_filter_that_knows_the_cell_reaches_the_ceiling(clean: pa.Table, reference: pa.Table) -> None:
    """By relabelling, eps n of the rows of each over-filled cell are foreign: that is all a filter can pick."""
    moved = poisoned(clean, 0.08)
    (culprit,) = evidence(moved, reference).inquiry.culprits()
    touched = np.array(clean["urban"]) != np.array(moved["urban"])
    a, b = np.array(moved["smoker"]), np.array(moved["urban"])
    best = max(touched[(a == value) & (b == value)].mean() for value in (True, False))
    low, high = (abs(x) / abs(culprit.strength) for x in culprit.interval)
    assert culprit.filter_ceiling * low <= best <= culprit.filter_ceiling * high


def test_a_sentence_says_where() -> None:
    table = population(3_000, 1).drop_columns(["clinic"])
    (culprit,) = evidence(
        poisoned(table, -0.1), population(3_000, 2).drop_columns(["clinic"])
    ).inquiry.culprits()
    assert sentence(culprit).startswith("smoker (True) and urban (True) go together less often: strength -0.")
    there = sentence(replace(culprit, where="clinic = B", strength=0.1, rows_edited=1_600))
    assert " go together more often in clinic = B: strength +0.1000 [" in there
    assert "about 1,600 rows edited, MCC " in there


def test_the_pair_table_is_sorted_and_complete(moved: pa.Table, reference: pa.Table) -> None:
    seen = evidence(moved, reference)
    pairs = pair_table(seen.inquiry)
    assert len(pairs.feature_a) == 15
    assert np.all(np.diff(pairs.p) >= 0)
    assert np.all((pairs.q >= pairs.p) & (pairs.q <= 1))
    assert pairs.role[0] == "culprit"
    assert set(pairs.role[1:]) <= {"", "collateral", "drift", "alias"}
    assert pairs.p_after[0] > 0.05
    culprit = seen.inquiry.culprits()[0]
    assert pairs.strength[0] == pytest.approx(culprit.strength, abs=0.01)
    assert (pairs.mcc_reference[0], pairs.mcc_suspect[0]) == pytest.approx(culprit.mcc)


def test_tables_of_a_culprit_are_those_of_the_rows(moved: pa.Table, reference: pa.Table) -> None:
    (culprit,) = evidence(moved, reference).inquiry.culprits()
    for table, found in ((reference, culprit.reference_table), (moved, culprit.suspect_table)):
        a, b = (np.array(table[name]).astype(int) for name in culprit.features)
        np.testing.assert_allclose(found, np.bincount(2 * a + b, minlength=4).reshape(2, 2) / len(a))
    assert culprit.row_levels == culprit.column_levels == ("False", "True")
    assert culprit.correlation is None
    assert culprit.pearson is None
    assert culprit.log10_p == pytest.approx(np.log10(culprit.p))


def test_ordered_pairs_have_correlations() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=4_000), rng.normal(size=4_000)
    clean = pa.table({"x": x[:2_000], "y": y[:2_000], "z": rng.normal(size=2_000)})
    chosen = rng.choice(2_000, 600, replace=False)
    moved_y = y[2_000:].copy()
    moved_y[chosen[np.argsort(x[2_000:][chosen])]] = np.sort(moved_y[chosen])
    suspect = pa.table({"x": x[2_000:], "y": moved_y, "z": rng.normal(size=2_000)})
    (culprit,) = evidence(suspect, clean).inquiry.culprits()
    assert culprit.features == ("x", "y")
    assert culprit.levels[0].startswith("> ")
    assert culprit.correlation is not None
    assert culprit.pearson is not None
    truth = np.corrcoef(x[2_000:], moved_y)[0, 1]
    assert culprit.pearson[1] == pytest.approx(truth)
    assert culprit.correlation[1] == pytest.approx(truth, abs=0.06)
