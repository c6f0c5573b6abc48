"""Rows that are known to be clean: from templates, from models of language, from varied parents.

Names are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from credenza.models.lazy import lazy

if TYPE_CHECKING:
    from credenza.synthetic.base import Synthetic
    from credenza.synthetic.template import TemplateGenerator
    from credenza.synthetic.variables import Template

__all__ = [
    "Synthetic",
    "Template",
    "TemplateGenerator",
]

_HOMES = {
    "Synthetic": "base",
    "Template": "variables",
    "TemplateGenerator": "template",
}

__getattr__, __dir__ = lazy(__name__, _HOMES)
