"""The rows that a study works on, and how each seed splits them: training, hold-out, reference."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from credenza.data.sources import open_source
from credenza.errors import InputError
from credenza.studies.associative.conditions import COLOURS
from credenza.studies.folders import celeba_attributes, is_celeba

ROW = "row"  # column that says which row of the population it is
PROCEDURAL = "procedural"


@dataclass(frozen=True)
class Population:
    """Rows to draw from.

    Attributes
    ----------
    rows : table with the column ``row``, boolean attributes and, behind them, colours in [0, 1].
    attributes : names of the attributes. source : where they come from. digest : their hash.
    """

    rows: pa.Table
    attributes: tuple[str, ...]
    source: str
    digest: str

    @property
    def colours(self) -> tuple[str, ...]:
        """The continuous features."""
        return tuple(name for name in self.rows.schema.names if name in COLOURS)


@dataclass(frozen=True)
class Split:
    """Disjoint parts of a population."""

    train: pa.Table
    holdout: pa.Table
    reference: pa.Table


def population(data: Any, *, rows: int, seed: int, most: int = 0) -> Population:
    """The rows of a table of attributes, or of the procedural one.

    Parameters
    ----------
    data : what :func:`credenza.data.open_source` opens, with boolean columns (or of 0 and 1, or -1 and 1), or a folder
        with CelebA's list of attributes; None draws
        procedural faces. rows : that it has at least. seed : of what is drawn, the colours among them.
    most : rows of procedural faces that are drawn, if more than ``rows``.

    Raises
    ------
    InputError : fewer rows than ``rows``, no two attributes, or an attribute with one value.

    Notes
    -----
    Colours that the data has not are drawn independently of the attributes and of each other, uniformly in [0, 1].
    """
    table, source, digest = _rows(data, max(rows, most), seed)
    found = {name: flags for name in table.schema.names if (flags := _flags(table[name])) is not None}
    if len(found) < 2:
        raise InputError(f"{source} has {len(found)} binary columns; the study needs attributes, two or more")
    if table.num_rows < rows:
        raise InputError(
            f"{source} has {table.num_rows:,} rows; the scale takes {rows:,}: choose a smaller one"
        )
    for name, flags in found.items():
        if len(pc.unique(flags)) < 2:
            raise InputError(f"the attribute {name!r} of {source} has one value only; leave it out")
    count = table.num_rows
    rng = np.random.default_rng([seed, 71])
    columns: dict[str, Any] = {ROW: np.arange(count), **found}
    for name in COLOURS:
        columns[name] = table[name] if name in table.schema.names else rng.random(count)
    return Population(pa.table(columns), tuple(found), source, digest)


def split(whole: Population, train: int, holdout: int, reference: int, *, seed: int) -> Split:
    """Disjoint parts, drawn without replacement; the reference is shorter where no more rows are left."""
    order = np.random.default_rng(seed).permutation(whole.rows.num_rows)
    ends = np.cumsum([0, train, holdout, reference])
    parts = [whole.rows.take(pa.array(order[a:b])) for a, b in pairwise(ends)]
    return Split(*parts)


def _rows(data: Any, drawn: int, seed: int) -> tuple[pa.Table, str, str]:
    """The rows, what they are called, and their hash."""
    if data is None:
        from credenza.studies.faces import attribute_table

        return attribute_table(drawn, seed=seed), PROCEDURAL, f"{PROCEDURAL}-{drawn}-{seed}"
    if isinstance(data, str | os.PathLike) and is_celeba(data):
        opened = open_source(celeba_attributes(data))
        return opened.table(), Path(data).name, opened.fingerprint()
    opened = open_source(data)
    return opened.table(), opened.name, opened.fingerprint()


def without(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """The table less these columns."""
    return table.select([name for name in table.schema.names if name not in names])


def _flags(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """A column of two values as booleans; None where it is none."""
    if column.null_count:
        return None
    if pa.types.is_boolean(column.type):
        return column
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return None
    values = set(pc.unique(column).to_pylist()) if pc.count_distinct(column).as_py() <= 2 else set()
    return pc.greater(column, 0) if (values and values <= {0, 1}) or (values and values <= {-1, 1}) else None
