"""Texts as binary features: which frequent words and chosen phrases occur in them; and how many words they have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from credenza.contracts import IntArray
from credenza.data.features.terms import document_frequencies, frequent_terms, stop_words_of, tokens_of
from credenza.errors import InputError, UsageError


class TextMeasure:
    """Which words and phrases occur in a text, whatever their case.

    Columns: ``words`` (how many), ``word:great`` (whether it occurs) for each term, ``phrase:at all costs`` for each
    phrase: whether its words occur one after another.

    Parameters
    ----------
    terms : words as :func:`credenza.data.features.tokens_of` gives them.
    phrases : one word or more each; punctuation and case do not matter.

    Raises
    ------
    UsageError : a phrase without a word; the same term or phrase twice; neither terms nor phrases.

    Notes
    -----
    Presence is what association is about, not counts: a word pair is moved by putting words into documents or taking
    them out, and one occurrence will do. Cost: O(length) a text and one bit for each term and phrase.

    Examples
    --------
    >>> measure = TextMeasure(["plot", "cast"], ["not at all"])
    >>> [array.to_pylist() for array in measure.arrays([measure.read("row 0", "Plot? Not, at ALL.")])]
    [[4], [True], [False], [True]]
    """

    kind, noun = "text", "text"

    def __init__(self, terms: Sequence[str], phrases: Sequence[str] = ()) -> None:
        self.terms = tuple(terms)
        self.phrases = tuple(" ".join(tokens_of(phrase)) for phrase in phrases)
        if "" in self.phrases:
            raise UsageError(
                f"phrase {phrases[self.phrases.index('')]!r} has no word in it; give one or more"
            )
        for names, what in ((self.terms, "term"), (self.phrases, "phrase")):
            if len(set(names)) < len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise UsageError(f"{what} {twice!r} comes twice; name it once")
        if not self.terms and not self.phrases:
            raise UsageError("neither terms nor phrases; give some of either")
        self._place = {term: number for number, term in enumerate(self.terms)}

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """``words`` as int64, the others as booleans."""
        names = [*(f"word:{term}" for term in self.terms), *(f"phrase:{phrase}" for phrase in self.phrases)]
        return (pa.field("words", pa.int64()), *(pa.field(name, pa.bool_()) for name in names))

    def read(self, label: str, value: Any) -> tuple[int, IntArray]:
        """How many words a text has, and the places of the terms and phrases that occur in it, ascending."""
        if value is None:
            raise InputError(f"text {label!r} is missing; leave such rows out")
        tokens = tokens_of(value)
        found = sorted(self._place.keys() & tokens, key=self._place.__getitem__)
        places = [self._place[term] for term in found]
        if self.phrases:
            joined = f" {' '.join(tokens)} "
            first = len(self.terms)
            places += [first + i for i, phrase in enumerate(self.phrases) if f" {phrase} " in joined]
        return len(tokens), np.array(places, np.int64)

    def arrays(self, measured: Sequence[tuple[int, IntArray]]) -> list[pa.Array]:
        """One boolean column for each term and phrase."""
        present = np.zeros((len(self.terms) + len(self.phrases), len(measured)), bool)
        for row, (_, places) in enumerate(measured):
            present[places, row] = True
        lengths = pa.array([length for length, _ in measured], pa.int64())
        return [lengths, *(pa.array(column) for column in present)]

    def settings(self) -> dict[str, Any]:
        """The terms and phrases."""
        return {"terms": list(self.terms), "phrases": list(self.phrases)}


def fit_text(
    texts: Iterable[str],
    *,
    terms: int = 1_000,
    min_share: float = 0.01,
    max_share: float = 0.99,
    phrases: Sequence[str] = (),
    stop_words: str = "keep",
) -> TextMeasure:
    """Choose the most frequent words of texts, in one pass.

    Parameters
    ----------
    texts : documents that are not missing. terms : how many words at most; 0 for phrases alone.
    min_share, max_share : bounds of a word's share of documents. phrases : looked for whatever their frequency.
    stop_words : "keep" or "english"; see :func:`credenza.data.features.stop_words_of`.

    Raises
    ------
    UsageError : a setting out of range. InputError : no word is within the bounds, and no phrase was given.

    Examples
    --------
    >>> fit_text(["a good plot", "good cast", "a bad plot"], min_share=0.5).terms
    ('good', 'plot')
    """
    drop = stop_words_of(stop_words)
    frequent_terms(1, document_frequencies(())[1], most=terms, min_share=min_share, max_share=max_share)
    documents, counts = document_frequencies(texts)
    chosen = frequent_terms(
        documents, counts, most=terms, min_share=min_share, max_share=max_share, drop=drop
    )
    if not chosen and not phrases:
        raise InputError(
            f"no word occurs in {min_share:.4g} to {max_share:.4g} of the {documents:,} texts; "
            "widen the bounds, or give phrases"
        )
    return TextMeasure(chosen, phrases)
