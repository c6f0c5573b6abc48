"""Seeds that depend on what they are for."""

from __future__ import annotations

import hashlib


def derived(*parts: object) -> int:
    """A seed of 31 bits that depends on all the parts and on nothing else.

    >>> derived(0, "split", 1) == derived(0, "split", 1) != derived(0, "split", 2)
    True
    """
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 33
