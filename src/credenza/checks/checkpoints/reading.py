"""From checkpoints as the user has them, files of predictions or saved models, to predictions of the same rows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from credenza.checks.checkpoints.columns import (
    PREDICTED,
    aligned,
    chances_of,
    codes_of,
    levels_of,
    predicted_column,
    probability_columns,
    texts_of,
)
from credenza.checks.checkpoints.models import Asked, ModelOutput, run_model
from credenza.checks.checkpoints.predictions import CompareOptions, PairCodes, Predictions
from credenza.contracts import FloatArray, IntArray
from credenza.data import Source, open_source
from credenza.errors import InputError, UsageError

MOST_CLASSES = 200


@dataclass(frozen=True)
class Columns:
    """Which columns hold what.

    Attributes
    ----------
    labels : true classes, in the data or else in every file. slices : in the data or else in every file, or None.
    predicted : in the files; None finds it. probabilities : what the names of columns of probabilities begin with.
    rows : column that names each row, by which files are put in the order of the data; None for the order as it is.
    images : of the data, for models; None finds it. pairs : of features.
    """

    labels: str
    slices: str | None = None
    predicted: str | None = None
    probabilities: str = "probability_"
    rows: str | None = None
    images: str | None = None
    pairs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint, opened: a table of predictions, or what a model says of the data's images.

    ``columns`` are texts by name, (n,) each; ``chances`` (n, k) of ``classes``, or None.
    """

    name: str
    origin: Source | Path
    columns: dict[str, pa.Array]
    label: str
    chances: FloatArray | None
    classes: tuple[str, ...]


def read_checkpoints(
    checkpoints: Sequence[Any], data: Source | None, columns: Columns, options: CompareOptions
) -> tuple[Predictions, tuple[Source | Path, ...]]:
    """Read all checkpoints.

    Parameters
    ----------
    checkpoints : in order of time: paths of files, tables in memory, or folders of saved models. data : the test rows.
    columns : which hold what. options : of the test.

    Returns
    -------
    (predictions, what each was read from).

    Raises
    ------
    UsageError : fewer than two checkpoints; models without data. InputError : files of different lengths, missing
        columns or values, classes that are predicted but not among the true ones, probabilities out of range.
    """
    if isinstance(checkpoints, str | os.PathLike):
        checkpoints = [checkpoints]
    if len(checkpoints) < 2:
        raise UsageError(f"found {len(checkpoints)} checkpoint: give two or more, in order of time")
    names = _names(checkpoints)
    known = _Known.of(checkpoints, data, columns)
    opened = [_open(given, name, known, columns) for given, name in zip(checkpoints, names, strict=True)]
    classes, truth = known.classes, known.truth
    predicted = np.stack([_predicted(one, classes, len(truth)) for one in opened])
    chances = _chances(opened, truth, classes)
    slice_names, slice_codes = known.slices(columns.slices)
    pairs = tuple(_pair(pair, opened, known, columns) for pair in columns.pairs)
    given = Predictions(
        names,
        classes,
        truth,
        predicted,
        chances,
        columns.slices or "",
        slice_names,
        slice_codes,
        pairs,
        options,
    )
    return given, tuple(one.origin for one in opened)


class _Known:
    """What is known of the test rows, whatever the checkpoints say: the data's columns, or those of the first file."""

    def __init__(self, table: Source, columns: Columns, images: Source | None) -> None:
        self.table, self.columns, self.data = table, columns, images
        if columns.labels not in table.columns:
            raise InputError(_no_labels(columns.labels, table))
        self.rows = table.rows
        self.order = texts_of(table, columns.rows, "--rows") if columns.rows else None
        labels = texts_of(table, columns.labels, "--labels")
        self.classes, self.truth = levels_of(labels)
        if not 2 <= len(self.classes) <= MOST_CLASSES:
            raise InputError(
                f"the labels column {columns.labels!r} of {table.name} has {len(self.classes):,} classes; "
                f"2 to {MOST_CLASSES} can be compared"
            )

    @classmethod
    def of(cls, checkpoints: Sequence[Any], data: Source | None, columns: Columns) -> _Known:
        if data is not None:
            return cls(data, columns, data)
        if any(_is_folder(given) for given in checkpoints):
            raise UsageError(
                "a model is run on test images: give them with --data, and their classes with --labels"
            )
        return cls(open_source(checkpoints[0], role="checkpoint"), columns, None)

    def slices(self, column: str | None) -> tuple[tuple[str, ...], IntArray | None]:
        if column is None:
            return (), None
        names, codes = levels_of(texts_of(self.table, column, "--slices", fill="(missing)"))
        if len(names) < 2:
            raise InputError(
                f"the slices column {column!r} of {self.table.name} has one value: give two or more"
            )
        return names, codes


def _no_labels(labels: str, table: Source) -> str:
    shown = ", ".join(map(repr, table.columns[:6]))
    return (
        f"the true classes are missing: {table.name} has no column {labels!r}, it has {shown}; name it by --labels, "
        "or give the test rows by --data"
    )


def _is_folder(given: Any) -> bool:
    return isinstance(given, str | os.PathLike) and Path(given).expanduser().is_dir()


def _names(checkpoints: Sequence[Any]) -> tuple[str, ...]:
    """Short names: of files their stem, of the rest their place; made different where they are alike."""
    stems = [
        Path(given).name
        if _is_folder(given)
        else Path(given).stem
        if isinstance(given, str | os.PathLike)
        else ""
        for given in checkpoints
    ]
    alike = len(set(stems)) < len(stems)
    return tuple(
        (f"{k}: {stem}" if stem else f"checkpoint {k}") if alike or not stem else stem
        for k, stem in enumerate(stems, 1)
    )


def _open(given: Any, name: str, known: _Known, columns: Columns) -> Checkpoint:
    if _is_folder(given):
        assert known.data is not None
        asked = Asked(
            columns.labels, known.classes, columns.images, tuple(x for p in columns.pairs for x in p)
        )
        found: ModelOutput = run_model(Path(given), known.data, asked)
        return Checkpoint(name, Path(given), found.columns, found.label, found.chances, known.classes)
    source = open_source(given, role="checkpoint")
    order = aligned(source, columns.rows, known.order, known.rows, known.table.name)
    chosen = probability_columns(source, columns.probabilities, known.classes)
    label = predicted_column(source, columns.predicted, columns.labels if known.data else None, bool(chosen))
    chances = chances_of(source, chosen, order) if chosen else None
    texts = {}
    for column in {label, *(x for pair in columns.pairs for x in pair)} & set(source.columns):
        texts[column] = texts_of(source, column, "--predicted" if column == label else "--pairs").take(
            pa.array(order)
        )
    if not label:
        assert chances is not None
        label = PREDICTED[0]
        texts[label] = pa.array(known.classes).take(pa.array(chances.argmax(axis=1)))
    if columns.labels in source.columns and columns.labels != label and source is not known.table:
        _same_truth(source, known, columns.labels, order)
    return Checkpoint(name, source, texts, label, chances, known.classes)


def _same_truth(source: Source, known: _Known, labels: str, order: IntArray) -> None:
    """The true classes of a file are those of the test rows, where it has any."""
    codes, _ = codes_of(texts_of(source, labels, "--labels").take(pa.array(order)), known.classes)
    differ = int((codes != known.truth).sum())
    if differ:
        raise InputError(
            f"the true classes of {source.name} differ from those of {known.table.name} in {differ:,} rows; "
            "give predictions for the same rows in the same order, or name the column of row names by --rows"
        )


def _predicted(one: Checkpoint, classes: tuple[str, ...], rows: int) -> IntArray:
    codes, strange = codes_of(one.columns[one.label], classes)
    if strange:
        shown = ", ".join(map(repr, classes[:6]))
        raise InputError(
            f"{one.name} predicts the class {strange!r}, which no test row has: the true classes are {shown}"
        )
    return codes


def _chances(opened: Sequence[Checkpoint], truth: IntArray, classes: tuple[str, ...]) -> FloatArray | None:
    """(T, n) probability of the true class, where all checkpoints give probabilities."""
    parts = [one.chances for one in opened]
    found = [part for part in parts if part is not None]
    if len(found) < len(parts):
        return None
    return np.stack([part[np.arange(len(truth)), truth] for part in found])


def _pair(pair: tuple[str, str], opened: Sequence[Checkpoint], known: _Known, columns: Columns) -> PairCodes:
    """Codes of both features: predicted where all checkpoints have the column, else the data's."""
    if pair[0] == pair[1]:
        raise UsageError(f"--pairs names {pair[0]!r} twice: give two columns")
    both = [_feature(name, opened, known, columns) for name in pair]
    if not any(moves for _, _, moves in both):
        raise UsageError(
            f"neither {pair[0]!r} nor {pair[1]!r} is predicted by all checkpoints, so that their association cannot "
            f"change: name {columns.labels!r} for the predicted class, or a column of every checkpoint"
        )
    (a, x, _), (b, y, _) = both
    return PairCodes(pair, (a, b), (x, y))


def _feature(
    name: str, opened: Sequence[Checkpoint], known: _Known, columns: Columns
) -> tuple[tuple[str, ...], IntArray, bool]:
    found: list[pa.Array] | None = None
    if name == columns.labels or all(name == one.label for one in opened):
        found = [one.columns[one.label] for one in opened]
    elif all(name in one.columns for one in opened):
        found = [one.columns[name] for one in opened]
    elif name in known.table.columns:
        levels, codes = levels_of(texts_of(known.table, name, "--pairs", fill="(missing)"))
        return levels, np.broadcast_to(codes, (len(opened), len(codes))), False
    if found is None:
        raise InputError(
            f"--pairs names {name!r}, which is a column neither of every checkpoint nor of the test rows"
        )
    levels, codes = levels_of(pa.chunked_array(found).combine_chunks())
    return levels, codes.reshape(len(opened), -1), True
