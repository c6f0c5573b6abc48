"""Documents as word numbers, cut to what a network sees at once, and batches of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from credenza.contracts import FloatArray, IntArray

START, END, UNKNOWN, FIRST_WORD = 0, 1, 2, 3
POOL = 8  # batches that are filled by length together


@dataclass(frozen=True)
class Piece:
    """What the network is shown of a document, and what should come next; two arrays of one length."""

    document: int
    shown: IntArray
    wanted: IntArray


def pieces_of(documents: Sequence[Sequence[str]], number: Mapping[str, int], context: int) -> list[Piece]:
    """Documents between START and END, cut into pieces of ``context`` words where they are longer.

    Nothing is carried over a cut but the word before it.

    Examples
    --------
    >>> [piece.wanted.tolist() for piece in pieces_of([["a", "b", "?"]], {"a": 3, "b": 4}, context=3)]
    [[3, 4, 2], [1]]
    """
    out = []
    for row, words in enumerate(documents):
        numbers = np.array([START, *(number.get(word, UNKNOWN) for word in words), END], dtype=np.int64)
        out += [
            Piece(row, numbers[begin : begin + context + 1][:-1], numbers[begin + 1 : begin + context + 1])
            for begin in range(0, len(numbers) - 1, context)
        ]
    return out


def epoch(pieces: Sequence[Piece], batch: int, rng: np.random.Generator) -> list[IntArray]:
    """All pieces in batches, shuffled; those of a batch are of nearly one length, so that little is padded."""
    order = rng.permutation(len(pieces))
    sizes = np.array([len(piece.shown) for piece in pieces])
    out: list[IntArray] = []
    for begin in range(0, len(order), POOL * batch):
        pool = order[begin : begin + POOL * batch]
        pool = pool[np.argsort(sizes[pool], kind="stable")]
        out += [pool[at : at + batch] for at in range(0, len(pool), batch)]
    return [out[place] for place in rng.permutation(len(out))]


def stacked(pieces: Sequence[Piece]) -> tuple[IntArray, IntArray, FloatArray]:
    """Pieces of a batch as (rows, longest): shown, wanted, and 1 where there is something, 0 behind the end."""
    longest = max(len(piece.shown) for piece in pieces)
    shown = np.full((len(pieces), longest), END, dtype=np.int64)
    wanted, real = shown.copy(), np.zeros(shown.shape)
    for row, piece in enumerate(pieces):
        size = len(piece.shown)
        shown[row, :size], wanted[row, :size], real[row, :size] = piece.shown, piece.wanted, 1.0
    return shown, wanted, real
