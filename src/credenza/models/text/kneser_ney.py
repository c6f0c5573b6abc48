"""Counts of n-grams with interpolated Kneser-Ney smoothing: probabilities and draws, all rows at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from credenza.contracts import FloatArray, IntArray

START, END, FIRST_WORD = 0, 1, 2
FALLBACK_DISCOUNT = 0.75  # where no count is 1, or none is 2


@dataclass(frozen=True)
class Level:
    """The n-grams of one length: a sorted key of each, and how often it counts.

    Attributes
    ----------
    keys : shape (G,), sorted; context number x radix + last word. A context's number is its place among the
        n-grams that are one word shorter (0 where n is 1), so the followers of a context lie side by side.
    counts : shape (G,); 0 for n-grams that end in START, which are contexts only.
    radix : words with START, END and one number for all unknown words.
    contexts : how many contexts there are.
    """

    keys: IntArray
    counts: IntArray
    radix: int
    contexts: int

    @cached_property
    def starts(self) -> IntArray:
        """Where each context's followers begin; shape (contexts + 1,)."""
        return np.searchsorted(self.keys, np.arange(self.contexts + 1) * self.radix)

    @cached_property
    def totals(self) -> IntArray:
        """Sum of the counts of each context's followers; shape (contexts,)."""
        sums = np.concatenate([[0], np.cumsum(self.counts)])
        return np.asarray(np.diff(sums[self.starts]), dtype=np.int64)

    @cached_property
    def discount(self) -> float:
        """What each count loses, ``n1 / (n1 + 2 n2)`` with n_k the n-grams that count k; in (0, 1)."""
        ones, twos = int((self.counts == 1).sum()), int((self.counts == 2).sum())
        return ones / (ones + 2 * twos) if ones and twos else FALLBACK_DISCOUNT

    @cached_property
    def backed_off(self) -> FloatArray:
        """The share of each context's probability that is left to the shorter context; 1 where it has none."""
        sums = np.concatenate([[0], np.cumsum(self.counts > 0)])
        lost = self.discount * np.diff(sums[self.starts])
        return np.asarray(np.where(self.totals > 0, lost / np.maximum(self.totals, 1), 1.0))

    @cached_property
    def reach(self) -> FloatArray:
        """Running sum of the discounted counts, from 0; shape (G + 1,)."""
        return np.concatenate([[0.0], np.cumsum(np.maximum(self.counts - self.discount, 0.0))])

    def find(self, contexts: IntArray, words: IntArray) -> IntArray:
        """The number of each n-gram, -1 where it, or its context (then -1), was never seen."""
        wanted = contexts * self.radix + words
        at = np.searchsorted(self.keys, wanted).clip(max=len(self.keys) - 1)
        return np.where((contexts >= 0) & (self.keys[at] == wanted), at, -1)


@dataclass(frozen=True)
class Counts:
    """The n-grams of all lengths up to the order; see :func:`count`."""

    levels: tuple[Level, ...]
    words: int

    @property
    def order(self) -> int:
        """The length of the longest n-grams."""
        return len(self.levels)

    def begin(self, rows: int) -> IntArray:
        """The contexts at the start of a document, shortest first; shape (rows, order)."""
        out = np.zeros((rows, self.order), dtype=np.int64)
        for length in range(1, self.order):
            start = np.full(rows, START, dtype=np.int64)
            out[:, length] = self.levels[length - 1].find(out[:, length - 1], start)
        return out

    def extend(self, contexts: IntArray, words: IntArray) -> IntArray:
        """The contexts after one word more; shapes (rows, order), (rows,)."""
        out = np.zeros_like(contexts)
        for length in range(1, self.order):
            out[:, length] = self.levels[length - 1].find(contexts[:, length - 1], words)
        return out

    def probabilities(self, contexts: IntArray, words: IntArray) -> FloatArray:
        """P(word | context) of each row; see :class:`~credenza.models.text.ngram.NGram`."""
        out = np.full(len(words), 1.0 / (self.words + 2))  # the words, END, and one more for all others
        for level, context in zip(self.levels, contexts.T, strict=True):
            number = level.find(context, words)
            seen = np.maximum(level.counts[number] - level.discount, 0.0) * (number >= 0)
            own = seen / np.maximum(level.totals[context], 1) + level.backed_off[context] * out
            out = np.where(context >= 0, own, out)
        return out

    def draw(self, contexts: IntArray, rng: np.random.Generator) -> IntArray:
        """A next word for each row: from the longest context, or with its backed-off share from a shorter one."""
        out = rng.integers(END, self.words + FIRST_WORD, size=len(contexts))
        pending = np.ones(len(contexts), dtype=bool)
        for level, context in zip(self.levels[::-1], contexts.T[::-1], strict=True):
            share = rng.random(len(contexts))
            here = pending & (context >= 0) & (share < 1.0 - level.backed_off[context])
            own = context[here]
            target = level.reach[level.starts[own]] + share[here] * level.totals[own]
            at = np.searchsorted(level.reach, target, side="right") - 1
            out[here] = level.keys[at.clip(level.starts[own], level.starts[own + 1] - 1)] % level.radix
            pending &= ~here
        return out


def count(documents: Sequence[IntArray], order: int, words: int) -> Counts:
    """Count the n-grams of documents, each between ``order - 1`` START and one END.

    The longest n-grams count as often as they occur; shorter ones as the number of different words before them
    (Kneser & Ney 1995), save those that begin with START, before which there is only START: as often as they
    occur.

    Parameters
    ----------
    documents : word numbers from FIRST_WORD of each. order : 1 or more. words : how many numbers there are.

    Notes
    -----
    Cost: O(order N log N) for N words, O(order N) memory.

    Examples
    --------
    >>> counts = count([np.array([2, 3]), np.array([2, 2])], order=2, words=2)
    >>> counts.levels[0].counts.tolist(), counts.levels[1].counts.tolist()
    ([0, 2, 2, 1], [2, 1, 1, 1, 1])
    """
    flat, place = padded(documents, order)
    levels: list[Level] = []
    numbers = np.zeros(len(flat), dtype=np.int64)
    for length in range(1, order + 1):
        at = np.flatnonzero(place >= length - 1)
        contexts = numbers[at - 1] if length > 1 else numbers[at]
        keys, first, inverse = np.unique(
            contexts * (words + 3) + flat[at], return_index=True, return_inverse=True
        )
        if levels:
            levels[-1] = _by_continuation(levels[-1], numbers[at[first]], flat, numbers, place, length - 1)
        raw = np.bincount(inverse, weights=flat[at] != START, minlength=len(keys)).astype(np.int64)
        contexts_seen = len(levels[-1].keys) if levels else 1
        levels.append(Level(keys, raw, words + 3, contexts_seen))
        numbers = np.full(len(flat), -1, dtype=np.int64)
        numbers[at] = inverse
    return Counts(tuple(levels), words)


def padded(documents: Sequence[IntArray], order: int) -> tuple[IntArray, IntArray]:
    """All documents in one row, with START and END; and the place of each word in its own document."""
    before, end = np.full(order - 1, START, dtype=np.int64), np.array([END], dtype=np.int64)
    parts = [part for document in documents for part in (before, document, end)]
    place = [np.arange(len(document) + order) for document in documents]
    return np.concatenate(parts).astype(np.int64), np.concatenate(place)


def _by_continuation(
    level: Level, suffixes: IntArray, flat: IntArray, numbers: IntArray, place: IntArray, length: int
) -> Level:
    """The level with counts of different words before, where something but START can be before."""
    before = np.bincount(suffixes, minlength=len(level.keys))
    initial = np.zeros(len(level.keys), dtype=bool)
    at = np.flatnonzero(place >= length - 1)
    initial[numbers[at[flat[at - length + 1] == START]]] = True
    counts: NDArray[np.int64] = np.where(initial | (level.counts == 0), level.counts, before)
    return Level(level.keys, counts, level.radix, level.contexts)
