"""Rows of a slice or a stratum: those whose value of a column reads as an audit names it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from credenza.data.bins import number_label
from credenza.data.columns import plain
from credenza.data.schema import MISSING
from credenza.data.sources import Source
from credenza.errors import InputError, UsageError

BoolArray = NDArray[np.bool_]
Where = tuple[str, str]


def reads(column: pa.Array, texts: Collection[str]) -> BoolArray:
    """Rows whose value reads like one of some texts, shape (n,).

    A value reads as Python writes it, which is how an audit names slices, and a number also as levels are labelled,
    without ".0"; a missing one reads "(missing)". Cost: a look at each distinct value and a look-up a row.

    Examples
    --------
    >>> reads(pa.array(["a", None, "b"]), ["b", "(missing)"]).tolist()
    [False, True, True]
    >>> reads(pa.array([1.0, 2.5]), ["1"]).tolist(), reads(pa.array([1.0, 2.5]), ["1.0"]).tolist()
    ([True, False], [True, False])
    """
    coded = plain(column).dictionary_encode(null_encoding="encode")
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    known = set(texts)
    match = np.array([not known.isdisjoint(_readings(v)) for v in coded.dictionary.to_pylist()] or [False])
    return np.asarray(match[pc.fill_null(coded.indices, 0).to_numpy(zero_copy_only=False)])


def in_slice(batch: pa.RecordBatch, where: Where) -> BoolArray:
    """Rows of a batch in one slice, (column, value), shape (n,).

    >>> in_slice(pa.record_batch({"site": ["a", None]}), ("site", "(missing)")).tolist()
    [False, True]
    """
    return reads(batch.column(where[0]), (where[1],))


def require_apart(pair: tuple[str, str], where: Where | None) -> None:
    """Refuse strata of one of the two features of a pair: inside one value of it nothing goes together with it.

    Raises
    ------
    UsageError : names the column.

    Examples
    --------
    >>> require_apart(("hat", "smile"), ("team", "b"))
    """
    if where is not None and where[0] in pair:
        a, b = map(repr, pair)
        raise UsageError(
            f"strata {where[0]!r} is part of the pair {a} x {b} that is repaired: give another column"
        )


def slice_mask(source: Source, where: Where | None) -> BoolArray:
    """Rows of one slice, shape (n,): (column, value); None for all rows. ``shard`` may be a file's name.

    Raises
    ------
    InputError : the column is not there, or no row has the value.

    Examples
    --------
    >>> from credenza.data import open_source
    >>> slice_mask(open_source(pa.table({"team": ["a", None, "b"]})), ("team", "b")).tolist()
    [False, False, True]
    """
    if where is None:
        return np.ones(source.rows, dtype=bool)
    name, value = where
    mask = np.zeros(source.rows, dtype=bool)
    start = 0
    if name in source.columns:
        for batch in source.batches([name]):
            mask[start : start + batch.num_rows] = in_slice(batch, where)
            start += batch.num_rows
    elif name == "shard" and source.shards:
        for shard, rows in source.shards:
            mask[start : start + rows] = shard == value
            start += rows
    else:
        raise InputError(f"the data has no column {name!r}, which names the slice that the audit found")
    if not mask.any():
        raise InputError(
            f"no row has {name} = {value}, the slice that the audit found; give the data audited"
        )
    return mask


def _readings(value: Any) -> tuple[str, ...]:
    if value is None:
        return (MISSING,)
    if isinstance(value, float):
        return str(value), number_label(value)
    return (str(value),)
