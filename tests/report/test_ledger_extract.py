"""The first entries of a ledger in words, for every action."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from credenza.repair.ledger import (
    drop_batch,
    edit_batch,
    ledger_schema,
    repeat_batch,
    replace_batch,
    weight_batch,
)
from credenza.report.ledger_extract import Entry, extract

TABLE = pa.table(
    {
        "a": [1, 2],
        "b": [0.123456789, None],
        "c": ["x" * 80, "y"],
        "d": [b"four", b""],
        "e": [True, False],
    }
)
FORM = ledger_schema(TABLE.schema)


def only(batch: pa.RecordBatch) -> Entry:
    (entry,) = extract([batch])
    return entry


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("a", "a: 1 → 2"),
        ("b", "b: 0.123457 → (missing)"),
        ("c", f"c: {'x' * 59}… → y"),
        ("d", "d: 4 bytes → 0 bytes"),
    ],
)
def test_an_edit_shows_both_values(column: str, words: str) -> None:
    before, after = TABLE[column].slice(0, 1), TABLE[column].slice(1)
    batch = edit_batch(FORM, np.array([7]), column, before, after, reason="a x b", method="relabel")
    assert only(batch) == Entry(7, "edit", words, "a x b")


def test_rows_show_four_columns() -> None:
    first, second = TABLE.slice(0, 1), TABLE.slice(1)
    replaced = only(replace_batch(FORM, np.array([0]), first, second, reason="r", method="m"))
    assert replaced.change.startswith("a: 1 → 2, b: 0.123457 → (missing), c: ")
    assert replaced.change.endswith(" and 1 more")
    same = second.set_column(0, "a", pa.array([1]))
    assert only(replace_batch(FORM, np.array([0]), first, same, reason="r", method="m")).change[:3] == "b: "
    dropped = only(drop_batch(FORM, np.array([0]), second, reason="r", method="m"))
    assert dropped.change == "a = 2, b = (missing), c = y, d = 0 bytes and 1 more"


def test_repeats_and_weights() -> None:
    bare = ledger_schema(TABLE.schema, ())
    assert (
        only(repeat_batch(bare, np.array([2]), np.array([3]), reason="r", method="m")).change
        == "stands 3 times"
    )
    assert (
        only(weight_batch(bare, np.array([2]), np.array([1 / 3]), reason="r", method="m")).change
        == "weight 0.3333"
    )


def test_no_more_is_read_than_is_shown() -> None:
    bare = ledger_schema(TABLE.schema, ())

    def batches() -> Iterator[pa.RecordBatch]:
        for start in (0, 3):
            rows = np.arange(start, start + 3)
            yield weight_batch(bare, rows, np.ones(3), reason="r", method="m")
        raise AssertionError("read too far")

    assert [entry.row for entry in extract(batches(), 5)] == [0, 1, 2, 3, 4]
    assert extract([]) == ()
