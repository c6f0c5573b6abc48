"""CZ003: are there rows whose content is nearly the same?"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from credenza.checks.base import answer, counted
from credenza.checks.collision import coincidence_excess
from credenza.checks.evidence import Evidence
from credenza.checks.samples.near import NearPairs, near_pairs, typical_distance
from credenza.contracts import Finding, FloatArray, Outcome, Severity, Status
from credenza.data import Duplicates
from credenza.data.matrix import Matrix
from credenza.errors import InputError


class NearDuplicates:
    """Do rows nearly repeat more often than they should?

    Detects: pairs of rows whose embeddings are within 5% of the root mean square distance of two rows. With embeddings
    of a reference, the share of such pairs is compared with the reference's, at the reference's distance, by the
    U-statistic of CZ002: an alarm needs z > 4 and an excess of 0.1% of the rows. Without them: in a continuous
    distribution of two dimensions or more at most a quarter of the pairs within twice the distance are within it; four
    standard errors more than that, and 0.1% of the rows, earn a notice.

    Cannot see: copies that were changed enough to move the embedding further, and what the embedding does not show.
    """

    code: ClassVar[str] = "CZ003"
    title: ClassVar[str] = "Near-duplicates"
    needs: ClassVar[tuple[str, ...]] = ("embeddings",)

    def run(self, evidence: Evidence) -> Outcome:
        """Count pairs of near-duplicates, and score the rows by their nearest neighbour."""
        given, known = evidence.beside.embeddings, evidence.beside.reference_embeddings
        assert given is not None
        s = evidence.settings
        if known is not None:
            _require_width(given, known)
        base = given if known is None else known
        distance = typical_distance(base.values, seed=s.seed)
        if distance == 0.0:
            return Outcome(self.code, self.title, Status.SKIPPED, "all rows have the same embedding")
        found = near_pairs(given.values, s.near * distance, seed=s.seed)
        if known is None:
            return self._alone(evidence, found)
        return self._against(evidence, found, near_pairs(known.values, s.near * distance, seed=s.seed))

    def _against(self, evidence: Evidence, found: NearPairs, known: NearPairs) -> Outcome:
        s = evidence.settings
        excess = coincidence_excess(_duplicates(found), _duplicates(known), 1.0)
        details = _details(found) | {"expected_pairs": excess.expected, "z": excess.z}
        clear = f"{_told(found, evidence)}; the reference's rate explains that"
        if excess.z <= s.duplicate_z or excess.pairs < s.duplicate_share * len(found.rows):
            return answer(self, [], clear, details=details, scores=_scores(found, evidence))
        message = (
            f"{found.pairs:,} pairs of rows with nearly the same content where the reference's rate gives "
            f"{excess.expected:,.0f} ({_shown(found)})"
        )
        finding = Finding(
            self.code, (), message, Severity.ALARM, statistic=excess.z, effect=excess.pairs / len(found.rows)
        )
        return answer(self, [finding], "", details=details, scores=_scores(found, evidence))

    def _alone(self, evidence: Evidence, found: NearPairs) -> Outcome:
        s = evidence.settings
        details = _details(found) | {"expected_pairs": found.chance}
        clear = f"{_told(found, evidence)}; chance explains that"
        scores = _scores(found, evidence)
        floor = max(found.chance + s.duplicate_z * np.sqrt(found.chance), s.duplicate_share * len(found.rows))
        if found.pairs <= floor:
            return answer(self, [], clear, details=details, scores=scores)
        message = (
            f"{found.pairs:,} pairs of rows with nearly the same content where rows drawn independently would give "
            f"at most about {found.chance:,.0f} ({_shown(found)})"
        )
        effect = (found.pairs - found.chance) / len(found.rows)
        finding = Finding(self.code, (), message, Severity.NOTICE, effect=effect)
        return answer(self, [finding], "", details=details, scores=scores)


def _require_width(given: Matrix, known: Matrix) -> None:
    own, other = given.values.shape[1], known.values.shape[1]
    if own != other:
        raise InputError(
            f"the embeddings have {own:,} columns and the reference's have {other:,}; make both with one model"
        )


def _duplicates(near: NearPairs) -> Duplicates:
    """Near pairs in the words of exact ones; a third of all rows with two neighbours stand for a triple."""
    n = near.neighbours
    alone = int((n == 0).sum())
    return Duplicates(
        len(near.rows), alone, near.pairs, int(n.max(initial=0)) + 1, int((n * (n - 1) // 2).sum() // 3)
    )


def _scores(found: NearPairs, evidence: Evidence) -> FloatArray:
    out = np.full(evidence.suspect.rows, np.nan)
    out[found.rows] = found.scores
    return out


def _told(found: NearPairs, evidence: Evidence) -> str:
    rows, all_rows = len(found.rows), evidence.suspect.rows
    near = int((found.neighbours > 0).sum())
    drawn = "" if rows == all_rows else f", a sample of {all_rows:,},"
    return f"{near:,} of {counted(rows, 'row')}{drawn} {'has' if near == 1 else 'have'} a near-duplicate"


def _shown(found: NearPairs) -> str:
    pairs = ", ".join(f"{a:,} and {b:,}" for a, b in found.examples[:3])
    return f"such as rows {pairs}"


def _details(found: NearPairs) -> dict[str, object]:
    return {
        "rows": len(found.rows),
        "pairs": found.pairs,
        "copies": found.copies,
        "radius": found.radius,
        "most": int(found.neighbours.max(initial=0)) + 1,
        "examples": [list(pair) for pair in found.examples],
    }
