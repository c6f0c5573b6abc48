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
from credenza.data.edits import VIEWS, cast_values
from credenza.data.sources import Source
from credenza.errors import InputError, UsageError

MAX_LEVELS = 1_000

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


def code_column(
    column: pa.ChunkedArray, name: str, level: object, rows: int, inside: BoolArray | None = None
) -> CodedColumn:
    """Codes of one feature, with its level resolved on the first ``rows`` rows (the data itself).

    Parameters
    ----------
    column : the data's rows, followed by the hold-out's if there is one.
    level : a value, its text, or None for a binary column: then the higher of its two values.
    inside : rows of the data, shape (rows,), that count; None for all.

    Raises
    ------
    InputError : the column is constant, is not binary and no level was named, or lacks the level.
    """
    codes, values = encode_values(column, name)
    return CodedColumn(name, codes, values, choose_level(name, codes[:rows], values, level, inside))


def choose_level(
    name: str, codes: IntArray, values: Sequence[Any], level: object, inside: BoolArray | None = None
) -> int:
    """Code of the level that was named, or of the higher of two; see :func:`code_column`."""
    counted = codes >= 0 if inside is None else (codes >= 0) & inside
    present = np.unique(codes[counted])
    if len(present) < 2:
        found = f"only the value {spell(values[present[0]])!r}" if len(present) else "no value at all"
        raise InputError(f"column {name!r} has {found}; a pair needs two columns that vary")
    if level is None:
        if len(present) > 2:
            raise InputError(
                f"column {name!r} has {len(present):,} distinct values, not two; "
                "name one level of each column with levels=(..., ...)"
            )
        return int(present[1])
    known = [spell(values[code]) for code in present.tolist()]
    wanted = spell(level).lower() if isinstance(values[present[0]], bool) else spell(level)
    if wanted in known:
        return int(present[known.index(wanted)])
    raise InputError(f"column {name!r} has no level {spell(level)!r}; {near_misses(spell(level), known)}")


def combined(codes: IntArray, column: IntArray, values: Sequence[Any]) -> IntArray:
    """One code for each combination of a code and a column's code; missing is a value of its own."""
    both = np.unique(codes * (len(values) + 1) + column + 1, return_inverse=True)[1]
    return np.asarray(both, dtype=np.int64)


def stacked_column(source: Source, holdout: Source | None, name: str) -> pa.ChunkedArray:
    """A column of the data, followed by the hold-out's.

    Raises
    ------
    InputError : it is of another kind in the hold-out.
    """
    column = source.table([name])[name]
    if holdout is None:
        return column
    more = cast_column(holdout.table([name])[name], source.schema.field(name))
    return pa.chunked_array([*column.chunks, *more.chunks], column.type)


def cast_column(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    """A column of the hold-out, as the data has it.

    Raises
    ------
    InputError : it is of another kind.
    """
    try:
        return pa.chunked_array([cast_values(chunk, field.type) for chunk in column.chunks], field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        kinds = f"{column.type} in the hold-out and {field.type} in the data"
        raise InputError(f"column {field.name!r} is {kinds}; it must be of the same kind") from error


def as_pairs(pair: Any) -> tuple[Any, ...]:
    """One pair or several, as several."""
    several = not isinstance(pair, str) and len(pair) > 0 and not isinstance(pair[0], str)
    return tuple(item if isinstance(item, str) else tuple(item) for item in pair) if several else (pair,)


def require_pair(pair: Sequence[str]) -> None:
    """Raise UsageError unless ``pair`` is two different column names."""
    if isinstance(pair, str) or len(pair) != 2:
        raise UsageError(f"a pair is two column names; found {pair!r}")
    if pair[0] == pair[1]:
        raise UsageError(f"the pair names column {pair[0]!r} twice; give two different columns")
