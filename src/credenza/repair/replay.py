"""A ledger carried out or undone: the other side of a repair, rewritten as it is read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from credenza.data.binary_files import Reader
from credenza.data.sources import Source, open_source
from credenza.data.write import one_line
from credenza.data.write_output import write_output
from credenza.errors import InputError
from credenza.repair.identity import Facts, conformed, digest_of, watched
from credenza.repair.ledger_file import Ledger, damaged, read_ledger
from credenza.repair.windows import Entries, Window

_AHEAD = 256  # rows of the suspect that are looked at beyond twice those that are read


def apply_ledger(data: Any, ledger: Ledger | str | os.PathLike[str]) -> Any:
    """Carry a repair out again: from the suspect to the repaired data.

    Parameters
    ----------
    data : the suspect, as :func:`credenza.data.open_source` takes it: the very files, or a table of equal values.
    ledger : what the repair wrote, or its path.

    Returns
    -------
    The repaired data in memory, in the kind that was given (a path: an Arrow table): same values, order and types.

    Raises
    ------
    InputError : the ledger cannot be read or is damaged, or is of other data; or what comes out is not what came out
        when the ledger was written.

    Examples
    --------
    >>> from credenza.repair.identity import facts_of
    >>> from credenza.repair.ledger import drop_batch, ledger_schema
    >>> from credenza.repair.ledger_file import LedgerMeta, write_ledger
    >>> suspect, repaired = pa.table({"a": [1, 2, 3]}), pa.table({"a": [1, 3]})
    >>> meta = LedgerMeta("drop", facts_of(open_source(suspect)), facts_of(open_source(repaired)))
    >>> form = ledger_schema(suspect.schema)
    >>> dropped = drop_batch(form, np.array([1]), suspect.slice(1, 1), reason="CZ401", method="drop")
    >>> write_ledger([dropped], "ledger.parquet", meta)
    >>> apply_ledger(suspect, "ledger.parquet").equals(repaired)
    True
    >>> undo_ledger(repaired, "ledger.parquet").equals(suspect)
    True
    """
    source, output = opened(data, ledger, undo=False)
    return source.like(output.table().unify_dictionaries())


def undo_ledger(data: Any, ledger: Ledger | str | os.PathLike[str]) -> Any:
    """Take a repair back: from the repaired data to the suspect.

    Takes, gives and raises what :func:`apply_ledger` does.
    """
    source, output = opened(data, ledger, undo=True)
    return source.like(output.table().unify_dictionaries())


def write_replayed(
    data: Any, ledger: Ledger | str | os.PathLike[str], path: str | os.PathLike[str], *, undo: bool
) -> None:
    """Carry a ledger out, or undo it, and write the outcome in the kind of ``data``, in memory that does not grow.

    The outcome is compared with the digest on the ledger before the file appears. Raises what :func:`apply_ledger` and
    :func:`credenza.data.write_output.write_output` do.
    """
    source, output = opened(data, ledger, undo=undo)
    write_output(output, path, source)


def opened(data: Any, ledger: Ledger | str | os.PathLike[str], *, undo: bool) -> tuple[Source, Source]:
    """The data as given, and the other side of the ledger, which checks itself when all of it is read.

    Raises
    ------
    InputError : see :func:`apply_ledger`.
    """
    if not isinstance(ledger, Ledger):
        ledger = read_ledger(ledger)
    source = open_source(data, role="repaired data" if undo else "suspect")
    output = replayed(recognised(source, ledger, undo=undo), ledger, undo=undo)
    wanted = ledger.meta.suspect if undo else ledger.meta.repaired

    def compare(digest: str) -> None:
        if digest != wanted.content:
            done, side = ("undoing", "suspect") if undo else ("applying", "repaired data")
            raise InputError(
                f"{done} {ledger.path.name} on {source.name} does not give the {side} back: one of them is damaged, "
                "or a text format did not hold all values; give the files as they were written"
            )

    return source, watched(output, compare)


def recognised(source: Source, ledger: Ledger, *, undo: bool) -> Source:
    """The data in the types that the ledger knows it by, once it is the data that the ledger is of.

    Raises
    ------
    InputError : it is not; when it is the other side of the ledger, the message says so.
    """
    meta = ledger.meta
    here, there = (meta.repaired, meta.suspect) if undo else (meta.suspect, meta.repaired)
    for side in (here, there):
        if is_of(source, side):
            if side is here:
                return conformed(source, here.schema)
            state = (
                "the suspect: there is nothing to undo" if undo else "repaired already: undo takes that back"
            )
            raise InputError(
                f"{source.name} is {state}; give the data that {ledger.path.name} was written for"
            )
    side_name = "repaired" if undo else "was written for"
    raise InputError(
        f"{source.name} is not the data that {ledger.path.name} {side_name}: that has {here.rows:,} rows and content "
        f"{here.content[:12]}; this has {source.rows:,} rows{_content(source, here)}"
    )


def is_of(source: Source, facts: Facts) -> bool:
    """Whether data is what the facts tell of: the same bytes of files, or the same columns and values in order."""
    if source.rows != facts.rows or set(source.columns) != set(facts.schema.names):
        return False
    if source.files and source.fingerprint() == facts.sha256:
        return True
    return _digest(source, facts) == facts.content


def _digest(source: Source, facts: Facts) -> str | None:
    """The content of data in the types of the facts; None where it does not go into them."""
    try:
        return digest_of(conformed(source, facts.schema))
    except InputError:
        return None


def _content(source: Source, facts: Facts) -> str:
    """What to say of the content of other data, where it could be compared."""
    if odd := set(source.columns) ^ set(facts.schema.names):
        return f" and {'no' if min(odd) in facts.schema.names else 'a'} column {min(odd)!r}"
    digest = _digest(source, facts) if source.rows == facts.rows else None
    return "" if digest is None else f" and content {digest[:12]}"


def replayed(source: Source, ledger: Ledger, *, undo: bool) -> Source:
    """The other side of a ledger over data that is known to be its own; rewritten as it is read.

    Parameters
    ----------
    source : the suspect, or the repaired data for ``undo``, with the columns and types that the ledger knows.

    Notes
    -----
    Cost: one pass over the data and one over the entries with the values of the columns that are asked for. Memory: a
    batch of each, and what is looked at ahead where rows were dropped.
    """
    facts = ledger.meta.suspect if undo else ledger.meta.repaired
    return source.over(ReplayReader(source.reader, ledger, undo=undo), facts.shards)


class ReplayReader:
    """Reads one side of a repair and gives the other."""

    def __init__(self, base: Reader, ledger: Ledger, *, undo: bool) -> None:
        self._base, self._ledger, self._undo = base, ledger, undo
        facts = ledger.meta.suspect if undo else ledger.meta.repaired
        self.schema: pa.Schema = facts.schema
        self.rows: int = facts.rows

    def scan(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        known = self._base.schema.names
        read = [name for name in columns if name in known] or known[:1]
        side = "before" if self._undo else "after"
        entries = Entries(self._ledger.batches(["weight", *(f"{side}.{name}" for name in columns)]))
        windows = self._backwards(read, size, entries) if self._undo else self._forwards(read, size, entries)
        schema = pa.schema([self.schema.field(name) for name in columns])
        for window in windows:
            try:
                arrays = [window.column(field) for field in schema]
            except (pa.ArrowException, ValueError) as error:
                raise damaged(os.fspath(self._ledger.path), one_line(error)) from error
            yield from window.ordered(pa.RecordBatch.from_arrays(arrays, schema=schema), size)
        if not self.rows:
            yield _no_rows(self, columns)
        entries.finish()

    def _forwards(self, read: Sequence[str], size: int, entries: Entries) -> Iterator[Window]:
        """A batch of the suspect at a time, each row as often as it is to stand."""
        start = 0
        for batch in self._base.scan(read, size):
            stop = start + batch.num_rows
            here = Window(batch, np.arange(batch.num_rows), entries.until(stop), start, undo=False)
            entries.forget(stop)
            yield here
            start = stop

    def _backwards(self, read: Sequence[str], size: int, entries: Entries) -> Iterator[Window]:
        """As many rows of the suspect at a time as the batch that is held has the first copies of."""
        batches = self._base.scan(read, size)
        held, skip, start, rows = _no_rows(self._base, read), 0, 0, self.rows
        while start < rows:
            while skip >= held.num_rows and (more := next(batches, None)) is not None:
                held, skip = more, skip - held.num_rows
            left = max(held.num_rows - skip, 0)
            reach = min(start + min(2 * left + _AHEAD, size), rows)
            here = entries.until(reach)
            lengths = here.lengths(start, reach)
            first = np.cumsum(lengths) - lengths
            stop = start + int(np.count_nonzero(first + (lengths > 0) <= left))
            place = np.where(lengths > 0, first + skip, -1)[: stop - start]
            if stop == start:
                raise damaged(os.fspath(self._ledger.path), f"there is no row for row {start:,}")
            yield Window(held, place, entries.until(stop), start, undo=True)
            entries.forget(stop)
            skip += int(lengths[: stop - start].sum())
            start = stop


def _no_rows(reader: Reader, columns: Sequence[str]) -> pa.RecordBatch:
    schema = pa.schema([reader.schema.field(name) for name in columns])
    return pa.RecordBatch.from_arrays([pa.array([], kind) for kind in schema.types], schema=schema)
