"""Rows that are known to be clean: from templates, from models of language or tables, from varied parents; and mixes.

Names are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from credenza.models.lazy import lazy

if TYPE_CHECKING:
    from credenza.synthetic.augment_pixels import augment_images
    from credenza.synthetic.augment_rows import augment_table
    from credenza.synthetic.augment_words import augment_text
    from credenza.synthetic.base import Synthetic
    from credenza.synthetic.language import markov_texts
    from credenza.synthetic.language_model import model_texts
    from credenza.synthetic.perplexity import PerplexityModel, perplexity_model
    from credenza.synthetic.pictures import model_images
    from credenza.synthetic.pipeline import Mix, Validation, mix, write_mix
    from credenza.synthetic.saved import saved_texts
    from credenza.synthetic.tabular import TabularRows, tabular_rows, write_tabular
    from credenza.synthetic.template import TemplateGenerator
    from credenza.synthetic.variables import Template

__all__ = [
    "Mix",
    "PerplexityModel",
    "Synthetic",
    "TabularRows",
    "Template",
    "TemplateGenerator",
    "Validation",
    "augment_images",
    "augment_table",
    "augment_text",
    "markov_texts",
    "mix",
    "model_images",
    "model_texts",
    "perplexity_model",
    "saved_texts",
    "tabular_rows",
    "write_mix",
    "write_tabular",
]

_HOMES = {
    "Mix": "pipeline",
    "PerplexityModel": "perplexity",
    "Synthetic": "base",
    "TabularRows": "tabular",
    "Template": "variables",
    "TemplateGenerator": "template",
    "Validation": "pipeline",
    "augment_images": "augment_pixels",
    "augment_table": "augment_rows",
    "augment_text": "augment_words",
    "markov_texts": "language",
    "mix": "pipeline",
    "model_images": "pictures",
    "model_texts": "language_model",
    "perplexity_model": "perplexity",
    "saved_texts": "saved",
    "tabular_rows": "tabular",
    "write_mix": "pipeline",
    "write_tabular": "tabular",
}

__getattr__, __dir__ = lazy(__name__, _HOMES)
