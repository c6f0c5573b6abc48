"""Rows that are nearly the same, in the same figures whatever stands for them: embeddings, hashes or signatures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from credenza.checks.samples.contents import Fingerprints
from credenza.checks.samples.near import SHOWN, NearPairs, drawn_rows
from credenza.contracts import FloatArray, IntArray
from credenza.data import Duplicates
from credenza.data.features import NearPairs as FoundPairs
from credenza.data.features import near_hashes, near_texts
from credenza.data.features.hashes import BITS
from credenza.data.features.shingles import BAND

MOST_PAIRS = 2_000_000  # that are looked up; where there are more, fewer rows are compared
COMPARED = 50_000_000  # hashes that are compared one by one to tell how many pairs there will be
SIGNATURES = 2_000_000  # the same of signatures
WIDE_OVERLAP = 0.4  # of texts whose pairs bound those of chance


@dataclass(frozen=True)
class Alike:
    """Which rows are nearly the same as others.

    Attributes
    ----------
    rows : int64 (r,), the rows that were compared, ascending.
    neighbours : int64 (r,), how many others of these are nearly the same.
    scores : float64 (r,), how close the closest of these is: 1 where it is the same, 0 where there is none.
    pairs : of rows that are nearly the same. copies : of these, pairs of which nothing tells one from the other.
    chance : pairs that rows drawn independently would give at most, about.
    reach : how far apart rows are that are nearly the same, in the units of what was compared.
    examples : a few of the closest pairs, as rows.
    """

    rows: IntArray
    neighbours: IntArray
    scores: FloatArray
    pairs: int
    copies: int
    chance: float
    reach: float
    examples: tuple[tuple[int, int], ...]

    @classmethod
    def of_embeddings(cls, near: NearPairs) -> Alike:
        """What a search among embeddings found."""
        return cls(
            near.rows,
            near.neighbours,
            near.scores,
            near.pairs,
            near.copies,
            near.chance,
            near.radius,
            near.examples,
        )

    @property
    def duplicates(self) -> Duplicates:
        """In the words of exact copies; a third of all rows with two neighbours stand for a triple."""
        n = self.neighbours
        alone, triples = int((n == 0).sum()), int((n * (n - 1) // 2).sum() // 3)
        return Duplicates(len(self.rows), alone, self.pairs, int(n.max(initial=0)) + 1, triples)


def alike_images(prints: Fingerprints, bits: int, *, seed: int = 0) -> Alike:
    """Find images whose perceptual hashes differ in few bits.

    Parameters
    ----------
    prints : of images. bits : that may differ, d. seed : of the rows that are compared, where not all are.

    Returns
    -------
    Alike : chance is bounded by the pairs that differ in d + 1 to 2 d + 2 bits, as pairs of different images grow
        more frequent with the bits that they differ in, up to half of all.

    Notes
    -----
    So many rows are compared that about 2,000,000 pairs are found at most; a sample of the pairs, 50 million, tells
    how many there will be. Cost: that, and :func:`credenza.data.features.near_hashes`.

    Examples
    --------
    >>> prints = Fingerprints(np.arange(3), np.array([0b1111, 0b0111, 2**40 - 1], np.uint64), 3, 0)
    >>> found = alike_images(prints, 4)
    >>> found.pairs, found.neighbours.tolist(), found.scores.round(1).tolist(), found.examples
    (1, [1, 1, 0], [0.8, 0.8, 0.0], ((0, 1),))
    """
    distances, share = _distances(np.unique(prints.values), seed)
    near, wide = distances[: bits + 1].sum(), distances[bits + 1 : 2 * bits + 3].sum()
    kept = _thinned(prints, near / share, seed)
    thinner = (len(kept.rows) / max(len(prints.rows), 1)) ** 2
    chance = float((wide + 2.0 * np.sqrt(wide) + 2.0) / share * thinner)
    return _alike(kept, near_hashes(kept.values, bits), 1.0 - (bits + 1) / BITS, chance, float(bits))


def alike_texts(prints: Fingerprints, overlap: float, *, seed: int = 0) -> Alike:
    """Find texts of which a large part of the runs of words is the same.

    Parameters
    ----------
    prints : of texts. overlap : estimated Jaccard index that makes two texts nearly the same, above 0.4.
    seed : of the rows that are compared, where not all are.

    Returns
    -------
    Alike : chance is bounded by the pairs that overlap by 0.4 or more, and less than that.

    Notes
    -----
    So many rows are compared that about 2,000,000 pairs overlap by 0.4. Cost: see
    :func:`credenza.data.features.near_texts`, which finds 56% or more of these and all that overlap by 0.7.

    Examples
    --------
    >>> from credenza.data.features import minhash
    >>> text = "it was a dark and stormy night and the rain fell in torrents except at times"
    >>> prints = Fingerprints(np.arange(3), minhash([text, "another text altogether", text + " yes"]), 3, 0)
    >>> found = alike_texts(prints, 0.7)
    >>> found.pairs, found.neighbours.tolist(), found.examples
    (1, [1, 0, 1], ((0, 2),))
    """
    kept = _thinned(prints, _overlapping(prints.values, seed), seed)
    found = near_texts(kept.values, WIDE_OVERLAP)
    near = found.similarity >= overlap
    wide = float((~near).sum())
    bands = prints.values.shape[1] // BAND
    least = 1.0 - (1.0 - WIDE_OVERLAP**BAND) ** bands  # of these pairs at least such a share is found
    chance = float((wide + 2.0 * np.sqrt(wide) + 2.0) / least)
    close = FoundPairs(found.first[near], found.second[near], found.similarity[near])
    return _alike(kept, close, overlap - 1.0 / prints.values.shape[1], chance, overlap)


def _thinned(prints: Fingerprints, pairs: float, seed: int) -> Fingerprints:
    """So many of the rows that at most about ``MOST_PAIRS`` of so many pairs are left."""
    n = len(prints.rows)
    if pairs <= MOST_PAIRS:
        return prints
    return prints.part(drawn_rows(n, max(2, int(n * np.sqrt(MOST_PAIRS / pairs))), seed))


def _distances(hashes: NDArray[np.uint64], seed: int) -> tuple[IntArray, float]:
    """(pairs by the bits that they differ in, the share of all pairs that was counted)."""
    n = len(hashes)
    some = drawn_rows(n, max(1, COMPARED // max(n, 1)), seed)
    counts = np.zeros(BITS + 1, np.int64)
    for row in some:
        counts += np.bincount(np.bitwise_count(hashes ^ hashes[row]), minlength=BITS + 1)
    counts[0] -= len(some)  # each with itself
    return counts, max(2.0 * len(some) / max(n, 1), 1e-12)


def _overlapping(signatures: NDArray[np.uint32], seed: int) -> float:
    """Pairs of different texts that overlap by ``WIDE_OVERLAP``, about."""
    n = len(signatures)
    some = drawn_rows(n, max(1, SIGNATURES // max(n, 1)), seed)
    shares = [np.mean(signatures == signatures[row], axis=1) for row in some]
    counted = sum(int(((share >= WIDE_OVERLAP) & (share < 1.0)).sum()) for share in shares)
    return counted * n / (2.0 * max(len(some), 1))


def _alike(kept: Fingerprints, found: FoundPairs, floor: float, chance: float, reach: float) -> Alike:
    """Add up pairs, of which those of the same fingerprint lead to the first row that has it."""
    n = len(kept.rows)
    same = found.similarity == 1.0
    head = np.arange(n)
    head[found.second[same]] = found.first[same]
    copies = np.bincount(head, minlength=n)
    i, j, similarity = found.first[~same], found.second[~same], found.similarity[~same]
    neighbours, closest = copies - 1, np.where(copies > 1, 1.0, floor)
    np.add.at(neighbours, i, copies[j])
    np.add.at(neighbours, j, copies[i])
    np.maximum.at(closest, i, similarity)
    np.maximum.at(closest, j, similarity)
    scores = (closest[head] - floor) / (1.0 - floor)
    own = int((copies * (copies - 1) // 2).sum())
    order = np.argsort(-found.similarity, kind="stable")[:SHOWN]
    examples = tuple((int(kept.rows[found.first[k]]), int(kept.rows[found.second[k]])) for k in order)
    pairs = own + int((copies[i] * copies[j]).sum())
    return Alike(kept.rows, neighbours[head], scores, pairs, own, chance, reach, examples)
