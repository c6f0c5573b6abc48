"""Kinds and levels."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from credenza.data import Feature, Kind, fit_schema, sketch
from credenza.data.fit import unique_labels
from credenza.errors import UsageError

RNG = np.random.default_rng(11)


def fitted(values: Any, kind: pa.DataType | None = None, **options: Any) -> Feature:
    schema = fit_schema(sketch(pa.table({"a": pa.array(values, kind)})), **options)
    assert schema.skipped == ()
    return schema.features[0]


def skipped(values: Any, kind: pa.DataType | None = None) -> str:
    schema = fit_schema(sketch(pa.table({"a": pa.array(values, kind)})))
    assert schema.features == ()
    return dict(schema.skipped)["a"]


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ([True, False], ("False", "True")),
        ([1, 0, 1], ("0", "1")),
        ([2.5, -1.0], ("-1", "2.5")),
        (["no", "yes"], ("no", "yes")),
        (["a", ""], ('""', "a")),
    ],
)
def test_binary(values: list[Any], levels: tuple[str, ...]) -> None:
    feature = fitted(values)
    assert (feature.kind, feature.levels, feature.ordered) == (Kind.BINARY, levels, 0)
    with_missing = fitted([*values, None])
    assert with_missing.levels == (*levels, "(missing)")
    assert (with_missing.missing, with_missing.other) == (2, None)


def test_nan_is_missing_and_an_empty_string_is_not() -> None:
    assert fitted([0.0, 1.0, float("nan")]).levels == ("0", "1", "(missing)")
    assert fitted(["", "b", "c"] * 9).levels == ('""', "b", "c")


def test_rare_levels_are_pooled() -> None:
    values = ["a"] * 500 + ["b"] * 480 + ["c"] * 11 + ["d"] * 9
    feature = fitted(values)
    assert (feature.kind, feature.levels, feature.other) == (Kind.CATEGORICAL, ("a", "b", "c", "(other)"), 3)
    assert fitted(values, min_share=0.0).levels == ("a", "b", "c", "d")
    coded = pa.array(values).dictionary_encode()
    assert fitted(coded) == feature


def test_one_common_level_beside_a_tail() -> None:
    assert fitted(["a"] * 300 + [f"t{i}" for i in range(700)]).levels == ("a", "(other)")


def test_at_most_64_levels() -> None:
    exactly = [f"l{i:03d}" for i in range(64) for _ in range(3)]
    assert fitted(exactly).size == 64
    more = fitted([f"l{i:03d}" for i in range(65) for _ in range(3)])
    assert (more.size, more.levels[-1]) == (64, "(other)")
    assert fitted([*exactly, None]).levels[-2:] == ("(other)", "(missing)")
    many = fitted([f"l{i:03d}" for i in range(90) for _ in range(200 if i < 70 else 199)], min_share=0.001)
    assert many.levels[:63] == tuple(f"l{i:03d}" for i in range(63))


def test_identifiers_and_free_text_are_skipped() -> None:
    assert skipped([f"id {i}" for i in range(5_000)]) == (
        "identifier or free text: 5,000 distinct values in 5,000 rows, each occurs once"
    )
    assert skipped([f"id {max(i, 2)}" for i in range(5_000)]) == (
        "identifier or free text: 4,998 distinct values in 5,000 rows, no level reaches 1%"
    )
    assert skipped(["x" * 100 + str(i) for i in range(30)]) == (
        "identifier or free text: 30 distinct values in 30 rows of up to 102 characters, each occurs once"
    )
    assert "over 65,536 distinct values" in skipped([f"{i}" for i in range(70_000)])
    assert "12 distinct values in 12 rows" in skipped([f"{i}" for i in range(12)])


def test_constant_missing_nested_and_byte_columns_are_skipped() -> None:
    assert skipped([7] * 9) == "constant: only the value 7 in 9 rows"
    assert skipped(["k"] * 9) == "constant: only the value k in 9 rows"
    assert skipped([True]) == "constant: only the value True in 1 row"
    assert skipped([dt.date(2020, 1, 2)]) == "constant: only the value 2020-01-02 in 1 row"
    assert skipped(["k"] * 999 + [None]) == "constant: only the value k beside 1 missing in 1,000 rows"
    assert skipped([5.0, float("inf")]) == "one finite value and infinities"
    assert skipped([None, None], pa.int64()) == "all 2 values are missing"
    assert skipped([None, None]) == "all 2 values are missing"
    assert skipped([None]) == "the one value is missing"
    assert skipped([[1], [2]]).startswith("nested values (list<")
    assert skipped([[1], [2]]).endswith(": int64>): no levels to count")
    assert skipped([b"1", b"2"]) == "bytes (images or blobs) (binary): no levels to count"


@pytest.mark.parametrize(("value", "label"), [("k", "k"), (7, "7"), (True, "True")])
def test_one_value_beside_missing_ones_is_a_feature(value: Any, label: str) -> None:
    feature = fitted([value, None, value, None])
    assert (feature.kind, feature.levels) == (Kind.CATEGORICAL, (label, "(missing)"))


def test_few_numbers_get_a_bin_each() -> None:
    feature = fitted([3, 1, 2, 3, None])
    assert (feature.kind, feature.levels, feature.ordered) == (
        Kind.CONTINUOUS,
        ("1", "2", "3", "(missing)"),
        3,
    )
    assert (feature.edges, feature.values, feature.missing) == ((1.0, 2.0), (1.0, 2.0, 3.0), 3)


@pytest.mark.parametrize("kind", [pa.int8(), pa.int64(), pa.uint64(), pa.float32(), pa.decimal128(9, 2)])
def test_number_types_agree(kind: pa.DataType) -> None:
    numbers = pa.array(RNG.integers(0, 100, 1_000)).cast(pa.float64())
    assert fitted(numbers.cast(kind)) == fitted(numbers)
    assert all("." not in label for label in fitted(numbers.cast(kind)).levels)


def test_quantile_bins_of_a_skewed_column() -> None:
    gains = np.where(RNG.random(10_000) < 0.92, 0, RNG.integers(1, 20_000, 10_000))
    feature = fitted(gains)
    assert feature.levels[0] == "<= 0"
    assert feature.ordered == feature.size == 3
    assert fitted(np.where(np.arange(10_000) < 9_950, 0, np.arange(10_000))).levels == ("<= 0", "> 0")


def test_infinities_fall_into_the_end_bins() -> None:
    values = np.concatenate([RNG.normal(size=1_000), [np.inf] * 400, [-np.inf] * 30])
    feature = fitted(values)
    assert np.isfinite(feature.edges).all()
    assert fitted([1, 2, 3, np.inf, -np.inf]).levels == ("1", "2", "3")


def test_dates_and_timestamps() -> None:
    days = [dt.date(2020, 1, 1) + dt.timedelta(days=int(d)) for d in RNG.integers(0, 1_000, 2_000)]
    feature = fitted(days)
    assert feature.kind is Kind.DATETIME
    assert feature.ordered == 8
    assert all(len(label) in (len("<= 2020-01-01"), 12, 24) for label in feature.levels)
    moments = [dt.datetime(2020, 1, 1) + dt.timedelta(seconds=int(s)) for s in RNG.integers(0, 10**8, 2_000)]
    assert [fitted(moments, pa.timestamp(unit)) for unit in ("ms", "us", "ns")].count(fitted(moments)) == 3
    assert fitted([dt.date(2020, 1, 1), dt.date(2020, 1, 2)] * 2).levels == ("2020-01-01", "2020-01-02")


def test_columns_are_chosen_in_order() -> None:
    seen = sketch(pa.table({"a": [0, 1], "b": [0, 1], "c": [1, 1]}))
    schema = fit_schema(seen, columns=["c", "b"])
    assert (schema.names, schema.skipped[0][0]) == (("b",), "c")


def test_messages() -> None:
    seen = sketch(pa.table({"a": [0, 1]}))
    for options, text in (
        ({"bins": 1}, "bins is 1; give 2 to 60"),
        ({"min_share": 0.6}, "min_share is 0.6; give 0 to 0.5"),
        ({"columns": ["z"]}, "no column 'z' was sketched; choose from 'a'"),
    ):
        with pytest.raises(UsageError) as caught:
            fit_schema(seen, **options)
        assert str(caught.value) == text


def test_labels_are_short_distinct_lines() -> None:
    labels = unique_labels(["x" * 99 + "1", "x" * 99 + "2", "a\nb", "(missing)", "<b>"])
    assert labels == ("x" * 59 + "…", "x" * 59 + "… #2", "a\\nb", '"(missing)"', "<b>")
