"""Counting what is to be repaired: the pair tables of a source, whole or of one slice, in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from credenza.contracts import FloatArray
from credenza.data.encode import encode
from credenza.data.schema import Schema
from credenza.data.sources import Source
from credenza.repair.slices import BoolArray, Where, in_slice, reads


@dataclass(frozen=True)
class Ask:
    """A pair of features (positions in a schema) whose table is wanted: of all rows, of a slice, or of the others.

    ``without`` lists values of the slice's column whose rows do not count.
    """

    features: tuple[int, int]
    where: Where | None = None
    without: tuple[str, ...] = ()
    column: str | None = None


def count(
    source: Source, schema: Schema, asks: Sequence[Ask], weights: Iterator[FloatArray] | None = None
) -> list[Any]:
    """The pair tables that are asked for, each of shape (L_a, L_b).

    ``weights`` are those of the rows, in pieces of any length; None counts each row once.

    Cost: one pass over the columns concerned. Memory: a batch, and the tables.

    Examples
    --------
    >>> from credenza.data import fit_schema, open_source, sketch
    >>> table = pa.table({"a": [0, 0, 1, 1], "b": [0, 1, 1, 1], "who": ["x", "x", "y", "y"]})
    >>> source, schema = open_source(table), fit_schema(sketch(table.select(["a", "b"])))
    >>> [c.tolist() for c in count(source, schema, [Ask((0, 1)), Ask((0, 1), where=("who", "y"))])]
    [[[1, 1], [0, 2]], [[0, 0], [0, 2]]]
    """
    used = sorted({f for ask in asks for f in ask.features})
    part = Schema(tuple(schema.features[f] for f in used))
    place = {f: k for k, f in enumerate(used)}
    kind = np.int64 if weights is None else np.float64
    tables = [np.zeros([schema.features[f].size for f in ask.features], dtype=kind) for ask in asks]
    pending = np.zeros(0)
    slices = [name for ask in asks for name in slice_columns(ask)]
    for batch in source.batches(list(dict.fromkeys([*part.names, *slices]))):
        codes = encode(batch, part)
        while weights is not None and len(pending) < batch.num_rows:
            pending = np.concatenate([pending, next(weights)])
        mine, pending = pending[: batch.num_rows], pending[batch.num_rows :]
        for ask, table in zip(asks, tables, strict=True):
            a, b = (codes[:, place[f]].astype(np.int64) for f in ask.features)
            inside = rows_asked(batch, ask)
            flat = (a * table.shape[1] + b)[inside]
            counted = np.bincount(flat, None if weights is None else mine[inside], minlength=table.size)
            table += counted.reshape(table.shape)
    return tables


def slice_columns(ask: Ask) -> tuple[str, ...]:
    """Columns that say which rows count."""
    names = ((ask.where[0],) if ask.where else ()) + ((ask.column,) if ask.column else ())
    return tuple(dict.fromkeys(names))


def rows_asked(batch: pa.RecordBatch, ask: Ask) -> BoolArray:
    """Which rows of a batch count, shape (n,)."""
    inside = np.ones(batch.num_rows, dtype=bool)
    if ask.where is not None:
        inside &= in_slice(batch, ask.where)
    if ask.column is not None:
        inside &= ~reads(batch.column(ask.column), ask.without)
    return inside
