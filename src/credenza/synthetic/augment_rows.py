"""Rows of tables between two neighbours of one class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from credenza.contracts import FloatArray, IntArray
from credenza.data.columns import Family, as_floats, family, plain
from credenza.data.edits import take_values
from credenza.data.repeats import row_keys_of
from credenza.data.sources import Source, open_source
from credenza.errors import InfeasibleError, InputError
from credenza.models.base import require_seed
from credenza.synthetic.base import Synthetic, require_count, require_free
from credenza.synthetic.neighbours import Neighbours
from credenza.synthetic.parents import ORIGIN, drawn_parents, varied

MOST_ALIKE = 0.5  # a number that more of the rows share is taken over like a category
MOST_CODES = 20  # different whole numbers that are taken for codes, where each stands for 20 rows on average
ATTEMPTS = 5  # at a row that is none of the data's
_EXACT = 2.0**53


def augment_table(
    data: Any,
    *,
    labels: str | None = None,
    variations: int = 3,
    rows: int | None = None,
    neighbours: int = 5,
    seed: int = 0,
) -> Synthetic:
    """Make rows between a row and one of its nearest neighbours of the same class.

    With x a parent, y one of its nearest neighbours of the same label and u uniform on [0, 1], numbers become
    x + u (y - x), and all other values are those of whichever is nearer: x where u < 1/2, else y. So categories come
    together as they do in one real row, and label and class shares stay.

    Parameters
    ----------
    data : a trusted table: what :func:`credenza.data.open_source` opens.
    labels : the column of classes; None takes all rows for one class.
    variations : of each row. rows : in place of it, how many in all, spread evenly.
    neighbours : how many nearest rows to draw from. seed : decides all draws.

    Returns
    -------
    The columns of the data in their types (whole numbers stay whole), ``source``, ``parent`` (the number of the row
    that was varied, from 0) and ``how`` (such as "between 4 and 17"), parents in rising order.

    Raises
    ------
    UsageError : a number out of range, no such column. InputError : a column called like one of origin.
    InfeasibleError : no column of numbers; no row that is none of the data's can be made.

    Notes
    -----
    Distance: numbers in standard deviations; every category that differs adds 1 to the square. Rows that coincide are
    no neighbours, and rows that came out like one of the data are drawn again and then left out, and counted.
    Taken over like categories: numbers that more than ``MOST_ALIKE`` of the rows share, missing ones, whole ones of at
    most ``MOST_CODES`` different values (mostly codes), and whole ones beyond 2^53. Neighbours are looked for among
    5,000 rows of the class, drawn if there are more. Cost: O(rows x 5,000 x columns).
    Interpolation stays inside the cloud of its class: variances shrink a little, and what is between two clusters of
    one class may be a row that cannot be. A pair of features that was moved in the data is moved in what is made of it.
    Source: Chawla et al. 2002, "SMOTE", sections 4.2 and 6.1. Different: categories are taken from one of the two rows,
    together, where SMOTE-NC takes the most frequent of the neighbours for each, which thins rare ones out. Left out:
    balancing classes.

    Examples
    --------
    >>> table = pa.table({"x": [0.0, 1.0, 10.0, 11.0], "c": ["a", "b", "c", "d"], "y": [0, 0, 1, 1]})
    >>> made = augment_table(table, labels="y", variations=1, seed=0).data
    >>> made["y"].to_pylist(), [0 <= x <= 1 for x in made["x"].to_pylist()[:2]], made["how"][0].as_py()
    ([0, 0, 1, 1], [True, True], 'between 0 and 1')
    """
    require_count("neighbours", neighbours)
    require_seed(seed)
    source = open_source(data)
    require_free(source.columns, ORIGIN)
    table = source.table()
    classes, notes = _classes(source, table, labels)
    numbers = _numbers(table, labels)
    if not numbers:
        raise InfeasibleError(
            f"{source.name} has no column of numbers that vary; rows between two others need one at least"
        )
    rng = np.random.default_rng(seed)
    eligible = np.flatnonzero(classes >= 0)
    parents = eligible[drawn_parents(len(eligible), rows, variations, rng)]
    near = Neighbours(table, tuple(numbers), labels, classes, neighbours, rng)
    made = _Between(table, numbers, near, rng)
    kept = made.make(parents)
    if not len(kept):
        raise InfeasibleError(f"no row between two others of {source.name} differs from all that are there")
    left = len(parents) - len(kept)
    if left:
        notes.append(
            f"left out {left:,} of {len(parents):,} rows: nothing new lies between them and their neighbours"
        )
    settings = {
        "maker": "table augmentation",
        "variations": variations,
        "rows": rows,
        "neighbours": neighbours,
    }
    settings |= {"labels": labels, "seed": seed}
    hows = [f"between {a} and {b}" for a, b in zip(kept.tolist(), made.others.tolist(), strict=True)]
    return varied(source, kept, hows, made.columns(), settings, notes)


class _Between:
    """Rows between parents and neighbours, drawn until they are none of the data's."""

    def __init__(
        self, table: pa.Table, numbers: dict[str, FloatArray], near: Neighbours, rng: np.random.Generator
    ) -> None:
        self._table, self._numbers, self._near, self._rng = table, numbers, near, rng
        self._names = tuple(table.column_names)
        self._known = set(_keys(table, self._names))
        self._places = np.zeros(0, np.int64)
        self._made = table.slice(0, 0)
        self.others = np.zeros(0, np.int64)

    def make(self, parents: IntArray) -> IntArray:
        """The parents for which there is a row, in order."""
        waiting = np.arange(len(parents))
        parts: list[tuple[IntArray, IntArray, pa.Table]] = []
        for _ in range(ATTEMPTS):
            others = self._near.draw(parents[waiting], self._rng)
            waiting, others = waiting[others >= 0], others[others >= 0]
            if not len(waiting):
                break
            rows = self._rows(parents[waiting], others, self._rng.random(len(waiting)))
            new = np.zeros(len(waiting), bool)
            for place, key in enumerate(_keys(rows, self._names)):
                new[place] = key not in self._known
                self._known.add(key)
            parts.append((waiting[new], others[new], rows.filter(pa.array(new))))
            waiting = waiting[~new]
        if not parts:
            return parents[:0]
        places = np.concatenate([part[0] for part in parts])
        order = np.argsort(places, kind="stable")
        self.others = np.concatenate([part[1] for part in parts])[order]
        self._made = pa.concat_tables([part[2] for part in parts]).take(pa.array(order))
        kept: IntArray = parents[places[order]]
        return kept

    def columns(self) -> dict[str, Any]:
        """Every column of the rows that were made."""
        return {name: self._made[name] for name in self._names}

    def _rows(self, a: IntArray, b: IntArray, u: FloatArray) -> pa.Table:
        nearer = np.where(u < 0.5, a, b)
        arrays = []
        for name in self._names:
            taken = take_values(self._table[name], nearer)
            values = self._numbers.get(name)
            if values is not None:
                between = values[a] + u * (values[b] - values[a])
                taken = _with_numbers(plain(taken), between)
            arrays.append(taken)
        return pa.Table.from_arrays(arrays, schema=self._table.schema)


def _with_numbers(taken: pa.Array, between: FloatArray) -> pa.Array:
    """Numbers in the type of a column; where one of the two was missing, the value that was taken."""
    kind = taken.type
    missing = np.isnan(between)
    whole = np.rint(between) if pa.types.is_integer(kind) else between
    numbers = pa.array(np.where(missing, 0.0, whole)).cast(kind, safe=False)
    filled: pa.Array = pc.if_else(pa.array(missing), taken, numbers)
    return filled


def _numbers(table: pa.Table, labels: str | None) -> dict[str, FloatArray]:
    """Columns that are interpolated, as floats, missing values NaN."""
    found = {}
    for name in table.column_names:
        kind = table[name].type
        if name == labels or not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            continue
        values = as_floats(table[name])
        finite = values[np.isfinite(values)]
        if len(finite) < len(values) - int(np.isnan(values).sum()) or not len(finite):
            continue
        _, counts = np.unique(finite, return_counts=True)
        if pa.types.is_integer(kind) and len(counts) <= min(MOST_CODES, len(finite) / MOST_CODES):
            continue
        exact = pa.types.is_floating(kind) or np.abs(finite).max() < _EXACT
        if len(counts) > 1 and counts.max() <= MOST_ALIKE * len(finite) and exact:
            found[name] = values
    return found


def _classes(source: Source, table: pa.Table, labels: str | None) -> tuple[IntArray, list[str]]:
    """A number for each row's label, -1 for rows that cannot be varied; and what was left out."""
    if labels is None:
        return np.zeros(source.rows, np.int64), []
    column = table[labels] if labels in table.column_names else source.table([labels])[labels]
    if family(column.type) in (Family.NESTED, Family.BINARY, Family.NULL):
        raise InputError(
            f"column {labels!r} is {column.type}; labels are text, numbers, dates or truth values"
        )
    array = plain(column)
    codes = pc.fill_null(pc.index_in(array, pc.unique(array.drop_null())), -1).to_numpy().astype(np.int64)
    sizes = np.bincount(codes[codes >= 0], minlength=1)
    notes = []
    if (missing := int((codes < 0).sum())) > 0:
        notes.append(f"left out {missing:,} rows without a label")
    alone = (codes >= 0) & (sizes[codes] < 2)
    if alone.any():
        notes.append(f"left out {int(alone.sum()):,} rows whose label no other row has")
        codes[alone] = -1
    if not (codes >= 0).any():
        raise InfeasibleError(f"no label of {labels!r} has two rows; rows between two others need that")
    return np.asarray(codes, np.int64), notes


def _keys(table: pa.Table, names: Sequence[str]) -> list[int]:
    return [key for batch in table.to_batches() for key in row_keys_of(batch, names).tolist()]
