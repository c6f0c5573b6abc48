from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from credenza.contracts import AuditResult
from credenza.errors import UsageError
from credenza.report.frames import culprit_table, pair_table, shift_table


def test_culprit_table(mixed: AuditResult, clear: AuditResult) -> None:
    table = culprit_table(mixed)
    assert table.num_rows == 2
    first = table.to_pylist()[0]
    assert (first["feature_a"], first["level_a"], first["strength"]) == ("age", "> 43", 0.03)
    assert (first["collateral"], first["aliases"], first["correlation_suspect"]) == (1, 2, None)
    assert first["where"] == ""
    assert culprit_table(clear).num_rows == 0
    assert culprit_table(clear).schema == table.schema


def test_pair_table(flagged: AuditResult, inconclusive: AuditResult) -> None:
    table = pair_table(flagged)
    assert table.num_rows == 780
    assert table["role"][0].as_py() == "culprit"
    empty = pair_table(inconclusive)
    assert empty.num_rows == 0
    assert empty.schema == table.schema


def test_shifts_are_turned_and_sorted(flagged: AuditResult) -> None:
    pairs = flagged.pairs
    assert pairs is not None
    marked = replace(flagged, pairs=replace(pairs, level_a=("a",) * 780, level_b=("b",) * 780))
    table = shift_table(marked, "Wearing_Lipstick")
    assert table.num_rows == 39
    assert set(table["feature_a"].to_pylist()) == {"Wearing_Lipstick"}
    assert table["feature_b"][0].as_py() == "Mouth_Slightly_Open"
    size = np.abs(table["strength"].to_numpy())
    assert (np.diff(size) <= 0).all()
    twin = {}
    for i, (a, b) in enumerate(zip(pairs.feature_a, pairs.feature_b, strict=True)):
        if "Wearing_Lipstick" in (a, b):
            twin[b if a == "Wearing_Lipstick" else a] = (pairs.p[i], "a" if a == "Wearing_Lipstick" else "b")
    rows = table.to_pylist()
    assert {row["feature_b"]: (row["p"], row["level_a"]) for row in rows} == twin


def test_shifts_put_undefined_strengths_last(flagged: AuditResult) -> None:
    assert flagged.pairs is not None
    strength = flagged.pairs.strength.copy()
    strength[0] = np.nan
    odd = replace(flagged, pairs=replace(flagged.pairs, strength=strength))
    assert np.isnan(shift_table(odd, "Wearing_Lipstick")["strength"][-1].as_py())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Smilng", "no feature 'Smilng' in this audit; did you mean 'Smiling'?"),
        (
            "Wearing",
            "no feature 'Wearing' in this audit; "
            "did you mean 'Wearing_Hat' or 'Wearing_Necktie' or 'Wearing_Necklace'?",
        ),
        (
            "zzz\n",
            "no feature 'zzz\\n' in this audit; it has 5_o_Clock_Shadow, Arched_Eyebrows, Attractive, "
            "Bags_Under_Eyes, Bald and 35 more",
        ),
        ("file_name", "column 'file_name' was not audited: every value is different: an identifier"),
    ],
)
def test_unknown_feature(flagged: AuditResult, name: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        shift_table(flagged, name)
    assert str(caught.value) == message


def test_a_feature_without_listed_pairs_is_not_unknown(flagged: AuditResult, wide: AuditResult) -> None:
    listed = {*wide.pairs.feature_a, *wide.pairs.feature_b} if wide.pairs else set()
    weak = replace(wide.features[0], name="weak")
    with pytest.raises(UsageError) as caught:
        shift_table(replace(wide, features=(*wide.features, weak)), "weak")
    assert "weak" not in listed
    assert str(caught.value) == (
        "no pair of 'weak' is among the 10,000 strongest of 498,501 tested, and only those are listed; "
        "audit fewer columns to list them all"
    )
    with pytest.raises(UsageError) as caught:
        shift_table(replace(flagged, features=(*flagged.features, weak)), "weak")
    assert str(caught.value) == (
        "no pair of 'weak' was tested: too few rows on one of the sides have its levels"
    )


def test_no_pairs_no_shifts(inconclusive: AuditResult) -> None:
    with pytest.raises(UsageError) as caught:
        shift_table(inconclusive, "Smiling")
    expected = "no pair was tested, so there are no shifts to show: needs a reference: give --reference"
    assert str(caught.value) == expected
    with pytest.raises(UsageError, match=r"CZ201 did not run$"):
        shift_table(replace(inconclusive, outcomes=()), "Smiling")
