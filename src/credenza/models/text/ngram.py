"""Documents from a word n-gram model; how surprising documents are to it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from credenza.contracts import FloatArray, IntArray
from credenza.errors import UsageError
from credenza.models.base import Generator, Tensors, require_seed
from credenza.models.text.kneser_ney import END, FIRST_WORD, Counts, Level, count, padded
from credenza.models.text.words import join_words, vocabulary_of, words_of

LONGEST_ORDER = 12
NEEDED_BY = "an n-gram model"


class NGram(Generator[list[str]]):
    """A word n-gram model of documents, with interpolated Kneser-Ney smoothing.

    With h the last ``order - 1`` words, h' the same less its first, c the counts of the level and N1+ the number of
    different words seen after h,

        P(w | h) = max(c(h w) - D, 0) / c(h) + D N1+(h .) / c(h) P(w | h'),    D = n1 / (n1 + 2 n2),

    down to 1 / (words + 2) for each word, the end of a document and anything unknown. The longest n-grams count as
    often as they occur, shorter ones by the number of different words before them.

    Parameters
    ----------
    order : words in an n-gram, in 1 to 12; an association can be learnt between words that are fewer than ``order``
        words apart, and no further.
    max_words : no document that is sampled gets longer; None takes the longest that the model was fitted on.

    Raises
    ------
    UsageError : a number out of range.

    Notes
    -----
    Cost of a fit: O(order N log N) for N words, with numpy and without torch; ``seed`` and ``folder`` of :meth:`fit`
    have no part in it. Words and marks as in :func:`credenza.models.text.words.split_words`.
    Source: Kneser & Ney 1995; Chen & Goodman 1999, "An empirical study of smoothing techniques for language modeling",
    section 3.7 (interpolated form). Left out: their three discounts a level, which gain a few percent of perplexity.

    Examples
    --------
    >>> texts = ["the cat sat.", "the dog sat.", "the cat ran."] * 3
    >>> model = NGram(order=2).fit(texts, seed=0)
    >>> sorted(set(model.sample(50, seed=1)) & {"the dog ran.", "the dog sat."})
    ['the dog sat.']
    >>> bool(model.perplexity(["the dog sat."])[0] < model.perplexity(["sat the dog."])[0])
    True
    """

    kind: ClassVar[str] = "ngram"

    def __init__(self, *, order: int = 5, max_words: int | None = None) -> None:
        _require_between("order", order, 1, LONGEST_ORDER)
        if max_words is not None:
            _require_between("max_words", max_words, 1, None)
        self.order = order
        self.max_words = max_words
        self._counts: Counts | None = None
        self._words: list[str] = []
        self._longest = 0

    @property
    def fitted(self) -> bool:
        """Whether the n-grams have been counted."""
        return self._counts is not None

    def fit(self, data: list[str], *, seed: int = 0, folder: str | os.PathLike[str] | None = None) -> Self:
        """Count the n-grams of documents; see :meth:`credenza.models.base.Generator.fit`.

        Raises
        ------
        UsageError : one string in place of a list. InputError : no documents, or none with a word in it.
        """
        require_seed(seed)
        documents = words_of(data, NEEDED_BY)
        self._words = vocabulary_of(documents)
        self._longest = max(map(len, documents))
        self._counts = count(self._numbered(documents), self.order, len(self._words))
        return self

    def sample(self, n: int, *, seed: int) -> list[str]:
        """Draw ``n`` documents word by word; see :meth:`credenza.models.base.Generator.sample`.

        A document that has not ended after ``max_words`` words ends there. Cost: O(order log N) a word.
        """
        self._ready(n, seed)
        counts, rng = self._whole(), np.random.default_rng(seed)
        limit = self._longest if self.max_words is None else self.max_words
        out = np.full((n, limit), END, dtype=np.int64)
        rows, contexts = np.arange(n), counts.begin(n)
        for place in range(limit):
            words = counts.draw(contexts, rng)
            going = words != END
            rows, contexts = rows[going], counts.extend(contexts[going], words[going])
            out[rows, place] = words[going]
            if not len(rows):
                break
        return [self._text(row) for row in out]

    def log_likelihood(self, texts: Sequence[str]) -> tuple[FloatArray, IntArray]:
        """The natural logarithm of each document's probability, and of how many words and marks that is the sum.

        Returns
        -------
        (n,) sums, each below 0, and (n,) counts, in which the end of a document is one.

        Raises
        ------
        UsageError : before :meth:`fit`; one string in place of a list. InputError : as :meth:`fit`.
        """
        if not self.fitted:
            raise UsageError("this ngram model cannot judge texts before it is fitted; call fit first")
        counts, documents = self._whole(), self._numbered(words_of(texts, NEEDED_BY))
        flat, place = padded(documents, self.order)
        contexts = _contexts(counts, flat, place)
        judged = place >= self.order - 1
        logs = np.log(counts.probabilities(contexts[judged], flat[judged]))
        sizes = np.array([len(document) + 1 for document in documents])
        return np.add.reduceat(logs, np.cumsum(sizes) - sizes), sizes

    def perplexity(self, texts: Sequence[str]) -> FloatArray:
        """How surprising each document is: exp(-log-likelihood / words), the end counted as a word.

        Returns
        -------
        (n,), each above 1: as if every word had been one of so many equally likely ones. High is suspicious.
        The perplexity of a corpus is ``exp(-sum(log-likelihoods) / sum(words))``; see :meth:`log_likelihood`.

        Raises
        ------
        As :meth:`log_likelihood`.
        """
        logs, sizes = self.log_likelihood(texts)
        return np.asarray(np.exp(-logs / sizes))

    def _whole(self) -> Counts:
        assert self._counts is not None
        return self._counts

    def _numbered(self, documents: Sequence[Sequence[str]]) -> list[IntArray]:
        """The numbers of words; those that are unknown get one number beyond."""
        number = {word: place for place, word in enumerate(self._words, FIRST_WORD)}
        unknown = FIRST_WORD + len(self._words)
        return [
            np.array([number.get(word, unknown) for word in words], dtype=np.int64) for words in documents
        ]

    def _text(self, row: IntArray) -> str:
        return join_words(self._words[number - FIRST_WORD] for number in row if number != END)

    def _contents(self) -> tuple[dict[str, Any], Tensors]:
        settings = {"order": self.order, "max_words": self.max_words, "longest": self._longest}
        tensors: Tensors = {}
        for length, level in enumerate(self._whole().levels, 1):
            tensors |= {f"keys.{length}": level.keys, f"counts.{length}": level.counts}
        return {**settings, "words": self._words}, tensors

    @classmethod
    def _of_contents(cls, settings: Mapping[str, Any], tensors: Tensors) -> Self:
        model = cls(order=settings["order"], max_words=settings["max_words"])
        model._words, model._longest = list(settings["words"]), settings["longest"]
        levels: list[Level] = []
        for length in range(1, model.order + 1):
            contexts = len(levels[-1].keys) if levels else 1
            keys, found = tensors[f"keys.{length}"], tensors[f"counts.{length}"]
            levels.append(Level(keys, found, len(model._words) + FIRST_WORD + 1, contexts))
        model._counts = Counts(tuple(levels), len(model._words))
        return model


def _contexts(counts: Counts, flat: IntArray, place: IntArray) -> IntArray:
    """The contexts before each word, shortest first; shape (words, order)."""
    out = np.zeros((len(flat), counts.order), dtype=np.int64)
    for length in range(1, counts.order):
        ended = counts.levels[length - 1].find(out[:, length - 1], flat)
        out[1:, length] = ended[:-1]
        out[place < length, length] = -1
    return out


def _require_between(name: str, value: object, least: int, most: int | None) -> None:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | np.integer)
        or value < least
        or value > (most or value)
    ):
        bounds = f"{least} or more" if most is None else f"{least} to {most}"
        raise UsageError(f"{name} is a whole number, {bounds}; found {value!r}")
