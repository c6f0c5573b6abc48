"""What differs between the sides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from credenza.data import ColumnIssue, Schema, encode, extend_schema, fit_schema, sketch


def sides(reference: Any, suspect: Any) -> tuple[Schema, tuple[ColumnIssue, ...]]:
    clean = fit_schema(sketch(pa.table({"a": reference, "keep": [0, 1] * (len(reference) // 2)})))
    return extend_schema(clean, sketch(pa.table({"a": suspect, "keep": [0, 1] * (len(suspect) // 2)})))


def test_the_same_columns_are_no_issue() -> None:
    schema, issues = sides(["x", "y", "z", "x"] * 5, ["z", "x"] * 3)
    assert issues == ()
    assert schema.features[0].levels == ("x", "y", "z")[: schema.features[0].size]


def test_absent_columns() -> None:
    clean = fit_schema(sketch(pa.table({"a": [0, 1], "b": [0, 1], "same": [1, 1]})))
    schema, issues = extend_schema(clean, sketch(pa.table({"b": [0, 1], "c": [0, 1]})))
    assert schema.names == ("b",)
    assert [(issue.column, issue.problem, issue.message) for issue in issues] == [
        ("a", "absent in suspect", "column 'a' is absent in the suspect"),
        ("same", "absent in suspect", "column 'same' is absent in the suspect"),
        ("c", "absent in reference", "column 'c' is absent in the reference"),
    ]
    assert [name for name, _ in schema.skipped] == ["same", "a", "c"]


@pytest.mark.parametrize(
    ("reference", "suspect", "message"),
    [
        ([1, 2, 3, 4], ["u", "v", "u", "v"], "is number in the reference, string in the suspect"),
        (["u", "v", "u", "v"], [1, 2, 3, 4], "is string in the reference, number in the suspect"),
        (["u", "v", "u", "v"], [True, False], "is string in the reference, bool in the suspect"),
        ([True, False], ["yes", "maybe"], "is bool in the reference, string in the suspect"),
        (
            np.array([1, 2, 3, 4], "datetime64[s]"),
            [1, 2],
            "is temporal in the reference, number in the suspect",
        ),
        ([1, 2, 3, 4], [[1], [2]], "is number in the reference, nested in the suspect"),
    ],
)
def test_kinds_that_disagree(reference: Any, suspect: Any, message: str) -> None:
    schema, issues = sides(reference, suspect)
    assert schema.names == ("keep",)
    assert issues == (ColumnIssue("a", "kind differs", f"column 'a' {message}"),)
    assert schema.skipped[-1] == ("a", f"column 'a' {message}")


TRUE_FALSE = [[True, False], [1, 0], [1.0, 0.0], ["1", "0"], ["True", "False"], ["yes", "no"], [" T ", "f"]]


@pytest.mark.parametrize("reference", TRUE_FALSE)
@pytest.mark.parametrize("suspect", TRUE_FALSE)
def test_true_and_false_in_any_spelling(reference: list[Any], suspect: list[Any]) -> None:
    schema, issues = sides(reference, suspect)
    assert issues == ()
    codes = encode(pa.table({"a": suspect, "keep": [0, 1]}), schema)
    expected = encode(pa.table({"a": reference, "keep": [0, 1]}), schema)
    np.testing.assert_array_equal(codes, expected)
    assert schema.features[0].levels[expected[0, 0]] == str(reference[0]).removesuffix(".0")


def test_a_third_value_beside_spelled_truth() -> None:
    schema, (issue,) = sides(["yes", "no"], ["True", "False", "n/k", "no"])
    assert schema.features[0].levels == ("no", "yes", "(other)")
    assert issue.message == "column 'a': 1 value that the reference lacks (n/k) in 25% of the rows"
    table = pa.table({"a": ["True", "False", "n/k", "no"], "keep": [0, 1] * 2})
    assert encode(table, schema)[:, 0].tolist() == [1, 0, 2, 0]


def test_spelled_truth_with_missing_values() -> None:
    schema, issues = sides([True, False], ["no", None, "yes", "no"])
    assert schema.features[0].levels == ("False", "True", "(missing)")
    assert [issue.problem for issue in issues] == ["new levels"]
    column = pa.table({"a": pa.array([0.0, float("nan"), None, 1.0]), "keep": [0, 1, 0, 1]})
    assert encode(column, schema)[:, 0].tolist() == [0, 2, 2, 1]
    strings = pa.table({"a": pa.array(["No", None, "TRUE", "no"]), "keep": [0, 1, 0, 1]})
    assert encode(strings, schema)[:, 0].tolist() == [0, 2, 1, 0]


def test_integers_floats_and_bools_agree() -> None:
    assert sides(list(range(20)), [0.5, 3.0])[1] == ()
    assert sides([1, 2, 3, 0] * 2, [True, False])[1] == ()


def test_all_missing_in_the_suspect_agrees_with_anything() -> None:
    for nulls in (pa.nulls(4), pa.nulls(4, pa.string())):
        schema, issues = sides([1, 2, 3, 4], nulls)
        assert [issue.message for issue in issues] == [
            "column 'a': missing in 100% of the rows, never in the reference"
        ]
        assert encode(pa.table({"a": nulls, "keep": [0, 1] * 2}), schema)[:, 0].tolist() == [4] * 4


def test_new_levels_of_a_complete_feature() -> None:
    schema, (issue,) = sides(["x", "y"] * 50, ["x", "y"] * 48 + ["p", "q", "q", "r"])
    assert schema.features[0].levels == ("x", "y", "(other)")
    assert issue.message == "column 'a': 3 values that the reference lacks (q, p, r) in 4% of the rows"
    assert issue.share == pytest.approx(0.04)


def test_new_levels_beside_pooled_ones_count_when_common() -> None:
    reference = ["x", "y"] * 490 + ["x"] * 10 + ["rare 1"] * 5 + ["rare 2"] * 5
    schema, issues = sides(reference, ["x", "y"] * 495 + ["rare 1"] * 5 + ["rare 3"] * 5)
    assert issues == ()
    assert schema.features[0].levels == ("x", "y", "(other)")
    _, (issue,) = sides(reference, ["x", "y"] * 400 + ["z"] * 200)
    assert issue.message == "column 'a': 1 value rare or absent in the reference (z) in 20% of the rows"


def test_new_values_of_a_number_with_a_bin_a_value() -> None:
    schema, (issue,) = sides([1, 2, 3, 4] * 5, [1, 2, 3, 9])
    assert issue.message == "column 'a': 1 value that the reference lacks (9) in 25% of the rows"
    assert schema.features[0].levels == ("1", "2", "3", "4")
    assert encode(pa.table({"a": [9, 0], "keep": [0, 1]}), schema)[:, 0].tolist() == [3, 0]


def test_new_values_beyond_what_is_counted_are_estimated() -> None:
    _, (issue,) = sides([1, 2, 3, 4] * 5, np.arange(60_000.0))
    assert issue.share == pytest.approx(1.0, abs=1e-3)
    assert issue.message.startswith("column 'a': 19,99")


def test_many_new_values_are_named_in_short() -> None:
    _, (issue,) = sides([0, 1], list(range(60)))
    assert issue.message == "column 'a': 58 values that the reference lacks (2, 3, 4, ...) in 97% of the rows"
    _, (text,) = sides(["p", "q"], [f"t{i}" for i in range(70_000)])
    assert text.share == 1.0


def test_extending_twice_changes_nothing_more() -> None:
    reference, suspect = pa.table({"a": ["x", "y"] * 9}), pa.table({"a": ["x", "z", None] * 6})
    once, _ = extend_schema(fit_schema(sketch(reference)), sketch(suspect))
    twice, _ = extend_schema(once, sketch(suspect))
    assert once == twice
    assert twice.features[0].levels == ("x", "y", "(other)", "(missing)")


def test_a_column_that_was_constant_in_the_reference_and_varies_now() -> None:
    clean = fit_schema(sketch(pa.table({"k": [7, 7, 7, 7], "keep": [0, 1, 0, 1]})))
    schema, issues = extend_schema(clean, sketch(pa.table({"k": [7, 7, 8, 7], "keep": [0, 1, 0, 1]})))
    assert schema.names == ("keep",)
    assert [(issue.problem, issue.message) for issue in issues] == [
        ("new levels", "column 'k': one value in the reference, several in the suspect; it was not compared")
    ]
    _, issues = extend_schema(clean, sketch(pa.table({"k": [7, 7, 7, 7], "keep": [0, 1, 0, 1]})))
    assert issues == ()
