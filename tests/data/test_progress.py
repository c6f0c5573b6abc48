from __future__ import annotations

from threading import Thread

import pyarrow as pa
import pytest

from credenza.data.progress import announce, tracked, watch

BATCHES = [pa.record_batch({"a": range(rows)}) for rows in (3, 0, 2)]


class Notes:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.said: list[object] = []

    def start(self, label: str, total: int | None) -> None:
        self.said.append((label, total))

    def advance(self, rows: int) -> None:
        self.said.append(rows)

    def done(self) -> None:
        self.said.append("done")

    def announce(self, text: str) -> None:
        self.said.append(text)


def test_rows_are_reported_once_they_are_dealt_with() -> None:
    notes = Notes()
    with watch(notes):
        passed = tracked(BATCHES, 5, "suspect")
        assert notes.said == []
        assert next(passed) is BATCHES[0]
        assert notes.said == [("suspect", 5)]
        assert list(passed) == BATCHES[1:]
        announce("no GPU")
    assert notes.said == [("suspect", 5), 3, 0, 2, "done", "no GPU"]


def test_nobody_watching() -> None:
    batches = iter(BATCHES)
    assert tracked(batches, None, "suspect") is batches
    announce("no GPU")


def test_a_pass_that_fails_or_is_left_has_ended() -> None:
    def broken() -> object:
        yield BATCHES[0]
        raise OSError("gone")

    notes = Notes()
    with watch(notes):
        with pytest.raises(OSError, match="gone"):
            list(tracked(broken(), None, "x"))  # type: ignore[arg-type]
        left = tracked(BATCHES, 5, "y")
        next(left)
        left.close()  # type: ignore[attr-defined]
    assert notes.said == [("x", None), 3, "done", ("y", 5), "done"]


def test_watches_nest_and_stay_in_their_thread() -> None:
    outer, inner = Notes(), Notes()
    with watch(outer):
        with watch(inner):
            announce("in")
        other = Thread(target=announce, args=("elsewhere",))
        other.start()
        other.join()
        announce("out")
    announce("after")
    assert (outer.said, inner.said) == (["out"], ["in"])
