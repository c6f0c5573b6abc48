"""What a task reads, without Spark: runs of row groups and files, and batches joined."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark import cloudpickle

from credenza.data import open_source, write_table
from credenza.data.files import open_path
from credenza.engines.spark_parts import FileParts, Piece, joined, pieces_of, runs_of
from credenza.errors import InputError


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), max_size=30), st.integers(1, 12))
def test_runs_hold_every_piece_once_in_order(sizes: list[int], parts: int) -> None:
    pieces = [Piece(None, rows) for rows in sizes]  # type: ignore[arg-type]
    runs = runs_of(pieces, parts)
    assert [piece for _, run in runs for piece in run] == pieces
    starts = np.cumsum([0, *(sum(piece.rows for piece in run) for _, run in runs)])
    assert [start for start, _ in runs] == starts[:-1].tolist()
    assert len(runs) <= parts + 1


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 12))
def test_joined_batches_hold_the_same_rows(lengths: list[int], size: int) -> None:
    batches = [pa.record_batch({"a": pa.array([k] * n, pa.int64())}) for k, n in enumerate(lengths)]
    together = list(joined(iter(batches), size))
    rows = [value for batch in together for value in batch.column(0).to_pylist()]
    assert rows == [k for k, n in enumerate(lengths) for _ in range(n)]
    assert all(batch.num_rows >= size for batch in together[:-1])
    assert all(batch.num_rows for batch in together)


def folder_of(kind: str, folder: Path) -> pa.Table:
    """Three files of odd columns; the table of them all."""
    tables = []
    for k in range(3):
        table = pa.table(
            {
                "when": pa.array([k, None, 2 * k], pa.timestamp("us")),
                "text": ["x", None, f"y{k}"],
                "number": pa.array([1.5, None, k], pa.float64() if k else pa.float32()),
                "flag": [True, False, None],
            }
        )
        tables.append(table)
        write_table(table, folder / f"{k}.{kind}")
    return pa.concat_tables(tables, promote_options="permissive")


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl", "arrow", "csv.gz"])
def test_parts_that_travelled_give_the_rows_of_the_folder(kind: str, tmp_path: Path) -> None:
    folder_of(kind, tmp_path)
    opened, local = open_path(tmp_path, "suspect"), open_source(tmp_path)
    runs = runs_of(pieces_of(opened, "suspect", 2), 2)
    assert len(runs) == 2
    parts = cloudpickle.loads(cloudpickle.dumps(FileParts(runs, opened.reader.schema)))
    numbers = iter([pa.record_batch({"id": [0]}), pa.record_batch({"id": [1]})])
    batches, starts = [], []
    for number, start, rows in parts(numbers):
        starts.append((number, start))
        batches += list(rows)
    assert starts == [(0, 0), (1, 6)]
    assert pa.Table.from_batches(batches).equals(local.table())


def test_row_groups_are_pieces(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": range(10)}), tmp_path / "t.parquet", row_group_size=4)
    pieces = pieces_of(open_path(tmp_path / "t.parquet", "suspect"), "suspect", 8)
    assert [piece.rows for piece in pieces] == [4, 4, 2]
    (whole,) = pieces_of(open_path(tmp_path / "t.parquet", "suspect"), "suspect", 1)
    assert whole.rows == 10
    rows = [batch.column(0).to_pylist() for piece in pieces for batch in piece.reader.scan(["a"], 3)]
    assert rows == [[0, 1, 2], [3], [4, 5, 6], [7], [8, 9]]


def test_a_file_that_is_gone_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": [1, 2]}), path)
    (piece,) = pieces_of(open_path(path, "suspect"), "suspect", 8)
    path.unlink()
    message = (
        r"^suspect \(t\.parquet\) cannot be read on a Spark worker \(.*No such file.*\); "
        r"every worker must reach the file, whole, under the same path$"
    )
    with pytest.raises(InputError, match=message):
        list(piece.reader.scan(["a"], 10))
