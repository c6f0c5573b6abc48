"""Who is watching: rows read and things worth a word go to a sink that the front end sets, or nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

import pyarrow as pa


class Sink(Protocol):
    """Takes what is going on; one pass at a time."""

    def start(self, label: str, total: int | None) -> None:
        """A pass begins: what it is called, and how many rows it has, where that is known."""
        ...

    def advance(self, rows: int) -> None:
        """So many rows more are dealt with."""
        ...

    def done(self) -> None:
        """The pass ended, well or not."""
        ...

    def announce(self, text: str) -> None:
        """One line worth a word, such as a fall-back to another engine."""
        ...


_SINK: ContextVar[Sink | None] = ContextVar("progress", default=None)


@contextmanager
def watch(sink: Sink) -> Iterator[None]:
    """Send progress to ``sink`` while the block runs, in this thread; the sink before it comes back afterwards."""
    token = _SINK.set(sink)
    try:
        yield
    finally:
        _SINK.reset(token)


def watcher() -> Sink | None:
    """The sink that is set, for work that is counted in something else than batches; None: nobody watches."""
    return _SINK.get()


def tracked(batches: Iterable[pa.RecordBatch], total: int | None, label: str) -> Iterator[pa.RecordBatch]:
    """Pass record batches on, and report each one's rows once the next is asked for.

    Parameters
    ----------
    batches : of one pass. total : its rows, None where unknown. label : what it is called, such as "suspect".

    Returns
    -------
    iterator
        The batches, unchanged. Without a sink it costs nothing.

    Examples
    --------
    >>> [batch.num_rows for batch in tracked(iter([pa.record_batch({"a": [1, 2]})]), 2, "suspect")]
    [2]
    """
    sink = watcher()
    return iter(batches) if sink is None else _reported(batches, total, label, sink)


def _reported(
    batches: Iterable[pa.RecordBatch], total: int | None, label: str, sink: Sink
) -> Iterator[pa.RecordBatch]:
    sink.start(label, total)
    try:
        for batch in batches:
            yield batch
            sink.advance(batch.num_rows)
    finally:
        sink.done()


def announce(text: str) -> None:
    """Say something worth a word, if anybody is watching."""
    if (sink := _SINK.get()) is not None:
        sink.announce(text)
