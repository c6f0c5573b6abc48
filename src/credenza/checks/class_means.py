"""CZ503: did a class's mean image move against the reference's?"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from credenza.checks.base import answer, counted
from credenza.checks.evidence import Evidence
from credenza.checks.triggers.blocks import LEAST_ROWS
from credenza.checks.triggers.carriers import suspicion
from credenza.checks.triggers.data import trigger_in_data
from credenza.checks.triggers.search import TriggerSearch
from credenza.checks.triggers.sets import ImageSet
from credenza.checks.triggers.told import SHARED, details_of, enough, finding_of
from credenza.contracts import FloatArray, Outcome, Status
from credenza.errors import InputError

LIKELY = 0.5  # probability from which a row is picked


class MovedMeans:
    """Did the mean image of one class move against the reference's, at one place or by one pattern of waves?

    Detects: a trigger that is the same on a share of a class's images (patch, sinusoid; a blend if it is strong), by
    :func:`credenza.checks.triggers.trigger_in_data`. When it is flagged, every row has the probability that it carries
    the pattern as its score (:func:`credenza.checks.triggers.carriers.suspicion`); rows of 0.5 or more are picked.

    Cannot see: triggers that differ from image to image (invisible noise of a sample's own); most warps (WaNet), which
    leave a faint mean; one that is on all classes alike; a faint or rare one (docs/benchmarks.md). A true change at one
    place of one class, such as a new kind of hat, is flagged as well.
    """

    code: ClassVar[str] = "CZ503"
    title: ClassVar[str] = "Class means moved against the reference"
    needs: ClassVar[tuple[str, ...]] = ("labels", "pictures", "reference rows")

    def run(self, evidence: Evidence) -> Outcome:
        """Search the class means of all classes at once."""
        sets = evidence.images
        try:
            own, known = sets.own, sets.known
        except InputError as error:
            return Outcome(self.code, self.title, Status.NOT_APPLICABLE, str(error))
        if known is None or known.images.shape[1:] != own.images.shape[1:]:
            reason = (
                "needs images of one size, with the same column of classes, in the suspect and the reference"
            )
            return Outcome(self.code, self.title, Status.NOT_APPLICABLE, reason)
        kept = enough(len(sets.classes), LEAST_ROWS, own, known)
        if not len(kept):
            reason = f"no class has {LEAST_ROWS} images on both sides"
            return Outcome(self.code, self.title, Status.SKIPPED, reason)
        names = tuple(sets.classes[code] for code in kept)
        own, known = own.of(kept), known.of(kept)
        s = evidence.settings
        found = trigger_in_data(own.images, own.labels, known.images, known.labels, seed=s.seed, level=s.fdr)
        clear = (
            f"no mean of {counted(len(names), 'class').replace('classs', 'classes')} moved at one place or by one "
            f"pattern (p {found.p:.2g}, {counted(found.rows, 'image')}); {SHARED}"
        )
        details = details_of(found, names)
        if not found.flagged:
            return answer(self, [], clear, details=details)
        scores = _scores(found, own, known, evidence.suspect.rows, s.seed)
        picked = scores >= LIKELY
        number = int(picked.sum())
        findings = [finding_of(self.code, found, names, "the means of the images")]
        also = f", {counted(number, 'row')} picked"
        outcome = answer(
            self, findings, clear, details=details | {"picked": number}, also=also, scores=scores
        )
        return replace(outcome, picked=picked)


def _scores(found: TriggerSearch, own: ImageSet, known: ImageSet, rows: int, seed: int) -> FloatArray:
    """Probability that an image carries the pattern, for all rows of the suspect; NaN where none was looked at."""
    scores = np.full(rows, np.nan)
    scores[own.rows] = suspicion(found, own.images, own.labels, known.images, known.labels, seed=seed)
    return scores
