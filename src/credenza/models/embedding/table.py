"""Rows of a table as numbers: standardised numbers, levels as ones and zeros; wide ones reduced."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from credenza.contracts import FloatArray
from credenza.data.align import extend_schema
from credenza.data.columns import as_floats
from credenza.data.encode import encode_column
from credenza.data.fit import fit_schema
from credenza.data.progress import tracked
from credenza.data.schema import Feature, Kind, Schema
from credenza.data.sketch import sketch
from credenza.data.sources import Source
from credenza.errors import InputError
from credenza.models.embedding.base import Embedded

DIMENSIONS = 100
MOST_COLUMNS = 4_096  # of encoded features
BATCH_ROWS = 8_192
FAR = 8.0  # standard deviations at which numbers are cut off
ORDERED = (Kind.CONTINUOUS, Kind.DATETIME)


@dataclass(frozen=True)
class Scales:
    """Mean and standard deviation (1 where there is none) of every feature; only those of numbers are used."""

    mean: FloatArray
    deviation: FloatArray


class TableMaker:
    """Encoded features: numbers and times standardised, every other level a column of ones and zeros.

    Missing numbers are the mean, with a column of their own that says so; numbers are cut off 8 standard deviations
    from the mean, so that one wild value does not carry a direction. More than 100 columns are reduced to the first 100
    principal directions (not centred).

    Parameters
    ----------
    source : what levels, scales and directions are learnt from. without : columns to leave out (labels, slices).
    columns : to be restricted to these; None for all.

    Raises
    ------
    InputError : no column is left that varies, or more than 4,096 encoded columns.

    Notes
    -----
    Two passes, three where columns are reduced. Memory: a batch, the embeddings, and the square of the encoded columns.

    Examples
    --------
    >>> from credenza.data import open_source
    >>> table = pa.table({"age": list(range(30, 40)), "sex": ["f", "m"] * 5, "kind": ["a", "b"] * 5})
    >>> TableMaker(open_source(table), without=("kind",)).first().values[:2].round(2).tolist()
    [[-1.5700000524520874, 1.0, 0.0], [-1.2200000286102295, 0.0, 1.0]]
    """

    kind = "table"
    name = "encoded features"
    general = False

    def __init__(
        self, source: Source, *, without: Collection[str] = (), columns: Sequence[str] | None = None
    ) -> None:
        self._source = source
        chosen = source.columns if columns is None else columns
        self._columns = tuple(name for name in dict.fromkeys(chosen) if name not in without)

    @property
    def key(self) -> Mapping[str, Any]:
        """Columns and settings."""
        return {
            "model": self.name,
            "columns": list(self._columns),
            "dimensions": DIMENSIONS,
            "most": MOST_COLUMNS,
            "far": FAR,
        }

    def first(self) -> Embedded:
        """Embeddings of the table that was learnt from."""
        return self._embedded(self._source, self._schema)

    def another(self, source: Source) -> Embedded:
        """Embeddings of another table with these columns, by the same scales and directions; new levels are all zeros.

        Raises
        ------
        InputError : it lacks one of the columns, or holds other kinds of values in it.
        """
        names = self._schema.names
        lacking = [name for name in names if name not in source.columns]
        if lacking:
            raise InputError(
                f"{source.name} has no column {lacking[0]!r}, which the embeddings are made of; "
                "add it, or choose columns that both have"
            )
        wider, issues = extend_schema(self._schema, sketch(source, names))
        if wider.names != names:
            message = next(issue.message for issue in issues if issue.column not in wider.names)
            raise InputError(f"{message}; give the same kind on both sides")
        return self._embedded(source, wider)

    @cached_property
    def _schema(self) -> Schema:
        found = fit_schema(sketch(self._source, self._columns)) if self._columns else Schema(())
        if not found.features:
            raise InputError(
                f"no column of {self._source.name} is left to make embeddings of; "
                "give embeddings, or data with columns that vary besides the labels"
            )
        width = _width(found)
        if width > MOST_COLUMNS:
            raise InputError(
                f"the columns of {self._source.name} make {width:,} encoded ones; choose columns that make "
                f"{MOST_COLUMNS:,} at most"
            )
        return Schema(found.features)

    @cached_property
    def _scales(self) -> Scales:
        features = self._schema.features
        count, mean, squares = (np.zeros(len(features)) for _ in range(3))
        for batch in _batches(self._source, self._schema, "scales"):
            for k, feature in enumerate(features):
                if feature.kind not in ORDERED:
                    continue
                values = as_floats(batch.column(k))
                values = values[np.isfinite(values)]
                if not len(values):
                    continue
                own, total = values.mean(), count[k] + len(values)
                squares[k] += (
                    values.var() * len(values) + (own - mean[k]) ** 2 * count[k] * len(values) / total
                )
                mean[k] += (own - mean[k]) * len(values) / total
                count[k] = total
        deviation = np.sqrt(squares / np.maximum(count, 1))
        return Scales(mean, np.where(deviation > 0, deviation, 1.0))

    @cached_property
    def _directions(self) -> FloatArray | None:
        """(encoded columns, 100), where there are more than 100."""
        width = _width(self._schema)
        if width <= DIMENSIONS:
            return None
        squares = np.zeros((width, width))
        for batch in _batches(self._source, self._schema, "directions"):
            block = self._encoded(batch, self._schema)
            squares += block.T @ block
        _, vectors = np.linalg.eigh(squares)
        strongest = vectors[:, ::-1][:, :DIMENSIONS]
        signs = np.sign(strongest[np.abs(strongest).argmax(axis=0), np.arange(DIMENSIONS)])
        return np.asarray(strongest * signs)

    def _embedded(self, source: Source, schema: Schema) -> Embedded:
        directions = self._directions
        width = _width(self._schema) if directions is None else directions.shape[1]
        out = np.empty((source.rows, width), np.float32)
        start = 0
        for batch in _batches(source, schema, "encoding"):
            block = self._encoded(batch, schema)
            out[start : start + len(block)] = block if directions is None else block @ directions
            start += len(block)
        return Embedded(out, kind=self.kind, name=self.name)

    def _encoded(self, batch: pa.RecordBatch, schema: Schema) -> FloatArray:
        """Encoded columns of a batch, (b, width); levels that the schema gained since are left out."""
        parts = []
        for k, (own, wider) in enumerate(zip(self._schema.features, schema.features, strict=True)):
            column = batch.column(k)
            if own.kind in ORDERED:
                values = (as_floats(column) - self._scales.mean[k]) / self._scales.deviation[k]
                lost = np.isnan(values)
                values = np.clip(np.where(lost, 0.0, values), -FAR, FAR)
                parts.append(values[:, None])
                if own.missing is not None:
                    parts.append(lost[:, None].astype(np.float64))
            else:
                codes = _own_codes(encode_column(column, wider), own, wider)
                parts.append((codes[:, None] == np.arange(own.size)).astype(np.float64))
        return np.concatenate(parts, axis=1)


def _own_codes(codes: Any, own: Feature, wider: Feature) -> Any:
    """Codes of a widened feature as those of the original; 255 for what that has no level for."""
    place = np.full(256, 255, np.int64)
    kept = len(own.values)
    place[:kept] = np.arange(kept)
    for mark in ("other", "missing"):
        before, after = getattr(own, mark), getattr(wider, mark)
        if before is not None and after is not None:
            place[after] = before
    return place[codes]


def _width(schema: Schema) -> int:
    return sum(
        1 + (feature.missing is not None) if feature.kind in ORDERED else feature.size
        for feature in schema.features
    )


def _batches(source: Source, schema: Schema, label: str) -> Any:
    return tracked(source.batches(schema.names, size=BATCH_ROWS), source.rows, label)
