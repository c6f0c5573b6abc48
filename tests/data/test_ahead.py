"""The same batches, one earlier; nothing is left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pyarrow as pa
import pytest

from credenza.data.ahead import ahead

BATCHES = [pa.record_batch({"a": range(rows)}) for rows in (3, 0, 2, 5)]


def readers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("credenza-read")]


def test_the_same_batches_in_order() -> None:
    assert list(ahead(iter(BATCHES))) == BATCHES
    assert list(ahead(iter([]))) == []
    assert readers() == []


def test_one_batch_is_read_ahead_and_no_more() -> None:
    read: list[int] = []
    second = threading.Event()

    def source() -> Iterator[pa.RecordBatch]:
        for number, batch in enumerate(BATCHES):
            read.append(number)
            if number == 1:
                second.set()
            yield batch

    batches = ahead(source())
    assert read == []
    next(batches)
    assert second.wait(10)
    batches.close()  # type: ignore[attr-defined]
    assert read == [0, 1]
    assert readers() == []


def test_errors_come_up_behind_the_batches_before() -> None:
    def source() -> Iterator[pa.RecordBatch]:
        yield BATCHES[0]
        raise OSError("gone")

    batches = ahead(source())
    assert next(batches) is BATCHES[0]
    with pytest.raises(OSError, match="gone"):
        next(batches)
    assert readers() == []


def test_an_iteration_that_is_dropped_ends_its_thread() -> None:
    batches = ahead(iter(BATCHES))
    next(batches)
    del batches
    assert readers() == []
