"""Tables of correlated boolean columns at any size, made from random words: 64 rows a draw, memory flat.

The world: columns come in groups of ten. The first of a group is a fair coin; every other one agrees with it in three
rows of four, and in two thirds of the columns is thinned or thickened, so that base rates are 3/8, 1/2 and 5/8.
A linked table copies the first group's coin to the second's in one row of eight, and draws the rest as ever: a pair
that is independent otherwise has strength 1/32, and no marginal moves.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

GROUP = 10
BATCH = 1 << 20  # rows drawn at a time; a multiple of 64
STRENGTH = 1 / 32

Words = NDArray[np.uint64]


def names(features: int) -> list[str]:
    """Column names in order: f0000, f0001, ..."""
    return [f"f{j:04d}" for j in range(features)]


def drawn(generator: np.random.Generator, words: int, features: int, *, linked: bool) -> Iterator[Words]:
    """The columns of one batch, 64 rows a word."""

    def coin() -> Words:
        return np.frombuffer(generator.bytes(8 * words), np.uint64)

    first = coin()
    leader = first
    for j in range(features):
        if j % GROUP == 0:
            leader = first if j == 0 else coin()
            if linked and j == GROUP:
                copied = coin() & coin() & coin()
                leader = (first & copied) | (leader & ~copied)
            yield leader
            continue
        column = ~(leader ^ (coin() | coin()))  # agrees where a 3-in-4 coin falls up
        if j % 3 == 1:
            column &= coin() | coin()
        elif j % 3 == 2:
            column |= coin() & coin()
        yield column


def batch(number: int, rows: int, features: int, *, seed: int, linked: bool = False) -> pa.RecordBatch:
    """Batch ``number`` of the table of this many rows; it depends on nothing but the arguments."""
    size = min(BATCH, rows - number * BATCH)
    generator = np.random.Generator(np.random.SFC64([seed, number]))
    words = drawn(generator, -(-size // 64), features, linked=linked)
    arrays = [pa.Array.from_buffers(pa.bool_(), size, [None, pa.py_buffer(w)]) for w in words]
    return pa.RecordBatch.from_arrays(arrays, names=names(features))


def table(rows: int, features: int, *, seed: int, linked: bool = False) -> pa.Table:
    """The whole table in memory, a bit a value, each column in one piece."""
    found = [batch(k, rows, features, seed=seed, linked=linked) for k in range(-(-rows // BATCH))]
    return pa.Table.from_batches(found).combine_chunks()


def write(
    path: Path, rows: int, features: int, *, seed: int, linked: bool = False, part: range | None = None
) -> Path:
    """The table, or the batches ``part`` of it, as one Parquet file with the writer's defaults."""
    schema = pa.schema([(name, pa.bool_()) for name in names(features)])
    with pq.ParquetWriter(path, schema) as writer:
        for number in part or range(-(-rows // BATCH)):
            writer.write_batch(batch(number, rows, features, seed=seed, linked=linked))
    return path


def write_folder(
    folder: Path, rows: int, features: int, *, seed: int, files: int, linked: bool = False
) -> Path:
    """The table as a folder of Parquet files with about as many batches each; memory holds a batch a core."""
    folder.mkdir(parents=True)
    total = -(-rows // BATCH)
    cuts = [total * k // min(files, total) for k in range(min(files, total) + 1)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [
            pool.submit(
                write,
                folder / f"part-{k:04d}.parquet",
                rows,
                features,
                seed=seed,
                linked=linked,
                part=range(a, b),
            )
            for k, (a, b) in enumerate(pairwise(cuts))
        ]
        for job in jobs:
            job.result()
    return folder


def floats(data: pa.Table) -> NDArray[np.float32]:
    """The columns as rows of a float32 matrix (m, n)."""
    out = np.empty((data.num_columns, data.num_rows), np.float32)
    for j, column in enumerate(data.columns):
        out[j] = column.to_numpy()
    return out
