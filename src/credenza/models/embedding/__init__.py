"""Embeddings made here: of images, texts and tables, by models that are trained here or come from a file.

Names are loaded when they are first used; torch only with a network of images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from credenza.models.lazy import lazy

if TYPE_CHECKING:
    from credenza.models.embedding.base import Embedded
    from credenza.models.embedding.make import Embedding, Request
    from credenza.models.embedding.network import LabelNetwork

__all__ = ["Embedded", "Embedding", "LabelNetwork", "Request"]

_HOMES = {"Embedded": "base", "Embedding": "make", "LabelNetwork": "network", "Request": "make"}

__getattr__, __dir__ = lazy(__name__, _HOMES)
