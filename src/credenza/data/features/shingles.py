"""Texts as sets of runs of words, and short signatures from which the overlap of two sets is read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from credenza.contracts import FloatArray, IntArray
from credenza.data.features.near import NearPairs, near_pairs
from credenza.data.features.terms import tokens_of
from credenza.errors import UsageError

Signatures = NDArray[np.uint32]
PERMUTATIONS = 128
BAND = 4  # permutations that have to agree for two texts to be compared
NOTHING = np.uint32(2**32 - 1)  # in all places of a text without words
_BASE = np.uint64(0x9E3779B97F4A7C15)
_AT_ONCE = 4_096


def shingles_of(tokens: Sequence[str], words: int = 5) -> NDArray[np.uint64]:
    """The distinct runs of k words of a text, each as a 64-bit number; a shorter text is one run.

    Two different runs have the same number by chance once in 2^64.

    Examples
    --------
    >>> len(shingles_of("to be or not to be or not to be".split(), 3))
    4
    """
    if not tokens:
        return np.empty(0, np.uint64)
    width = min(words, len(tokens))
    known = {token: _number(token) for token in set(tokens)}
    numbers = np.array([known[token] for token in tokens], np.uint64)
    runs = np.zeros(len(tokens) - width + 1, np.uint64)
    for offset in range(width):
        runs = runs * _BASE + numbers[offset : offset + len(runs)]
    return np.unique(_mixed(runs))


def minhash(
    texts: Iterable[str], *, words: int = 5, permutations: int = PERMUTATIONS, seed: int = 0
) -> Signatures:
    """Signatures of texts: in how many places two of them agree estimates how much the texts overlap.

    The overlap of two texts is the Jaccard index J of their sets of shingles. Each place of a signature is the least
    value of the set under a random function, which is the same for two sets with probability J. So the share of places
    that agree is J on average, with standard error sqrt(J (1 - J) / permutations).

    Parameters
    ----------
    texts : n documents, none missing; see :func:`credenza.data.features.tokens_of` for what a word is.
    words : k, words of a shingle, 1 or more. permutations : a multiple of 4. seed : of the random functions; signatures
        compare only if it and the other settings are the same.

    Returns
    -------
    uint32 of shape (n, permutations); 2^32 - 1 everywhere for a text without words.

    Raises
    ------
    UsageError : ``words`` below 1, or ``permutations`` that are no multiple of 4.

    Notes
    -----
    The functions are x -> a x + b mod 2^64, a odd, of which the upper 32 bits are compared; they are applied to mixed
    64-bit hashes of the shingles. Cost: O(length + permutations x shingles), about 2 ms for 700 words; 512 bytes a
    text. Source: Broder, "On the resemblance and containment of documents" (1997).

    Examples
    --------
    >>> same, other = "the plot was thin but the cast was very good indeed", "nothing of the kind"
    >>> signatures = minhash([same, same.upper(), other])
    >>> np.mean(signatures[0] == signatures[1:], axis=1).tolist()
    [1.0, 0.0]
    """
    if words < 1:
        raise UsageError(f"a shingle has {words} words; give 1 or more")
    if permutations < BAND or permutations % BAND:
        raise UsageError(f"permutations are {permutations}; give a multiple of {BAND}")
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, 2**63, permutations, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    offsets = rng.integers(0, 2**64, permutations, dtype=np.uint64)
    rows = [_least(shingles_of(tokens_of(text), words), factors, offsets) for text in texts]
    return np.stack(rows) if rows else np.empty((0, permutations), np.uint32)


def near_texts(signatures: Signatures, similarity: float = 0.7) -> NearPairs:
    """Pairs of texts whose signatures agree in enough places.

    Parameters
    ----------
    signatures : of :func:`minhash`, shape (n, permutations). similarity : share of places, in (0, 1].

    Returns
    -------
    NearPairs
        Texts without words are in no pair. Rows with the same signature are paired with the first of them only.

    Raises
    ------
    UsageError : a similarity out of range, or signatures of another type or shape.

    Notes
    -----
    Compared are rows that agree in one band of 4 places at least, which two texts that overlap by J do with probability
    1 - (1 - J^4)^(permutations / 4): for 128 permutations 0.9998 at J = 0.7, 0.87 at 0.5 and 0.23 at 0.3, so that low
    similarities are found in part. Cost: O(permutations / 4 n log n) and the pairs that share a band.

    Examples
    --------
    >>> text = "it was a dark and stormy night and the rain fell in torrents except at times"
    >>> found = near_texts(minhash([text, "another text altogether", text + " yes"]))
    >>> found.first.tolist(), found.second.tolist()
    ([0], [2])
    """
    if not 0 < similarity <= 1:
        raise UsageError(f"similarity is {similarity:g}; give a share above 0, up to 1")
    if signatures.dtype != np.uint32 or signatures.ndim != 2 or signatures.shape[1] % BAND:
        raise UsageError(
            f"signatures are {signatures.dtype} of shape {signatures.shape}; give those of minhash, uint32 of "
            f"(n, a multiple of {BAND})"
        )
    rows = np.flatnonzero((signatures != NOTHING).any(axis=1))
    held = np.ascontiguousarray(signatures[rows])

    def close(i: IntArray, j: IntArray) -> FloatArray:
        shares = [np.mean(held[i[k : k + _AT_ONCE]] == held[j[k : k + _AT_ONCE]], axis=1)
                  for k in range(0, len(i), _AT_ONCE)]  # fmt: skip
        return np.concatenate([np.empty(0), *shares])

    places = held.reshape(len(held), signatures.shape[1] // BAND, BAND).astype(np.uint64)
    bands = np.zeros(places.shape[:2], np.uint64)
    for place in range(BAND):
        bands = _mixed(bands * _BASE + places[:, :, place])
    found = near_pairs(held, bands, close, similarity)
    return NearPairs(rows[found.first], rows[found.second], found.similarity)


@lru_cache(maxsize=1 << 16)
def _number(token: str) -> int:
    return int.from_bytes(hashlib.blake2b(token.encode(), digest_size=8).digest(), "big")


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A one-to-one scrambling of 64 bits (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _least(
    shingles: NDArray[np.uint64], factors: NDArray[np.uint64], offsets: NDArray[np.uint64]
) -> Signatures:
    least = np.full(len(factors), NOTHING)
    for start in range(0, len(shingles), _AT_ONCE):
        block = shingles[start : start + _AT_ONCE, None] * factors + offsets
        least = np.minimum(least, (block.min(axis=0) >> np.uint64(32)).astype(np.uint32))
    return least
