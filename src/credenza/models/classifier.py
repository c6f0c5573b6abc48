"""A small convolutional classifier that reads all binary attributes of an image at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray

from credenza.contracts import FloatArray
from credenza.errors import InputError, UsageError
from credenza.models.base import Images, require_seed
from credenza.models.classifier_training import WEIGHTS, Booleans, ClassifierSettings, Lesson, new_network
from credenza.models.device import pick_device, random_stream
from credenza.models.digest import digest_of
from credenza.models.pixels import require_images, to_unit
from credenza.models.reading import AttributeQuality, measure_quality
from credenza.models.states import fill_module, module_arrays
from credenza.models.store import read_model, write_model
from credenza.models.training import train

Tensor = Any
READ_BATCH = 256
EVERY = 100  # steps between two checkpoints


class AttributeClassifier:
    """Reads k binary attributes of images; fitted to clean images that no suspect model saw.

    Convolutions of 3 x 3, batch normalisation and rectifiers, halved until 4 pixels a side are left; then a layer of
    ``depth`` features and one of k logits. Trained with the mean binary cross-entropy of the attributes (AdamW, the
    rate falling by a half cosine), the images noised a little so that the slight grain of generated ones is no
    surprise. A part of the images is held out and tells the :attr:`quality`.

    Parameters
    ----------
    width : channels of the first level; doubled at each, up to four times. depth : features of the last layer but one.
    steps, batch : of the training. rate : the learning rate at its highest.
    noise : largest standard deviation of the noise, where images range over [-1, 1]; each image draws its own.
    held_out : share of the images, in (0, 1), kept for :attr:`quality`. device : "auto", "cpu" or "cuda".

    Raises
    ------
    UsageError : a setting is out of range; "cuda" where there is no GPU.

    Notes
    -----
    Cost: about 20 ms a step at 16 pixels and 60 ms at 32 on one core. Left out: colour changes, flips and crops of
    the training images, which would hide attributes such as lipstick or the side of a parting.

    Examples
    --------
    >>> bright = np.arange(80) % 2 == 1
    >>> images = np.zeros((80, 8, 8, 3), np.uint8) + np.where(bright, 200, 50)[:, None, None, None].astype(np.uint8)
    >>> model = AttributeClassifier(width=4, steps=60, device="cpu").fit(images, bright[:, None], ["bright"], seed=0)
    >>> model.read(images[:4])[:, 0].tolist()
    [False, True, False, True]
    >>> model.quality["bright"].sensitivity
    1.0
    """

    kind: ClassVar[str] = "attribute-classifier"

    def __init__(
        self,
        *,
        width: int = 16,
        depth: int = 64,
        steps: int = 600,
        batch: int = 64,
        rate: float = 3e-3,
        noise: float = 0.1,
        held_out: float = 0.2,
        device: str = "auto",
    ) -> None:
        self.settings = ClassifierSettings(width, depth, steps, batch, rate, noise, held_out)
        self.names: tuple[str, ...] = ()
        self._device = pick_device(device)
        self._shape: tuple[int, int, int] = (0, 0, 0)
        self._network: Any = None
        self._quality: dict[str, AttributeQuality] = {}

    def fit(
        self,
        images: Images,
        attributes: NDArray[Any],
        names: Sequence[str],
        *,
        seed: int,
        folder: str | os.PathLike[str] | None = None,
    ) -> Self:
        """Learn to read attributes.

        Parameters
        ----------
        images : uint8 (n, H, W, 3) or (n, H, W, 1), at least 8 pixels a side.
        attributes : bool (n, k), one column a name. names : k different names. seed : of every draw.
        folder : where checkpoints are kept, if anywhere; see :func:`credenza.models.training.train`.

        Raises
        ------
        InputError : images of another form; attributes that do not fit to them; an attribute that has one value among
            the images that are learnt from, or that are held out.
        UsageError : a seed that is no non-negative integer.
        """
        require_seed(seed)
        require_images(images, least=8)
        truth = _checked(attributes, names, len(images))
        rows = np.random.default_rng((seed, 0)).permutation(len(images))
        kept, held = np.split(rows, [len(rows) - max(1, round(self.settings.held_out * len(rows)))])
        for part, what in ((kept, "to learn from"), (held, "held out")):
            _require_both_values(truth[part], names, what)
        key = digest_of(self.kind, asdict(self.settings), seed, images, truth, list(names))
        self._shape, self.names = images.shape[1:], tuple(names)
        job = Lesson(self._fresh(seed), self.settings, self._device, images[kept], truth[kept], seed)
        train(
            job, steps=self.settings.steps, folder=folder, every=EVERY, label="attribute classifier", key=key
        )
        self._network = job.network.eval()
        self._quality = measure_quality(self.names, self.read(images[held]), truth[held])
        return self

    @property
    def quality(self) -> dict[str, AttributeQuality]:
        """Sensitivity and specificity of each attribute on the images held out, by name.

        Raises
        ------
        UsageError : before :meth:`fit`.
        """
        self._require_fitted()
        return dict(self._quality)

    def read(self, images: Images) -> Booleans:
        """Which attributes each image has, bool (n, k): a score above one half.

        Raises
        ------
        UsageError : before :meth:`fit`. InputError : images of another form or size than those of the fit.
        """
        return self.scores(images) > 0.5

    def scores(self, images: Images) -> FloatArray:
        """How likely each image has each attribute, float (n, k) in [0, 1]. Raises as :meth:`read`."""
        return self._run(images, lambda x: torch.sigmoid(self._network(x).double()), len(self.names))

    def features(self, images: Images) -> NDArray[np.float32]:
        """The last layer but one, float32 (n, depth), non-negative: the feature network of a Frechet distance.

        Raises as :meth:`read`.
        """
        return self._run(images, lambda x: self._network[:-1](x).float(), self.settings.depth).astype(
            np.float32
        )

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the classifier and its quality; see :func:`credenza.models.store.write_model`.

        Raises
        ------
        UsageError : before :meth:`fit`.
        """
        self._require_fitted()
        quality = [asdict(item) for item in self._quality.values()]
        settings = {**asdict(self.settings), "shape": list(self._shape), "quality": quality}
        write_model(folder, self.kind, settings, module_arrays(self._network, WEIGHTS))

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, device: str = "auto") -> Self:
        """Read a classifier that :meth:`save` wrote; see :func:`credenza.models.store.read_model` for errors."""
        settings, tensors = read_model(folder, cls.kind)
        own = {field.name: settings[field.name] for field in fields(ClassifierSettings)}
        found = cls(**own, device=device)
        found._shape = tuple(settings["shape"])
        for item in settings["quality"]:
            intervals = {name: tuple(item[name]) for name in item if name.endswith("_interval")}
            found._quality[item["name"]] = AttributeQuality(**{**item, **intervals})
        found.names = tuple(found._quality)
        found._network = found._fresh(0).eval()
        fill_module(found._network, tensors, WEIGHTS)
        return found

    def _fresh(self, seed: int) -> Any:
        """An untrained network on the device; weights decided by the seed."""
        with torch.random.fork_rng([]):
            torch.manual_seed(random_stream(torch.device("cpu"), seed, 1).initial_seed())
            network = new_network(self._shape, len(self.names), self.settings)
        return network.to(self._device, memory_format=torch.channels_last)

    def _run(self, images: Images, function: Callable[[Tensor], Tensor], columns: int) -> NDArray[Any]:
        self._require_fitted()
        require_images(images, shape=self._shape)
        parts = [np.empty((0, columns))]
        with torch.no_grad():
            for start in range(0, len(images), READ_BATCH):
                x = to_unit(images[start : start + READ_BATCH], self._device)
                parts.append(function(x).cpu().numpy())
        return np.concatenate(parts)

    def _require_fitted(self) -> None:
        if self._network is None:
            raise UsageError("this classifier has learnt nothing yet; call fit, or load one")


def _checked(attributes: NDArray[Any], names: Sequence[str], images: int) -> Booleans:
    """Attributes as booleans (n, k), once they fit to images and names."""
    found = np.asarray(attributes)
    if found.ndim != 2 or len(found) != images or found.shape[1] != len(names) or not len(names):
        raise InputError(
            f"the attributes of {images} images with {len(names)} names have the shape ({images}, {len(names)}), "
            f"at least one name; found {found.shape}"
        )
    if len(set(names)) < len(names):
        raise InputError(f"attributes have different names; found {', '.join(names)}")
    if found.dtype != np.bool_ and not np.isin(found, (0, 1)).all():
        raise InputError("attributes are true or false (1 or 0); found other values")
    return found.astype(bool)


def _require_both_values(truth: Booleans, names: Sequence[str], what: str) -> None:
    for name, column in zip(names, truth.T, strict=True):
        if len(set(column.tolist())) < 2:
            raise InputError(
                f"the attribute {name!r} is true in {column.sum()} of the {len(column)} images {what}; it must be "
                "true in some and false in others: give more images, or leave it out"
            )
