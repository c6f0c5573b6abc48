"""A table with some rows changed, as a source over the unchanged one: rewritten as it is read, never held whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from credenza.contracts import IntArray
from credenza.data.binary_files import Reader
from credenza.data.sources import Source

Rewrite = Callable[[IntArray, pa.RecordBatch], Mapping[str, pa.Array]]
VIEWS = {"string_view": pa.large_string(), "binary_view": pa.large_binary()}


@dataclass(frozen=True)
class Edits:
    """Which rows are changed, and into what.

    Parameters
    ----------
    rows : rows that are changed, ascending, each once; shape (k,).
    rewrite : function of (``at``, ``originals``) that gives the new values, a column of ``len(at)`` values by name:
        ``at`` are positions in ``rows``, ``originals`` those rows as they are, with the columns that were asked for
        and those of ``needs``. Columns that are not in ``originals`` need not be made, and columns that are not in
        the answer stay as they are. The answer must not depend on how the rows are cut into batches.
    columns : what ``rewrite`` may change; None for all.
    needs : columns that ``rewrite`` looks at, whatever is asked for.
    """

    rows: IntArray
    rewrite: Rewrite
    columns: tuple[str, ...] | None = None
    needs: tuple[str, ...] = ()

    @classmethod
    def values(cls, rows: IntArray, columns: Mapping[str, pa.Array | pa.ChunkedArray]) -> Edits:
        """New values of some columns, one for each of ``rows``.

        Examples
        --------
        >>> import pyarrow as pa
        >>> from credenza.data.sources import open_source
        >>> edits = Edits.values(np.array([1]), {"a": pa.array([7])})
        >>> edited(open_source(pa.table({"a": [1, 2, 3]})), edits).table()["a"].to_pylist()
        [1, 7, 3]
        """
        return cls(rows, lambda at, _: {k: take_values(v, at) for k, v in columns.items()}, tuple(columns))

    @classmethod
    def donated(cls, rows: IntArray, donors: pa.Table, *, keep: Sequence[str] = ()) -> Edits:
        """Whole rows in the place of others: row i of ``donors`` takes the place of ``rows[i]``, but for ``keep``."""
        names = tuple(name for name in donors.column_names if name not in keep)

        def rewrite(at: IntArray, originals: pa.RecordBatch) -> dict[str, pa.Array]:
            wanted = [name for name in names if name in originals.schema.names]
            return {name: take_values(donors[name], at) for name in wanted}

        return cls(rows, rewrite, names)


class EditedReader:
    """Reads another reader and rewrites the rows that edits name; see :class:`Edits`."""

    def __init__(self, base: Reader, edits: Edits) -> None:
        self._base, self._edits = base, edits
        self.schema: pa.Schema = base.schema
        self.rows: int = base.rows

    def scan(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        touched = self._edits.columns
        if not len(self._edits.rows) or (touched is not None and not set(touched) & set(columns)):
            yield from self._base.scan(columns, size)
            return
        read = list(dict.fromkeys((*columns, *self._edits.needs)))
        start = 0
        for batch in self._base.scan(read, size):
            yield self._rewritten(batch, start).select(list(columns))
            start += batch.num_rows

    def _rewritten(self, batch: pa.RecordBatch, start: int) -> pa.RecordBatch:
        rows = self._edits.rows
        first, last = np.searchsorted(rows, [start, start + batch.num_rows])
        if first == last:
            return batch
        at = np.arange(first, last)
        here = rows[at] - start
        index = np.arange(batch.num_rows)
        index[here] = batch.num_rows + np.arange(len(at))
        originals = pa.RecordBatch.from_arrays(
            [flat(take_values(column, here)) for column in batch.columns], schema=batch.schema
        )
        arrays = list(batch.columns)
        for name, new in self._edits.rewrite(at, originals).items():
            place = batch.schema.get_field_index(name)
            if place >= 0:
                arrays[place] = spliced(arrays[place], new, index)
        return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)


class AppendedReader:
    """The rows of one reader, then the first ``rows`` of another, in the schema of the first."""

    def __init__(self, base: Reader, more: Reader, rows: int) -> None:
        self._base, self._more = base, more
        self.schema: pa.Schema = base.schema
        self.rows: int = base.rows + rows

    def scan(self, columns: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        yield from self._base.scan(columns, size)
        schema = pa.schema([self.schema.field(name) for name in columns])
        left = self.rows - self._base.rows
        for batch in self._more.scan(columns, size):
            if left <= 0:
                return
            batch = batch.slice(0, left)
            left -= batch.num_rows
            arrays = [
                cast_values(array, field.type) for array, field in zip(batch.columns, schema, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def edited(source: Source, edits: Edits) -> Source:
    """The source with its rows changed; what it makes of a table is of the same kind as what ``source`` makes.

    Cost: that of reading ``source``, and of the edited rows. Memory: a batch, and what the edits hold.
    """
    return source.over(EditedReader(source.reader, edits))


def appended(source: Source, more: Source, rows: int) -> Source:
    """The source with the first ``rows`` rows of another one behind its own, in a shard of their own."""
    shards = source.shards
    if shards:
        shards = (*shards, (f"appended{Path(shards[0][0]).suffix}", rows))
    return source.over(AppendedReader(source.reader, more.reader, rows), shards)


def gather(source: Source, rows: IntArray, columns: Sequence[str] | None = None) -> pa.Table:
    """Some rows of a source, in the order asked for; a row may be asked for several times.

    Cost: one pass over ``source`` (up to the last row asked for). Memory: the rows asked for.

    Examples
    --------
    >>> from credenza.data.sources import open_source
    >>> gather(open_source(pa.table({"a": list("abcd")})), np.array([3, 0, 3]))["a"].to_pylist()
    ['d', 'a', 'd']
    """
    chosen = tuple(source.columns if columns is None else columns)
    distinct, place = np.unique(rows, return_inverse=True)
    schema = pa.schema([source.schema.field(name) for name in chosen])
    kept, start, done = [], 0, 0
    for batch in source.batches(chosen):
        upto = int(np.searchsorted(distinct, start + batch.num_rows))
        if upto > done:
            here = distinct[done:upto] - start
            arrays = [flat(take_values(column, here)) for column in batch.columns]
            kept.append(pa.RecordBatch.from_arrays(arrays, names=list(chosen)).cast(schema))
        start, done = start + batch.num_rows, upto
        if done == len(distinct):
            break
    table = pa.Table.from_batches(kept, schema).unify_dictionaries()
    return pa.table([take_values(table[name], place) for name in chosen], schema=schema)


def take_values(column: pa.Array | pa.ChunkedArray, index: IntArray) -> pa.Array | pa.ChunkedArray:
    """Values of a column at the given places, in its own type; text views take a detour, Arrow cannot pick them."""
    kind, places = column.type, pa.array(index)
    if str(kind) in VIEWS:
        return column.cast(VIEWS[str(kind)]).take(places).cast(kind)
    return column.take(places)


def cast_values(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """The column in another type; from one dictionary to another by way of its values."""
    if column.type.equals(kind):
        return column
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else column.cast(kind)


def flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One array of a column that may be in pieces."""
    if isinstance(column, pa.Array):
        return column
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def spliced(old: pa.Array, new: pa.Array | pa.ChunkedArray, index: IntArray) -> pa.Array:
    """Pick from the old values followed by the new ones, in the type of the old ones."""
    kind, places = old.type, pa.array(index)
    if pa.types.is_dictionary(kind):
        return flat(pa.chunked_array(_one_dictionary(old, flat(new)))).take(places)
    new = cast_values(flat(new), kind)
    if str(kind) in VIEWS:
        plain = VIEWS[str(kind)]
        return pa.concat_arrays([old.cast(plain), new.cast(plain)]).take(places).cast(kind)
    return pa.concat_arrays([old, new]).take(places)


def _one_dictionary(old: pa.Array, new: pa.Array) -> list[pa.Array]:
    """Both with the old one's dictionary where it holds all that is new, so that it stays the same in all batches."""
    values = new.dictionary_decode() if pa.types.is_dictionary(new.type) else new
    values = values.cast(old.type.value_type)
    found = pc.index_in(values, value_set=old.dictionary)
    if found.null_count > values.null_count:
        return [old, cast_values(new, old.type)]
    indices = found.cast(old.type.index_type)
    return [old, pa.DictionaryArray.from_arrays(indices, old.dictionary, ordered=old.type.ordered)]
