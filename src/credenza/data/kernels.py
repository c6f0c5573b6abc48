"""Compiled loops over rows: hashes of values, sums of hashes, tallies of keys.

Compiled once by numba and cached on disk. Scalar loops only, no array expressions: those take ten times as long to
compile. ``tests/oracles.py`` holds the slow twins.
"""
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from credenza.contracts import IntArray

Keys = NDArray[np.uint64]
Bytes = NDArray[np.uint8]

ODD = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31 = np.uint64(27), np.uint64(30), np.uint64(31)
_SWAP_7, _S7 = np.uint64(0x00AA00AA00AA00AA), np.uint64(7)
_SWAP_14, _S14 = np.uint64(0x0000CCCC0000CCCC), np.uint64(14)
_SWAP_28, _S28 = np.uint64(0x00000000F0F0F0F0), np.uint64(28)
_ZERO, _ONE, _TWO, _EIGHT, _S63 = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(8), np.uint64(63)
_LOW_BYTE = np.uint64(255)


@njit(cache=True, nogil=True)
def _mix(x):  # type: ignore[no-untyped-def]
    """Finalise 64 bits as SplitMix64 does: a bijection in which every bit depends on every other."""
    x = (x ^ (x >> _S30)) * _MIX_1
    x = (x ^ (x >> _S27)) * _MIX_2
    return x ^ (x >> _S31)


@njit(cache=True, nogil=True)
def add_words(words: Keys, salt: np.uint64, sums: Keys) -> None:
    """Add the hash of one column's 64-bit words to the sum of every row."""
    for row in range(words.size):
        sums[row] += _mix(words[row] ^ salt)


@njit(cache=True, nogil=True)
def add_bits(bits: Bytes, tables: Keys, sums: Keys) -> None:
    """Add ``tables[g, b]`` to every row's sum, b the byte of the row's bits in columns 8 g .. 8 g + 7.

    ``bits`` has shape (columns, bytes), columns a multiple of 8, rows from the low bit on; ``sums`` is as long as a
    column has bits. An 8 x 8 block of bits is transposed in a register. Cost: 0.2 ns a bit.
    """
    for group in range(tables.shape[0]):
        for i in range(bits.shape[1]):
            x = _ZERO
            for k in range(8):
                x |= np.uint64(bits[8 * group + k, i]) << np.uint64(8 * k)
            t = (x ^ (x >> _S7)) & _SWAP_7
            x ^= t ^ (t << _S7)
            t = (x ^ (x >> _S14)) & _SWAP_14
            x ^= t ^ (t << _S14)
            t = (x ^ (x >> _S28)) & _SWAP_28
            x ^= t ^ (t << _S28)
            for k in range(8):
                sums[8 * i + k] += tables[group, x & _LOW_BYTE]
                x >>= _EIGHT


@njit(cache=True, nogil=True)
def hash_texts(words: Keys, offsets: IntArray, out: Keys) -> None:
    """Hash byte strings: bytes ``offsets[i] .. offsets[i + 1] - 1`` of the little-endian ``words``.

    There must be a word behind the last one that is used. The words of a string are mixed into a state that starts
    from its length.
    """
    for i in range(out.size):
        at, left = np.uint64(offsets[i]), offsets[i + 1] - offsets[i]
        state = np.uint64(left) * ODD
        while left > 0:
            place, shift = at >> np.uint64(3), (at & np.uint64(7)) << np.uint64(3)
            word = (words[place] >> shift) | ((words[place + _ONE] << _ONE) << (_S63 - shift))
            if left < 8:
                word &= (_ONE << np.uint64(8 * left)) - _ONE
            state = _mix(state ^ word) + ODD
            at += _EIGHT
            left -= 8
        out[i] = state


@njit(cache=True, nogil=True)
def tally(table: Keys, keys: Keys, weights: Keys, limit: np.uint64) -> int:
    """Add the weights of the keys up to ``limit`` to an open-addressing table; return how many keys were new.

    The table is slots of a key and its count, one behind the other; the number of slots is a power of two, and there
    must be room. An empty slot has key 0 (a key of 0 counts as 1).
    """
    last = np.uint64(table.size - 2)
    fresh = 0
    for position in range(keys.size):
        key = keys[position]
        if key > limit:
            continue
        if key == _ZERO:
            key = _ONE
        slot = (key << _ONE) & last
        while table[slot] != key:
            if table[slot] == _ZERO:
                table[slot] = key
                fresh += 1
            else:
                slot = (slot + _TWO) & last
        table[slot + _ONE] += weights[position]
    return fresh
