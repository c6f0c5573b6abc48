"""Features of pictures by a network that the user has, such as Inception, for the Fréchet distance."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from credenza.contracts import FloatArray
from credenza.errors import InputError
from credenza.models.embedding.base import finite_rows
from credenza.models.embedding.foreign import open_model, run_model
from credenza.models.embedding.model_files import model_digest
from credenza.models.embedding.pictures import resized

BATCH = 64


class FeatureNetwork:
    """A TorchScript, ONNX or own model that makes numbers of pictures.

    Parameters
    ----------
    path : of the model, which takes floats in [0, 1] of shape (b, 3, H, W) and returns (b, d); what it normalises by
        belongs inside. Nothing that is a pickle is opened.

    Raises
    ------
    InputError : no such model, or one that takes text.

    Notes
    -----
    Pictures are resized to the model's ``image_size`` where it has such an attribute. The Fréchet inception distance
    is the distance in Inception-v3's pool features of 299 pixels a side (Heusel et al. 2017); its weights are not part
    of this package.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._model = open_model(Path(path))
        if self._model.takes != "images":
            raise InputError(
                f"the model {self._model.name} takes text; the quality of pictures needs one of images"
            )
        self.name = self._model.name
        self.digest = model_digest(Path(path))

    def features(self, images: NDArray[np.uint8]) -> FloatArray:
        """Features (n, d), finite, of pictures uint8 (n, H, W, 3).

        Raises
        ------
        InputError : the model fails, or returns something else.
        """
        parts = [self._part(images[first : first + BATCH]) for first in range(0, len(images), BATCH)]
        return np.concatenate(parts)

    def _part(self, images: NDArray[np.uint8]) -> FloatArray:
        size = self._model.size
        batch = images if size is None else np.stack([resized(image, size) for image in images])
        return finite_rows(run_model(self._model, batch), len(images), self.name).astype(float)
