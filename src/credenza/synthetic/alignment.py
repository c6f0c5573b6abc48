"""Tables of the same columns as one, in types that all of them fit."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from credenza.data import Source
from credenza.data.columns import plain_type
from credenza.data.edits import VIEWS, cast_values
from credenza.errors import InputError
from credenza.synthetic.base import ORIGIN_COLUMNS


def aligned(sources: Sequence[Source]) -> pa.Table:
    """All rows of the sources, in their order, with the columns of the first.

    Whole numbers become floats where another table has floats, categories become texts where another has texts.

    Raises
    ------
    InputError : a table with other columns (those of ``ORIGIN_COLUMNS`` may be more), or with values of another kind.

    Examples
    --------
    >>> from credenza.data import open_source
    >>> tables = [pa.table({"a": [1], "b": ["x"]}), pa.table({"b": ["y"], "a": [0.5], "source": ["made"]})]
    >>> aligned([open_source(table) for table in tables]).to_pydict()
    {'a': [1.0, 0.5], 'b': ['x', 'y']}
    """
    first = sources[0]
    for source in sources[1:]:
        _require_columns(source, first)
    schema = pa.schema([(name, _common(name, sources)) for name in first.columns])
    parts = []
    for source in sources:
        table = source.table(first.columns)
        chunks = [
            pa.chunked_array(
                [cast_values(chunk, field.type) for chunk in table[field.name].chunks], field.type
            )
            for field in schema
        ]
        parts.append(pa.table(chunks, schema=schema))
    return pa.concat_tables(parts).unify_dictionaries()


def _require_columns(source: Source, first: Source) -> None:
    absent = [name for name in first.columns if name not in source.columns]
    more = [name for name in source.columns if name not in (*first.columns, *ORIGIN_COLUMNS)]
    for name, has, lacks in ((absent, first, source), (more, source, first)):
        if name:
            raise InputError(
                f"{lacks.name} has no column {name[0]!r} and {has.name} has; give tables of the same columns"
            )


def _common(name: str, sources: Sequence[Source]) -> pa.DataType:
    """The type that a column has everywhere, or that holds what it has anywhere."""
    kinds = [source.schema.field(name).type for source in sources]
    if all(kind.equals(kinds[0]) for kind in kinds):
        return kinds[0]
    found = _sturdy(kinds[0])
    for kind, source in zip(kinds, sources, strict=True):
        try:
            pair = [pa.schema([(name, found)]), pa.schema([(name, _sturdy(kind))])]
            found = pa.unify_schemas(pair, promote_options="permissive").field(name).type
        except pa.ArrowException as error:
            raise InputError(
                f"column {name!r} is {plain_type(kind)} in {source.name} and {found} in {sources[0].name}; "
                "give the same kind of values"
            ) from error
    return found


def _sturdy(kind: pa.DataType) -> pa.DataType:
    """The type without its encoding, and of text views a type that Arrow can unify."""
    bare = plain_type(kind)
    return VIEWS.get(str(bare), bare)
