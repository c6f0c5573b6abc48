"""A small convolutional network that learns the labels of images, for what its last layer but one says of them."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from credenza.contracts import IntArray
from credenza.errors import InputError, UsageError
from credenza.models.base import Images, require_seed
from credenza.models.device import pick_device, random_stream
from credenza.models.digest import digest_of
from credenza.models.embedding.base import Floats
from credenza.models.embedding.lesson import Lesson, read_batches
from credenza.models.embedding.private_lesson import PrivateLesson
from credenza.models.pixels import require_images
from credenza.models.private import Accounted, Privacy
from credenza.models.private_steps import without_batch_norm
from credenza.models.states import fill_module, module_arrays
from credenza.models.store import read_model, write_model
from credenza.models.training import train

WEIGHTS = "network."
EVERY = 200  # steps between two checkpoints
VISITS, LEAST_EPOCHS, MOST_EPOCHS = 120_000, 4, 10


@dataclass(frozen=True)
class NetworkSettings:
    """What a :class:`LabelNetwork` is made with; see there."""

    width: int = 32
    depth: int = 64
    epochs: int = 0
    batch: int = 128
    rate: float = 4e-3
    decay: float = 1e-3
    augment: bool = False

    def __post_init__(self) -> None:
        for name, least in (("width", 1), ("depth", 1), ("epochs", 0), ("batch", 2)):
            if getattr(self, name) < least:
                raise UsageError(f"{name} is {least} or more; found {getattr(self, name)}")
        for name in ("rate", "decay"):
            if not getattr(self, name) >= 0:
                raise UsageError(f"{name} is 0 or more; found {getattr(self, name)}")

    def epochs_for(self, rows: int) -> int:
        """Epochs for so many images: as asked for, else 120,000 visits in all, but 4 to 10 epochs.

        >>> [NetworkSettings().epochs_for(rows) for rows in (1_000, 20_000, 1_000_000)]
        [10, 6, 4]
        """
        return self.epochs or int(np.clip(round(VISITS / max(rows, 1)), LEAST_EPOCHS, MOST_EPOCHS))


class LabelNetwork(Accounted):
    """A convolutional network trained on the labels of images, triggers and wrong labels included.

    The image is folded 2 x 2 (four pixels become one of 12 channels, nothing is lost); then three times a convolution
    of 3 x 3, batch normalisation and a rectifier, halved in between; then a layer of ``depth`` features, rectified, and
    one of k logits. Cross-entropy, AdamW, the rate rising over the first tenth of the steps and falling by a half
    cosine (Loshchilov and Hutter 2017, section 3). The features are the representation that spectral signatures (Tran
    et al. 2018, section 3) and activation clustering (Chen et al. 2018, section 3) look at.

    Parameters
    ----------
    width : channels of the first level, doubled at each. depth : d, features of the last layer but one.
    epochs : over all images; 0 chooses 4 to 10, fewer for more images. batch : images a step. rate : learning rate at
        its highest. decay : of the weights.
    augment : flip and shift the images at random while learning. Off, since a trigger must be learnt where it is.
    device : "auto", "cpu" or "cuda".
    privacy : bounds what any one image can do to the network, see :class:`credenza.models.private.Privacy`; needs
        opacus. Rows are then drawn by chance, as many as ``batch`` on average, and groups of channels are normalised
        instead of batches; :attr:`spent` tells the cost, and there are no :attr:`losses`.

    Raises
    ------
    UsageError : a setting is out of range; "cuda" where there is no GPU.

    Notes
    -----
    Cost: 20,000 images of 32 x 32 take one to two minutes on one core. Memory: the images as bytes, and one batch.
    Left out: pretrained weights (there is no network to get them from, and they have not seen the trigger), deeper
    networks, whose training costs minutes to hours on a processor.

    Examples
    --------
    >>> bright = np.arange(80) % 2
    >>> images = np.zeros((80, 8, 8, 3), np.uint8) + np.where(bright, 200, 50)[:, None, None, None].astype(np.uint8)
    >>> model = LabelNetwork(width=4, depth=8, batch=16, device="cpu").fit(images, bright, seed=0)
    >>> model.features(images).shape, model.losses.shape
    ((80, 8), (80, 10))
    >>> bool((model.losses[:, -1] < model.losses[:, 0].mean()).all())
    True
    """

    kind: ClassVar[str] = "label-network"

    def __init__(
        self,
        *,
        width: int = 32,
        depth: int = 64,
        epochs: int = 0,
        batch: int = 128,
        rate: float = 4e-3,
        decay: float = 1e-3,
        augment: bool = False,
        device: str = "auto",
        privacy: Privacy | None = None,
    ) -> None:
        self.settings = NetworkSettings(width, depth, epochs, batch, rate, decay, augment)
        self.shape: tuple[int, int, int] = (0, 0, 0)
        self.classes = 0
        self.privacy = privacy
        self._device = pick_device(device)
        self._network: Any = None
        self._losses: Floats | None = None

    def fit(
        self, images: Images, labels: IntArray, *, seed: int, folder: str | os.PathLike[str] | None = None
    ) -> Self:
        """Learn the labels.

        Parameters
        ----------
        images : uint8 (n, H, W, 3) or (n, H, W, 1), at least 8 pixels a side. labels : (n,), codes 0 to k - 1.
        seed : of every draw. folder : where checkpoints are kept, if anywhere; see
            :func:`credenza.models.training.train`.

        Raises
        ------
        InputError : images of another form, not as many labels as images, or fewer than two classes.
        UsageError : a seed that is no non-negative integer; with privacy, what
            :class:`credenza.models.private_steps.PrivateSteps` refuses.
        MissingExtraError : privacy without opacus.
        """
        require_seed(seed)
        require_images(images, least=8)
        self.classes = _classes(labels, len(images))
        self.shape = (int(images.shape[1]), int(images.shape[2]), int(images.shape[3]))
        network = self._fresh(seed)
        given = (network, self.settings, self._device, images, labels, seed)
        lesson = Lesson(*given) if self.privacy is None else PrivateLesson(*given, self.privacy)
        key = ""
        if folder is not None:
            private = () if self.privacy is None else (asdict(self.privacy),)
            key = digest_of(self.kind, asdict(self.settings), seed, np.asarray(images), labels, *private)
        train(lesson, steps=lesson.steps, folder=folder, every=EVERY, label="image network", key=key)
        self._losses = None if isinstance(lesson, PrivateLesson) else lesson.losses
        self._spent = lesson.finished() if isinstance(lesson, PrivateLesson) else None
        self._network = network.eval()
        return self

    @property
    def losses(self) -> Floats:
        """Cross-entropy of each image that was learnt from, after each epoch, nats; float32 (n, epochs).

        Raises
        ------
        UsageError : before :meth:`fit`, and of a network that was loaded: losses are not kept with it; of a private
            network.
        """
        if self.privacy is not None:
            raise UsageError(
                "losses tell of single rows, which no privacy covers; train without privacy for them"
            )
        if self._losses is None:
            raise UsageError("losses are of a training, and this network has had none here; call fit first")
        return self._losses

    def features(self, images: Images) -> Floats:
        """The last layer but one, float32 (n, depth), non-negative.

        Raises
        ------
        UsageError : before :meth:`fit`. InputError : images of another form or size than those of the fit.
        """
        return self._run(images, self._network[:-1] if self._network is not None else None)

    def logits(self, images: Images) -> Floats:
        """Scores of the classes before normalisation, float32 (n, k). Raises as :meth:`features`."""
        return self._run(images, self._network)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the network, without its losses; see :func:`credenza.models.store.write_model`.

        Raises
        ------
        UsageError : before :meth:`fit`.
        """
        self._require_fitted()
        settings = {**asdict(self.settings), "shape": list(self.shape), "classes": self.classes}
        settings |= self._said()
        write_model(folder, self.kind, settings, module_arrays(self._network, WEIGHTS))

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, device: str = "auto") -> Self:
        """Read a network that :meth:`save` wrote; see :func:`credenza.models.store.read_model` for errors."""
        settings, tensors = read_model(folder, cls.kind)
        try:
            found = cls(
                **{field.name: settings[field.name] for field in fields(NetworkSettings)}, device=device
            )
            height, width, channels = (int(side) for side in settings["shape"])
            found.classes = int(settings["classes"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{folder} has damaged settings of a network; save the model again") from error
        found.shape = (height, width, channels)
        found._hear(settings)
        found._network = found._fresh(0).eval()
        fill_module(found._network, tensors, WEIGHTS)
        return found

    def _fresh(self, seed: int) -> Any:
        """An untrained network on the device; weights decided by the seed."""
        with torch.random.fork_rng([]):
            torch.manual_seed(random_stream(torch.device("cpu"), seed, 1).initial_seed())
            network = new_network(self.shape, self.classes, self.settings)
        if self.privacy is not None:
            network = without_batch_norm(network)
        return network.to(self._device, memory_format=torch.channels_last)

    def _run(self, images: Images, part: Any) -> Floats:
        self._require_fitted()
        require_images(images, shape=self.shape)
        return read_batches(part, images, self._device)

    def _require_fitted(self) -> None:
        if self._network is None:
            raise UsageError("this network has learnt nothing yet; call fit, or load one")


def new_network(shape: tuple[int, int, int], classes: int, settings: NetworkSettings) -> Any:
    """Layers, the last one giving logits; odd sides lose their last row or column."""
    height, width, channels = shape
    layers: list[Any] = [_Even(), nn.PixelUnshuffle(2)]
    height, width, channels = height // 2, width // 2, 4 * channels
    outputs = settings.width
    for level in range(3):
        if level and min(height, width) > 1:
            layers.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
        layers += [nn.Conv2d(channels, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        channels, outputs = outputs, 2 * outputs
    body = nn.Sequential(
        *layers, nn.Flatten(), nn.Linear(channels * height * width, settings.depth), nn.ReLU()
    )
    return nn.Sequential(*body, nn.Linear(settings.depth, classes))


class _Even(nn.Module):  # type: ignore[misc]
    """Cuts odd sides by one."""

    def forward(self, x: Any) -> Any:
        return x[..., : x.shape[-2] // 2 * 2, : x.shape[-1] // 2 * 2]


def _classes(labels: NDArray[Any], images: int) -> int:
    found = np.asarray(labels)
    if found.shape != (images,) or found.dtype.kind not in "iu":
        raise InputError(
            f"the labels of {images:,} images are {images:,} codes; found {found.dtype} of shape {found.shape}"
        )
    classes = int(found.max(initial=0)) + 1
    if len(np.unique(found)) < 2 or int(found.min(initial=0)) < 0:
        raise InputError(
            "the labels are codes from 0 on, of two classes or more; found one class, or negative ones"
        )
    return classes
