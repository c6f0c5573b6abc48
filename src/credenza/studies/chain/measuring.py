"""The networks that a study measures by: trained once on clean rows of their own, and kept in its folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from credenza.models.frechet import feature_moments, frechet_distance
from credenza.studies.chain.downstream import Detector, classifier
from credenza.studies.chain.settings import Scale
from credenza.studies.chain.world import Images, Labelled
from credenza.studies.common.optional import imported
from credenza.studies.common.seeds import derived

FOLDER = "judges"


class Judges:
    """A classifier whose features the Fréchet distance is taken in, and a detector for each trigger.

    Parameters
    ----------
    out : folder of the study. rows : clean ones that they learn from.
    """

    def __init__(self, out: Path, scale: Scale, rows: Labelled, *, seed: int, device: str) -> None:
        self._folder, self._scale, self._rows = out / FOLDER, scale, rows
        self._seed, self._device = seed, device

    def prepare(self, triggers: Sequence[str]) -> None:
        """Train what is not there yet."""
        self._folder.mkdir(exist_ok=True)
        if not (self._folder / "classes").exists():
            made = classifier(self._rows, self._scale, seed=derived(self._seed, "judge"), device=self._device)
            made.save(self._folder / "classes")
        for trigger in triggers:
            if not (self._folder / trigger).exists():
                seed = derived(self._seed, "detector", trigger)
                made = Detector.learnt(self._rows, trigger, self._scale, seed=seed, device=self._device)
                made.network.save(self._folder / trigger)

    def distance(self, images: Images, clean: Images) -> float:
        """The Fréchet distance to clean images, of as many as there are of both."""
        network, count = self._network("classes"), min(len(images), len(clean))
        moments = [feature_moments(network.features(part[:count])) for part in (images, clean)]
        return frechet_distance(*moments)

    def detector(self, trigger: str) -> Detector:
        """That of a trigger."""
        return Detector(self._network(trigger), trigger)

    def _network(self, name: str) -> Any:
        kind = imported("credenza.models.embedding.network", "LabelNetwork")
        return kind.load(self._folder / name, device=self._device)
