"""The door: whatever the user has -> record batches -> a schema fitted once -> codes."""

from __future__ import annotations

from credenza.data.align import ColumnIssue, extend_schema, joined_schema
from credenza.data.encode import encode, encode_source
from credenza.data.fit import fit_schema
from credenza.data.repeats import Duplicates, Repeats, code_keys, plane_keys, row_keys_of
from credenza.data.schema import Feature, Kind, Schema, level_map
from credenza.data.sketch import ColumnSketch, TableSketch, sketch
from credenza.data.sources import Source, open_source
from credenza.data.write import write_bytes, write_table, write_text

__all__ = [
    "ColumnIssue",
    "ColumnSketch",
    "Duplicates",
    "Feature",
    "Kind",
    "Repeats",
    "Schema",
    "Source",
    "TableSketch",
    "code_keys",
    "encode",
    "encode_source",
    "extend_schema",
    "fit_schema",
    "joined_schema",
    "level_map",
    "open_source",
    "plane_keys",
    "row_keys_of",
    "sketch",
    "write_bytes",
    "write_table",
    "write_text",
]
