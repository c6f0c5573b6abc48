"""Generators of text: a word n-gram model that needs no torch, and a small transformer.

Names are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from credenza.models.lazy import lazy

if TYPE_CHECKING:
    from credenza.models.text.ngram import NGram
    from credenza.models.text.saved import load_text_model
    from credenza.models.text.transformer import TextTransformer

__all__ = ["NGram", "TextTransformer", "load_text_model"]

_HOMES = {"NGram": "ngram", "TextTransformer": "transformer", "load_text_model": "saved"}

__getattr__, __dir__ = lazy(__name__, _HOMES)
