"""Merkle trees over the chunks of a table (RFC 6962, section 2.1): one hash for all rows, which says which changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Hash of a leaf: SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Root of the tree over leaf hashes, in order; SHA-256 of nothing without leaves.

    A tree of n > 1 leaves splits at the largest power of two below n. Here level by level: neighbours are joined, one
    that is left over goes up as it is, which makes the same tree. Cost: n - 1 hashes of 65 bytes.

    Examples
    --------
    >>> root_of([leaf_hash(b"")]).hex()[:8]
    '6e340b9c'
    """
    level = list(leaves)
    if not level:
        return EMPTY
    while len(level) > 1:
        joined = [node_hash(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
        level = joined + level[len(level) & ~1 :]
    return level[0]


def proof_of(leaves: Sequence[bytes], place: int) -> tuple[bytes, ...]:
    """The hashes, from the leaf upwards, that lead from one leaf to the root (audit path, RFC 6962 section 2.1.1).

    With it, who has one chunk of rows and the signed root can check the chunk without the others.

    Examples
    --------
    >>> leaves = [leaf_hash(bytes([i])) for i in range(5)]
    >>> proves(leaves[3], 3, 5, proof_of(leaves, 3), root_of(leaves))
    True
    """
    if len(leaves) < 2:
        return ()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if place < half:
        return (*proof_of(leaves[:half], place), root_of(leaves[half:]))
    return (*proof_of(leaves[half:], place - half), root_of(leaves[:half]))


def proves(leaf: bytes, place: int, count: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether a proof leads from leaf number ``place`` of ``count`` to the root."""
    return 0 <= place < count and _climb(leaf, place, count, list(proof)) == root


def _climb(leaf: bytes, place: int, count: int, proof: list[bytes]) -> bytes | None:
    """The root that a proof leads to; None where its length is wrong. Uses up ``proof`` from its end."""
    if count == 1:
        return None if proof else leaf
    if not proof:
        return None
    other, half = proof.pop(), 1 << (count - 1).bit_length() - 1
    below = (
        _climb(leaf, place, half, proof) if place < half else _climb(leaf, place - half, count - half, proof)
    )
    if below is None:
        return None
    return node_hash(below, other) if place < half else node_hash(other, below)


def differing(before: Sequence[bytes], after: Sequence[bytes]) -> list[tuple[int, int]]:
    """Runs of leaves that differ, as (first, one past the last); what only one side has counts as differing.

    Examples
    --------
    >>> a, b, c = (leaf_hash(x) for x in (b"a", b"b", b"c"))
    >>> differing([a, b, c, a], [a, c, c])
    [(1, 2), (3, 4)]
    """
    runs: list[tuple[int, int]] = []
    for place in range(max(len(before), len(after))):
        if before[place : place + 1] == after[place : place + 1]:
            continue
        if runs and runs[-1][1] == place:
            runs[-1] = (runs[-1][0], place + 1)
        else:
            runs.append((place, place + 1))
    return runs
