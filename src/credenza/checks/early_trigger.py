"""CZ501: does a diffusion model foresee a trigger on the way from noise to image?"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from credenza.checks.base import answer
from credenza.checks.evidence import Evidence
from credenza.checks.triggers.model import EARLY, LEAST_IMAGES, PER_CLASS, TIMES, trigger_in_model
from credenza.checks.triggers.sets import ImageSet
from credenza.checks.triggers.told import SHARED, details_of, finding_of
from credenza.contracts import Outcome
from credenza.errors import InputError
from credenza.models.trajectories import open_trajectories


class EarlyTrigger:
    """Does what a diffusion model foresees of one class, early in the reverse process, deviate from clean class means?

    Detects: a trigger that the model learnt for one class, by :func:`credenza.checks.triggers.trigger_in_model`. Held
    against the reference; without one against the suspect, its training data, which then shows what the model adds.

    Cannot see: triggers that differ from image to image; without a reference, one that the training data has as often.
    """

    code: ClassVar[str] = "CZ501"
    title: ClassVar[str] = "Trigger early in a diffusion model's reverse process"
    needs: ClassVar[tuple[str, ...]] = ("labels", "pictures", "model")

    def run(self, evidence: Evidence) -> Outcome:
        """Draw trajectories of every class, and search their means."""
        sets, s = evidence.images, evidence.settings
        model = open_trajectories(sets.model)
        known = sets.own if sets.known is None else sets.known
        names = sets.classes if model.classes is not None else ("all images",)
        images = _alike(known, model.size, model.channels)
        per_class = max(PER_CLASS, -(-LEAST_IMAGES // (model.classes or 1)))
        found = trigger_in_model(
            model, reference=(images, known.labels), per_class=per_class, seed=s.seed, level=s.fdr
        )
        early = [time for time in TIMES if time >= EARLY]
        times = f"times {', '.join(map(str, early))} of 1,000"
        findings = (
            [finding_of(self.code, found, names, "the images foreseen", f", at {times}")]
            if found.flagged
            else []
        )
        held = (
            "the suspect itself: what it holds as often is not seen"
            if sets.known is None
            else "the reference"
        )
        clear = (
            f"no class deviates in what is foreseen at {times} (p {found.p:.2g}, {per_class} trajectories a class), "
            f"against {held}; {SHARED}"
        )
        return answer(self, findings, clear, details=details_of(found, names) | {"tested_times": early})


def _alike(known: ImageSet, size: int, channels: int) -> np.ndarray:
    """The images to hold a model against, grey where the model is.

    Raises
    ------
    InputError : of another size than the model's.
    """
    height, width = known.images.shape[1:3]
    if (height, width) != (size, size):
        raise InputError(
            f"the model makes images of {size} x {size} and {known.name} has {width} x {height}; give images as large"
        )
    return known.images if channels == 3 else known.images.mean(axis=3, keepdims=True)
