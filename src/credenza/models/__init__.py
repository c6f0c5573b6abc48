"""Generators and classifiers trained on data: numpy, Arrow or text in, the same out; torch inside.

Names are loaded when they are first used, so that importing the room costs next to nothing. Taken from here, a model
whose libraries are not installed says which extra brings them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from credenza.models.lazy import lazy

if TYPE_CHECKING:
    from credenza.models.base import Generator
    from credenza.models.classifier import AttributeClassifier
    from credenza.models.ddpm import DDPM
    from credenza.models.device import pick_device
    from credenza.models.diffusion_gan import DiffusionGAN
    from credenza.models.store import read_model, write_model
    from credenza.models.training import Job, train

__all__ = [
    "DDPM",
    "AttributeClassifier",
    "DiffusionGAN",
    "Generator",
    "Job",
    "pick_device",
    "read_model",
    "train",
    "write_model",
]

_HOMES = {
    "AttributeClassifier": "classifier",
    "DDPM": "ddpm",
    "DiffusionGAN": "diffusion_gan",
    "Generator": "base",
    "Job": "training",
    "pick_device": "device",
    "read_model": "store",
    "train": "training",
    "write_model": "store",
}

__getattr__, __dir__ = lazy(__name__, _HOMES)
