"""Values behind levels that say less of single rows: frequent ones, or a grid between those that several rows have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from credenza.contracts import FloatArray, IntArray
from credenza.data.columns import Family, as_floats, family
from credenza.models.tabular.codec import TableCodec
from credenza.models.tabular.pools import Pool

LEAST = 10  # rows that share a value, or lie beyond it, before it may come out
GRID = 32  # values of a level


def coarsened(codec: TableCodec) -> tuple[TableCodec, IntArray]:
    """The codec with coarse pools, and the levels, numbered among all K, that have no value left to draw.

    Of each level those values stay that ``LEAST`` rows share, if half of the level's rows do; all of them then come
    out equally often. Otherwise a level of numbers or times becomes ``GRID`` values, evenly spaced between those that
    ``LEAST`` of its rows lie below and above; of texts, nothing. Missing values, and both values of a bool, stay. A
    column of which nothing is left comes out missing.

    Which values these are is read from the data without noise. Rare texts and the extremes, which point at rows, are
    gone; this is caution, not differential privacy.

    Examples
    --------
    >>> table = pa.table({"pay": [*range(40), 900_000], "city": ["Rome"] * 40 + ["Atlantis"]})
    >>> coarse, closed = coarsened(TableCodec.fit(table, bins=2))
    >>> pc.max(coarse.pools[0].values).as_py(), coarse.pools[1].values.to_pylist(), closed.tolist()
    (31, [None, 'Rome'], [2])
    """
    places = {name: place for place, name in enumerate(codec.schema.names)}
    pools, closed = [], []
    for name, pool in zip(codec.arrow.names, codec.pools, strict=True):
        found, shut = _coarse(pool)
        pools.append(found)
        if name in places:
            closed += [int(codec.schema.offsets[places[name]]) + level for level in shut]
    return replace(codec, pools=tuple(pools)), np.array(closed, np.int64)


def _coarse(pool: Pool) -> tuple[Pool, list[int]]:
    """A coarse pool, and the levels that nothing is left of."""
    parts, shut = [], []
    for level, end in enumerate(pool.ends):
        own = slice(int(pool.ends[level - 1]) if level else 0, int(end))
        values = _kept(pool.values[own], pool.counts[own])
        if values is None:
            shut.append(level)
            values = pa.nulls(1, pool.values.type)
        parts.append(values)
    values = pa.concat_arrays(parts)
    declared = None if pool.declared is None else pc.drop_null(pc.unique(values)).cast(pool.declared.type)
    ends = np.cumsum([len(part) for part in parts]).astype(np.int64)
    if len(shut) == pool.size:
        shut = shut[1:]
    return Pool(pool.kind, values, np.ones(len(values), np.int64), ends, declared), shut


def _kept(values: pa.Array, counts: IntArray) -> pa.Array | None:
    """What becomes of the values of one level; None where nothing may come out."""
    kind = family(values.type)
    if kind is Family.BOOL or values.null_count == len(values):
        return values
    frequent = counts >= LEAST
    if 2 * counts[frequent].sum() >= max(int(counts.sum()), 1):
        return values.take(pa.array(np.flatnonzero(frequent)))
    if kind is Family.STRING or counts.sum() < LEAST:
        return None
    present = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
    ranks = np.repeat(present, counts[present])
    if len(ranks) < LEAST:
        return None
    low, high = sorted((int(ranks[LEAST - 1]), int(ranks[-LEAST])))
    return _between(values.take(pa.array([low, high])))


def _between(ends: pa.Array) -> pa.Array:
    """Up to ``GRID`` values of the type of two, evenly spaced between them."""
    kind = ends.type
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        low, high = as_floats(ends)
        return _cast(np.linspace(low, high, GRID), kind)
    if pa.types.is_temporal(kind):
        width = pa.int32() if kind.bit_width == 32 else pa.int64()
        return pc.unique(pa.array(_whole(*ends.view(width).to_pylist())).cast(width)).view(kind)
    return pc.unique(pa.array(_whole(*ends.to_pylist())).cast(kind))


def _whole(low: int, high: int) -> NDArray[np.int64]:
    """Up to ``GRID`` whole numbers from one to another."""
    steps = np.linspace(0, 1, GRID)
    return np.array([low + round((high - low) * float(step)) for step in steps], np.int64)


def _cast(numbers: FloatArray, kind: pa.DataType) -> pa.Array:
    """Numbers as floats or decimals of a type."""
    if pa.types.is_decimal(kind):
        numbers = np.unique(np.round(numbers, kind.scale))
    return pc.unique(pa.array(numbers).cast(kind, safe=False))
