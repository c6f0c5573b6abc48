from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report.audits import pair_table

from credenza.contracts import AuditResult
from credenza.report.overview import depths, overview, strongest_features, threshold

SHIFT = st.floats(-0.25, 0.25) | st.just(float("nan"))


def test_nothing_tested_nothing_drawn(inconclusive: AuditResult) -> None:
    shown = overview(inconclusive)
    assert (shown["heatmap"], shown["volcano"], shown["pairs"], shown["tested"]) == ("", "", [], 0)


def test_numbers(flagged: AuditResult, wide: AuditResult) -> None:
    numbers = ("listed", "tested", "drawn", "of")
    assert [overview(flagged)[name] for name in numbers] == [780, 780, 40, 40]
    assert [overview(wide)[name] for name in numbers] == [10_000, 498_501, 60, 1_000]
    assert overview(wide)["roles"]["culprit"] == 1


@given(st.data(), st.integers(2, 7), st.integers(1, 8))
def test_strongest_features_are_those_of_the_whole_matrix(
    data: st.DataObject, features: int, most: int
) -> None:
    names = [f"f{i}" for i in range(features)]
    every = pair_table(False, names)
    shifts = data.draw(st.lists(SHIFT, min_size=len(every.p), max_size=len(every.p)))
    table = replace(every, strength=np.array(shifts))
    shown, matrix, named = strongest_features(table, most)
    whole = {frozenset(both): x for both, x in zip(zip(table.feature_a, table.feature_b), shifts)}  # noqa: B905
    largest = {a: max(abs(np.nan_to_num(whole[frozenset((a, b))])) for b in names if b != a) for a in names}
    assert shown == sorted(names, key=lambda name: (-largest[name], name))[:most]
    assert named == features
    assert np.isnan(np.diag(matrix)).all()
    for i, j in combinations(range(len(shown)), 2):
        expected = whole[frozenset((shown[i], shown[j]))]
        np.testing.assert_array_equal([matrix[i, j], matrix[j, i]], [expected] * 2)


def test_depths_are_finite_and_exact_for_culprits(flagged: AuditResult) -> None:
    pairs = flagged.pairs
    assert pairs is not None
    p, statistic = pairs.p.copy(), pairs.statistic.copy()
    p[:3], statistic[:3] = (0.0, 0.0, np.nan), (60.0, 45.0, np.nan)
    culprit = replace(flagged.culprits[0], p=0.0, log10_p=-777.7)
    odd = replace(flagged, culprits=(culprit,), pairs=replace(pairs, p=p, statistic=statistic))
    assert odd.pairs is not None
    found = depths(odd, odd.pairs)
    assert np.isfinite(found).all()
    assert found[0] == 777.7
    assert found[1] == pytest.approx(441.47, abs=0.05)
    assert found[2] == 0.0
    np.testing.assert_allclose(found[3:], -np.log10(p[3:]))


def test_threshold(flagged: AuditResult) -> None:
    pairs = flagged.pairs
    assert pairs is not None
    depth = depths(flagged, pairs)
    last = depth[pairs.q <= 0.05].min()
    assert threshold(pairs, depth, 0.05) == last
    none = replace(pairs, q=np.ones(780), tested=10_000, pairs=10_000)
    assert threshold(none, depth, 0.05) == pytest.approx(-np.log10(0.05 / 10_000))


def test_no_threshold_is_drawn_where_the_list_ends_before_it(wide: AuditResult) -> None:
    assert wide.pairs is not None
    every = replace(wide.pairs, q=np.zeros(len(wide.pairs.p)))
    assert threshold(every, depths(wide, every), 0.05) is None
    assert "false-discovery" not in overview(replace(wide, pairs=every))["volcano"]
