"""What one pass over the rows tells about every column, in bounded memory: the ground a schema is fitted
on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from credenza.contracts import FloatArray, IntArray
from credenza.data.columns import Family, as_floats, as_strings, family, plain, plain_type
from credenza.data.kernels import Keys
from credenza.data.sources import Source, open_source
from credenza.data.tally import NumberTally, TextTally, row_keys
from credenza.errors import InputError, UsageError

WINDOW = 65_536


@dataclass
class ColumnSketch:
    """One column: family, rows, missing values (null or NaN; an empty string is not missing), and a tally.

    ``arrow_type`` is the type as text, for messages.
    """

    name: str
    family: Family
    arrow_type: str
    rows: int = 0
    missing: int = 0
    numbers: NumberTally | None = None
    texts: TextTally | None = None

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    @property
    def distinct(self) -> int:
        """Distinct values; a lower bound where :attr:`exact` is False."""
        if self.texts is not None:
            return self.texts.seen
        return self.numbers.distinct if self.numbers is not None else 0

    @property
    def sampled(self) -> bool:
        """Whether rows are sampled: of numbers and times."""
        return self.family in (Family.NUMBER, Family.TEMPORAL)

    @property
    def exact(self) -> bool:
        """Whether every distinct value was kept with its exact count."""
        if self.texts is not None:
            return self.texts.exact
        return self.numbers is None or self.numbers.exact

    def values(self) -> tuple[list[Any], IntArray]:
        """Return the kept values in order and their counts (strings: lower bounds where not :attr:`exact`).

        bool columns give False and True, number and temporal columns floats (nothing beyond 50,000 distinct
        ones).

        Examples
        --------
        >>> sketch(pa.table({"a": ["y", "x", "y"]}))["a"].values()
        (['x', 'y'], array([1, 2]))
        """
        if self.texts is not None:
            kept = sorted(self.texts.counts.items())
            return [value for value, _ in kept], np.array([count for _, count in kept], dtype=np.int64)
        if self.numbers is None:
            return [], np.empty(0, np.int64)
        plain = self.numbers.values.tolist()
        return [bool(v) for v in plain] if self.family is Family.BOOL else plain, self.numbers.counts

    def weighted(self) -> tuple[FloatArray, FloatArray]:
        """Return sorted distinct numbers and their shares: exact, or estimated from the sample of rows."""
        if self.numbers is None:
            return np.empty(0), np.empty(0)
        if self.numbers.exact:
            values, counts = self.numbers.values, self.numbers.counts
        else:
            values, counts = np.unique(self.numbers.sample.values, return_counts=True)
        return values, counts / max(counts.sum(), 1)

    def update(self, column: pa.Array | pa.ChunkedArray, keys: Keys) -> None:
        """Add the next rows, whose sampling keys are given; they must not cross a window's end."""
        self.rows += len(column)
        if self.family is Family.BOOL and self.numbers is not None:
            for part in column.chunks if isinstance(column, pa.ChunkedArray) else (column,):
                self.missing += self.numbers.add_truths(plain(part))
        elif self.texts is not None:
            strings = as_strings(column).drop_null()
            self.missing += len(column) - len(strings)
            self.texts.add(strings)
        elif self.numbers is not None:
            values = as_floats(column)
            lost = np.isnan(values)
            missing = int(np.count_nonzero(lost))
            self.missing += missing
            if missing:
                values, keys = values[~lost], keys[~lost]
            self.numbers.add(values, keys)
        else:
            self.missing += column.null_count

    def merged(self, other: ColumnSketch) -> ColumnSketch:
        both = ColumnSketch(self.name, self.family, self.arrow_type, self.rows + other.rows)
        both.missing = self.missing + other.missing
        if self.numbers is not None and other.numbers is not None:
            both.numbers = self.numbers.merged(other.numbers)
        if self.texts is not None and other.texts is not None:
            both.texts = self.texts.merged(other.texts)
        return both


class TableSketch:
    """Tallies of every column: empty, update, merge; read a column with ``sketch[name]``.

    The result depends on the rows, their order and the seed, not on how they were cut into batches. Merging
    gives the same counts; samples and pruned strings then depend on how the rows were parted. Memory: at most
    about 50,000 values and 20,000 sampled rows a column.

    Parameters
    ----------
    schema : Arrow schema of the batches to come. seed : of the row sample. start : number of the first row,
        when this sketch sees a later part of a table.

    Examples
    --------
    >>> part = TableSketch.empty(pa.schema([("a", pa.int64())]))
    >>> part = part.update(pa.record_batch({"a": [3, None, 4]}))
    >>> both = part.merge(part)
    >>> both.rows, both["a"].missing, both["a"].distinct
    (6, 2, 2)
    """

    def __init__(self, columns: dict[str, ColumnSketch], seed: int, start: int) -> None:
        self._columns, self._seed, self._start = columns, seed, start
        self.rows = 0

    @classmethod
    def empty(cls, schema: pa.Schema, *, seed: int = 0, start: int = 0) -> TableSketch:
        """Return a sketch of no rows."""
        return cls({field.name: _empty_column(field) for field in schema}, seed, start)

    def starting_at(self, row: int) -> TableSketch:
        """Return this sketch of no rows for a part of the table whose first row has this number.

        Examples
        --------
        >>> later = TableSketch.empty(pa.schema([("a", pa.int64())])).starting_at(1 << 40)
        >>> later.update(pa.record_batch({"a": [3]})).rows
        1
        """
        if self.rows:
            raise UsageError(f"this sketch has {self.rows:,} rows already; tell an empty one where it starts")
        return TableSketch(self._columns, self._seed, row)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self._columns)

    def __getitem__(self, name: str) -> ColumnSketch:
        return self._columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def update(self, batch: pa.RecordBatch | pa.Table) -> TableSketch:
        """Add the next rows, in place; return self. Cost: O(n m), sorting each window of 65,536 rows.

        Raises
        ------
        InputError : a column is missing or of another family than the schema said.
        """
        places = self._places(batch.schema)
        sampled = any(column.sampled for column in self._columns.values())
        done = 0
        while done < batch.num_rows:
            first = self._start + self.rows
            rows = min(batch.num_rows - done, WINDOW - first % WINDOW)
            piece = batch if rows == batch.num_rows else batch.slice(done, rows)
            keys = row_keys(first, rows if sampled else 0, self._seed)
            for column, place in zip(self._columns.values(), places, strict=True):
                column.update(piece.column(place), keys)
                if column.texts is not None and (first + rows) % WINDOW == 0:
                    column.texts.prune()
            self.rows += rows
            done += rows
        return self

    def _places(self, schema: pa.Schema) -> list[int]:
        """Return the place of every column in batches of a schema."""
        where = {name: place for place, name in enumerate(schema.names)}
        kinds = schema.types
        for name, column in self._columns.items():
            if name not in where:
                raise InputError(f"column {name!r} is missing from a later batch; give batches of one schema")
            kind = kinds[where[name]]
            if family(kind) is not column.family:
                raise InputError(
                    f"column {name!r} is {kind} in a later batch, not {column.arrow_type}; give one type"
                )
        return [where[name] for name in self._columns]

    def merge(self, other: TableSketch) -> TableSketch:
        """Return the sketch of both parts.

        Raises
        ------
        UsageError : the two have other columns or kinds, or other seeds.
        """
        mine = {name: column.family for name, column in self._columns.items()}
        theirs = {name: other[name].family for name in other.columns}
        if mine != theirs:
            odd = sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))
            raise UsageError(f"sketches differ in column {odd[0]!r}; merge parts of one table")
        if self._seed != other._seed:
            raise UsageError(
                f"sketches have seeds {self._seed} and {other._seed}; use one seed for all parts"
            )
        columns = {name: column.merged(other[name]) for name, column in self._columns.items()}
        both = TableSketch(columns, self._seed, self._start)
        both.rows = self.rows + other.rows
        return both


def sketch(source: Any, columns: Sequence[str] | None = None, *, seed: int = 0) -> TableSketch:
    """Read a source once and return its :class:`TableSketch`.

    Parameters
    ----------
    source : a Source, or anything that :func:`credenza.data.open_source` takes. columns : all by default.
        seed : of the row sample that quantiles come from beyond 50,000 distinct numbers.

    Examples
    --------
    >>> s = sketch(pa.table({"a": [1.5, float("nan"), float("inf")]}))
    >>> s["a"].missing, s["a"].numbers.infinities, s["a"].numbers.high
    (1, 1, 1.5)
    """
    opened: Source = open_source(source)
    chosen = opened.columns if columns is None else tuple(columns)
    fields = [opened.schema.field(name) for name in chosen if name in opened.schema.names]
    result = TableSketch.empty(pa.schema(fields), seed=seed)
    for batch in opened.batches(chosen):
        result.update(batch)
    return result


def _empty_column(field: pa.Field) -> ColumnSketch:
    kind = family(field.type)
    column = ColumnSketch(field.name, kind, str(plain_type(field.type)))
    if kind in (Family.BOOL, Family.NUMBER, Family.TEMPORAL):
        column.numbers = NumberTally()
    elif kind is Family.STRING:
        column.texts = TextTally()
    return column
