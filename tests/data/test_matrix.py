from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from credenza.data import Source, open_source
from credenza.data.matrix import blocks, read_matrix
from credenza.errors import InputError

NUMBERS = arrays(
    np.float32, st.tuples(st.integers(1, 9), st.integers(1, 4)), elements=st.floats(-9, 9, width=32)
)


def beside(rows: int) -> Source:
    return open_source(pa.table({"label": ["a"] * rows}))


@settings(deadline=None, max_examples=25)
@given(NUMBERS)
def test_all_forms_hold_the_same_numbers(values: np.ndarray) -> None:
    data = beside(len(values))
    columns = pa.table({f"x{k}": values[:, k] for k in range(values.shape[1])})
    lists = pa.table({"x": pa.FixedSizeListArray.from_arrays(values.ravel(), values.shape[1])})
    loose = pa.table({"x": values.tolist()})
    frame = pl.from_arrow(columns)
    for form in (values, values.tolist(), columns, lists, loose, frame, lambda source: values[: source.rows]):
        np.testing.assert_array_equal(read_matrix(form, data, "embeddings").values, values)
    assert read_matrix(columns, data, "embeddings").values.dtype == np.float32
    assert read_matrix(lists, data, "embeddings").values.dtype == np.float32


def test_a_file_of_numbers_is_mapped_and_has_a_fingerprint(tmp_path: Path) -> None:
    values = np.arange(12, dtype=np.float32).reshape(6, 2)
    np.save(tmp_path / "x.npy", values)
    found = read_matrix(tmp_path / "x.npy", beside(6), "embeddings")
    assert isinstance(found.values, np.memmap)
    assert (found.kind, found.name) == ("npy", str(tmp_path / "x.npy"))
    assert len(found.fingerprint()) == 64
    pq.write_table(pa.table({"a": values[:, 0], "b": values[:, 1]}), tmp_path / "x.parquet")
    table = read_matrix(str(tmp_path / "x.parquet"), beside(6), "embeddings")
    np.testing.assert_array_equal(table.values, values)
    assert table.fingerprint() == open_source(tmp_path / "x.parquet").fingerprint()
    one, other = (read_matrix(array, beside(6), "embeddings").fingerprint() for array in (values, values + 1))
    assert one != other


def test_half_and_whole_numbers_become_doubles_and_a_vector_a_column() -> None:
    for values in (np.ones(3, np.float16), np.ones(3, np.int8), np.ones(3, ">f4"), np.ones(3, bool)):
        found = read_matrix(values, beside(3), "losses").values
        assert found.shape == (3, 1)
        assert found.dtype == np.float64


def test_a_callable_names_itself() -> None:
    def length(source: Source) -> Any:
        return np.ones((source.rows, 2))

    found = read_matrix(length, beside(3), "embeddings")
    assert (found.name, found.kind) == ("length", "callable")


def test_blocks_cover_all_rows_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("credenza.data.matrix.BLOCK_VALUES", 5)
    values = np.arange(14.0).reshape(7, 2)
    assert [len(block) for block in blocks(values)] == [2, 2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(blocks(values)), values)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (
            np.ones((2, 2)),
            "the embeddings have 2 rows and Arrow table has 3; give one for each row, in the same order",
        ),
        (np.ones((3, 0)), "embeddings are a table of numbers, one row for each row; found shape (3, 0)"),
        (
            np.ones((3, 2, 2)),
            "embeddings are a table of numbers, one row for each row; found shape (3, 2, 2)",
        ),
        (
            [[1.0], [np.nan], [np.inf]],
            "the embeddings of 2 rows hold a value that is missing or infinite; fill them in or drop those rows",
        ),
        (
            [[1.0], [2.0, 3.0], [4.0]],
            "embeddings are numbers, as many in each row; found rows of unequal length",
        ),
        (["a", "b", "c"], "embeddings are numbers, as many in each row; found <U1"),
        (
            pa.table({"x": [[1.0], [2.0, 3.0], [4.0]]}),
            "the embeddings have lists of unequal length; give as many numbers in each row",
        ),
        (
            pa.table({"x": [[1.0], None, [4.0]]}),
            "the embeddings have lists of unequal length; give as many numbers in each row",
        ),
        (
            pa.table({"x": ["a", "b", "c"]}),
            "column 'x' of the embeddings is string; give numbers, or equally long lists of them",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(form: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_matrix(form, beside(3), "embeddings")
    assert str(caught.value) == message


def test_files_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}, {}, {}], dtype=object), allow_pickle=True)
    (tmp_path / "short.npy").write_bytes(b"\x93NUMPY")
    (tmp_path / "model.pkl").write_bytes(b"\x80\x04.")
    ending = {
        "objects.npy": "is damaged or holds objects; give a .npy file of numbers",
        "short.npy": "is damaged or holds objects; give a .npy file of numbers",
        "absent.npy": "cannot be read; give the path of a .npy file of numbers",
        "model.pkl": "is not read, for it may hold objects; give a .npy file or a table of numbers",
    }
    for name, end in ending.items():
        with pytest.raises(InputError) as caught:
            read_matrix(tmp_path / name, beside(3), "embeddings")
        assert str(caught.value) == f"embeddings: {tmp_path / name} {end}"
