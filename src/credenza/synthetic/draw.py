"""Draws without repeats from spaces that are too large to list: numbers below any size, tuples with weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from credenza.contracts import FloatArray, IntArray

_WORD = 1 << 63
_CANDIDATES = 1 << 22  # scores that are held at once


def distinct_numbers(size: int, k: int, rng: np.random.Generator) -> list[int]:
    """Draw ``k`` different numbers of 0 .. size - 1, every ordered choice equally likely.

    Parameters
    ----------
    size : any whole number, also beyond 64 bits. k : 0 .. size.

    Notes
    -----
    Cost: O(k) time and memory, whatever the size. Source: Bentley & Floyd 1987, "A sample of brilliance", algorithm
    F2, then a shuffle.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> sorted(distinct_numbers(4, 4, rng))
    [0, 1, 2, 3]
    >>> len(set(distinct_numbers(10**30, 1_000, rng)))
    1000
    """
    chosen: dict[int, None] = {}
    for top in range(size - k, size):
        number = _below(top + 1, rng)
        chosen[top if number in chosen else number] = None
    numbers = list(chosen)
    return [numbers[place] for place in rng.permutation(k)]


def _below(size: int, rng: np.random.Generator) -> int:
    if size < _WORD:
        return int(rng.integers(size))
    bits = (size - 1).bit_length()
    while True:
        number = int.from_bytes(rng.bytes((bits + 7) // 8), "little") & ((1 << bits) - 1)
        if number < size:
            return number


def distinct_tuples(weights: Sequence[FloatArray], k: int, rng: np.random.Generator) -> IntArray:
    """Draw ``k`` different tuples one after another, each in proportion to the product of its places' weights.

    What has been drawn is out, and the rest keep their proportions (successive sampling). Each tuple has the score
    log p + Gumbel noise, and the k highest are the draw, highest first. The noise of tuples that begin alike is found
    from the top: the highest score under a prefix is its own log p plus noise, and those of its continuations are
    noise of their own given that their highest is that. So k prefixes a place are enough and nothing is listed.

    Parameters
    ----------
    weights : for each place, the weights above 0 of its values. k : at most the product of their numbers.

    Returns
    -------
    (k, places) numbers of values.

    Notes
    -----
    Cost: O(k values) time for each place; ``_CANDIDATES`` scores in memory. Exact but for rounding of the scores.
    Source: Kool, van Hoof & Welling 2019, "Stochastic beams and where to find them", algorithm 1 and appendix B.3
    (the stable form).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> draw = distinct_tuples([np.array([1.0, 9.0]), np.ones(3)], 6, rng)
    >>> len({tuple(row) for row in draw.tolist()})
    6
    >>> first = [int(distinct_tuples([np.array([1.0, 9.0])], 1, rng)[0, 0]) for _ in range(1_000)]
    >>> bool(0.85 < np.mean(first) < 0.95)
    True
    """
    prefixes = np.zeros((1, 0), np.int64)
    logs, scores = np.zeros(1), np.zeros(1)
    for place in weights:
        logs, scores, parents, values = _grown(logs, scores, np.log(place / place.sum()), k, rng)
        prefixes = np.column_stack([prefixes[parents], values])
    order = np.argsort(-scores, kind="stable")
    return prefixes[order]


def _grown(
    logs: FloatArray, scores: FloatArray, place: FloatArray, k: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, IntArray, IntArray]:
    """The k best continuations of all prefixes by one place: log p, score, prefix, value."""
    step = max(1, _CANDIDATES // len(place))
    best: tuple[FloatArray, FloatArray, IntArray, IntArray] | None = None
    for start in range(0, len(logs), step):
        rows = np.arange(start, min(start + step, len(logs)))
        longer = logs[rows, None] + place
        noisy = longer + rng.gumbel(size=longer.shape)
        given = _bounded(noisy, scores[rows, None])
        parents, values = np.broadcast_arrays(rows[:, None], np.arange(len(place)))
        found = (longer.ravel(), given.ravel(), parents.ravel(), values.ravel())
        if best is not None:
            found = tuple(np.concatenate(both) for both in zip(best, found, strict=True))  # type: ignore[assignment]
        keep = slice(None) if len(found[0]) <= k else np.argpartition(-found[1], k - 1)[:k]
        best = (found[0][keep], found[1][keep], found[2][keep], found[3][keep])
    assert best is not None
    return best


def _bounded(noisy: FloatArray, highest: FloatArray) -> FloatArray:
    """Gumbel scores of one prefix's continuations, given that the highest of them is ``highest``."""
    gap = noisy - noisy.max(axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        v = highest - noisy + np.log(-np.expm1(gap))
    return np.asarray(highest - np.maximum(v, 0.0) - np.log1p(np.exp(-np.abs(v))))


def shared_out(weights: Sequence[float], sizes: Sequence[int], total: int) -> list[int]:
    """Share ``total`` out in proportion to ``weights``, by largest remainders, never above ``sizes``.

    What one cannot take goes to the others in their proportions. ``total`` is at most the sum of the sizes.

    Examples
    --------
    >>> shared_out([1, 1, 2], [100, 100, 100], 10)
    [3, 2, 5]
    >>> shared_out([1, 1, 2], [100, 100, 3], 10)
    [4, 3, 3]
    """
    counts = [0] * len(weights)
    open_ = list(range(len(weights)))
    left = total
    while True:
        whole = sum(weights[place] for place in open_)
        ideal = {place: left * weights[place] / whole for place in open_}
        full = [place for place in open_ if ideal[place] >= sizes[place]]
        if not full:
            break
        for place in full:
            counts[place] = sizes[place]
            left -= sizes[place]
        open_ = [place for place in open_ if place not in full]
        if not open_ or not left:
            return counts
    for place in open_:
        counts[place] = int(ideal[place])
    rest = left - sum(counts[place] for place in open_)
    by_remainder = sorted(open_, key=lambda place: (int(ideal[place]) - ideal[place], place))
    for place in by_remainder[:rest]:
        counts[place] += 1
    return counts
