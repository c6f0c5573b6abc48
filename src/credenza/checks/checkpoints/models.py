"""Saved models as checkpoints: what they predict of the test images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy import special

from credenza.contracts import FloatArray
from credenza.data import Source
from credenza.data.features.contents import candidate_columns
from credenza.data.media import MediaReader
from credenza.errors import InputError, UsageError
from credenza.models.store import model_kind, read_model

KINDS = ("label-network", "attribute-classifier")
TRUTH = ("false", "true")


@dataclass(frozen=True)
class Asked:
    """What models are asked: labels, their classes, the column of images (None finds it), features of pairs."""

    labels: str
    classes: tuple[str, ...]
    images: str | None
    features: tuple[str, ...]


@dataclass(frozen=True)
class ModelOutput:
    """Texts by column, (n,) each, which of them is the label, and probabilities of the classes (n, k)."""

    columns: dict[str, pa.Array]
    label: str
    chances: FloatArray


def run_model(folder: Path, data: Source, asked: Asked) -> ModelOutput:
    """Run a saved model on the images of a source.

    Parameters
    ----------
    folder : that a LabelNetwork or an AttributeClassifier was saved to. data : the test rows. asked : of it.

    Raises
    ------
    InputError : no model there, one of another kind or of other classes, images that cannot be read.
    MissingExtraError : torch or Pillow is not installed.

    Notes
    -----
    A label network knows its classes by number: those of the sorted labels, as ``credenza audit --embed`` trains it.
    """
    kind = model_kind(folder)
    if kind not in KINDS:
        raise InputError(
            f"{folder} holds a model of kind {kind!r}; compare takes {' and '.join(map(repr, KINDS))}"
        )
    column = asked.images or image_column(data)
    return (
        _label_network(folder, data, column, asked)
        if kind == KINDS[0]
        else _attributes(folder, data, column, asked)
    )


def _label_network(folder: Path, data: Source, column: str, asked: Asked) -> ModelOutput:
    from credenza.models.embedding.network import LabelNetwork

    model = LabelNetwork.load(folder)
    if model.classes != len(asked.classes):
        raise InputError(
            f"the model {folder} tells {model.classes} classes apart, and {asked.labels!r} of {data.name} has "
            f"{len(asked.classes)}: give the model's classes"
        )
    logits = model.logits(read_pixels(data, column, model.shape)).astype(np.float64)
    chances = special.softmax(logits, axis=1)
    texts = pa.array(asked.classes, pa.large_string()).take(pa.array(chances.argmax(axis=1)))
    return ModelOutput({asked.labels: texts}, asked.labels, np.asarray(chances))


def _attributes(folder: Path, data: Source, column: str, asked: Asked) -> ModelOutput:
    from credenza.models.classifier import AttributeClassifier

    model = AttributeClassifier.load(folder)
    if asked.labels not in model.names:
        shown = ", ".join(map(repr, model.names[:6]))
        raise InputError(f"the model {folder} does not predict {asked.labels!r}: it predicts {shown}")
    if len(asked.classes) != 2:
        raise InputError(
            f"{asked.labels!r} of {data.name} has {len(asked.classes)} classes; an attribute has two, such as 0 and 1"
        )
    settings, _ = read_model(folder, KINDS[1])
    height, width, channels = (int(side) for side in settings["shape"])
    scores = model.scores(read_pixels(data, column, (height, width, channels)))
    columns = {
        name: pa.array(asked.classes if name == asked.labels else TRUTH, pa.large_string()).take(
            pa.array((scores[:, k] > 0.5).astype(np.int64))
        )
        for k, name in enumerate(model.names)
    }
    own = scores[:, model.names.index(asked.labels)]
    return ModelOutput(columns, asked.labels, np.stack([1.0 - own, own], axis=1))


def image_column(data: Source) -> str:
    """The only column of images of a source; raises UsageError where it is not clear which."""
    if isinstance(data.reader, MediaReader):
        return str(data.reader.content)
    files, _ = candidate_columns(data)
    if len(files) != 1:
        shown = ", ".join(map(repr, (files or data.columns)[:6]))
        raise UsageError(f"{data.name}: which column holds the images? It has {shown}; name one by --images")
    return files[0]


def read_pixels(data: Source, column: str, shape: tuple[int, int, int]) -> np.ndarray:
    """Images of a column as uint8 (n, H, W, C); raises InputError where one cannot be read."""
    from credenza.models.embedding.pictures import read_pictures

    if column not in data.columns:
        shown = ", ".join(map(repr, data.columns[:6]))
        raise UsageError(f"--images names {column!r}, which {data.name} does not have: it has {shown}")
    found = read_pictures(data, column, (shape[0], shape[1]), "test images")
    if found.unreadable:
        first = found.unreadable[0]
        raise InputError(
            f"{len(found.unreadable):,} test images of {data.name} cannot be read, such as {first.name}: "
            "mend them, or leave those rows out"
        )
    pixels = found.pixels
    return pixels if shape[2] == 3 else np.asarray(pixels.mean(axis=3, keepdims=True).round(), np.uint8)
