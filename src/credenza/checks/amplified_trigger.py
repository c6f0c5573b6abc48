"""CZ502: is a trigger more frequent among a generator's images than among its training images?"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from credenza.checks.base import answer
from credenza.checks.evidence import Evidence
from credenza.checks.triggers.amplification import Amplification, trigger_amplification
from credenza.checks.triggers.blocks import LEAST_ROWS
from credenza.checks.triggers.told import enough, rounded
from credenza.contracts import Finding, Outcome, Severity
from credenza.errors import InputError


class AmplifiedTrigger:
    """Is a pattern on the images of one class more frequent among the generations than among the training images?

    Detects: amplification of a fixed trigger that is not known, by
    :func:`credenza.checks.triggers.trigger_amplification`, with an interval of the ratio.

    Cannot see: without a reference, a trigger that is as frequent in both; one that differs from image to image; two
    at once. A place of a class that the generator paints otherwise than its training data is flagged too.
    """

    code: ClassVar[str] = "CZ502"
    title: ClassVar[str] = "Trigger more frequent in generations than in training data"
    needs: ClassVar[tuple[str, ...]] = ("labels", "pictures", "generated")

    def run(self, evidence: Evidence) -> Outcome:
        """Find a pattern on one half of the images, count it on the other."""
        sets, s = evidence.images, evidence.settings
        sides = [sets.own, sets.made] + ([] if sets.known is None else [sets.known])
        sizes = {side.images.shape[1:3] for side in sides}
        if len(sizes) > 1:
            shown = " and ".join(f"{width} x {height}" for height, width in sorted(sizes))
            raise InputError(f"images are of one size on all sides; found {shown}")
        kept = enough(len(sets.classes), 2 * LEAST_ROWS, *sides)
        if not len(kept):
            raise InputError(
                f"amplification needs a class of {2 * LEAST_ROWS} images or more on all sides; found none"
            )
        names = tuple(sets.classes[code] for code in kept)
        training, generated, *known = (side.of(kept) for side in sides)
        found = trigger_amplification(
            training.images,
            training.labels,
            generated.images,
            generated.labels,
            reference=(known[0].images, known[0].labels) if known else None,
            seed=s.seed,
            level=s.fdr,
        )
        findings = [self._finding(found, names)] if found.flagged else []
        return answer(self, findings, _clear(found, names), details=_details(found, names))

    def _finding(self, found: Amplification, names: tuple[str, ...]) -> Finding:
        name = names[found.target or 0]
        message = (
            f"a pattern is on {found.shares[1]:.1%} of the generated images of {name!r} and on {found.shares[0]:.1%} "
            f"of the training images: {_ratio(found)}"
        )
        return Finding(
            self.code,
            (name,),
            message,
            Severity.ALARM,
            statistic=found.statistic,
            p=found.p,
            effect=found.ratio if math.isfinite(found.ratio) else None,
        )


def _ratio(found: Amplification) -> str:
    high = f"{found.interval[1]:.2f}" if math.isfinite(found.interval[1]) else "no bound"
    return f"{found.ratio:.2f} times as often (95%: {found.interval[0]:.2f} to {high})"


def _clear(found: Amplification, names: tuple[str, ...]) -> str:
    if found.target is None:
        return (
            "no pattern of one class was found of which generations and training images have different shares; "
            "a trigger that is as frequent in both is only seen against a reference"
        )
    return (
        f"a pattern of {names[found.target]!r} is not amplified: {_ratio(found)}; "
        f"a difference below {found.missed:.1%} of the class would be missed"
    )


def _details(found: Amplification, names: tuple[str, ...]) -> dict[str, Any]:
    known = found.target is not None
    return {
        "p": found.p,
        "class": names[found.target] if found.target is not None else None,
        "kind": found.kind,
        "box": list(found.box) if found.box is not None else None,
        "statistic": found.statistic,
        "shares": list(found.shares) if known else None,
        "ratio": found.ratio if known and math.isfinite(found.ratio) else None,
        "interval": [value if math.isfinite(value) else None for value in found.interval] if known else None,
        "missed": found.missed if known else None,
        "images": list(found.rows),
        "heat": rounded(found.heat),
    }
