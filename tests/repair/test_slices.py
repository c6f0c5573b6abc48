from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.checks.groups import ByColumn
from credenza.data import open_source, write_table
from credenza.errors import InputError, UsageError
from credenza.repair.examine import Ask, rows_asked
from credenza.repair.slices import in_slice, reads, require_apart, slice_mask

COLUMNS: list[Any] = [
    pa.array([True, False, None, True]),
    pa.array([1, 2, None, 1]),
    pa.array([1.0, 2.5, None, 1.0]),
    pa.array(["x", "1", None, ""]),
    pa.array(["x", "1", None, "x"]).dictionary_encode(),
    pa.array([0, 86_400_000_000, None, 0], pa.timestamp("us")),
    pa.array([0, 3, None, 0], pa.date32()),
]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: str(column.type))
def test_values_read_as_an_audit_names_slices(column: pa.Array) -> None:
    batch = pa.record_batch({"site": column})
    labels, index = ByColumn("site")(batch)
    for number, label in enumerate(labels):
        value = label.partition(" = ")[2]
        assert in_slice(batch, ("site", value)).tolist() == (index == number).tolist()
        assert rows_asked(batch, Ask((0, 1), ("site", value))).tolist() == (index == number).tolist()
        others = Ask((0, 1), without=(value,), column="site")
        assert rows_asked(batch, others).tolist() == (index != number).tolist()
        assert (
            slice_mask(open_source(pa.table(batch)), ("site", value)).tolist() == (index == number).tolist()
        )


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", None, "(missing)"])), st.lists(st.sampled_from("abc")))
def test_one_text_or_another(values: list[str | None], texts: list[str]) -> None:
    found = reads(pa.array(values, pa.string()), texts)
    assert found.tolist() == [value in texts for value in values]


def test_numbers_also_read_as_levels_are_labelled() -> None:
    assert reads(pa.array([0.0, 1.0, 0.1]), ["0"]).tolist() == [True, False, False]
    assert reads(pa.chunked_array([[1], [2, 1]]), ["1"]).tolist() == [True, False, True]


def test_strata_of_the_pair_itself_are_refused() -> None:
    require_apart(("a", "b"), None)
    with pytest.raises(UsageError) as caught:
        require_apart(("a", "b"), ("b", "1"))
    assert (
        str(caught.value) == "strata 'b' is part of the pair 'a' x 'b' that is repaired: give another column"
    )


def test_shards_and_what_is_not_there(tmp_path: Path) -> None:
    for name, rows in (("a", 2), ("b", 1)):
        write_table(pa.table({"x": np.arange(rows)}), tmp_path / f"{name}.parquet")
    source = open_source(tmp_path)
    assert slice_mask(source, ("shard", "b.parquet")).tolist() == [False, False, True]
    assert slice_mask(source, None).tolist() == [True] * 3
    with pytest.raises(InputError) as caught:
        slice_mask(source, ("x", "7"))
    assert str(caught.value) == "no row has x = 7, the slice that the audit found; give the data audited"
    with pytest.raises(InputError) as caught:
        slice_mask(source, ("team", "b"))
    assert str(caught.value) == "the data has no column 'team', which names the slice that the audit found"
