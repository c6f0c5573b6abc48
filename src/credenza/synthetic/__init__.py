"""Rows that are known to be clean: from templates, from models of language, from varied parents.

Names are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from credenza.models.lazy import lazy

if TYPE_CHECKING:
    from credenza.synthetic.augment_images import augment_images
    from credenza.synthetic.augment_tables import augment_table
    from credenza.synthetic.augment_text import augment_text
    from credenza.synthetic.base import Synthetic
    from credenza.synthetic.language import markov_texts
    from credenza.synthetic.language_model import model_texts
    from credenza.synthetic.pictures import model_images
    from credenza.synthetic.template import TemplateGenerator
    from credenza.synthetic.variables import Template

__all__ = [
    "Synthetic",
    "Template",
    "TemplateGenerator",
    "augment_images",
    "augment_table",
    "augment_text",
    "markov_texts",
    "model_images",
    "model_texts",
]

_HOMES = {
    "Synthetic": "base",
    "Template": "variables",
    "TemplateGenerator": "template",
    "augment_images": "augment_images",
    "augment_table": "augment_tables",
    "augment_text": "augment_text",
    "markov_texts": "language",
    "model_images": "pictures",
    "model_texts": "language_model",
}

__getattr__, __dir__ = lazy(__name__, _HOMES)
