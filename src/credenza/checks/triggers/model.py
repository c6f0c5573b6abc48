"""A trigger in what a diffusion model foresees on the way from noise to image."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from credenza.checks.triggers.blocks import BLOCKS, WIDEST, Blocks, Pixels, class_blocks, pooled
from credenza.checks.triggers.data import require_alike
from credenza.checks.triggers.search import TriggerSearch, require_level, search
from credenza.contracts import IntArray
from credenza.errors import InputError, UsageError
from credenza.models.trajectories import Trajectories, open_trajectories

TIMES = (970, 900, 800, 600, 400, 200, 0)  # of 1,000 noise levels, the early ones first
EARLY = 600  # the test is over the times from here up; later ones are shown
PER_CLASS = 100
LEAST_IMAGES = 100  # of all classes together

Model = Trajectories | str | os.PathLike[str] | Any


def trigger_in_model(
    model: Model,
    *,
    reference: tuple[Pixels, ArrayLike] | Model | None = None,
    times: Sequence[int] = TIMES,
    per_class: int = PER_CLASS,
    seed: int = 0,
    level: float = 0.05,
) -> TriggerSearch:
    """Look for a class whose foreseen images deviate locally from the reference's class means.

    Of a perfect model the images foreseen at time t, x_hat(t) = E[x | x_t], average to the class mean at every t (tower
    property), and vary the less the nearer t is to pure noise. A trigger on a share r of a class's training images
    is in that mean as r (trigger - what it covers). All classes start from the same noise, so that much of the
    sampling error leaves their differences.

    Parameters
    ----------
    model : a fitted :class:`credenza.models.DDPM`, any :class:`credenza.models.trajectories.Trajectories`, or a
        folder of one of ours or of a diffusers pipeline (safetensors).
    reference : (images, labels) with the model's size, channels and classes; or a clean model of the same form.
        A model without classes is held against all images together.
    times : noise levels from 0 (image) to 999 (noise) of 1,000. Those of 600 or more are tested (all, if there are
        none), the others are in the curve; sampling ends at the last of them.
    per_class : trajectories of each class; 100 or more in all. seed : of the noise. level : of the test.

    Returns
    -------
    TriggerSearch
        With ``curve`` by time and class.

    Raises
    ------
    UsageError : no reference; a number out of range; fewer than 100 images. InputError : no model in the folder; sizes,
        channels or classes that differ; fewer than 20 reference images of a class. MissingExtraError : no torch.

    Notes
    -----
    Cost: per_class x k images, each as many network passes as the sampler needs down to the smallest time. Source:
    arXiv 2512.15769 (early-stage trigger manifestation); what was measured is in docs/benchmarks.md. Left out: triggers
    that differ from image to image, which leave no mean.
    """
    require_level(level)
    if reference is None:
        raise UsageError(
            "a model is held against clean images with their labels, or a clean model: give reference"
        )
    opened = open_trajectories(model)
    suspect = foreseen_blocks(opened, times, per_class, seed)
    if isinstance(reference, tuple):
        images, labels = reference
        codes = np.asarray(labels) if opened.classes is not None else np.zeros(len(images), np.int64)
        require_classes(opened, codes)
        held = class_blocks(images, codes, opened.classes or 1, seed=seed + 1, name="the reference's images")
    else:
        other = open_trajectories(reference)
        if other.classes != opened.classes:
            raise InputError(
                f"both models need the same classes; found {opened.classes or 'none'} and {other.classes or 'none'}"
            )
        held = foreseen_blocks(other, times, per_class, seed + 1)
    require_alike(suspect, held)
    return search(suspect, held, times=tuple(int(time) for time in times), early=EARLY, level=level)


def require_classes(model: Trajectories, labels: IntArray) -> None:
    """Refuse a reference of other classes than the model's."""
    if model.classes is None:
        return
    found = len(np.unique(labels))
    if found != model.classes:
        raise InputError(
            f"the model has {model.classes} classes and the reference {found}; give one with the same"
        )


def foreseen_blocks(model: Trajectories, times: Sequence[int], per_class: int, seed: int) -> Blocks:
    """Class means of what a model foresees; block b of every class starts from the same noise.

    Raises
    ------
    UsageError : times or a number out of range; fewer than 100 images in all.
    """
    classes = model.classes or 1
    if isinstance(per_class, bool) or not isinstance(per_class, int) or per_class * classes < LEAST_IMAGES:
        least = -(-LEAST_IMAGES // classes)
        raise UsageError(
            f"a model shows its means in {LEAST_IMAGES} images or more, {least} of each of its "
            f"{classes} class{'es' * (classes > 1)}; found per_class={per_class!r}"
        )
    scale = -(-model.size // WIDEST)
    number = min(BLOCKS, per_class // 2)
    parts = np.array_split(np.arange(per_class), number)
    means = []
    for label in range(classes):
        told = None if model.classes is None else np.full(per_class, label)
        images = model.trajectory(per_class, seed=seed, times=tuple(times), labels=told)
        kept = [pooled(images[:, part].mean(axis=1, dtype=np.float32), scale) for part in parts]
        means.append(np.stack(kept, axis=1))
    rows = np.full(classes, per_class, np.int64)
    return Blocks(np.stack(means, axis=1), rows, joint=True, scale=scale)
