"""Files are whole or absent."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from credenza.data import open_source, write_bytes, write_table, write_text
from credenza.data.write import one_line, replacing
from credenza.errors import InputError, UsageError

TABLE = pa.table({"a": [1, 2], "b": ["x", "ü"]})
SUFFIXES = [
    ".parquet",
    ".pq",
    ".csv",
    ".tsv",
    ".jsonl",
    ".ndjson",
    ".arrow",
    ".feather",
    ".ipc",
    ".csv.gz",
    ".jsonl.gz",
]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_tables_and_batches_round_trip(tmp_path: Path, suffix: str) -> None:
    for data in (TABLE, iter(TABLE.to_batches(max_chunksize=1))):
        write_table(data, tmp_path / f"t{suffix}")
        assert open_source(tmp_path / f"t{suffix}").table().to_pydict() == TABLE.to_pydict()
    assert [path.name for path in tmp_path.iterdir()] == [f"t{suffix}"]


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl", ".arrow"])
def test_a_failed_write_leaves_the_old_file(tmp_path: Path, suffix: str) -> None:
    def failing() -> object:
        yield TABLE.to_batches()[0]
        raise RuntimeError("stopped")

    target = tmp_path / f"t{suffix}"
    target.write_text("old")
    with pytest.raises(RuntimeError, match="stopped"):
        write_table(failing(), target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_first_write_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with replacing(tmp_path / "t.txt") as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_text_and_bytes(tmp_path: Path) -> None:
    write_text("one\ntwo ü\n", tmp_path / "t.txt")
    assert (tmp_path / "t.txt").read_bytes() == "one\ntwo ü\n".encode()
    write_bytes(b"\x00\xff", tmp_path / "t.txt")
    assert (tmp_path / "t.txt").read_bytes() == b"\x00\xff"


def test_new_files_get_ordinary_permissions(tmp_path: Path) -> None:
    write_text("x", tmp_path / "ours")
    (tmp_path / "theirs").write_text("x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "theirs").stat().st_mode


def test_messages(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        write_table(TABLE, tmp_path / "t.xlsx")
    assert str(caught.value) == (
        f"cannot write {tmp_path}/t.xlsx: unknown format '.xlsx'; "
        "use .parquet, .csv, .tsv, .jsonl, .arrow, .csv.gz or .jsonl.gz"
    )
    with pytest.raises(UsageError, match=r"unknown format 'without suffix'; use \.parquet"):
        write_table(TABLE, tmp_path / "t")
    with pytest.raises(UsageError, match=r"unknown format '\.gz'"):
        write_table(TABLE, tmp_path / "t.parquet.gz")
    with pytest.raises(UsageError) as caught:
        write_text("x", tmp_path / "no" / "t.txt")
    assert str(caught.value) == f"cannot write {tmp_path}/no/t.txt: no folder {tmp_path}/no; create it first"
    with pytest.raises(UsageError, match="it is a folder; give a file name"):
        write_text("x", tmp_path)
    with pytest.raises(InputError, match="no record batches; give at least one"):
        write_table(iter([]), tmp_path / "t.csv")
    assert list(tmp_path.iterdir()) == []


def test_json_lines_values(tmp_path: Path) -> None:
    table = pa.table(
        {
            "nan": [float("nan"), 1.5],
            "day": [date(2020, 1, 2), None],
            "moment": [datetime(2020, 1, 2, 3, 4, tzinfo=UTC), None],
            "clock": [time(3, 4), None],
            "exact": [Decimal("1.50"), None],
            "deep": [[{"x": float("nan")}], []],
        }
    )
    write_table(table, tmp_path / "t.jsonl")
    assert (tmp_path / "t.jsonl").read_text().splitlines()[0] == (
        '{"nan": null, "day": "2020-01-02", "moment": "2020-01-02T03:04:00+00:00", "clock": "03:04:00", '
        '"exact": 1.5, "deep": [{"x": null}]}'
    )


def test_what_a_format_cannot_hold(tmp_path: Path) -> None:
    for column, kind in (([float("inf")], "infinities"), ([b"x"], "bytes")):
        with pytest.raises(
            InputError, match=f"column 'a' holds {kind}, which JSON Lines cannot; write Parquet or"
        ):
            write_table(pa.table({"a": column}), tmp_path / "t.jsonl")
    with pytest.raises(InputError, match=r"cannot write .*t.csv: .*; choose another format"):
        write_table(pa.table({"a": [[1]]}), tmp_path / "t.csv")
    assert list(tmp_path.iterdir()) == []


def test_empty_table_and_odd_types(tmp_path: Path) -> None:
    for suffix in (".parquet", ".csv", ".jsonl", ".arrow"):
        write_table(TABLE.slice(0, 0), tmp_path / f"t{suffix}")
    odd = pa.table(
        {"d": pa.array(["x", "y"]).dictionary_encode(), "v": pa.array(["p", None], pa.string_view())}
    )
    write_table(odd, tmp_path / "odd.csv")
    assert open_source(tmp_path / "odd.csv").table().to_pydict() == {"d": ["x", "y"], "v": ["p", None]}


def test_one_line_shortens() -> None:
    assert one_line(ValueError("a\nb")) == "a"
    assert one_line(ValueError("")) == "ValueError"
    assert one_line(ValueError("x" * 300)) == "x" * 199 + "…"


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may grow beyond 100 kB while a test runs, as on a disk that is nearly full."""
    resource = pytest.importorskip("resource", reason="file sizes are not limited on Windows")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("small_disk")
@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl", ".arrow", ".csv.gz", ".jsonl.gz"])
def test_a_disk_that_fills_leaves_the_old_file(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"t{suffix}"
    target.write_text("old")
    noise = np.random.default_rng(1)
    batches = (pa.record_batch({"a": noise.random(4_000), "b": noise.random(4_000)}) for _ in range(5))
    with pytest.raises(UsageError) as caught:
        write_table(batches, target)
    assert str(caught.value) == f"cannot write {target}: file too large; make room, or give another path"
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


@pytest.mark.usefixtures("small_disk")
def test_a_disk_that_fills_leaves_no_text_or_bytes(tmp_path: Path) -> None:
    for write, data in ((write_text, "x" * 200_000), (write_bytes, b"x" * 200_000)):
        with pytest.raises(UsageError, match=r"file too large; make room, or give another path$"):
            write(data, tmp_path / "file")  # type: ignore[operator]
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")
@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl", ".arrow", ".csv.gz"])
def test_no_space_left(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"full{suffix}"
    target.symlink_to("/dev/full")
    with pytest.raises(UsageError) as caught:
        write_table(pa.table({"a": np.random.default_rng(1).random(100_000)}), target)
    message = f"cannot write {target}: no space left on device; make room, or give another path"
    assert str(caught.value) == message
    assert stat.S_ISCHR(target.stat().st_mode)


@pytest.mark.skipif(os.name == "nt", reason="named pipes are other things on Windows")
def test_devices_and_pipes_are_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_text("hello", pipe)
    reader.join()
    write_text("gone", "/dev/null")
    assert read == ["hello"]
    assert pipe.is_fifo()
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_other_failures_are_passed_on(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), replacing(tmp_path / "file"):
        raise PermissionError(13, "no")
