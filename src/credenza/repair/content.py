"""Embeddings of the rows, in whatever form they are given, as one array."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from credenza.contracts import FloatArray
from credenza.data import open_source
from credenza.data.columns import Family, as_floats, family
from credenza.data.sources import Source
from credenza.errors import InputError


def content_array(embeddings: Any, rows: int) -> FloatArray:
    """Embeddings as an array (rows, d), standardised by column.

    Parameters
    ----------
    embeddings : array (rows, d), path of a .npy file (read without pickle), or a table of numbers or of equally long
        lists of numbers, in any form that :func:`credenza.data.open_source` opens. rows : of the data.

    Raises
    ------
    InputError : another number of rows, values that are missing, infinite or no numbers, a file that is damaged.

    Examples
    --------
    >>> content_array([[1.0], [3.0]], 2).tolist()
    [[-1.0], [1.0]]
    """
    array = _loaded(embeddings)
    if array.ndim != 2 or not array.shape[1]:
        raise InputError(
            f"embeddings are a table of numbers, one row for each row; found shape {array.shape}"
        )
    if len(array) != rows:
        raise InputError(
            f"the embeddings have {len(array):,} rows and the data has {rows:,}; "
            "give one for each row, in the same order"
        )
    if not np.isfinite(array).all():
        raise InputError("the embeddings hold missing or infinite values; fill them in")
    scale = array.std(axis=0)
    return np.asarray((array - array.mean(axis=0)) / np.where(scale > 0, scale, 1.0))


def _loaded(embeddings: Any) -> FloatArray:
    if isinstance(embeddings, str | os.PathLike) and Path(embeddings).suffix == ".npy":
        try:
            return np.asarray(np.load(embeddings, allow_pickle=False), dtype=np.float64)
        except (OSError, ValueError, EOFError) as error:
            found = f"{str(embeddings)!r} is absent, damaged or holds objects"
            raise InputError(f"{found}; give a .npy file of numbers") from error
    if isinstance(embeddings, np.ndarray | list | tuple):
        try:
            return np.asarray(embeddings, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError("embeddings are numbers, as many in each row; found other values") from error
    source = open_source(embeddings, role="embeddings")
    return np.hstack([_numbers(source, name) for name in source.columns])


def _numbers(source: Source, name: str) -> FloatArray:
    column = source.table([name])[name].combine_chunks()
    kind = column.type
    if hasattr(column, "flatten") and family(kind) is Family.NESTED and hasattr(kind, "value_type"):
        inner = column.flatten()
        if family(inner.type) is Family.NUMBER and len(column) and len(inner) % len(column) == 0:
            return np.asarray(as_floats(inner).reshape(len(column), -1))
    if family(kind) in (Family.NUMBER, Family.BOOL):
        return np.asarray(as_floats(column).reshape(-1, 1))
    raise InputError(
        f"column {name!r} of the embeddings is {kind}; give numbers, or equally long lists of them"
    )
