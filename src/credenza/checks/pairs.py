"""CZ201: did the association of a pair move? The ladder, on the whole suspect."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from credenza.association.estimate import Power
from credenza.association.measures import normalised_pmi, odds_ratio
from credenza.checks.base import answer, counted
from credenza.checks.describe import finding_of
from credenza.checks.evidence import Evidence
from credenza.checks.inquiry import Inquiry
from credenza.contracts import Culprit, Finding, FloatArray, Outcome, Severity, Status

NOTABLE_SHARE = 0.01  # of the reference in a cell that the suspect lacks


class AssociationShift:
    """Do two features go together as in the reference?

    Detects: every pair is tested for a change of association, whatever its features' own frequencies (exact
    conditional test of equal odds ratios; likelihood ratio of no three-way interaction for tables larger than 2x2),
    with control of the false discovery rate. The ladder then names the fewest pairs that explain all others.

    Without a reference this check is not applicable: a poisoned set is a reweighted sample of the clean world, and
    nothing in it tells a planted association from a true one.

    Cannot see: shifts below the stated strength, shifts that leave every pair alone (three-way interactions), and an
    attack on the reference itself.
    """

    code: ClassVar[str] = "CZ201"
    title: ClassVar[str] = "Association shift"
    needs: ClassVar[tuple[str, ...]] = ("reference",)

    def run(self, evidence: Evidence) -> Outcome:
        """Report the culprits, or the smallest strength that would have been seen."""
        inquiry = evidence.inquiry
        climb, culprits = inquiry.climb, inquiry.culprits()
        findings = [self._finding(c, *inquiry.describer.two_by_two(k)) for k, c in enumerate(culprits)]
        if climb.exhausted or (inquiry.beyond and not culprits):
            findings.append(self._exhausted(len(culprits)))
        power = inquiry.power
        details = {
            "pairs_tested": inquiry.ranking.tested,
            "flagged_at_first": len(inquiry.flagged),
            "effective_rows": float(climb.calibration.effective_size),
            "design_effect": float(evidence.design_effect),
            "residual": float(climb.calibration.residual),
            "unrestorable_cells": len(climb.calibration.empty),
            "detectable_typical": _finite(power.typical()),
            "detectable_weakest": _finite(power.weakest()),
            "blind_pairs": int(np.isinf(power.strength).sum()),
            "power": power.power,
            "permutation_p": evidence.permutation_p,
            "features_in_play": len(inquiry.in_play),
            "rows_weighed": len(inquiry.ladder.codes),
            "edits_asked": inquiry.several and not inquiry.unread,
        }
        if not findings and not np.isfinite(power.strength).any():
            return Outcome(self.code, self.title, Status.SKIPPED, self._too_small(evidence), (), details)
        return answer(
            self,
            findings,
            could_have_missed(power, evidence.permutation_p, inquiry.ranking.tested, inquiry.ranking.pairs)
            + _not_comparable(evidence),
            details=details,
            culprits=culprits,
            also=f"; {_flagged(inquiry)} flagged before anything was explained"
            + _weighed(inquiry)
            + _unrestorable(climb.calibration.empty, len(culprits))
            + _unread(inquiry),
        )

    def _finding(self, culprit: Culprit, before: FloatArray, after: FloatArray) -> Finding:
        """One culprit; ``before`` and ``after`` are the counts of its 2x2 table."""
        npmi = [float(normalised_pmi(table)[1, 1]) for table in (before, after)]
        ratios = {"reference": list(odds_ratio(before)), "suspect": list(odds_ratio(after))}
        pointwise = {"reference": npmi[0], "suspect": npmi[1]}
        return finding_of(self.code, culprit, odds_ratio=ratios, normalised_pmi=pointwise)

    def _too_small(self, evidence: Evidence) -> str:
        suspect, reference = evidence.suspect.rows, evidence.reference_counts.rows
        pairs = evidence.inquiry.ranking.pairs
        return (
            f"none of {counted(pairs, 'pair')} could show a shift of any size with {counted(suspect, 'row')} "
            f"against {reference:,}: give more rows"
        )

    def _exhausted(self, named: int) -> Finding:
        message = (
            f"pairs are still significant after {named} culprits: "
            "the two tables differ throughout, not in a few pairs"
        )
        return Finding(self.code, (), message, Severity.ALARM)


def could_have_missed(power: Power, permutation_p: float | None, tested: int, pairs: int) -> str:
    """What a clear outcome would not have shown; ``tested`` of the pairs had anything to test."""
    told = counted(tested, "pair") if tested == pairs else f"{tested:,} of {counted(pairs, 'pair')}"
    gate = "" if permutation_p is None else f" (permutation p = {permutation_p:.3f})"
    if not pairs or np.isinf(power.typical()):
        return f"{told} tested, none significant{gate}; the tables are too small to show any shift reliably"
    blind = int(np.isinf(power.strength).sum())
    rare = f"; {counted(blind, 'pair')} {'is' if blind == 1 else 'are'} too rare to show any" if blind else ""
    return (
        f"{told} tested, none significant{gate}. A shift of strength {power.typical():.3f} on a typical "
        f"pair, {power.weakest():.3f} on the hardest, would have shown with {power.power:.0%} power{rare}"
    )


def _flagged(inquiry: Inquiry) -> str:
    """How many pairs were significant at first; a lower bound where the ranking holds no more."""
    least = "" if inquiry.ranking.complete(inquiry.fdr) else "at least "
    return least + counted(len(inquiry.flagged), "pair")


def _weighed(inquiry: Inquiry) -> str:
    """What the ladder worked on, where that is not the whole table."""
    parts, drawn = [], len(inquiry.ladder.codes)
    if len(inquiry.in_play) < len(inquiry.schema.features):
        parts.append(f"the {len(inquiry.in_play)} features in play")
    if 0 < drawn < inquiry.suspect.rows:
        parts.append(f"a seeded sample of {drawn:,} of {inquiry.suspect.rows:,} rows")
    told = f"; explained on {' and '.join(parts)}" if parts and drawn else ""
    if inquiry.beyond:
        told += f"; whether that explains {counted(inquiry.beyond, 'flagged pair')} of other features was not tested"
    return told


def _unread(inquiry: Inquiry) -> str:
    """A warning where one edit of a feature's values might explain several culprits, and there are no rows to ask."""
    if not inquiry.unread:
        return ""
    return (
        "; some culprits share a feature: whether its values were edited in place takes the reference's rows, "
        "which a profile does not have"
    )


def _not_comparable(evidence: Evidence) -> str:
    """A warning about levels that only the suspect has: what they go with has nothing to be compared to."""
    new = [
        i.column for i in evidence.issues if i.problem == "new levels" and (i.share or 0.0) >= NOTABLE_SHARE
    ]
    if not new:
        return ""
    named = ", ".join(new[:3]) + (f" and {len(new) - 3} more columns" if len(new) > 3 else "")
    return f"; what the new levels of {named} go with could not be compared"


def _unrestorable(empty: tuple[tuple[Any, Any, float], ...], culprits: int) -> str:
    """A warning where no weights can undo a culprit, so that other pairs of its features cannot be judged."""
    share = max((mass for *_, mass in empty), default=0.0)
    if share < NOTABLE_SHARE or not culprits:
        return ""
    return (
        f"; cells with up to {share:.0%} of the reference have no row in the suspect, so no weights restore them "
        "and other pairs of the same features could not be judged"
    )


def _finite(x: float) -> float | None:
    return float(x) if np.isfinite(x) else None
