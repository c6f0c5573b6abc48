"""Rows of spans are those rows, whatever the batches."""

from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data import open_source
from credenza.data.spans import spans_of


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60), st.lists(st.integers(0, 60), max_size=8, unique=True), st.integers(1, 25))
def test_spans_are_the_rows_between(rows: int, cuts: list[int], size: int) -> None:
    table = pa.table({"a": range(rows + 1), "b": [str(k) for k in range(rows + 1)]})
    edges = sorted(min(cut, rows) for cut in cuts)
    spans = [span for span in list(pairwise(edges))[::2] if span[0] < span[1]]
    source = spans_of(open_source(table), spans)
    wanted = [k for first, end in spans for k in range(first, end)]
    found = list(source.batches(["b", "a"], size=size))
    assert source.rows == len(wanted)
    assert [value for batch in found for value in batch["a"].to_pylist()] == wanted
    assert all(batch.schema.names == ["b", "a"] and 0 < batch.num_rows <= size for batch in found)
