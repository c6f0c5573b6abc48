"""The modality of images: rows are drawn as faces, and features are read off faces by a classifier and by colour."""

from __future__ import annotations

import io
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.association.measures import mcc, mutual_information
from credenza.data.write import write_bytes
from credenza.errors import InfeasibleError
from credenza.models.frechet import feature_moments, frechet_distance
from credenza.models.reading import corrected_joint
from credenza.studies import faces
from credenza.studies.associative.conditions import COLOURS, PAIR
from credenza.studies.associative.measure import joint_of
from credenza.studies.associative.population import ROW, Population
from credenza.studies.associative.settings import Scale
from credenza.studies.common.optional import imported
from credenza.studies.common.seeds import derived

READER = "reader"
GRID = 8  # faces along each side of a grid
SHOWN = 64  # pixels a side that a face of a grid has at least


class Pictures:
    """Faces. The classifier that reads them is trained on faces of its own, whose attributes are independent.

    Parameters
    ----------
    scale : ``size`` pixels a side; the classifier learns from ``readers`` faces. out : of the study; it is kept there.
    network : file of the network in whose features quality is measured; None for the classifier.
    """

    name = "images"

    def __init__(
        self,
        whole: Population,
        scale: Scale,
        out: Path,
        *,
        seed: int,
        device: str,
        network: str | None = None,
    ) -> None:
        self.attributes = tuple(name for name in faces.ATTRIBUTES if name in whole.attributes)
        self.features = (*self.attributes, *COLOURS)
        self._scale, self._folder, self._device = scale, out / READER, device
        self._seed = seed
        self._network = None if network is None else _network(network)
        self.quality_name = "Fréchet distance" + (
            f" in features of {self._network.name}" if self._network else ""
        )
        self._rendered: tuple[pa.Table, NDArray[np.uint8]] | None = None

    def data(self, rows: pa.Table) -> NDArray[np.uint8]:
        """A face a row; what attributes leave open depends on the row alone, so a row put in is another's face."""
        return faces.render(
            rows.select(list(self.features)),
            size=self._scale.size,
            seed=derived(self._seed, "faces"),
            index=rows[ROW].to_numpy(),
        )

    def read(self, samples: NDArray[np.uint8]) -> pa.Table:
        """Attributes by the classifier, colours by their regions."""
        found, tones = self._reader.read(samples), faces.read_colours(samples)
        columns: dict[str, Any] = {name: found[:, place] for place, name in enumerate(self.attributes)}
        return pa.table(columns | {name: tones[name] for name in COLOURS})

    def reference(self, rows: pa.Table) -> pa.Table:
        """Clean faces, read in the same way."""
        return self.read(self._clean(rows))

    def quality(self, samples: Any, read: pa.Table, rows: pa.Table, reference: pa.Table) -> float:
        """Fréchet distance to clean faces, of as many as there are of both.

        In the classifier's last layer but one, or in the features of the network that was given.
        """
        clean = self._clean(rows)
        count = min(len(samples), len(clean))
        features = (self._network or self._reader).features
        made, real = (feature_moments(features(images[:count])) for images in (samples, clean))
        return frechet_distance(made, real)

    def corrected(self, read: pa.Table) -> dict[str, Any]:
        """MCC and MI of the pair with the classifier's errors taken out, and how well it reads every attribute.

        ``corrected`` is None where the classifier reads one of the two hardly better than chance.
        """
        quality = self._reader.quality
        try:
            joint = corrected_joint(joint_of(read), *(quality[name] for name in PAIR))
        except InfeasibleError:
            found = None
        else:
            found = {"mcc": mcc(joint), "mi": mutual_information(joint)}
        return {"corrected": found, "reader": {name: item.accuracy for name, item in quality.items()}}

    def prepare(self) -> None:
        """Train the classifier, unless it is there; try the network on two faces."""
        if self._network:
            self._network.features(np.zeros((2, self._scale.size, self._scale.size, 3), np.uint8))
        if self._folder.exists():
            return
        count = self._scale.readers
        rng = np.random.default_rng(derived(self._seed, "reader"))
        truth = rng.random((count, len(self.attributes))) < 0.5
        tones = {name: rng.random(count) for name in COLOURS}
        columns: dict[str, Any] = {**dict(zip(self.attributes, truth.T, strict=True)), **tones}
        images = faces.render(columns, size=self._scale.size, seed=derived(self._seed, "reader faces"))
        kind = imported("credenza.models.classifier", "AttributeClassifier")
        made = kind(steps=self._scale.reader_steps, device=self._device)
        made.fit(images, truth, self.attributes, seed=derived(self._seed, "reader fit"))
        made.save(self._folder)

    def keep(self, samples: NDArray[np.uint8], folder: Path, name: str) -> None:
        """A grid of the first faces as PNG."""
        image = imported("PIL.Image", "fromarray")(grid(samples[: GRID * GRID]))
        zoom = max(1, SHOWN // samples.shape[1])
        buffer = io.BytesIO()
        image.resize((image.width * zoom, image.height * zoom), 0).save(buffer, "PNG")
        write_bytes(buffer.getvalue(), folder / f"{name}.png")

    @cached_property
    def _reader(self) -> Any:
        kind = imported("credenza.models.classifier", "AttributeClassifier")
        return kind.load(self._folder, device=self._device)

    def _clean(self, rows: pa.Table) -> NDArray[np.uint8]:
        if self._rendered is None or self._rendered[0] is not rows:
            self._rendered = rows, self.data(rows)
        return self._rendered[1]


def _network(path: str) -> Any:
    return imported("credenza.studies.associative.network", "FeatureNetwork")(path)


def grid(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images (n, s, s, 3) side by side, ``GRID`` a line, places that are left over grey.

    >>> grid(np.zeros((3, 2, 2, 3), np.uint8)).shape
    (2, 16, 3)
    """
    count, size = len(images), images.shape[1]
    lines = -(-count // GRID)
    cells = np.full((lines * GRID, *images.shape[1:]), 128, np.uint8)
    cells[:count] = images
    joined = cells.reshape(lines, GRID, size, size, 3).swapaxes(1, 2)
    return joined.reshape(lines * size, GRID * size, 3)
