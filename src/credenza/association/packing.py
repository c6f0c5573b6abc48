"""Bit planes: one bit a row for every level of a feature but the first, 64 rows a word."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from credenza.association.tiles import GROUP, Words, spread
from credenza.contracts import IntArray
from credenza.errors import InputError

ROWS = 64  # a word
FEATURES = 32  # packed by one task
WORK = 25  # word pairs that could be counted while one word is packed


def _match(typing, codes, at, level):  # type: ignore[no-untyped-def]
    """The word whose bit k says whether ``codes[at + k]`` is ``level``: one comparison of 64 bytes."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        vector, place = ir.VectorType(ir.IntType(8), ROWS), ir.IntType(32)
        bytes_ = builder.load(builder.bitcast(builder.gep(data, [args[1]]), vector.as_pointer()), align=1)
        one = builder.insert_element(ir.Constant(vector, ir.Undefined), args[2], ir.Constant(place, 0))
        all_ = builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(place, ROWS), None))
        return builder.bitcast(builder.icmp_unsigned("==", bytes_, all_), ir.IntType(64))

    return types.uint64(codes, at, types.uint8), codegen


match: Any = intrinsic(_match)


@njit(cache=True, nogil=True, error_model="numpy")
def _pack(codes, rows, chosen, first, last, offsets, tail, words, planes):  # type: ignore[no-untyped-def]
    """Fill the planes of features ``chosen[first:last]``; all arrays are flat. ``tail`` holds 64 bytes."""
    whole = rows // ROWS
    for j in range(first, last):
        base = chosen[j] * rows
        for k in range(ROWS):
            tail[k] = codes[base + whole * ROWS + k] if whole * ROWS + k < rows else np.uint8(0)
        for start in range(0, words, GROUP):  # so that a few lines of codes serve all levels
            stop = start + GROUP if start + GROUP < words else words
            for plane in range(offsets[j], offsets[j + 1]):
                level = plane - offsets[j] + 1
                for w in range(start, stop):
                    if w < whole:
                        planes[plane * words + w] = match(codes, base + w * ROWS, level)
                    else:
                        planes[plane * words + w] = match(tail, 0, level)


def offsets_of(sizes: Sequence[int]) -> IntArray:
    """Number of the first plane of each feature, and of all planes: (m + 1,)."""
    return np.concatenate(([0], np.cumsum(np.asarray(sizes, np.int64) - 1))).astype(np.int64)


def pack_codes(
    codes: NDArray[np.uint8], sizes: Sequence[int], features: Sequence[int] | None = None
) -> Words:
    """One bit plane for every level of every feature but its first.

    Parameters
    ----------
    codes : uint8 (n, m), best in Fortran order; a code that its feature does not have is in no plane.
    sizes : L of each feature.
    features : the features to pack, in this order; all by default.

    Returns
    -------
    uint64 (R, words), R = sum of L - 1, words = n / 64 rounded up. Bit k of word w of a plane is row 64 w + k; bits
    beyond the last row are 0. Planes are in the order of features and levels 1 to L - 1.

    Notes
    -----
    Level 0 has no plane: its counts follow from the margins. Cost: R n / 64 comparisons of 64 bytes, without a branch.

    Examples
    --------
    >>> pack_codes(np.array([[0, 2], [1, 1], [1, 0]], np.uint8), (2, 3)).ravel().tolist()
    [6, 2, 1]
    """
    rows, words = len(codes), -(-len(codes) // ROWS)
    chosen = np.arange(len(sizes)) if features is None else np.asarray(features, np.int64)
    offsets = offsets_of([sizes[j] for j in chosen])
    planes = np.empty((int(offsets[-1]), words), np.uint64)
    flat, out = np.asfortranarray(codes).T.reshape(-1), planes.reshape(-1)

    def work(parts: Iterator[int]) -> None:
        tail = np.zeros(ROWS, np.uint8)
        for first in parts:
            last = min(first + FEATURES, len(chosen))
            _pack(flat, rows, chosen, first, last, offsets, tail, words, out)

    spread(work, range(0, len(chosen), FEATURES), float(planes.size) * WORK)
    return planes


def _copy_bits(data: pa.Buffer, offset: int, rows: int, address: int) -> None:
    """Copy bits offset..offset + rows of a bitmap to an address; more may follow, up to the end of a byte."""
    if offset % 8:
        some = np.frombuffer(data, np.uint8)[offset // 8 : -(-(offset + rows) // 8)]
        bits = np.unpackbits(some, bitorder="little")[offset % 8 : offset % 8 + rows]
        moved = np.packbits(bits, bitorder="little")
        ctypes.memmove(address, moved.ctypes.data, moved.size)
    else:
        ctypes.memmove(address, data.address + offset // 8, -(-rows // 8))


def pack_booleans(arrays: Sequence[pa.BooleanArray]) -> Words:
    """The bit planes of boolean columns, copied from Arrow's bitmaps.

    Parameters
    ----------
    arrays : Arrow arrays of booleans of one length n; a missing value is not in the plane.

    Returns
    -------
    uint64 (len(arrays), words): as :func:`pack_codes` packs False as 0 and True as 1.

    Raises
    ------
    InputError : an array is not boolean, or of another length than the first.

    Notes
    -----
    Cost: one copy of n / 8 bytes a column. Rows are numbered from the least bit of the first byte, as in Arrow; on a
    machine that stores the most significant byte first the order of rows differs, the counts do not.

    Examples
    --------
    >>> pack_booleans([pa.array([True, False, True]), pa.array([None, True, True])]).ravel().tolist()
    [5, 6]
    """
    rows = len(arrays[0]) if len(arrays) else 0
    words, kind = -(-rows // ROWS), pa.bool_()
    planes, valid = np.zeros((len(arrays), words), np.uint64), np.zeros(words, np.uint64)
    address = planes.ctypes.data
    for position, array in enumerate(arrays):
        if array.type != kind or len(array) != rows:
            raise InputError(
                f"column {position} is {array.type} of {len(array)} rows: give booleans of {rows} rows"
            )
        if not rows:
            continue
        known, values = array.buffers()
        _copy_bits(values, array.offset, rows, address + 8 * words * position)
        if array.null_count:
            _copy_bits(known, array.offset, rows, valid.ctypes.data)
            planes[position] &= valid
    if rows % ROWS:
        planes.view(np.uint8)[:, -(-rows // 8) :] = 0
        if rows % 8:
            planes.view(np.uint8)[:, rows // 8] &= np.uint8((1 << rows % 8) - 1)
    return planes
