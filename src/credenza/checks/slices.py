"""CZ202: does one slice associate a pair unlike the rest?"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from credenza.association.counts import PairCounts
from credenza.association.estimate import Power, detectable
from credenza.association.ladder import Ladder
from credenza.association.shift import Sample
from credenza.checks.base import answer
from credenza.checks.describe import Describer, finding_of
from credenza.checks.evidence import Evidence
from credenza.checks.groups import could_have_missed
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
        groups = evidence.slice_groups
        sizes = groups.sizes()
        least = evidence.settings.min_slice
        usable = [g for g in range(len(sizes)) if sizes[g] >= least and len(groups.index) - sizes[g] >= least]
        small = [groups.labels[g] for g in range(len(sizes)) if g not in usable]
        details = {"slices": len(usable), "too_small": small}
        if len(usable) < 2:
            reason = (
                f"{len(usable)} of {len(sizes)} slices have {least} rows and as many to compare with: "
                "at least 2 are needed"
            )
            return Outcome(self.code, self.title, Status.NOT_APPLICABLE, reason, (), details)
        culprits = self.search(evidence, usable)
        missed = could_have_missed(self._powers(evidence, usable))
        if not missed and not culprits:
            reason = f"no pair could show a shift of any size in any of {len(usable)} slices: give more rows"
            return Outcome(self.code, self.title, Status.SKIPPED, reason, (), details)
        findings = [finding_of(self.code, c) for c in culprits]
        pairs = len(evidence.layout.pairs[0])
        clear = f"no slice out of {len(usable)} differs from the rest in any of {pairs:,} pairs{missed}"
        if small:
            clear += f"; {len(small)} slices with fewer than {least} rows were not checked"
        return answer(self, findings, clear, details=details, culprits=culprits)

    def _powers(self, evidence: Evidence, usable: list[int]) -> list[Power]:
        index, whole, s = evidence.slice_groups.index, evidence.suspect_counts, evidence.settings
        powers = []
        for g in usable:
            part = PairCounts.empty(evidence.schema.sizes).update(
                np.asfortranarray(evidence.codes[index == g])
            )
            pair = Sample.of(whole.less(part)), Sample.of(part)
            powers.append(detectable(*pair, evidence.layout, alpha=s.fdr / len(usable), power=s.power))
        return powers

    def search(self, evidence: Evidence, usable: list[int]) -> tuple[Culprit, ...]:
        """Compare each slice with the rest, set the strangest aside, and again."""
        index = evidence.slice_groups.index
        rows = {g: np.asfortranarray(evidence.codes[index == g]) for g in usable}
        counts = {g: PairCounts.empty(evidence.schema.sizes).update(rows[g]) for g in usable}
        rest, pending = evidence.suspect_counts, set(usable)
        found: list[Culprit] = []
        while len(pending) > 1:
            ladders = {
                g: self._ladder(evidence, rows[g], rest.less(counts[g]), len(usable)) for g in sorted(pending)
            }
            first = {g: ladder.first_log_p() for g, ladder in ladders.items()}
            strange = {g: log_p for g, log_p in first.items() if log_p is not None}
            if not strange:
                break
            worst = min(strange, key=lambda g: strange[g])
            climb = ladders[worst].climb()
            pending.discard(worst)
            if climb.steps:
                rest = rest.less(counts[worst])
                where = evidence.slice_groups.labels[worst]
                describer = Describer(
                    ladders[worst],
                    climb,
                    evidence.schema,
                    alias_share=evidence.settings.alias_share,
                    where=where,
                )
                found += describer.culprits()
        return tuple(found)

    def _ladder(self, evidence: Evidence, codes: np.ndarray, rest: PairCounts, slices: int) -> Ladder:
        s = evidence.settings
        correction = "by" if s.correction == "by" else "bh"
        return Ladder(
            codes,
            rest.joint,
            rest.rows,
            evidence.layout,
            fdr=s.fdr / slices,
            correction=correction,
            min_strength=s.min_strength,
        )
