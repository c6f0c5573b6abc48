"""The link in the middle: a class-conditional diffusion model, its images, and what it foresees on the way to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from credenza.checks.triggers.model import TIMES
from credenza.contracts import FloatArray
from credenza.errors import UsageError
from credenza.studies.chain.downstream import Detector, auc
from credenza.studies.chain.poison import TARGET
from credenza.studies.chain.settings import Scale
from credenza.studies.chain.world import Labelled
from credenza.studies.common.optional import imported


def new_model(scale: Scale, classes: int, device: str) -> Any:
    """A model that has learnt nothing."""
    kind = imported("credenza.models.ddpm", "DDPM")
    return kind(scale.size, classes=classes, device=device, **scale.model)


def fitted(
    rows: Labelled,
    scale: Scale,
    classes: int,
    *,
    start: Labelled | None,
    seed: int,
    folder: Path,
    device: str,
) -> Any:
    """A model of these rows; with ``start`` first of those rows, then tuned to these for ``tuned_steps``.

    Raises
    ------
    UsageError : the settings cannot be.
    """
    model = new_model(scale, classes, device)
    if start is None:
        return model.fit(rows.images, labels=rows.labels, seed=seed, folder=folder / "model")
    model.fit(start.images, labels=start.labels, seed=seed, folder=folder / "start")
    if scale.tuned_steps < 1:
        raise UsageError(f"tuned_steps is 1 or more; found {scale.tuned_steps}")
    kind = imported("credenza.models.ddpm", "DDPM")
    tuned = kind(scale.size, classes=classes, device=device, **{**scale.model, "steps": scale.tuned_steps})
    return tuned.fit(rows.images, labels=rows.labels, seed=seed, folder=folder / "model", start=model)


def made(model: Any, rows: int, classes: int, *, seed: int) -> Labelled:
    """Images of all classes, as many of each."""
    labels = np.arange(rows) % classes
    return Labelled(model.sample(rows, seed=seed, labels=labels), labels.astype(np.int64))


def foreseen(model: Any, each: int, classes: int, *, seed: int) -> tuple[FloatArray, Any]:
    """What the model foresees at ``TIMES``: (times, n, s, s, channels) in units of a pixel, and the classes (n,)."""
    labels = np.repeat(np.arange(classes), each)
    found = model.trajectory(len(labels), seed=seed, times=list(TIMES), labels=labels)
    return found, labels


def oracle_curve(path: Any, labels: Any, detector: Detector) -> list[float]:
    """AUC at each time of the detector's score: images on their way to the target against those of other classes.

    0.5 where the target's are no likelier to show the trigger; 0.5 + share / 2 where a share of them shows it plainly.
    """
    curve = []
    for now in path:
        scores = detector.score(np.clip(np.rint(now), 0, 255).astype(np.uint8))
        curve.append(auc(scores[labels == TARGET], scores[labels != TARGET]))
    return curve
