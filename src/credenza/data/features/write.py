"""From contents to a table of features, a batch at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from credenza.data.features.base import Features, Measure, Recipe, Unreadable, read_recipe
from credenza.data.features.contents import Contents, carried_columns, find_contents
from credenza.data.features.graphs import Graph, GraphOptions, plain_chunk
from credenza.data.features.pixels import ImageMeasure
from credenza.data.features.text import TextMeasure, fit_text
from credenza.data.features.waves import BAND_EDGES, SoundMeasure
from credenza.data.sources import Source, open_source
from credenza.data.write import write_table
from credenza.errors import InputError, UsageError

GROUP_ROWS, GROUP_BYTES = 1 << 16, 1 << 26  # of one row group


@dataclass(frozen=True)
class ImageOptions:
    """What is measured of images: see :class:`ImageMeasure`."""

    grid: int = 2


@dataclass(frozen=True)
class TextOptions:
    """What is looked for in texts: see :func:`fit_text`."""

    terms: int = 1_000
    min_share: float = 0.01
    max_share: float = 0.99
    phrases: tuple[str, ...] = ()
    stop_words: str = "keep"


@dataclass(frozen=True)
class SoundOptions:
    """What is measured of sounds: see :class:`SoundMeasure`."""

    bands: tuple[float, ...] = BAND_EDGES


Options = ImageOptions | TextOptions | SoundOptions | GraphOptions
OPTIONS: dict[str, type[Options]] = {
    "images": ImageOptions,
    "text": TextOptions,
    "sounds": SoundOptions,
    "graph": GraphOptions,
}


def write_features(
    data: Any,
    out: str | os.PathLike[str],
    options: Options | None = None,
    *,
    column: str | None = None,
    carry: Sequence[str] | None = None,
    like: str | os.PathLike[str] | None = None,
) -> Features:
    """Write a table of features of images, texts, sounds or edges, which an audit takes like any other.

    Parameters
    ----------
    data : a folder of images or of WAV files, a table with a column of whole files or of texts, or an edge list (with
        :class:`GraphOptions`); in any form that :func:`credenza.data.open_source` opens.
    out : where to, .parquet. The file says how its columns were made, for ``like``.
    options : what to measure; None takes the defaults of what the data holds.
    column : the column of contents; see :func:`credenza.data.features.find_contents`.
    carry : columns taken over (labels, attributes, identities); None for all that can have levels but the contents, and
        but the endpoints of edges.
    like : a file that was written before, usually of the reference: the same words, regions, bands or attributes are
        measured, so that the two tables compare. ``options`` are then left out, but for a graph, where they name the
        nodes.

    Returns
    -------
    Features
        What was written, what was left out, and the rows that could not be read. These are not in the output.

    Raises
    ------
    UsageError : ``out`` is not .parquet, options of another kind than the data, options beside ``like``, unknown
        columns, settings out of range.
    InputError : a carried column that is named like a feature, no row that could be read, data or ``like`` that cannot
        be opened, endpoints without a node.
    MissingExtraError : images without Pillow.

    Notes
    -----
    One pass over the contents; two over texts whose words are chosen here, and over edges. Memory: one row group (at
    most 64 MB), the distinct words of texts, the nodes of a graph. An image of 32 x 32 takes 0.3 ms, a review of 4,000
    characters 1 ms. The file is whole or absent.

    Examples
    --------
    >>> import tempfile
    >>> reviews = pa.table({"text": ["a good plot", "good cast", "a bad plot"], "stars": [4, 5, 1]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = write_features(reviews, Path(folder, "f.parquet"), TextOptions(min_share=0.5), column="text")
    >>> done.columns, done.carried
    (('words', 'word:good', 'word:plot'), ('stars',))
    """
    if Path(out).suffix.lower() not in (".parquet", ".pq"):
        raise UsageError(
            f"features are written as Parquet: found {os.fspath(out)!r}; give a name that ends in .parquet"
        )
    recipe = None if like is None else read_recipe(like)
    source = open_source(data)
    if isinstance(options, GraphOptions) or (recipe is not None and recipe.kind == "graph"):
        return _write_graph(source, out, options, carry, recipe)
    if recipe is not None and options is not None:
        raise UsageError("a table to be like settles what is measured; leave the other options out")
    name, kind = find_contents(source, column)
    carried, left_out = carried_columns(source, name, carry)
    contents = Contents(source, name, carried)
    unreadable: list[Unreadable] = []
    measure = _fitted(contents, kind, options) if recipe is None else _again(recipe, kind)
    schema = _schema(source, carried, measure.fields, Recipe(kind, measure.settings()))
    rows = _write(_measured(contents, measure, schema, unreadable), schema, out)
    made = tuple(field.name for field in measure.fields)
    return Features(kind, rows, made, carried, left_out, tuple(unreadable))


def _write_graph(
    source: Source,
    out: str | os.PathLike[str],
    options: Options | None,
    carry: Sequence[str] | None,
    recipe: Recipe | None,
) -> Features:
    if not isinstance(options, GraphOptions):
        raise UsageError("the table to be like is of a graph; name the nodes of this one")
    if recipe is not None:
        _require_kind(recipe, "graph")
        for name in ("undirected", "all_edges"):
            if getattr(options, name) != (value := _setting(recipe, name, bool)):
                raise UsageError(
                    f"the table to be like was made with {name} {value}; say the same of this graph"
                )
    graph = Graph(source, options, None if recipe is None else _setting(recipe, "attributes", list))
    carried, left_out = carried_columns(source, None, carry)
    if carry is None:
        carried = tuple(name for name in carried if name not in graph.endpoints)
    schema = _schema(source, carried, graph.fields, Recipe("graph", graph.settings()))
    batches = (
        pa.RecordBatch.from_arrays([*kept.columns, *arrays], schema=schema)
        for kept, arrays in graph.batches(carried)
    )
    rows = _write(batches, schema, out)
    made = tuple(field.name for field in graph.fields)
    return Features("graph", rows, made, carried, left_out | graph.left_out)


def _require_kind(recipe: Recipe, kind: str) -> None:
    if recipe.kind != kind:
        raise UsageError(
            f"the table to be like is of {recipe.kind} and the data is of {kind}; give one of {kind}"
        )


def _again(recipe: Recipe, kind: str) -> Measure:
    """The measure that a recipe describes."""
    _require_kind(recipe, kind)
    if kind == "images":
        return ImageMeasure(grid=_setting(recipe, "grid", int))
    if kind == "sounds":
        return SoundMeasure(bands=_setting(recipe, "bands", list))
    return TextMeasure(_setting(recipe, "terms", list), _setting(recipe, "phrases", list))


def _setting(recipe: Recipe, name: str, kind: type) -> Any:
    value = recipe.settings.get(name)
    if not isinstance(value, kind):
        raise InputError(
            f"the table to be like has a damaged record of how it was made ({name} is {value!r}); write it again"
        )
    return value


def _fitted(contents: Contents, kind: str, options: Options | None) -> Measure:
    """The measure for contents of this kind, fitted to them where it has to be."""
    options = OPTIONS[kind]() if options is None else options  # type: ignore[call-arg]
    if not isinstance(options, OPTIONS[kind]):
        other = next(name for name, known in OPTIONS.items() if isinstance(options, known))
        raise UsageError(
            f"the data is of {kind} and the options are for {other}; leave them out, or give other data"
        )
    if isinstance(options, ImageOptions):
        return ImageMeasure(grid=options.grid)
    if isinstance(options, SoundOptions):
        return SoundMeasure(bands=options.bands)
    assert isinstance(options, TextOptions)
    texts = (value for _, items in contents.batches("words") for _, value in items if value is not None)
    return fit_text(
        texts,
        terms=options.terms,
        min_share=options.min_share,
        max_share=options.max_share,
        phrases=options.phrases,
        stop_words=options.stop_words,
    )


def _schema(source: Source, carried: Sequence[str], fields: Sequence[pa.Field], recipe: Recipe) -> pa.Schema:
    made = {field.name for field in fields}
    if clash := [name for name in carried if name in made]:
        raise InputError(
            f"column {clash[0]!r} of the data is named like a feature; rename it, or carry others along"
        )
    kept = [source.schema.field(name) for name in carried]
    return pa.schema([*kept, *fields], metadata=recipe.metadata())


def _measured(
    contents: Contents, measure: Measure, schema: pa.Schema, unreadable: list[Unreadable]
) -> Iterator[pa.RecordBatch]:
    """Batches of the output; rows that cannot be read are left out and put on the list."""
    first = 0
    for kept, items in contents.batches(measure.kind):
        measured, rows = [], []
        for row, (label, value) in enumerate(items):
            try:
                measured.append(measure.read(label, contents.load(label, value)))
                rows.append(row)
            except InputError as error:
                unreadable.append(Unreadable(first + row, label, str(error)))
        if len(rows) < len(items):
            kept = kept.take(pa.array(rows, pa.int64()))
        arrays = [*kept.columns, *measure.arrays(measured)]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        first += len(items)
    if len(unreadable) == first:
        raise InputError(
            f"none of the {first:,} {measure.noun}s could be read; the first: {unreadable[0].reason}"
        )


def _write(batches: Iterator[pa.RecordBatch], schema: pa.Schema, out: str | os.PathLike[str]) -> int:
    """Write batches as row groups of a sensible size, and return the number of rows."""
    rows = 0

    def grouped() -> Iterator[pa.RecordBatch]:
        nonlocal rows
        for group in _groups(batches):
            rows += group.num_rows
            yield group

    write_table(grouped(), out)
    return rows


def _groups(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        held.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= GROUP_ROWS or size >= GROUP_BYTES:
            yield _joined(held)
            held, rows, size = [], 0, 0
    if held:
        yield _joined(held)


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    table = pa.Table.from_batches(batches)
    return pa.RecordBatch.from_arrays([plain_chunk(column) for column in table.columns], schema=table.schema)
