"""CZ204: does an association shift inside strata where the whole hides it?"""

from __future__ import annotations

from typing import ClassVar

from credenza.association.estimate import Power
from credenza.checks.base import answer
from credenza.checks.describe import finding_of
from credenza.checks.evidence import Evidence
from credenza.checks.grouped import HeldCounts, group_sizes, inquire
from credenza.checks.groups import ByLevels, InGroup, could_have_missed
from credenza.contracts import Culprit, Outcome, Status
from credenza.data import Source


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
        grouping = ByLevels.of(evidence.schema, evidence.strata)
        before, after = (group_sizes(evidence, s, grouping) for s in _sides(evidence))
        least = evidence.settings.min_slice
        labels = sorted({*before, *after})
        both = {label: min(before.get(label, 0), after.get(label, 0)) for label in labels}
        usable = [label for label in labels if both[label] >= least]
        small = [label for label in labels if both[label] < least]
        details = {"strata": len(usable), "too_small": small}
        if not usable:
            reason = f"no stratum has {least} rows on both sides: use fewer or coarser strata columns"
            return Outcome(self.code, self.title, Status.NOT_APPLICABLE, reason, (), details)
        known = {frozenset(pair) for c in evidence.inquiry.culprits() for pair in (c.features, *c.aliases)}
        climbed = self._climb(evidence, grouping, usable)
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

    def _climb(
        self, evidence: Evidence, grouping: ByLevels, usable: list[str]
    ) -> list[tuple[tuple[Culprit, ...], Power]]:
        reference, suspect = _sides(evidence)
        before, after = (HeldCounts(evidence, side, grouping, usable) for side in (reference, suspect))
        out = []
        for (label, known), (_, own) in zip(before.of(usable), after.of(usable), strict=True):
            rows = reference, InGroup(grouping, label)
            inquiry = inquire(evidence, grouping, label, known, own, len(usable), known=rows)
            out.append((inquiry.culprits(), inquiry.power))
        return out


def _sides(evidence: Evidence) -> tuple[Source, Source]:
    assert isinstance(evidence.reference, Source)
    return evidence.reference, evidence.suspect
