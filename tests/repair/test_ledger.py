"""Entries of ledgers: what each action holds, in which types, and what is refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.errors import UsageError
from credenza.repair.ledger import (
    drop_batch,
    edit_batch,
    ledger_schema,
    repeat_batch,
    replace_batch,
    stored_type,
    weight_batch,
)
from credenza.repair.merging import merged

TABLE = pa.table(
    {
        "age": pa.array([31, None, 2**60 + 1]),
        "plan": pa.array(["free", "full", None]).dictionary_encode(),
        "note": pa.array(["x", None, "longer than twelve bytes"], pa.string_view()),
    }
)
FORM = ledger_schema(TABLE.schema)
BARE = ledger_schema(TABLE.schema, ())
TOLD = {"reason": "age x plan", "method": "relabel"}
AT = np.array([4, 9, 11])


def test_types_are_kept_and_encodings_are_not() -> None:
    assert [str(field.type) for field in FORM.field("before").type] == ["int64", "string", "large_string"]
    assert stored_type(pa.run_end_encoded(pa.int32(), pa.dictionary(pa.int8(), pa.bool_()))) == pa.bool_()
    assert BARE.field("after").type == pa.null()
    narrow = ledger_schema(TABLE.schema, ["note", "age"])
    assert narrow.field("after").type.names == ["age", "note"]


@pytest.mark.parametrize("name", TABLE.column_names)
def test_an_edit_holds_the_values_of_its_column_alone(name: str) -> None:
    after = TABLE[name].to_pylist()[::-1]
    batch = edit_batch(FORM, AT, name, TABLE[name], pa.array(after), **TOLD)
    assert batch.schema == FORM
    for place, entry in enumerate(batch.to_pylist()):
        assert (entry["row"], entry["action"], entry["column"]) == (AT[place], "edit", name)
        assert entry["before"] == dict.fromkeys(TABLE.column_names) | {name: TABLE[name][place].as_py()}
        assert entry["after"] == dict.fromkeys(TABLE.column_names) | {name: after[place]}
        assert (entry["count"], entry["weight"]) == (None, None)
        assert (entry["reason"], entry["method"]) == ("age x plan", "relabel")


def test_runs_are_written_out() -> None:
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array([7, 8]))
    form = ledger_schema(pa.schema([("a", runs.type)]))
    batch = edit_batch(form, AT, "a", runs, pa.array([1, 2, 3], pa.int8()), **TOLD)
    assert [entry["before"]["a"] for entry in batch.to_pylist()] == [7, 7, 8]
    assert batch.schema.field("after").type.field(0).type == pa.int64()


def test_whole_rows() -> None:
    new = pa.table({name: TABLE[name].to_pylist()[::-1] for name in ("note", "plan", "age")})
    replaced = replace_batch(FORM, AT, TABLE, new, **TOLD).to_pylist()
    assert [entry["before"] for entry in replaced] == TABLE.to_pylist()
    assert [entry["after"] for entry in replaced] == TABLE.to_pylist()[::-1]
    assert {(entry["action"], entry["column"]) for entry in replaced} == {("replace", None)}
    dropped = drop_batch(FORM, AT, TABLE, reason=["a", "b", "c"], method="drop").to_pylist()
    assert [(entry["before"], entry["after"]) for entry in dropped] == [
        (row, None) for row in TABLE.to_pylist()
    ]
    assert [entry["reason"] for entry in dropped] == ["a", "b", "c"]


def test_a_row_of_missing_values_is_not_a_missing_row() -> None:
    nothing = pa.table({"a": pa.nulls(1, pa.int64())})
    batch = drop_batch(ledger_schema(nothing.schema), AT[:1], nothing, **TOLD)
    assert (batch["before"].null_count, batch["after"].null_count) == (0, 1)


def test_counts_and_weights_hold_no_values() -> None:
    (first, *_) = repeat_batch(BARE, AT, np.array([1, 2, 3]), **TOLD).to_pylist()
    assert (first["action"], first["count"], first["before"], first["after"]) == ("repeat", 1, None, None)
    wide = weight_batch(FORM, AT, np.array([0.5, 1, 1.5]), column="w", **TOLD).to_pylist()
    assert [(entry["column"], entry["weight"]) for entry in wide] == [("w", 0.5), ("w", 1.0), ("w", 1.5)]
    assert wide[0]["before"] is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: ledger_schema(TABLE.schema, ["plant"]),
            "the data has no column 'plant' for a ledger to hold values of",
        ),
        (
            lambda: edit_batch(
                ledger_schema(TABLE.schema, ["plan"]), AT, "age", TABLE["age"], TABLE["age"], **TOLD
            ),
            "the ledger holds no values of column 'age'; name it to ledger_schema",
        ),
        (
            lambda: edit_batch(BARE, AT, "age", TABLE["age"], TABLE["age"], **TOLD),
            "the ledger holds no values of column 'age'; name it to ledger_schema",
        ),
        (
            lambda: edit_batch(FORM, AT[:2], "age", TABLE["age"], TABLE["age"], **TOLD),
            "a ledger takes one value for each of 2 rows: found 3 of 'age'",
        ),
        (
            lambda: drop_batch(BARE, AT, TABLE, **TOLD),
            "the ledger holds no values, and whole rows have some; give ledger_schema all columns",
        ),
        (
            lambda: drop_batch(FORM, AT, TABLE.select(["age", "note"]), **TOLD),
            "rows on a ledger have all of its columns: found none called 'plan'",
        ),
        (
            lambda: repeat_batch(BARE, AT, np.array([1, 0, 2]), **TOLD),
            "a repeated row stands once or more often: found 0; drop it instead",
        ),
        (
            lambda: weight_batch(BARE, AT, np.ones(2), **TOLD),
            "a ledger takes one weight for each of 3 rows: found 2",
        ),
        (
            lambda: weight_batch(BARE, AT, np.ones(3), reason=["a"], method="reweight"),
            "a ledger takes one reason for each of 3 rows: found 1",
        ),
    ],
)
def test_entries_that_cannot_be(make: object, message: str) -> None:
    with pytest.raises(UsageError) as error:
        make()  # type: ignore[operator]
    assert str(error.value) == message


STREAM = st.lists(st.integers(0, 12), max_size=15).map(sorted)


@settings(max_examples=100, deadline=None)
@given(st.lists(STREAM, max_size=4), st.integers(1, 5))
def test_merged_streams_are_one_sorted_stably(streams: list[list[int]], size: int) -> None:
    def batches(number: int) -> list[pa.RecordBatch]:
        rows = np.array(streams[number], np.int64)
        names = [f"{number}-{place}" for place in range(len(rows))]
        whole = repeat_batch(BARE, rows, np.ones(len(rows)), reason=names, method="m")
        return [whole.slice(start, size) for start in range(0, len(rows), size)]

    entries = [
        (entry["row"], entry["reason"])
        for batch in merged([batches(number) for number in range(len(streams))])
        for entry in batch.to_pylist()
    ]
    slow = [(row, f"{k}-{place}") for k, rows in enumerate(streams) for place, row in enumerate(rows)]
    assert entries == sorted(slow, key=lambda item: item[0])


def test_merging_passes_over_empty_batches() -> None:
    part = repeat_batch(BARE, AT, np.ones(3), **TOLD)
    empty = part.slice(0, 0)
    rows = [b["row"].to_pylist() for b in merged([[empty, empty], [empty, part, empty], []])]
    assert [row for batch in rows for row in batch] == AT.tolist()
