"""Images as numbers: by a network that learns their labels, or by a model from a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from credenza.contracts import IntArray
from credenza.data.features.base import Unreadable
from credenza.data.pictures import Pixels
from credenza.data.sources import Source
from credenza.errors import InputError, MissingExtraError
from credenza.models.digest import digest_of
from credenza.models.embedding.base import Embedded, finite_rows, require_some
from credenza.models.embedding.foreign import Foreign, run_model
from credenza.models.embedding.pictures import Pictures, each_picture, read_pictures, resized

if TYPE_CHECKING:
    from credenza.models.embedding.network import LabelNetwork

SIDE = 32  # pixels that images are shrunk (or blown up) to for the network that is trained here
BATCH = 64  # pictures that a model from a file sees at once


class NetworkMaker:
    """Images as the last layer but one of a network sees them that was trained on their own labels.

    See :class:`credenza.models.embedding.network.LabelNetwork`. Images are read at 32 x 32.

    Parameters
    ----------
    source : the images. column : that holds them. labels : (n,), codes of the classes of all rows.
    seed : of the training. folder : where the network is kept, and its checkpoints while it learns; None keeps none.

    Raises
    ------
    InputError : no image could be read, or those that could have one label. MissingExtraError : torch or Pillow is not
        installed.
    """

    kind = "images"
    name = "network trained on the labels"
    general = False

    def __init__(
        self, source: Source, column: str, labels: IntArray, *, seed: int, folder: Path | None = None
    ) -> None:
        self._source, self._column, self._labels, self._seed = source, column, labels, seed
        self.folder = folder

    @property
    def key(self) -> Mapping[str, Any]:
        """Column, labels, settings and seed."""
        NetworkSettings = _network().NetworkSettings
        return {
            "model": "label-network",
            "column": self._column,
            "side": SIDE,
            "seed": self._seed,
            "labels": digest_of(self._labels),
            "settings": asdict(NetworkSettings()),
        }

    def first(self) -> Embedded:
        """Embeddings and losses of the images that were learnt from; the network is trained here."""
        pictures = read_pictures(self._source, self._column, (SIDE, SIDE))
        network: LabelNetwork = _network().LabelNetwork()
        labels = self._labels[pictures.rows]
        _require_two(labels, self._source.name)
        training = None if self.folder is None else self.folder.with_name(f"{self.folder.name}.training")
        network.fit(pictures.pixels, labels, seed=self._seed, folder=training)
        if self.folder is not None and training is not None:
            network.save(self.folder)
            for file in training.iterdir():
                file.unlink()
            training.rmdir()
        self.network = network
        return self._read(network, pictures, network.losses)

    def another(self, source: Source) -> Embedded:
        """Embeddings of other images by the same network; its training is repeated if it was not kept."""
        pictures = read_pictures(source, self._column, (SIDE, SIDE), "images of the reference")
        return self._read(self.network, pictures, None)

    @cached_property
    def network(self) -> LabelNetwork:
        """The network: as it was kept, if it was and can be read, else trained."""
        if self.folder is not None:
            try:
                found: LabelNetwork = _network().LabelNetwork.load(self.folder)
                return found
            except InputError:
                pass  # absent or damaged: it is trained again
        self.first()
        return self.network

    def _read(self, network: LabelNetwork, pictures: Pictures, losses: Any) -> Embedded:
        values = finite_rows(network.features(pictures.pixels), len(pictures.rows), self.name)
        rows = pictures.rows if pictures.unreadable else None
        return Embedded(values, rows, pictures.unreadable, losses, self.kind, self.name)


class ModelMaker:
    """Images as a model from a file embeds them; see :func:`credenza.models.embedding.foreign.open_model`.

    They are resized to what the model takes or, where it does not say, to the size of the first image.
    """

    kind = "images"
    general = True

    def __init__(self, source: Source, column: str, model: Foreign, digest: str) -> None:
        self._source, self._column, self._model, self._digest = source, column, model, digest
        self.name = model.name
        self._size = model.size

    @property
    def key(self) -> Mapping[str, Any]:
        """Column and the model's digest."""
        return {"model": self._digest, "column": self._column}

    def first(self) -> Embedded:
        """Embeddings of the table that it was made for."""
        return self.another(self._source)

    def another(self, source: Source) -> Embedded:
        """Embeddings of another table."""
        out = np.empty((0, 0), np.float32)
        rows, unreadable = np.empty(source.rows, np.int64), []
        count = 0
        held: list[Pixels] = []

        def flush() -> None:
            nonlocal out, count
            values = finite_rows(run_model(self._model, np.stack(held)), len(held), self.name)
            if not count:
                out = np.empty((source.rows, values.shape[1]), np.float32)
            out[count : count + len(held)] = values
            count += len(held)
            held.clear()

        for row, found in each_picture(source, self._column, "images"):
            if isinstance(found, Unreadable):
                unreadable.append(found)
                continue
            self._size = self._size or (found.shape[0], found.shape[1])
            rows[count + len(held)] = row
            held.append(resized(found, self._size))
            if len(held) == BATCH:
                flush()
        if held:
            flush()
        require_some(count, tuple(unreadable), "image", source.name)
        return Embedded(
            out[:count], rows[:count] if unreadable else None, tuple(unreadable), None, self.kind, self.name
        )


def _require_two(labels: IntArray, name: str) -> None:
    if len(np.unique(labels)) < 2:
        raise InputError(
            f"the images of {name} that can be read have one label; a network needs two or more to learn from"
        )


def _network() -> Any:
    try:
        from credenza.models.embedding import network
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "safetensors"):
            raise
        raise MissingExtraError(
            f"a network of images needs {error.name}, which is not installed: pip install 'credenza[torch]'"
        ) from error
    return network
