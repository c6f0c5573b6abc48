"""A matrix of numbers that stands beside a table, one row for each of its rows: embeddings, losses by epoch."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.data.columns import Family, as_floats, family, plain
from credenza.data.sources import Source, open_source
from credenza.errors import InputError

BLOCK_VALUES = 1 << 22  # values that are looked at at a time
Numbers = NDArray[Any]  # float32 or float64


@dataclass(frozen=True)
class Matrix:
    """Numbers, one row for each row of a table.

    Attributes
    ----------
    values : float32 or float64 (n, d), finite; a .npy file of either type is mapped, not read.
    name : what to show. kind : "npy", "array", "callable" or the kind of a table (see :class:`Source`).
    path : of a .npy file, else None. source : of a table, else None.
    """

    values: Numbers
    name: str
    kind: str
    path: Path | None = None
    source: Source | None = None

    def fingerprint(self) -> str:
        """SHA-256 (hex) of the file or the table; of the type, the shape and the values of an array."""
        if self.source is not None:
            return self.source.fingerprint()
        digest = hashlib.sha256()
        if self.path is not None:
            with self.path.open("rb") as file:
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
            return digest.hexdigest()
        digest.update(f"{self.values.dtype.str}{self.values.shape}".encode())
        for block in blocks(self.values):
            digest.update(np.ascontiguousarray(block).tobytes())
        return digest.hexdigest()


def read_matrix(given: Any, data: Source, role: str) -> Matrix:
    """Read numbers that stand beside a table.

    Parameters
    ----------
    given : array (n, d) or (n,); path of a .npy file; a table of numbers, or of equally long lists of them, in any form
        that :func:`credenza.data.open_source` opens; or a callable that makes one of these of ``data``.
    data : the table, of n rows.
    role : what messages call it ("embeddings", "losses").

    Returns
    -------
    Matrix : n rows. float32 and float64 stay what they are, all other numbers become float64.

    Raises
    ------
    InputError : another number of rows, values that are missing, infinite or no numbers, a file that is absent or
        damaged or holds pickled objects (it is not unpickled).

    Notes
    -----
    Cost: one pass over the numbers, to see that they are finite. Memory: a mapped file is looked at in blocks of 4
    million values; a table becomes an array of its own type, float32 if all its columns are.

    Examples
    --------
    >>> beside = open_source(pa.table({"label": ["cat", "dog"]}))
    >>> read_matrix([[1, 2], [3, 4]], beside, "embeddings").values.tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    matrix = _read(given, data, role)
    values = matrix.values
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or not values.shape[1]:
        raise InputError(f"{role} are a table of numbers, one row for each row; found shape {values.shape}")
    if len(values) != data.rows:
        raise InputError(
            f"the {role} have {len(values):,} rows and {data.name} has {data.rows:,}; "
            "give one for each row, in the same order"
        )
    bad = sum(int((~np.isfinite(block)).any(axis=1).sum()) for block in blocks(values))
    if bad:
        raise InputError(
            f"the {role} of {bad:,} rows hold a value that is missing or infinite; fill them in or drop those rows"
        )
    return Matrix(values, matrix.name, matrix.kind, matrix.path, matrix.source)


def blocks(values: Numbers) -> list[Numbers]:
    """Views of consecutive rows, at most ``BLOCK_VALUES`` values each.

    >>> [len(block) for block in blocks(np.zeros((3, 2)))]
    [3]
    """
    step = max(1, BLOCK_VALUES // max(1, int(np.prod(values.shape[1:]))))
    return [values[start : start + step] for start in range(0, len(values), step)]


def _read(given: Any, data: Source, role: str) -> Matrix:
    if callable(given):
        made = _read(given(data), data, role)
        return Matrix(made.values, getattr(given, "__name__", type(given).__name__), "callable")
    if isinstance(given, str | os.PathLike):
        path = Path(given).expanduser()
        if path.suffix in (".npy", ".npz", ".pkl", ".pickle", ".pt"):
            return _mapped(path, str(given), role)
    elif isinstance(given, np.ndarray | list | tuple):
        return Matrix(_numeric(given, role), "array", "array")
    source = open_source(given, role=role)
    return Matrix(_columns(source, role), source.name, source.kind, source=source)


def _mapped(path: Path, shown: str, role: str) -> Matrix:
    if path.suffix != ".npy":
        raise InputError(
            f"{role}: {shown} is not read, for it may hold objects; give a .npy file or a table of numbers"
        )
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise InputError(
            f"{role}: {shown} cannot be read; give the path of a .npy file of numbers"
        ) from error
    except (ValueError, EOFError) as error:
        raise InputError(
            f"{role}: {shown} is damaged or holds objects; give a .npy file of numbers"
        ) from error
    return Matrix(_numeric(values, role), shown, "npy", path)


def _numeric(given: Any, role: str) -> Numbers:
    wrong = f"{role} are numbers, as many in each row"
    try:
        values = given if isinstance(given, np.memmap) else np.asarray(given)
    except ValueError as error:
        raise InputError(f"{wrong}; found rows of unequal length") from error
    if values.dtype.kind not in "fiub":
        raise InputError(f"{wrong}; found {values.dtype}")
    own = values.dtype.kind == "f" and values.dtype.itemsize in (4, 8) and values.dtype.isnative
    return values if own else values.astype(np.float64)


def _columns(source: Source, role: str) -> Numbers:
    """All columns side by side, read a batch at a time."""
    widths = None
    out = np.empty((0, 0))
    start = 0
    for batch in source.batches():
        parts = [_block(batch.column(k), name, role) for k, name in enumerate(source.columns)]
        found = [part.shape[1] for part in parts]
        if widths is None:
            single = all(part.dtype == np.float32 for part in parts)
            widths, out = found, np.empty((source.rows, sum(found)), np.float32 if single else np.float64)
        if found != widths:
            raise InputError(f"the {role} have lists of unequal length; give as many numbers in each row")
        np.concatenate(parts, axis=1, out=out[start : start + batch.num_rows], casting="same_kind")
        start += batch.num_rows
    return out


def _block(column: pa.Array, name: str, role: str) -> Numbers:
    column = plain(column)
    kind = column.type
    if family(kind) is Family.NESTED and hasattr(column, "flatten") and hasattr(kind, "value_type"):
        inner = plain(column.flatten())
        if column.null_count or (len(column) and len(inner) % len(column)):
            raise InputError(f"the {role} have lists of unequal length; give as many numbers in each row")
        if family(inner.type) is Family.NUMBER:
            return _floats(inner).reshape(len(column), -1)
    if family(kind) in (Family.NUMBER, Family.BOOL):
        return _floats(column).reshape(-1, 1)
    raise InputError(f"column {name!r} of the {role} is {kind}; give numbers, or equally long lists of them")


def _floats(column: pa.Array) -> Numbers:
    if pa.types.is_float32(column.type):
        return np.asarray(column.to_numpy(zero_copy_only=False))
    return as_floats(column)
