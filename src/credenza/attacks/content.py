"""What a row holds besides its label, as a matrix of numbers for a linear model: columns, pictures, embeddings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from credenza.contracts import FloatArray
from credenza.data.columns import Family, as_floats, as_strings, family
from credenza.data.sources import Source, open_source
from credenza.errors import InputError, MissingExtraError

MOST_LEVELS = 100  # one-hot columns of one feature: its most frequent levels
MOST_WORDS = 20_000  # columns of one text feature
SIDE = 16  # pictures are averaged down to this many grey pixels on a side
Matrix = Any  # FloatArray of shape (rows, d), or a scipy CSR array of that shape


@dataclass(frozen=True)
class Content:
    """A matrix of shape (rows, d), the columns it was made of, and those left out, each with the reason."""

    matrix: Matrix
    used: tuple[str, ...]
    left_out: dict[str, str] = field(default_factory=dict)


def require_ml(what: str) -> None:
    """Raise MissingExtraError, saying ``what`` needs it, unless scikit-learn is installed."""
    if find_spec("sklearn") is None:
        needed = f"{what} needs scikit-learn, which is not installed"
        raise MissingExtraError(f"{needed}: pip install 'credenza[ml]'")


def content_matrix(source: Source, leave: Sequence[str]) -> Content:
    """Numbers that stand for the rows of a table, for a linear model.

    Numbers, dates and booleans are standardised (missing and infinite ones become the mean). Text of at most
    100 distinct values, or of few words each, becomes one column of zeros and ones for each of the 100 most
    frequent values; longer text becomes TF-IDF weights of its 20,000 most frequent words; pictures become 16
    x 16 grey pixels; lists of equal length become columns.

    Parameters
    ----------
    source : n rows, read one column at a time.
    leave : columns not to use (the label).

    Returns
    -------
    Content : the matrix is dense where no column is text, else sparse.

    Raises
    ------
    InputError : no column is left to use.
    MissingExtraError : a column of longer text without scikit-learn, pictures without Pillow.

    Notes
    -----
    Cost: O(n d), all of it in memory. Left out: interactions, and any learned representation; give
    ``embeddings`` where the columns say little about the label.

    Examples
    --------
    >>> table = pa.table({"age": [20, 40], "sex": ["f", "m"], "label": [0, 1]})
    >>> content = content_matrix(open_source(table), ["label"])
    >>> content.matrix.toarray().tolist()
    [[-1.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
    """
    blocks, used, left_out = [], [], {}
    for name in source.columns:
        if name in leave:
            continue
        block = _block(source, name)
        if isinstance(block, str):
            left_out[name] = block
        else:
            blocks.append(block)
            used.append(name)
    if not blocks:
        reasons = "; ".join(f"{name!r}: {reason}" for name, reason in left_out.items()) or "there is no other"
        raise InputError(f"no column tells rows of different labels apart ({reasons}); give embeddings")
    if any(sparse.issparse(block) for block in blocks):
        return Content(sparse.hstack(blocks, format="csr"), tuple(used), left_out)
    return Content(np.hstack(blocks), tuple(used), left_out)


def embedding_matrix(embeddings: Any, rows: int) -> FloatArray:
    """Embeddings as an array of shape (rows, d), standardised by column.

    Parameters
    ----------
    embeddings : array of shape (rows, d), the path of a .npy file (read without pickle), or a table of
        numbers or of lists of numbers, in any form that :func:`credenza.data.open_source` opens.
    rows : how many rows the data has.

    Raises
    ------
    InputError : another number of rows, a value that is missing or infinite, a column that is not of numbers,
        a .npy file that is damaged or holds objects.

    Examples
    --------
    >>> embedding_matrix([[1.0], [3.0]], 2).tolist()
    [[-1.0], [1.0]]
    """
    array = _as_array(embeddings)
    if array.ndim != 2 or array.shape[1] == 0:
        found = f"an array of shape {array.shape}"
        raise InputError(f"embeddings are a table of numbers, one row for each row; found {found}")
    if len(array) != rows:
        found = f"the embeddings have {len(array):,} rows and the data has {rows:,}"
        raise InputError(f"{found}; give one row of embeddings for each row, in the same order")
    if bad := np.count_nonzero(~np.isfinite(array).all(axis=1)):
        raise InputError(
            f"the embeddings of {bad:,} rows hold a value that is missing or infinite; fill them in"
        )
    return _standardised(array)


def _as_array(embeddings: Any) -> FloatArray:
    if isinstance(embeddings, str | os.PathLike) and Path(embeddings).suffix == ".npy":
        try:
            loaded = np.load(embeddings, allow_pickle=False)
        except FileNotFoundError as error:
            raise InputError(f"there is no file {str(embeddings)!r} of embeddings; check the path") from error
        except (ValueError, EOFError, OSError) as error:
            found = f"{str(embeddings)!r} is damaged or holds objects"
            raise InputError(f"{found}; give a .npy file of numbers") from error
        return _numeric(loaded)
    if isinstance(embeddings, np.ndarray | list | tuple):
        return _numeric(embeddings)
    source = open_source(embeddings, role="embeddings")
    blocks = []
    for name in source.columns:
        block = _numbers(source.table([name])[name])
        if isinstance(block, str):
            raise InputError(f"column {name!r} of the embeddings cannot be used: {block}; give numbers only")
        blocks.append(block)
    return np.hstack(blocks)


def _numeric(values: Any) -> FloatArray:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("embeddings are numbers, as many in each row; found other values") from error


def _block(source: Source, name: str) -> Matrix | str:
    """Matrix of one column, or the reason why it is left out."""
    kind = source.schema.field(name).type
    if _holds_pictures(kind):
        return _pictures(source, name)
    column = source.table([name])[name]
    if family(kind) is Family.STRING:
        return _text(as_strings(column))
    block = _numbers(column)
    if isinstance(block, str):
        return block
    block[~np.isfinite(block)] = np.nan
    varying = np.array([len(np.unique(values[~np.isnan(values)])) > 1 for values in block.T])
    return _standardised(block[:, varying]) if varying.any() else "it never varies"


def _numbers(column: pa.ChunkedArray) -> FloatArray | str:
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        lengths = pc.unique(pc.list_value_length(column)).to_pylist()
        if len(lengths) != 1 or not lengths[0]:
            return "its lists are of different lengths or missing"
        if family(kind.value_type) in (Family.STRING, Family.NESTED, Family.BINARY):
            return f"it holds {kind}"
        return np.asarray(as_floats(pa.chunked_array([pc.list_flatten(column)])).reshape(-1, lengths[0]))
    if family(kind) in (Family.STRING, Family.NESTED, Family.BINARY):
        return f"it holds {kind}"
    return np.array(as_floats(column), dtype=np.float64).reshape(-1, 1)


def _standardised(block: FloatArray) -> FloatArray:
    """Columns less their mean over their standard deviation; NaN becomes 0, a constant column all 0."""
    scaled = block - np.nanmean(block, axis=0)
    spread = np.nanstd(block, axis=0)
    return np.asarray(np.nan_to_num(scaled / np.where(spread > 0, spread, 1.0)))


def _text(column: pa.LargeStringArray) -> Matrix | str:
    counts = pc.value_counts(column.drop_null())
    levels, sizes = counts.field(0), counts.field(1).to_numpy()
    if len(levels) < 2:
        return "it never varies"
    words = pc.sum(pc.match_substring_regex(levels, r"\S\s+\S")).as_py()
    if len(levels) > MOST_LEVELS and words > len(levels) / 2:
        return _words(column)
    if len(levels) > len(column) / 2 and len(levels) > MOST_LEVELS:
        return f"it names rows: {len(levels):,} distinct values"
    frequent = levels.take(pa.array(np.argsort(-sizes, kind="stable")[:MOST_LEVELS]))
    codes = pc.index_in(column, value_set=frequent)
    known = pc.is_valid(codes).to_numpy(zero_copy_only=False)
    at = np.flatnonzero(known)
    ones = np.ones(len(at))
    shape = (len(column), len(frequent))
    return sparse.csr_array((ones, (at, codes.drop_null().to_numpy())), shape=shape)


def _words(column: pa.LargeStringArray) -> Matrix:
    require_ml("reading a column of text")
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [value or "" for value in column.to_pylist()]
    return TfidfVectorizer(max_features=MOST_WORDS, sublinear_tf=True).fit_transform(texts)


def _holds_pictures(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(kind.field(i).name == "bytes" for i in range(kind.num_fields))
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or str(kind) == "binary_view"


def _pictures(source: Source, name: str) -> Matrix | str:
    from credenza.data.pictures import decode_images

    try:
        blocks = [
            np.stack([_grey(image) for image in decode_images(batch.column(0))])
            for batch in source.batches([name], size=4_096)
        ]
    except InputError as error:
        return f"its bytes are no pictures ({error})"
    return _standardised(np.concatenate(blocks))


def _grey(image: np.ndarray) -> FloatArray:
    """Means of SIDE x SIDE tiles of the grey values, flattened; small pictures repeat their pixels."""
    grey = np.asarray(image[..., :3].mean(axis=2) if image.ndim == 3 else image, dtype=np.float64)
    for axis in (0, 1):
        starts = np.arange(SIDE) * grey.shape[axis] // SIDE
        ends = np.maximum(np.append(starts[1:], grey.shape[axis]), starts + 1)
        sums = np.concatenate([np.zeros_like(grey.take([0], axis)), grey.cumsum(axis=axis)], axis=axis)
        widths = (ends - starts)[:, None] if axis == 0 else ends - starts
        grey = (sums.take(ends, axis) - sums.take(starts, axis)) / widths
    return np.asarray(grey.ravel())
