"""Entries of a ledger: what a repair changes, row by row, with the values before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from credenza.contracts import FloatArray, IntArray
from credenza.data.edits import VIEWS, flat
from credenza.errors import UsageError

EDIT, REPLACE, DROP, REPEAT, WEIGHT = ACTIONS = ("edit", "replace", "drop", "repeat", "weight")
WEIGHT_COLUMN = "weight"
Values: TypeAlias = "pa.Array | pa.ChunkedArray"
Rows: TypeAlias = "pa.RecordBatch | pa.Table"
Text: TypeAlias = "str | Sequence[str] | pa.Array"


def ledger_schema(data: pa.Schema, columns: Sequence[str] | None = None) -> pa.Schema:
    """The Arrow schema of a ledger; all batches of one ledger have the same.

    ========  ==========  ==============================================================================
    column    type        holds
    ========  ==========  ==============================================================================
    row       int64       row of the suspect, from 0; entries are in ascending order
    action    string      "edit" a cell, "replace" a row, "drop" it, "repeat" it, give it a "weight"
    column    string      the column that is edited, or that holds the weight; else null
    count     int32       how many times a repeated row stands; else null
    before    struct      values in the suspect: of the edited column, or of all ``columns``; else null
    after     struct      values in the repaired data: as ``before``; null where a row is dropped
    weight    float64     the weight; else null
    reason    string      why, such as "Smiling x Young"
    method    string      the method that did it
    ========  ==========  ==============================================================================

    Parameters
    ----------
    data : schema of the suspect.
    columns : columns that the ledger may hold values of, in any order; None for all, as dropping a row needs. A ledger
        of weights or of repeated rows needs none, and is much smaller and faster with ``()``.

    Raises
    ------
    UsageError : a column that the data does not have.

    Notes
    -----
    Values keep their exact types, but for encodings (dictionaries, views, runs), which the data itself gives back.

    Examples
    --------
    >>> form = ledger_schema(pa.schema([("age", pa.int64()), ("plan", pa.string())]), ["plan"])
    >>> form.field("before").type
    StructType(struct<plan: string>)
    """
    names = data.names if columns is None else columns
    if absent := [name for name in names if name not in data.names]:
        raise UsageError(f"the data has no column {absent[0]!r} for a ledger to hold values of")
    fields = [pa.field(field.name, stored_type(field.type)) for field in data if field.name in set(names)]
    values = pa.struct(fields) if fields else pa.null()
    return pa.schema(
        [
            pa.field("row", pa.int64(), nullable=False),
            pa.field("action", pa.string(), nullable=False),
            pa.field("column", pa.string()),
            pa.field("count", pa.int32()),
            pa.field("before", values),
            pa.field("after", values),
            pa.field("weight", pa.float64()),
            pa.field("reason", pa.string()),
            pa.field("method", pa.string()),
        ]
    )


def stored_type(kind: pa.DataType) -> pa.DataType:
    """The type that values of a column have in a ledger: that of the column, without its encoding.

    Examples
    --------
    >>> stored_type(pa.dictionary(pa.int8(), pa.string())), stored_type(pa.date32())
    (DataType(string), DataType(date32[day]))
    """
    while pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        kind = kind.value_type
    return VIEWS.get(str(kind), kind)


def edit_batch(
    form: pa.Schema, rows: IntArray, column: str, before: Values, after: Values, *, reason: Text, method: str
) -> pa.RecordBatch:
    """Entries for cells of one column that get other values.

    Parameters
    ----------
    form : what :func:`ledger_schema` gave, with ``column`` among its columns.
    rows : rows of the suspect, ascending, each once; shape (k,).
    column : name of the edited column.
    before, after : k values each, in the type of the column or one that can be cast to it.
    reason : why: one text for all, or k. method : name of the method.

    Raises
    ------
    UsageError : the ledger holds no values of the column, or the numbers of values differ.

    Notes
    -----
    Entries of the same row are carried out in the order in which they stand, and undone in the opposite one.

    Examples
    --------
    >>> form = ledger_schema(pa.schema([("age", pa.int64()), ("plan", pa.string())]))
    >>> values = pa.array(["free"]), pa.array(["full"])
    >>> batch = edit_batch(form, np.array([7]), "plan", *values, reason="age x plan", method="relabel")
    >>> batch.to_pylist()[0]["after"]
    {'age': None, 'plan': 'full'}
    """
    sides = {
        "before": _values(form, {column: before}, len(rows)),
        "after": _values(form, {column: after}, len(rows)),
    }
    return _batch(form, rows, EDIT, reason, method, column=pa.repeat(column, len(rows)), **sides)


def replace_batch(
    form: pa.Schema, rows: IntArray, before: Rows, after: Rows, *, reason: Text, method: str
) -> pa.RecordBatch:
    """Entries for rows that others take the place of; ``before`` and ``after`` hold k rows with all of the columns.

    Takes and raises what :func:`edit_batch` does.

    Examples
    --------
    >>> old, new = pa.table({"a": [1], "b": ["x"]}), pa.table({"a": [2], "b": ["y"]})
    >>> form = ledger_schema(old.schema)
    >>> batch = replace_batch(form, np.array([0]), old, new, reason="a x b", method="reverse")
    >>> batch.to_pylist()[0]["after"]
    {'a': 2, 'b': 'y'}
    """
    sides = {"before": _whole(form, before, len(rows)), "after": _whole(form, after, len(rows))}
    return _batch(form, rows, REPLACE, reason, method, **sides)


def drop_batch(form: pa.Schema, rows: IntArray, before: Rows, *, reason: Text, method: str) -> pa.RecordBatch:
    """Entries for rows that are left out; ``before`` holds the k rows with all columns of the data.

    Takes and raises what :func:`edit_batch` does.

    Examples
    --------
    >>> old = pa.table({"a": [1]})
    >>> batch = drop_batch(ledger_schema(old.schema), np.array([0]), old, reason="CZ401", method="drop")
    >>> batch.to_pylist()[0]["before"], batch.to_pylist()[0]["after"]
    ({'a': 1}, None)
    """
    return _batch(form, rows, DROP, reason, method, before=_whole(form, before, len(rows)))


def repeat_batch(
    form: pa.Schema, rows: IntArray, counts: IntArray, *, reason: Text, method: str
) -> pa.RecordBatch:
    """Entries for rows that stand several times, one behind the other; ``counts`` are 1 or more, shape (k,).

    Raises
    ------
    UsageError : a count below 1 (drop the row instead), or another number of counts than of rows.

    Examples
    --------
    >>> form = ledger_schema(pa.schema([("a", pa.int64())]), ())
    >>> batch = repeat_batch(form, np.array([2, 5]), np.array([2, 3]), reason="a x b", method="resample")
    >>> batch["count"].to_pylist()
    [2, 3]
    """
    counts = np.asarray(counts)
    if len(counts) and counts.min() < 1:
        raise UsageError(f"a repeated row stands once or more often: found {counts.min()}; drop it instead")
    return _batch(form, rows, REPEAT, reason, method, count=pa.array(counts.astype(np.int32)))


def weight_batch(
    form: pa.Schema,
    rows: IntArray,
    weights: FloatArray,
    *,
    reason: Text,
    method: str,
    column: str = WEIGHT_COLUMN,
) -> pa.RecordBatch:
    """Entries for rows that get a weight in a new column; rows without an entry have weight 1.

    Parameters
    ----------
    form, rows, reason, method : see :func:`edit_batch`. weights : shape (k,). column : name of the new column.

    Examples
    --------
    >>> form = ledger_schema(pa.schema([("a", pa.int64())]), ())
    >>> batch = weight_batch(form, np.arange(2), np.array([0.5, 1.5]), reason="a x b", method="reweight")
    >>> batch["weight"].to_pylist(), batch["column"].to_pylist()
    ([0.5, 1.5], ['weight', 'weight'])
    """
    weight = pa.array(np.asarray(weights, np.float64))
    return _batch(form, rows, WEIGHT, reason, method, column=pa.repeat(column, len(rows)), weight=weight)


def _batch(
    form: pa.Schema, rows: IntArray, action: str, reason: Text, method: str, **given: pa.Array
) -> pa.RecordBatch:
    """One batch of entries; columns that are not given are null."""
    k = len(rows)
    given |= {
        "row": pa.array(np.asarray(rows, np.int64)),
        "action": pa.repeat(action, k),
        "reason": pa.repeat(reason, k) if isinstance(reason, str) else pa.array(reason, pa.string()),
        "method": pa.repeat(method, k),
    }
    for name, array in given.items():
        if len(array) != k:
            raise UsageError(f"a ledger takes one {name} for each of {k:,} rows: found {len(array):,}")
    arrays = [given[field.name] if field.name in given else pa.nulls(k, field.type) for field in form]
    return pa.RecordBatch.from_arrays(arrays, schema=form)


def _whole(form: pa.Schema, rows: Rows, k: int) -> pa.Array:
    """Whole rows as values of all columns of the ledger."""
    kind = form.field("before").type
    wanted = () if pa.types.is_null(kind) else kind.names
    if not wanted:
        raise UsageError(
            "the ledger holds no values, and whole rows have some; give ledger_schema all columns"
        )
    if absent := [name for name in wanted if name not in rows.schema.names]:
        raise UsageError(f"rows on a ledger have all of its columns: found none called {absent[0]!r}")
    return _values(form, {name: rows[name] for name in wanted}, k)


def _values(form: pa.Schema, given: dict[str, Values], k: int) -> pa.Array:
    """Values of some columns as a struct of all; the others are null."""
    kind = form.field("before").type
    known = () if pa.types.is_null(kind) else kind.names
    if unknown := [name for name in given if name not in known]:
        raise UsageError(f"the ledger holds no values of column {unknown[0]!r}; name it to ledger_schema")
    arrays = []
    for field in kind:
        if field.name not in given:
            arrays.append(pa.nulls(k, field.type))
            continue
        if len(given[field.name]) != k:
            raise UsageError(
                f"a ledger takes one value for each of {k:,} rows: found {len(given[field.name]):,} of "
                f"{field.name!r}"
            )
        arrays.append(_plain(flat(given[field.name]), field.type))
    return pa.StructArray.from_arrays(arrays, fields=list(kind))


def _plain(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """A column without its encoding, in the type that the ledger holds."""
    while not column.type.equals(kind):
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        elif pa.types.is_run_end_encoded(column.type):
            column = pc.run_end_decode(column)
        else:
            return column.cast(kind)
    return column
