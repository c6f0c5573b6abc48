"""Some of a table's rows, in order, as a source of their own: what lies between is read over and left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from credenza.data.binary_files import Reader
from credenza.data.sources import Source

Span = tuple[int, int]  # (first row, one past the last)


class SpanReader:
    """Reads the rows of ``spans``, which ascend and do not overlap, from another reader."""

    def __init__(self, base: Reader, spans: Sequence[Span]) -> None:
        self._base, self._spans = base, tuple(spans)
        self.schema: pa.Schema = base.schema
        self.rows: int = sum(end - first for first, end in self._spans)

    def scan(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        last = self._spans[-1][1] if self._spans else 0
        at = 0
        for batch in self._base.scan(columns, size) if last else ():
            for first, end in self._spans:
                low, high = max(first - at, 0), min(end - at, batch.num_rows)
                if low < high:
                    yield batch.slice(low, high - low)
            at += batch.num_rows
            if at >= last:
                return


def spans_of(source: Source, spans: Sequence[Span]) -> Source:
    """The rows of ``spans`` as a source; its fingerprint is of their values.

    Examples
    --------
    >>> from credenza.data.sources import open_source
    >>> source = open_source(pa.table({"a": range(10)}))
    >>> spans_of(source, [(1, 3), (8, 10)]).table()["a"].to_pylist()
    [1, 2, 8, 9]
    """
    return source.over(SpanReader(source.reader, spans), ())
