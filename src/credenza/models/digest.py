"""What a fit depends on, as one short text: the same only for the same data and settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa


def digest_of(*parts: Any) -> str:
    """SHA-256 of arrays, Arrow tables, lists of strings and JSON-able settings, in hexadecimal.

    Parameters
    ----------
    parts : in an order that matters. Mappings count the same in any order of their keys, tables in any cut into chunks.

    Examples
    --------
    >>> digest_of({"a": 1, "b": 2}, 7) == digest_of({"b": 2, "a": 1}, 7)
    True
    >>> digest_of(["ab", "c"]) == digest_of(["a", "bc"])
    False
    """
    state = hashlib.sha256()
    for part in parts:
        for piece in _pieces(part):
            state.update(len(piece).to_bytes(8, "little"))
            state.update(piece)
    return state.hexdigest()


def _pieces(part: Any) -> list[bytes | memoryview]:
    """Bytes that say what ``part`` is and holds."""
    if isinstance(part, np.ndarray):
        whole = np.ascontiguousarray(part)
        return [f"array {part.dtype.str} {part.shape}".encode(), whole.reshape(-1).view(np.uint8).data]
    if isinstance(part, pa.Table):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, part.schema) as writer:
            writer.write_table(part.combine_chunks())
        return [b"table", memoryview(sink.getvalue())]
    if isinstance(part, Mapping):
        return [b"mapping", json.dumps(part, sort_keys=True, default=str).encode()]
    if isinstance(part, list | tuple) and all(isinstance(item, str) for item in part):
        return [b"texts", *(item.encode("utf-8", "surrogatepass") for item in part), b"end"]
    return [type(part).__name__.encode(), json.dumps(part).encode()]
