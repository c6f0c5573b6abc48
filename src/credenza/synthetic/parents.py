"""Rows that are varied: which ones, and what the varied ones say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from credenza.contracts import IntArray
from credenza.data.edits import take_values
from credenza.data.sources import Source
from credenza.synthetic.base import HOW, PARENT, SOURCE, Synthetic, require_count, require_free

ORIGIN = (SOURCE, PARENT, HOW)
MADE_BY = "synthetic_augmentation"


def drawn_parents(n: int, rows: int | None, variations: int, rng: np.random.Generator) -> IntArray:
    """Numbers of the rows to vary, in rising order: each ``variations`` times, or ``rows`` spread evenly.

    Raises
    ------
    UsageError : a number below 1.

    Examples
    --------
    >>> drawn_parents(2, None, 3, np.random.default_rng(0)).tolist()
    [0, 0, 0, 1, 1, 1]
    >>> np.bincount(drawn_parents(4, 10, 3, np.random.default_rng(0))).tolist()
    [3, 2, 3, 2]
    """
    require_count("variations", variations)
    if rows is None:
        return np.repeat(np.arange(n), variations)
    require_count("rows", rows)
    times = np.full(n, rows // n)
    times[rng.permutation(n)[: rows % n]] += 1
    return np.repeat(np.arange(n), times)


def varied(
    source: Source,
    parents: IntArray,
    hows: Sequence[str],
    replaced: Mapping[str, Any],
    settings: Mapping[str, Any],
    notes: Sequence[str],
) -> Synthetic:
    """Rows with the values of their parents but for ``replaced`` columns, and where they come from.

    Raises
    ------
    InputError : the data has a column that is to say where rows come from.
    """
    require_free(source.columns, ORIGIN)
    kept = [name for name in source.columns if name not in replaced]
    table = source.table(kept) if kept else None
    columns: dict[str, Any] = {}
    fields = []
    for name in source.columns:
        field = source.schema.field(name)
        if name in replaced:
            columns[name] = replaced[name]
            field = field.with_type(replaced[name].type)
        elif table is not None:
            columns[name] = take_values(table[name], parents)
        fields.append(field)
    columns[SOURCE] = pa.array([MADE_BY] * len(parents), pa.string())
    columns[PARENT] = pa.array(parents, pa.int64())
    columns[HOW] = pa.array(list(hows), pa.string())
    fields += [pa.field(name, columns[name].type) for name in ORIGIN]
    made = pa.Table.from_arrays(list(columns.values()), schema=pa.schema(fields))
    return Synthetic(made, {**settings, "data_sha256": source.fingerprint()}, tuple(notes))
