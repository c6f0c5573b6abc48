"""CZ204: does an association shift inside strata where the whole hides it?"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from credenza.association.counts import PairCounts
from credenza.association.estimate import Power, detectable
from credenza.association.ladder import Ladder
from credenza.checks.base import answer
from credenza.checks.describe import Describer, finding_of
from credenza.checks.evidence import Evidence
from credenza.checks.groups import could_have_missed
from credenza.contracts import Culprit, Outcome, Status


class StrataShift:
    """Do two features go together as in the reference inside every stratum?

    Detects: the ladder of CZ201 inside each combination of the strata columns' levels that has 100 rows on both
    sides, at the false discovery rate divided by the number of such strata. Shifts that cancel over strata show here
    and nowhere else. A culprit that CZ201 named for the whole is not reported again.

    Cannot see: strata with fewer rows (listed), and features that are not among the strata columns.
    """

    code: ClassVar[str] = "CZ204"
    title: ClassVar[str] = "Shift inside strata"
    needs: ClassVar[tuple[str, ...]] = ("reference rows", "strata")

    def run(self, evidence: Evidence) -> Outcome:
        """Climb inside every stratum."""
        reference, suspect = evidence.strata_groups
        least = evidence.settings.min_slice
        both = np.minimum(reference.sizes(), suspect.sizes())
        usable = np.flatnonzero(both >= least)
        small = [suspect.labels[g] for g in np.flatnonzero(both < least)]
        details = {"strata": len(usable), "too_small": small}
        if not usable.size:
            reason = f"no stratum has {least} rows on both sides: use fewer or coarser strata columns"
            return Outcome(self.code, self.title, Status.NOT_APPLICABLE, reason, (), details)
        known = {frozenset(pair) for c in evidence.describer.culprits() for pair in (c.features, *c.aliases)}
        climbed = [self._climb(evidence, int(g), len(usable)) for g in usable]
        culprits = tuple(c for found, _ in climbed for c in found if frozenset(c.features) not in known)
        missed = could_have_missed([power for _, power in climbed])
        if not missed and not culprits:
            reason = f"no pair could show a shift of any size in any of {len(usable)} strata: give more rows"
            return Outcome(self.code, self.title, Status.SKIPPED, reason, (), details)
        findings = [finding_of(self.code, c, note="; the whole table does not show it") for c in culprits]
        clear = f"no pair shifts inside any of {len(usable)} strata beyond what CZ201 reports{missed}"
        if small:
            clear += f"; {len(small)} strata with fewer than {least} rows on a side were not checked"
        return answer(self, findings, clear, details=details, culprits=culprits)

    def _climb(self, evidence: Evidence, stratum: int, strata: int) -> tuple[tuple[Culprit, ...], Power]:
        reference, suspect = evidence.strata_groups
        s = evidence.settings
        codes = np.asfortranarray(evidence.codes[suspect.index == stratum])
        within = np.asfortranarray(evidence.reference_codes[reference.index == stratum])
        counts = PairCounts.empty(evidence.schema.sizes).update(within)
        ladder = Ladder(
            codes,
            counts.joint,
            counts.rows,
            evidence.layout,
            fdr=s.fdr / strata,
            correction="by" if s.correction == "by" else "bh",
            min_strength=s.min_strength,
            design_effect=evidence.design_effect,
        )
        where = suspect.labels[stratum]
        describer = Describer(ladder, ladder.climb(), evidence.schema, alias_share=s.alias_share, where=where)
        samples = ladder.reference, ladder.plain
        power = detectable(*samples, evidence.layout, alpha=s.fdr / strata, power=s.power)
        return describer.culprits(), power
