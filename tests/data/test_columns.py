"""Arrow types as plain numbers and strings."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from credenza.data.columns import Family, as_floats, as_strings, family, plain, truth

MOMENT = dt.datetime(2020, 1, 2, 3, 4, 5)
MICROSECONDS = (MOMENT - dt.datetime(1970, 1, 1)) / dt.timedelta(microseconds=1)


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
)
def test_strings(kind: pa.DataType) -> None:
    array = pa.array(["a", None, "", "a"]).cast(pa.large_string())
    array = array.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else array.cast(kind)
    assert family(array.type) is Family.STRING
    assert as_strings(array).to_pylist() == ["a", None, "", "a"]
    assert as_strings(pa.chunked_array([array, array])).to_pylist() == ["a", None, "", "a"] * 2


@pytest.mark.parametrize(
    "kind",
    [
        pa.int8(),
        pa.uint64(),
        pa.float16(),
        pa.float32(),
        pa.float64(),
        pa.decimal128(9, 2),
        pa.decimal256(40, 2),
    ],
)
def test_numbers(kind: pa.DataType) -> None:
    array = pa.array([1, None, 3]).cast(pa.float64()).cast(kind)
    assert family(kind) is Family.NUMBER
    np.testing.assert_array_equal(as_floats(array), [1.0, np.nan, 3.0])
    np.testing.assert_array_equal(as_floats(array.drop_null()), [1.0, 3.0])


def test_null_nan_and_negative_zero() -> None:
    values = as_floats(pa.array([None, float("nan"), -0.0, float("inf")]))
    np.testing.assert_array_equal(values, [np.nan, np.nan, 0.0, np.inf])
    assert not np.signbit(values[2])
    assert as_floats(pa.nulls(2)).size == 2
    assert as_floats(pa.chunked_array([], pa.int64())).size == 0


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "+02:00"])
def test_timestamps(unit: str, zone: str | None) -> None:
    moment = MOMENT if zone is None else MOMENT.replace(tzinfo=dt.UTC)
    array = pa.array([moment, None], pa.timestamp(unit, zone))
    assert family(array.type) is Family.TEMPORAL
    np.testing.assert_array_equal(as_floats(array), [MICROSECONDS, np.nan])


@pytest.mark.parametrize("kind", [pa.date32(), pa.date64()])
def test_dates(kind: pa.DataType) -> None:
    array = pa.array([dt.date(1970, 1, 2), None], kind)
    assert family(kind) is Family.TEMPORAL
    np.testing.assert_array_equal(as_floats(array), [86_400e6, np.nan])


@pytest.mark.parametrize("kind", [pa.time32("s"), pa.time64("ns"), pa.duration("ms"), pa.duration("us")])
def test_times_of_day_and_durations_are_seconds(kind: pa.DataType) -> None:
    value = dt.timedelta(minutes=2) if pa.types.is_duration(kind) else dt.time(0, 2)
    assert family(kind) is Family.NUMBER
    np.testing.assert_array_equal(as_floats(pa.array([value, None], kind)), [120.0, np.nan])


def test_families_without_levels_and_encodings() -> None:
    assert family(pa.list_(pa.int8())) is family(pa.struct([])) is Family.NESTED
    assert family(pa.binary()) is family(pa.large_binary()) is family(pa.binary_view()) is Family.BINARY
    assert family(pa.null()) is Family.NULL
    assert family(pa.bool_()) is Family.BOOL
    encoded = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array([1.5, 2.5]))
    assert family(encoded.type) is Family.NUMBER
    assert as_floats(encoded).tolist() == [1.5, 1.5, 2.5]
    numbers = pa.array([Decimal(1), None, Decimal(1)]).dictionary_encode()
    np.testing.assert_array_equal(as_floats(numbers), [1.0, np.nan, 1.0])
    extension = pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, 0], pa.int8()))
    assert plain(extension).to_pylist() == [1, 0]


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        (True, True), (np.bool_(False), False), (1, True), (0.0, False), (2, None), (float("nan"), None),
        ("TRUE", True), (" no ", False), ("1.0", True), ("male", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_truth(value: object, meaning: bool | None) -> None:
    assert truth(value) is meaning
