"""Reading the two columns of a pair: values as integer codes, and the level that a strength refers to."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from credenza.contracts import IntArray
from credenza.errors import InputError, UsageError

MAX_LEVELS = 1_000

VIEWS = {"string_view": pa.large_string(), "binary_view": pa.large_binary()}

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class CodedColumn:
    """One column as integer codes.

    ``codes`` has shape (rows,), -1 is missing; ``values`` are the distinct values, sorted; ``level`` is the
    code of the level that the strength refers to.
    """

    name: str
    codes: IntArray
    values: tuple[Any, ...]
    level: int

    @property
    def level_label(self) -> str:
        """Text of the level, as messages and answer keys spell it."""
        return spell(self.values[self.level])

    def members(self) -> BoolArray:
        """Boolean array, shape (rows,): the row has the level. Missing rows are not members."""
        return np.asarray(self.codes == self.level)


def spell(value: object) -> str:
    """Text of one value; booleans in lower case as in JSON, whole floats without their ".0"."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def near_misses(word: str, known: Sequence[str]) -> str:
    """End of a message about an unknown name: the closest known ones, or the first few."""
    close = difflib.get_close_matches(word, known, n=3, cutoff=0.6)
    folded = [name for name in known if name.lower() == word.lower()]
    if names := list(dict.fromkeys(folded + close)):
        return "did you mean " + " or ".join(repr(name) for name in names) + "?"
    shown = ", ".join(repr(name) for name in known[:8])
    return f"there are {shown}" + (f" and {len(known) - 8} more" if len(known) > 8 else "")


def require_columns(names: Sequence[str], known: Sequence[str]) -> None:
    """Raise InputError for the first of ``names`` that the data lacks."""
    for name in names:
        if name not in known:
            raise InputError(f"the data has no column {name!r}; {near_misses(name, known)}")


def encode_values(
    column: pa.ChunkedArray, name: str, *, limit: int | None = MAX_LEVELS
) -> tuple[IntArray, tuple[Any, ...]]:
    """Integer codes of a column in the order of its sorted distinct values; null and NaN become -1.

    Raises
    ------
    InputError : the column holds lists, structs or binary objects, or more than ``limit`` distinct values.
    """
    column = plain(column, name)
    encoded = pc.dictionary_encode(column).combine_chunks()
    if limit is not None and len(encoded.dictionary) > limit:
        found = f"column {name!r} has {len(encoded.dictionary):,} distinct values"
        raise InputError(f"{found}, too many for levels (at most {limit:,}); bin it first")
    raw = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    rank = np.full(len(order) + 1, -1, dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[raw], tuple(encoded.dictionary.take(pa.array(order)).to_pylist())


def plain(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Column without dictionary encoding, NaN as null, -0.0 as 0.0; raises InputError for nested columns."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if str(column.type) in VIEWS:
        column = column.cast(VIEWS[str(column.type)])
    kind = column.type
    if pa.types.is_nested(kind) or any(
        test(kind) for test in (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    ):
        raise InputError(f"column {name!r} holds {kind}; give a column of numbers, dates or text")
    if pa.types.is_floating(kind):
        column = column.cast(pa.float64())
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, pa.float64()), pc.add(column, 0.0))
    return column


def code_column(column: pa.ChunkedArray, name: str, level: object, rows: int) -> CodedColumn:
    """Codes of one feature of the pair, with its level resolved on the first ``rows`` rows (the data itself).

    Parameters
    ----------
    column : the data's rows, followed by the hold-out's if there is one.
    level : a value, its text, or None for a binary column: then the higher of its two values.

    Raises
    ------
    InputError : the column is constant, is not binary and no level was named, or lacks the level.
    """
    codes, values = encode_values(column, name)
    present = np.unique(codes[:rows][codes[:rows] >= 0])
    if len(present) < 2:
        found = f"only the value {spell(values[present[0]])!r}" if len(present) else "no value at all"
        raise InputError(f"column {name!r} has {found}; a pair needs two columns that vary")
    if level is None:
        if len(present) > 2:
            raise InputError(
                f"column {name!r} has {len(present):,} distinct values, not two; "
                "name one level of each column with levels=(..., ...)"
            )
        return CodedColumn(name, codes, values, int(present[1]))
    known = [spell(values[code]) for code in present.tolist()]
    wanted = spell(level).lower() if isinstance(values[present[0]], bool) else spell(level)
    if wanted in known:
        return CodedColumn(name, codes, values, int(present[known.index(wanted)]))
    raise InputError(f"column {name!r} has no level {spell(level)!r}; {near_misses(spell(level), known)}")


def stack_holdout(table: pa.Table, holdout: pa.Table) -> pa.Table:
    """The data's rows followed by the hold-out's, in the data's schema.

    Raises
    ------
    InputError : the hold-out has other columns, or kinds that cannot be converted.
    """
    ours, theirs = set(table.column_names), set(holdout.column_names)
    if ours != theirs:
        parts = [
            f"{word} {', '.join(repr(name) for name in sorted(names)[:3])}{' ...' if len(names) > 3 else ''}"
            for word, names in (("lacks", ours - theirs), ("adds", theirs - ours))
            if names
        ]
        raise InputError(f"the hold-out {' and '.join(parts)}; it must have the same columns as the data")
    holdout = holdout.select(table.column_names).replace_schema_metadata(None)
    columns = []
    for field in table.schema:
        try:
            columns.append(holdout[field.name].cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            kinds = f"{holdout[field.name].type} in the hold-out and {field.type} in the data"
            raise InputError(f"column {field.name!r} is {kinds}; it must be of the same kind") from error
    bare = table.replace_schema_metadata(None)
    nullable = pa.schema([field.with_nullable(True) for field in bare.schema])
    stacked = pa.concat_tables([bare.cast(nullable), pa.table(columns, schema=nullable)])
    return stacked.unify_dictionaries()


def take_values(column: pa.ChunkedArray, index: IntArray) -> pa.ChunkedArray:
    """Values of a column at the given rows, in its own type; text views take a detour, Arrow cannot pick them."""
    kind, rows = column.type, pa.array(index)
    if str(kind) in VIEWS:
        return column.cast(VIEWS[str(kind)]).take(rows).cast(kind)
    return column.take(rows)


def replace_column(table: pa.Table, name: str, index: IntArray) -> pa.Table:
    """The table with one column's values taken from the given rows, everything else as it is."""
    position = table.column_names.index(name)
    return table.set_column(position, table.schema.field(position), take_values(table[name], index))


def take_rows(table: pa.Table, index: IntArray, schema: pa.Schema) -> pa.Table:
    """The given rows of a table, as ``schema`` (same columns) has them."""
    columns = [take_values(table[field.name], index).cast(field.type) for field in schema]
    return pa.table(columns, schema=schema)


def require_pair(pair: Sequence[str]) -> None:
    """Raise UsageError unless ``pair`` is two different column names."""
    if isinstance(pair, str) or len(pair) != 2:
        raise UsageError(f"a pair is two column names; found {pair!r}")
    if pair[0] == pair[1]:
        raise UsageError(f"the pair names column {pair[0]!r} twice; give two different columns")
