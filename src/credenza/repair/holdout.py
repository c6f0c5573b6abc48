"""Rows of a trusted hold-out, in the terms of the suspect."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from credenza.data import Schema, extend_schema, level_map, sketch
from credenza.data.edits import cast_values
from credenza.data.encode import Codes
from credenza.data.sources import Source
from credenza.errors import InputError
from credenza.repair.board import column_codes

UNKNOWN = 255  # code of a value that the case's schema has no level for


def holdout_codes(holdout: Source, schema: Schema, positions: Sequence[int]) -> dict[int, Codes]:
    """As :func:`column_codes`, of further rows: values that the schema has no level for get ``UNKNOWN``.

    Raises
    ------
    InputError : a column is of another kind than in the data.
    """
    part = Schema(tuple(schema.features[p] for p in positions))
    wider, issues = extend_schema(part, sketch(holdout, columns=part.names))
    for name in part.names:
        if name not in wider.names:
            reason = next((i.message for i in issues if i.column == name), f"column {name!r} is absent")
            raise InputError(f"the hold-out does not fit the data: {reason}")
    found = column_codes(holdout, wider, range(len(positions)))
    places = level_map(part, wider)
    codes = {}
    for place, position in enumerate(positions):
        back = np.full(256, UNKNOWN, dtype=np.uint8)
        levels = places[part.offsets[place] : part.offsets[place + 1]] - wider.offsets[place]
        back[levels] = np.arange(len(levels), dtype=np.uint8)
        codes[position] = back[found[place]]
    return codes


def require_same_columns(source: Source, holdout: Source) -> None:
    """Raise InputError when the hold-out has other columns than the suspect."""
    ours, theirs = set(source.columns), set(holdout.columns)
    if ours == theirs:
        return
    parts = [
        f"{word} {', '.join(map(repr, sorted(names)[:3]))}{' ...' if len(names) > 3 else ''}"
        for word, names in (("lacks", ours - theirs), ("adds", theirs - ours))
        if names
    ]
    raise InputError(f"the hold-out {' and '.join(parts)}; it must have the columns of the suspect")


def cast_rows(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rows of the hold-out in the types of the suspect."""
    columns = []
    for f in schema:
        column = table[f.name]
        try:
            chunks = [cast_values(chunk, f.type) for chunk in column.chunks]
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            kinds = f"{column.type} in the hold-out and {f.type} in the suspect"
            raise InputError(f"column {f.name!r} is {kinds}; it must be of the same kind") from error
        columns.append(pa.chunked_array(chunks, f.type))
    return pa.table(columns, schema=schema)
