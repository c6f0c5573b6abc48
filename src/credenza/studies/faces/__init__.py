"""Faces drawn from a table of attributes: image data of 16 to 64 pixels for studies."""

from __future__ import annotations

from credenza.studies.faces.colours import COLOURS, read_colours, regions
from credenza.studies.faces.renderer import ATTRIBUTES, render
from credenza.studies.faces.rows import attribute_table, from_rows

__all__ = ["ATTRIBUTES", "COLOURS", "attribute_table", "from_rows", "read_colours", "regions", "render"]
