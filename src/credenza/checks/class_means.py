"""CZ503: did a class's mean image move against the reference's?"""

from __future__ import annotations

from typing import ClassVar

from credenza.checks.base import answer, counted
from credenza.checks.evidence import Evidence
from credenza.checks.triggers.blocks import LEAST_ROWS
from credenza.checks.triggers.data import trigger_in_data
from credenza.checks.triggers.told import SHARED, details_of, enough, finding_of
from credenza.contracts import Outcome, Status
from credenza.errors import InputError


class MovedMeans:
    """Did the mean image of one class move against the reference's, at one place or by one pattern of waves?

    Detects: a trigger that is the same on a share of a class's images (patch, sinusoid; a blend if it is strong), by
    :func:`credenza.checks.triggers.trigger_in_data`.

    Cannot see: triggers that differ from image to image (WaNet, invisible noise of a sample's own); one that is on all
    classes alike; a faint or rare one (docs/benchmarks.md). A true change at one place of one class, such as a new kind
    of hat, is flagged as well.
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
        findings = [finding_of(self.code, found, names, "the means of the images")] if found.flagged else []
        clear = (
            f"no mean of {counted(len(names), 'class').replace('classs', 'classes')} moved at one place or by one "
            f"pattern (p {found.p:.2g}, {counted(found.rows, 'image')}); {SHARED}"
        )
        return answer(self, findings, clear, details=details_of(found, names))
