"""What a table of attributes must be to be drawn, and the one line that says why one is not."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from credenza.contracts import FloatArray, IntArray
from credenza.errors import InputError, UsageError

Columns = dict[str, NDArray[np.generic]]


def columns_of(attributes: pa.Table | Mapping[str, ArrayLike], known: Sequence[str]) -> Columns:
    """One array a column, all of one length, all of known names."""
    names = attributes.column_names if isinstance(attributes, pa.Table) else list(attributes)
    for name in names:
        require_known(name, known, "an attribute that faces have")
    columns = {name: np.asarray(attributes[name]) for name in names}
    for name, values in columns.items():
        first = columns[names[0]]
        if values.ndim != 1 or len(values) != len(first):
            raise InputError(
                f"attribute {name!r} has shape {values.shape} and {names[0]!r} has {first.shape}; "
                "give one value a face"
            )
    return columns


def require_known(name: str, known: Sequence[str], what: str) -> None:
    """Refuse a name that is not one of the known ones, and name those near it."""
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(known)}"
        raise InputError(f"{name!r} is not {what}; {hint}")


def as_marks(name: str, values: NDArray[np.generic]) -> NDArray[np.bool_]:
    """A binary attribute: bools, or numbers that are 0 or 1, or -1 or 1 as CelebA writes them."""
    if values.dtype == bool:
        return values.astype(bool)
    if values.dtype.kind not in "iuf":
        raise InputError(
            f"attribute {name!r} has missing values or texts; it must be true or false in every row"
        )
    numbers = values.astype(float)
    signed = bool((numbers == -1).any())
    wrong = numbers[~np.isin(numbers, (-1, 1) if signed else (0, 1))]
    if len(wrong):
        found = f"{wrong[0]:g}" + (" beside -1" if signed else "")
        raise InputError(f"attribute {name!r} has the value {found}; it must be true or false in every row")
    return np.asarray(numbers > 0)


def as_shares(name: str, values: NDArray[np.generic]) -> FloatArray:
    """A continuous attribute: numbers in [0, 1]."""
    numbers = values.astype(np.float64) if values.dtype.kind in "iuf" else np.full(1, np.nan)
    wrong = numbers[~((numbers >= 0) & (numbers <= 1))]
    if len(wrong):
        found = "missing values or no numbers" if np.isnan(wrong[0]) else f"the value {wrong[0]:g}"
        raise InputError(f"attribute {name!r} has {found}; it must be a number from 0 to 1 in every row")
    return numbers


def as_index(index: ArrayLike | None, columns: Columns) -> IntArray:
    """The index of every face: as given, or its row."""
    rows = len(next(iter(columns.values()))) if columns else None
    if index is None:
        if rows is None:
            raise InputError(
                "no attributes were given, so no face can be drawn; give at least one, or an index"
            )
        return np.arange(rows)
    found = np.asarray(index)
    if found.dtype.kind not in "iu" or found.ndim != 1 or (found.size and found.min() < 0):
        raise UsageError("the index of faces must be one whole number from 0 on for each")
    if rows is not None and len(found) != rows:
        raise UsageError(
            f"the index names {len(found):,} faces, the attributes describe {rows:,}; give one for each"
        )
    return found.astype(np.int64)


def require_seed(seed: int) -> None:
    """Refuse a seed below 0."""
    if seed < 0:
        raise UsageError(f"a seed is a whole number from 0 on, not {seed}")
