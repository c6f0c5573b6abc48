"""Paths, folders and globs: what is found, and what is said when nothing good is."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from credenza.data import open_source, write_table
from credenza.data.files import FORMATS, format_of
from credenza.errors import InputError

TABLE = pa.table({"a": [1, 2, 3], "b": ["x", None, "z"]})


def said(path: Path | str, root: Path) -> str:
    with pytest.raises(InputError) as caught:
        open_source(path, role="suspect")
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(root), "")


@pytest.mark.parametrize("suffix", [*FORMATS, ".csv.gz", ".tsv.gz", ".jsonl.gz", ".ndjson.gz"])
def test_every_format_gives_the_same_rows(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    write_table(TABLE, path.with_suffix(".jsonl") if suffix == ".json" else path)
    if suffix == ".json":
        path.with_suffix(".jsonl").rename(path)
    source = open_source(str(path))
    assert source.table().to_pydict() == TABLE.to_pydict()
    assert (source.name, source.kind, source.rows) == (str(path), format_of(path), 3)
    assert source.fingerprint() == hashlib.sha256(path.read_bytes()).hexdigest()


def test_arrow_streams_and_compressed_feather(tmp_path: Path) -> None:
    with pa.OSFile(str(tmp_path / "s.arrow"), "wb") as sink, pa.ipc.new_stream(sink, TABLE.schema) as writer:
        writer.write_table(TABLE, max_chunksize=2)
    pyarrow.feather.write_feather(TABLE, tmp_path / "f.feather", compression="lz4")
    for name in ("s.arrow", "f.feather"):
        source = open_source(tmp_path / name)
        assert source.table(["b", "a"]).to_pydict() == TABLE.select(["b", "a"]).to_pydict()
        assert source.rows == 3


def test_parquet_keeps_dictionaries_and_dotted_names(tmp_path: Path) -> None:
    table = pa.table({"a.b": pa.array(["x", "y"]).dictionary_encode(), "a": [{"b": 3}, {"b": 4}]})
    pq.write_table(table, tmp_path / "t.parquet")
    source = open_source(tmp_path / "t.parquet")
    assert source.table(["a.b"]).to_pydict() == {"a.b": ["x", "y"]}
    assert pa.types.is_dictionary(source.schema.field("a.b").type)


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl", ".arrow"])
def test_folder_and_glob_are_their_files_in_name_order(tmp_path: Path, suffix: str) -> None:
    for name, start in (("2", 10), ("10", 0), ("_hidden", 90), (".also", 91)):
        write_table(pa.table({"i": [start, start + 1], "s": ["x", "y"]}), tmp_path / f"{name}{suffix}")
    (tmp_path / "README.txt").write_text("not data")
    for path in (tmp_path, f"{tmp_path}/[0-9]*{suffix}"):
        source = open_source(path)
        assert source.table()["i"].to_pylist() == [0, 1, 10, 11]
        assert [file.name for file in source.files] == [f"10{suffix}", f"2{suffix}"]
        digest = hashlib.sha256(b"".join(file.read_bytes() for file in source.files))
        assert source.fingerprint() == digest.hexdigest()


def test_folder_types_are_unified(tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": [1], "s": pa.array(["x"]).dictionary_encode()}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"s": ["y"], "n": [1.5]}), tmp_path / "b.parquet")
    source = open_source(tmp_path)
    assert source.table().to_pydict() == {"n": [1.0, 1.5], "s": ["x", "y"]}


def test_folder_of_csv_reads_disagreeing_columns_as_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n,m,e\n1,1,\n2,2,\n")
    (tmp_path / "b.csv").write_text("e,m,n\n5,1.5,x\n")
    assert open_source(tmp_path).table().to_pydict() == {
        "n": ["1", "2", "x"],
        "m": [1.0, 2.0, 1.5],
        "e": [None, None, 5],
    }


def test_missing_file_and_pattern(tmp_path: Path) -> None:
    assert said(tmp_path / "no.csv", tmp_path) == (
        "suspect: no such file or folder: /no.csv; give the path of a data file"
    )
    assert said(f"{tmp_path}/*.csv", tmp_path) == (
        "suspect: no file matches /*.csv; give a pattern that names data files"
    )


def test_unknown_format(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK")
    assert said(tmp_path / "a.xlsx", tmp_path) == (
        "suspect: a.xlsx is not a data format we know; "
        "give Parquet (.parquet), CSV (.csv, .tsv), JSON Lines (.jsonl) or Arrow (.arrow, .feather)"
    )


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl", ".arrow"])
def test_empty_file(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"a{suffix}").touch()
    assert said(tmp_path / f"a{suffix}", tmp_path) == (
        f"suspect (/a{suffix}) is empty (0 bytes); give a file with data"
    )


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.95])
def test_truncated_binary_file(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"a{suffix}"
    write_table(pa.table({"a": list(range(10_000))}), path)
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    message = said(path, tmp_path)
    kind = {".parquet": "Parquet", ".arrow": "Arrow"}[suffix]
    assert message.startswith(f"suspect (/a{suffix}) is not a readable {kind} file (")
    assert message.endswith("); it may be cut short or damaged: write it again")


def test_parquet_damaged_inside_is_found_while_reading(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": list(range(50_000))}), path, compression="gzip", use_dictionary=False)
    data = bytearray(path.read_bytes())
    data[1_000:60_000] = bytes(59_000)
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match=r"is not a readable Parquet file \(.*write it again"):
        open_source(path).table()


def test_no_rows_no_columns_duplicate_columns(tmp_path: Path) -> None:
    pq.write_table(TABLE.slice(0, 0), tmp_path / "rows.parquet")
    pq.write_table(pa.table({}), tmp_path / "columns.parquet")
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    pq.write_table(twice, tmp_path / "twice.parquet")
    assert said(tmp_path / "rows.parquet", tmp_path).endswith("has no rows; give a table with at least one")
    assert said(tmp_path / "columns.parquet", tmp_path).endswith(
        "has no columns; give a table with at least one"
    )
    assert said(tmp_path / "twice.parquet", tmp_path) == (
        "suspect (/twice.parquet): column name 'a' comes 2 times; rename the others"
    )


def test_folder_without_data(tmp_path: Path) -> None:
    known = "give Parquet (.parquet), CSV (.csv, .tsv), JSON Lines (.jsonl) or Arrow (.arrow, .feather)"
    assert (
        said(tmp_path, tmp_path)
        == f"suspect: folder  holds no data files (nothing); {known} files directly in it"
    )
    (tmp_path / "a.txt").write_text("x")
    assert "(1 other files)" in said(tmp_path, tmp_path)


def test_folder_of_mixed_formats(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "a.csv")
    write_table(TABLE, tmp_path / "b.parquet")
    assert said(tmp_path, tmp_path) == (
        "suspect:  mixes formats: a.csv is csv, b.parquet is parquet; "
        "keep one, for example with the pattern *.csv"
    )


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_folder_of_mixed_columns(tmp_path: Path, suffix: str) -> None:
    write_table(TABLE, tmp_path / f"a{suffix}")
    write_table(TABLE.append_column("c", pa.array([1, 2, 3])), tmp_path / f"b{suffix}")
    assert said(tmp_path, tmp_path) == (
        f"suspect () mixes columns: 'c' is in b{suffix} but not in a{suffix}; "
        "give files with the same columns"
    )


def test_folder_of_mixed_types(tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": [1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"n": ["x"]}), tmp_path / "b.parquet")
    assert said(tmp_path, tmp_path) == (
        "suspect () mixes types: 'n' is int64 in a.parquet but string in b.parquet; write it with one type"
    )


def halves(tmp_path: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    for name in ("a.parquet", "b.parquet"):
        flags = {f"flag {k}": rng.random(50_000) < 0.5 for k in range(20)}
        write_table(pa.table({"x": rng.normal(size=50_000), **flags}), tmp_path / name)
    return tmp_path / "a.parquet", tmp_path / "b.parquet"


def test_a_file_that_is_damaged_midway(tmp_path: Path) -> None:
    _, second = halves(tmp_path)
    raw = bytearray(second.read_bytes())
    raw[len(raw) // 3 : len(raw) // 2] = bytes(len(raw) // 2 - len(raw) // 3)
    second.write_bytes(raw)
    source = open_source(tmp_path, role="suspect")
    batches = source.batches(size=20_000)
    assert sum(next(batches).num_rows for _ in range(3)) == 50_000
    with pytest.raises(InputError) as caught:
        list(batches)
    assert str(caught.value).startswith(f"suspect (b.parquet in {tmp_path}) is not a readable Parquet file (")
    assert str(caught.value).endswith("); it may be cut short or damaged: write it again")
    assert "\n" not in str(caught.value)


def test_a_file_that_changes_after_it_was_opened(tmp_path: Path) -> None:
    first, _ = halves(tmp_path)
    source = open_source(first)
    write_table(pa.table({"x": [1.0]}), first)
    with pytest.raises(InputError) as caught:
        list(source.batches())
    assert str(caught.value) == f"data ({first}) has changed since it was opened; audit files at rest"


def test_batches_of_any_size_cross_row_groups(tmp_path: Path) -> None:
    table = pa.table({"n": np.arange(10_000), "b": np.arange(10_000) % 3 == 0})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=999)
    for size in (7, 1_000, 4_096):
        batches = list(open_source(tmp_path / "t.parquet").batches(["b", "n"], size=size))
        assert max(batch.num_rows for batch in batches) <= size
        assert pa.Table.from_batches(batches).select(["n", "b"]).equals(table)
