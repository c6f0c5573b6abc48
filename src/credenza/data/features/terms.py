"""Words of texts: tokens, in how many documents each occurs, and the most frequent ones."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from credenza.data.features.stop_words import ENGLISH
from credenza.errors import UsageError

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_QUOTES = str.maketrans({"\u2019": "'", "\u02bc": "'"})


def tokens_of(text: str) -> list[str]:
    """Lower-cased words of a text, in order.

    A word is a run of letters and digits, with single apostrophes inside; everything else separates. Characters are
    put together (NFC), and curly apostrophes made straight, so that two spellings of one word are one.

    Notes
    -----
    Cost: O(length). Left out: stemming, and word boundaries of languages that write none (a run of Chinese characters
    is one word).

    Examples
    --------
    >>> tokens_of("Isn't it SO well-made? It’s.")
    ["isn't", 'it', 'so', 'well', 'made', "it's"]
    """
    return _WORD.findall(unicodedata.normalize("NFC", text).translate(_QUOTES).lower())


def document_frequencies(texts: Iterable[str]) -> tuple[int, Counter[str]]:
    """How many documents there are, and in how many each word occurs.

    Notes
    -----
    Cost: O(length of all texts). Memory: the distinct words, about 100 bytes each.

    Examples
    --------
    >>> document_frequencies(["a b a", "b"])
    (2, Counter({'b': 2, 'a': 1}))
    """
    counts: Counter[str] = Counter()
    documents = 0
    for text in texts:
        counts.update(set(tokens_of(text)))
        documents += 1
    return documents, counts


def frequent_terms(
    documents: int,
    counts: Counter[str],
    *,
    most: int = 1_000,
    min_share: float = 0.01,
    max_share: float = 0.99,
    drop: frozenset[str] = frozenset(),
) -> tuple[str, ...]:
    """The words that occur in most documents, within bounds; ties in alphabetical order.

    Parameters
    ----------
    documents, counts : of :func:`document_frequencies`.
    most : how many words at most; 0 for none.
    min_share, max_share : of the documents, in [0, 1]. A word in nearly all or hardly any of them has no association to
        speak of, and costs tests.
    drop : words left out, such as ``ENGLISH``. Words of one character are always.

    Raises
    ------
    UsageError : a bound out of range, or the lower one above the upper one.

    Examples
    --------
    >>> frequent_terms(4, Counter({"the": 4, "plot": 2, "cast": 2, "rare": 1}), min_share=0.5, max_share=0.9)
    ('cast', 'plot')
    """
    if most < 0:
        raise UsageError(f"the number of terms is {most}; give 0 or more")
    if not 0 <= min_share <= max_share <= 1:
        raise UsageError(
            f"shares of documents are {min_share:g} to {max_share:g}; give a lower and an upper one in [0, 1]"
        )
    low, high = min_share * documents, max_share * documents
    kept = [
        (-count, word)
        for word, count in counts.items()
        if low <= count <= high and len(word) > 1 and word not in drop
    ]
    return tuple(word for _, word in sorted(kept)[:most])


def stop_words_of(option: str) -> frozenset[str]:
    """The words that an option leaves out: "keep" none, "english" the function words of English.

    Raises
    ------
    UsageError : another value.

    Examples
    --------
    >>> "the" in stop_words_of("english"), stop_words_of("keep")
    (True, frozenset())
    """
    known = {"keep": frozenset[str](), "english": ENGLISH}
    if option not in known:
        raise UsageError(f"stop words are {option!r}; give {' or '.join(known)}")
    return known[option]
