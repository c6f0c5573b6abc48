"""Equal rows have equal keys, whatever they are stored as."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from itertools import combinations

import numpy as np
import oracles
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data import code_keys, plane_keys, row_keys_of
from credenza.data.kernels import add_bits, hash_texts

NAN = float("nan")
ROWS = st.lists(
    st.tuples(
        st.none() | st.booleans(),
        st.none() | st.integers(-2, 2) | st.sampled_from([2**53, 2**53 + 1, 2**62 + 1]),
        st.none() | st.sampled_from([0.0, 0.5, float("inf")]),
        st.none() | st.sampled_from(["", "a", "a" * 8, "a" * 9, "b" + "a" * 8, "é"]),
        st.booleans(),
    ),
    max_size=40,
)
TYPES = (pa.bool_(), pa.int64(), pa.float64(), pa.string(), pa.bool_())
NAMES = list("abcde")


def batch_of(rows: list[tuple[object, ...]]) -> pa.RecordBatch:
    arrays = [pa.array([row[i] for row in rows], kind) for i, kind in enumerate(TYPES)]
    return pa.RecordBatch.from_arrays(arrays, names=NAMES)


def keys_of(values: list[object] | pa.Array, kind: pa.DataType | None = None) -> list[int]:
    array = pa.array(values, kind) if isinstance(values, list) else values
    return row_keys_of(pa.RecordBatch.from_arrays([array], names=["x"]), ["x"]).tolist()


@settings(max_examples=80, deadline=None)
@given(ROWS)
def test_keys_are_equal_where_rows_are(rows: list[tuple[object, ...]]) -> None:
    keys = row_keys_of(batch_of(rows), NAMES)
    assert keys.dtype == np.uint64
    for (i, left), (j, right) in combinations(enumerate(rows), 2):
        assert (keys[i] == keys[j]) == (left == right)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(0, 20), st.integers(1, 9))
def test_cuts_and_offsets_do_not_matter(rows: list[tuple[object, ...]], start: int, size: int) -> None:
    whole = row_keys_of(batch_of(rows), NAMES)
    rest = batch_of(rows).slice(start)
    parts = [row_keys_of(rest.slice(at, size), NAMES) for at in range(0, rest.num_rows, size)]
    np.testing.assert_array_equal(np.concatenate([np.empty(0, np.uint64), *parts]), whole[start:])
    table = pa.Table.from_batches([batch_of(rows[:start]), batch_of(rows[start:])])
    np.testing.assert_array_equal(row_keys_of(table, NAMES), whole)


def test_constant_columns_change_no_equality() -> None:
    rows = [(True, k % 3, 0.5, "x", False) for k in range(9)]
    wide, narrow = row_keys_of(batch_of(rows), NAMES), row_keys_of(batch_of(rows), ["b"])
    np.testing.assert_array_equal(wide[:, None] == wide, narrow[:, None] == narrow)


@pytest.mark.parametrize(
    "kind",
    [pa.int8(), pa.uint8(), pa.int16(), pa.int32(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(),
     pa.decimal128(5, 1), pa.decimal256(5, 2)],
)  # fmt: skip
def test_width_of_numbers_does_not_matter(kind: pa.DataType) -> None:
    plain = pa.array([0, 1, None, 77, 1], pa.int8())
    stored = plain.cast(pa.float64()).cast(kind) if pa.types.is_decimal(kind) else plain.cast(kind)
    assert keys_of(stored) == keys_of(plain) == keys_of(plain.dictionary_encode())


def test_truth_is_one_and_zeros_are_zero() -> None:
    assert keys_of([True, False, None]) == keys_of([1, 0, None]) == keys_of([1.0, -0.0, NAN])
    coded = pa.DictionaryArray.from_arrays(pa.array([0, 1, None]), pa.array([True, False]))
    assert keys_of(coded) == keys_of([True, False, None])


def test_integers_beyond_float_precision_stay_apart() -> None:
    near = [2**53 - 1, 2**53, 2**53 + 1, 2**53 + 2, 2**60, 2**60 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)]
    assert len(set(keys_of(near, pa.int64()))) == len(near)
    assert keys_of([2**60, 2**53 + 2], pa.int64()) == keys_of([2.0**60, 2.0**53 + 2])
    assert keys_of([2**60 + 1, None], pa.int64()) == keys_of([2**60 + 1, None], pa.uint64())
    assert len(set(keys_of([2**64 - 1, 2**64 - 2], pa.uint64()))) == 2


def test_long_decimals_stay_apart() -> None:
    pair = [Decimal("0.1234567890123456789"), Decimal("0.1234567890123456788"), None]
    assert len(set(keys_of(pair, pa.decimal128(30, 19)))) == 3


@pytest.mark.parametrize(
    "kind",
    [pa.large_string(), pa.string_view(), pa.dictionary(pa.int16(), pa.string()),
     pa.dictionary(pa.int8(), pa.large_string()), pa.run_end_encoded(pa.int32(), pa.string())],
)  # fmt: skip
def test_encoding_of_strings_does_not_matter(kind: pa.DataType) -> None:
    plain = pa.array(["red", None, "", "green and blue", "red"])
    other = pa.array(plain.to_pylist(), plain.type if pa.types.is_run_end_encoded(kind) else kind)
    if pa.types.is_run_end_encoded(kind):
        other = pa.compute.run_end_encode(plain)
    assert keys_of(other) == keys_of(plain)
    assert keys_of(other[2:]) == keys_of(plain)[2:]


def test_dictionaries_with_missing_and_unused_entries() -> None:
    coded = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 2]), pa.array(["x", None, "y", "unused"]))
    assert keys_of(coded) == keys_of(["x", None, None, "y"])
    assert keys_of(pa.array([None, None], pa.dictionary(pa.int8(), pa.string()))) == keys_of([None, None])


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("kind", [pa.timestamp, pa.duration])
def test_unit_of_times_does_not_matter(kind: Callable[[str], pa.DataType], unit: str) -> None:
    plain = pa.array([0, -3, None, 86_400 * 20_000], kind("s"))
    assert keys_of(plain.cast(kind(unit))) == keys_of(plain)


def test_dates_times_and_nanoseconds() -> None:
    days = [dt.date(1960, 2, 29), dt.date(2024, 1, 1), None]
    assert keys_of(days, pa.date32()) == keys_of(days, pa.date64())
    clock = [dt.time(1, 2, 3), None]
    assert keys_of(clock, pa.time32("s")) == keys_of(clock, pa.time64("ns"))
    assert len(set(keys_of(pa.array([10**18, 10**18 + 1], pa.timestamp("ns"))))) == 2


def test_bytes_and_nested_values() -> None:
    raw = [b"ab", None, b"abc", b"ab"]
    for kind in (pa.large_binary(), pa.binary_view()):
        assert keys_of(raw, kind) == keys_of(raw, pa.binary())
    assert keys_of([b"ab", None], pa.binary(2)) == keys_of([b"ab", None], pa.binary())
    deep = keys_of([[1], [1], [], None])
    assert deep[0] == deep[1]
    assert len(set(deep)) == 3


def test_keys_are_the_same_on_every_machine() -> None:
    batch = batch_of([(True, 1, 0.5, "a", False), (None, None, None, None, True)])
    assert row_keys_of(batch, NAMES).tolist() == [0x9D0EF802E39543C8, 0x681AAFC605E058E8]


def test_keys_are_spread_evenly() -> None:
    bits = np.arange(2**14)[:, None] >> np.arange(14) & 1
    batch = pa.record_batch({f"b{k}": pa.array(bits[:, k] == 1) for k in range(14)})
    keys = row_keys_of(batch, batch.schema.names)
    ones = np.mean(keys[:, None] >> np.arange(64, dtype=np.uint64) & np.uint64(1), axis=0)
    assert len(np.unique(keys)) == 2**14
    assert abs(ones - 0.5).max() < 0.02


def test_an_absent_column() -> None:
    with pytest.raises(KeyError, match="z"):
        row_keys_of(pa.record_batch({"a": [1]}), ["z"])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 70), st.integers(0, 20), st.integers(1, 9), st.integers(0, 2**32))
def test_code_and_plane_keys(rows: int, features: int, levels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, levels, (rows, features)).astype(np.uint8)
    codes = codes[rng.integers(0, max(rows, 1), rows)]
    equal = (codes[:, None] == codes).all(axis=2)
    keys = code_keys(codes)
    np.testing.assert_array_equal(keys[:, None] == keys, equal)
    np.testing.assert_array_equal(keys[rows // 2 :], code_keys(codes[rows // 2 :]))
    planes = np.zeros((features * levels, -(-rows // 64)), np.uint64)
    for row, column in np.ndindex(codes.shape):
        place = column * levels + codes[row, column]
        planes[place, row // 64] |= np.uint64(1) << np.uint64(row % 64)
    keys = plane_keys(planes, rows)
    np.testing.assert_array_equal(keys[:, None] == keys, equal)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.integers(1, 5), st.integers(0, 2**32))
def test_add_bits_against_adding_by_hand(groups: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 256, (8 * groups, width)).astype(np.uint8)
    deltas = rng.integers(0, 2**64, 8 * groups, dtype=np.uint64)
    picks = (np.arange(256) >> np.arange(8)[:, None] & 1).astype(np.uint64)
    sums = np.zeros(8 * width, np.uint64)
    add_bits(bits, deltas.reshape(groups, 8) @ picks, sums)
    rows = np.unpackbits(bits, axis=1, bitorder="little").astype(bool)
    assert sums.tolist() == oracles.bit_sums(rows, deltas.tolist())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=20), max_size=8))
def test_text_hashes_depend_on_the_bytes_only(texts: list[bytes]) -> None:
    offsets = np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)
    joined = b"".join(texts)
    words = np.frombuffer(joined + bytes(-len(joined) % 8 + 8), "<u8").astype(np.uint64)
    found = np.zeros(len(texts), np.uint64)
    hash_texts(words, offsets, found)
    for place, text in enumerate(texts):
        alone = np.zeros(1, np.uint64)
        padded = np.frombuffer(text + b"\xff" * (-len(text) % 8 + 8), "<u8").astype(np.uint64)
        hash_texts(padded, np.array([0, len(text)]), alone)
        assert alone[0] == found[place]
    assert len(set(found.tolist())) == len(set(texts))
