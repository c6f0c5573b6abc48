"""CZ002: do whole rows repeat more often than they should?"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from credenza.checks.base import answer
from credenza.checks.collision import tree_collision
from credenza.checks.evidence import Evidence
from credenza.contracts import Finding, Outcome, Severity
from credenza.data import Duplicates

MODEL_FACTOR = 10.0


class DuplicateRows:
    """Do exact duplicate rows occur beyond what independence of rows allows?

    Detects, with a reference: let U be the share of coinciding row pairs. Both sides estimate the chance that two rows
    coincide, so z = (U_s - U_r) / se with the variance of a U-statistic (pairs and triples of coinciding rows,
    Hoeffding 1948). An alarm needs z > 4 and an excess of at least 0.1% of the rows.

    Without a reference: the chance that two rows coincide is computed exactly under a tree of pairwise dependences
    (Chow & Liu 1968) on the binned columns. A table that repeats more than ten times that, and more than 0.1% of its
    rows, earns a notice; the tree underestimates chance coincidences, hence the factor.

    Cannot see: copies with one value changed, and copies in a table so coarse that rows coincide anyway.
    """

    code: ClassVar[str] = "CZ002"
    title: ClassVar[str] = "Duplicate rows"
    needs: ClassVar[tuple[str, ...]] = ()

    def run(self, evidence: Evidence) -> Outcome:
        """Compare the rate of coinciding row pairs."""
        found, known = evidence.suspect_duplicates, evidence.reference_duplicates
        if known is not None and known.rows > 1:
            return self._against(evidence, found, known)
        return self._alone(evidence, found)

    def _against(self, evidence: Evidence, found: Duplicates, known: Duplicates) -> Outcome:
        s = evidence.settings
        (u_s, v_s), (u_r, v_r) = coincidence(found), coincidence(known)
        expected = u_r * found.rows * (found.rows - 1) / 2
        excess = found.pairs - expected
        z = (u_s - u_r) / np.sqrt(v_s + v_r) if v_s + v_r > 0 else 0.0
        details = _details(found) | {"expected_pairs": float(expected), "z": float(z)}
        clear = f"{_repeats(found)} of {found.rows:,} rows repeat an earlier one; the reference's rate explains that"
        if z <= s.duplicate_z or excess < s.duplicate_share * found.rows:
            return answer(self, [], clear, details=details)
        message = (
            f"{found.pairs:,} pairs of identical rows where the reference's rate gives {expected:,.0f} "
            f"(most frequent row: {found.most} times)"
        )
        finding = Finding(
            self.code,
            (),
            message,
            Severity.ALARM,
            statistic=float(z),
            effect=float(excess / found.rows),
            details=details,
        )
        return answer(self, [finding], "", details=details)

    def _alone(self, evidence: Evidence, found: Duplicates) -> Outcome:
        chance = tree_collision(evidence.suspect_counts)
        expected = chance * found.rows * (found.rows - 1) / 2
        details = _details(found) | {"expected_pairs": float(expected)}
        clear = f"{_repeats(found)} of {found.rows:,} rows repeat an earlier one; chance explains that"
        floor = max(MODEL_FACTOR * expected, evidence.settings.duplicate_share * found.rows)
        if found.pairs <= floor:
            return answer(self, [], clear, details=details)
        message = (
            f"{found.pairs:,} pairs of identical rows where rows drawn independently would give about {expected:,.0f} "
            f"(most frequent row: {found.most} times)"
        )
        effect = float((found.pairs - expected) / found.rows)
        finding = Finding(self.code, (), message, Severity.NOTICE, effect=effect, details=details)
        return answer(self, [finding], "", details=details)


def coincidence(d: Duplicates) -> tuple[float, float]:
    """(share of coinciding row pairs, its variance as a U-statistic of order two).

    Var = 4 z1 / n + 2 z2 / n^2 with z1 = P3 - U^2, z2 = U - U^2; P3 is the share of coinciding row triples. At least
    one pair is counted in z2, so that a sample without coincidences still has a variance.
    """
    n = d.rows
    pairs = n * (n - 1) / 2
    u = d.pairs / pairs
    triples = d.triples / (n * (n - 1) * (n - 2) / 6) if n > 2 else 0.0
    floor = max(u, 1 / pairs)
    return u, 4 * max(triples - u**2, 0.0) / n + 2 * max(floor - floor**2, 0.0) / n**2


def _repeats(d: Duplicates) -> str:
    return f"{d.rows - d.distinct:,}"


def _details(d: Duplicates) -> dict[str, object]:
    return {"rows": d.rows, "distinct": d.distinct, "pairs": d.pairs, "most": d.most}
