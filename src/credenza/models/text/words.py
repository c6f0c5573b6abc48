"""Texts as words and back, and what is asked of texts before a model is fitted on them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from credenza.errors import InputError, UsageError

_TOKEN = re.compile(r"\w+(?:['’\-]\w+)*|[^\w\s]")
_LETTER = re.compile(r"\w")
_CLOSING = frozenset(".,;:!?)]}%…")
_OPENING = frozenset("([{")


def split_words(text: str) -> list[str]:
    """Words and punctuation marks of a text, in order.

    A word is a run of letters, digits and underscores, with single apostrophes or hyphens inside; every other
    character that is not white space is a mark of its own. Case is kept. Cost: O(length).

    Examples
    --------
    >>> split_words("Well-known, isn't it?")
    ['Well-known', ',', "isn't", 'it', '?']
    """
    return _TOKEN.findall(text)


def join_words(words: Iterable[str]) -> str:
    """A text from words and marks: one space between them, none before closing marks or after opening brackets.

    ``split_words(join_words(words)) == words`` for words as :func:`split_words` gives them. White space of an
    original text, line ends included, is lost; so is which side of a quotation mark it was on.

    Examples
    --------
    >>> join_words(["Well-known", ",", "isn't", "it", "(", "now", ")", "?"])
    "Well-known, isn't it (now)?"
    """
    out: list[str] = []
    for word in words:
        if out and word not in _CLOSING and out[-1] not in _OPENING:
            out.append(" ")
        out.append(word)
    return "".join(out)


def words_of(texts: Sequence[str], needed_by: str) -> list[list[str]]:
    """The words of each text, for a model to be fitted on or to judge.

    Parameters
    ----------
    texts : n documents. Single ones may be empty. needed_by : what they are for, such as "an n-gram model".

    Raises
    ------
    UsageError : one string in place of a list of documents.
    InputError : no documents; one that is not text; none with a word in it.

    Examples
    --------
    >>> words_of(["One day.", ""], "an n-gram model")
    [['One', 'day', '.'], []]
    """
    if isinstance(texts, str):
        raise UsageError(f"texts are a list of documents; found one string of {len(texts)} characters")
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"document {row} is of type {type(text).__name__}; documents are text")
    if not len(texts):
        raise InputError(f"no documents; {needed_by} needs one at least")
    if not any(_LETTER.search(text) for text in texts):
        found = "the only document has" if len(texts) == 1 else f"none of the {len(texts)} documents has"
        words = "no word in it" if len(texts) == 1 else "a word in it"
        raise InputError(f"{found} {words}; {needed_by} needs documents with words")
    return [split_words(text) for text in texts]


def vocabulary_of(documents: Iterable[Sequence[str]], min_count: int = 1) -> list[str]:
    """The words that occur ``min_count`` times at least, the most frequent first, ties in alphabetical order.

    Examples
    --------
    >>> vocabulary_of([["b", "a"], ["b", "c"]])
    ['b', 'a', 'c']
    """
    counts = Counter(word for words in documents for word in words)
    kept = [(-count, word) for word, count in counts.items() if count >= min_count]
    return [word for _, word in sorted(kept)]
