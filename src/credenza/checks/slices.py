"""CZ202: does one slice associate a pair unlike the rest?"""

from __future__ import annotations

from typing import ClassVar

from credenza.association.counts import PairCounts
from credenza.checks.base import answer
from credenza.checks.describe import finding_of
from credenza.checks.evidence import Evidence
from credenza.checks.grouped import HeldCounts, group_sizes, inquire
from credenza.checks.groups import ByColumn, OutsideGroups, could_have_missed
from credenza.checks.inquiry import Inquiry
from credenza.contracts import Culprit, Outcome, Status


class SliceShift:
    """Does one contributor, batch or shard associate two features unlike all the others?

    Detects: the ladder of CZ201 with the slice as suspect and the remaining rows as reference, at the false discovery
    rate divided by the number of slices. The slice with the strongest evidence is named and set aside, and the others
    are compared again without it, so that one poisoned slice does not taint the rest.

    Cannot see: what most slices have in common, and slices with fewer than 100 rows (listed).
    """

    code: ClassVar[str] = "CZ202"
    title: ClassVar[str] = "Slice against the rest"
    needs: ClassVar[tuple[str, ...]] = ("slices",)

    def run(self, evidence: Evidence) -> Outcome:
        """Name slices and pairs."""
        grouping = ByColumn(str(evidence.slices))
        sizes, rows = group_sizes(evidence, evidence.suspect, grouping), evidence.suspect.rows
        least = evidence.settings.min_slice
        usable = [label for label, size in sizes.items() if size >= least and rows - size >= least]
        small = [label for label in sizes if label not in set(usable)]
        details = {"slices": len(usable), "too_small": small}
        if len(usable) < 2:
            reason = (
                f"{len(usable)} of {len(sizes)} slices have {least} rows and as many to compare with: "
                "at least 2 are needed"
            )
            return Outcome(self.code, self.title, Status.NOT_APPLICABLE, reason, (), details)
        culprits, missed = self._search(evidence, grouping, usable)
        if not missed and not culprits:
            reason = f"no pair could show a shift of any size in any of {len(usable)} slices: give more rows"
            return Outcome(self.code, self.title, Status.SKIPPED, reason, (), details)
        findings = [finding_of(self.code, c) for c in culprits]
        features = len(evidence.schema.features)
        pairs = features * (features - 1) // 2
        clear = f"no slice out of {len(usable)} differs from the rest in any of {pairs:,} pairs{missed}"
        if small:
            clear += f"; {len(small)} slices with fewer than {least} rows were not checked"
        return answer(self, findings, clear, details=details, culprits=culprits)

    def _search(
        self, evidence: Evidence, grouping: ByColumn, usable: list[str]
    ) -> tuple[tuple[Culprit, ...], str]:
        """Compare each slice with the rest, set the strangest aside, and again: (culprits, what could be missed)."""
        rest, pending = evidence.suspect_counts, list(usable)
        assert isinstance(rest, PairCounts)
        held = HeldCounts(evidence, evidence.suspect, grouping, usable)
        found: list[Culprit] = []
        aside: list[str] = []
        missed = ""
        while len(pending) > 1:
            worst: Inquiry | None = None
            powers = []
            for label, own in held.of(pending):
                others = OutsideGroups(grouping, (label, *aside))
                known = evidence.suspect, others
                inquiry = inquire(
                    evidence, grouping, label, rest.less(own), own, len(usable), 1.0, known=known
                )
                if not missed:
                    powers.append(inquiry.power)
                if inquiry.flagged.size and (worst is None or _strength(inquiry) < _strength(worst)):
                    worst = inquiry
            missed = missed or could_have_missed(powers)
            if worst is None:
                break
            pending.remove(worst.where)
            culprits = worst.culprits()
            if culprits and isinstance(worst.suspect, PairCounts):
                rest = rest.less(worst.suspect)
                aside.append(worst.where)
                found += culprits
        return tuple(found), missed


def _strength(inquiry: Inquiry) -> float:
    """The smallest log p of the pairs of a slice."""
    return float(inquiry.ranking.log_p.min())
