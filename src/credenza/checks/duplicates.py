"""CZ002: do whole rows repeat more often than they should?"""

from __future__ import annotations

from typing import ClassVar

from credenza.association.counts import PairCounts
from credenza.checks.base import answer
from credenza.checks.collision import Excess, tree_collision
from credenza.checks.evidence import Evidence
from credenza.contracts import Finding, Outcome, Severity, Status
from credenza.data import Duplicates

MODEL_FACTOR = 10.0


class DuplicateRows:
    """Do exact duplicate rows occur beyond what independence of rows allows?

    Detects, with a reference: let U be the share of coinciding row pairs. Both sides estimate the chance that two rows
    coincide, so z = (U_s - q U_r) / se with the variance of a U-statistic (pairs and triples of coinciding rows,
    Hoeffding 1948). q, between 1/2 and 2, is the ratio of that chance that the two tables' pair counts imply, so that
    drift, or a moved association in a coarse table, does not pass for copies. An alarm needs z > 4 and an excess of at
    least 0.1% of the rows.

    Without a reference: the chance that two rows coincide is computed exactly under a tree of pairwise dependences
    (Chow & Liu 1968) on the binned columns. With m ten times the pairs that this gives, more than m + 4 sqrt(m) + 2
    pairs, and more than 0.1% of the rows, earn a notice; the tree underestimates chance coincidences, hence the factor.

    Cannot see: copies with one value changed, and copies in a table so coarse that rows coincide anyway.
    """

    code: ClassVar[str] = "CZ002"
    title: ClassVar[str] = "Duplicate rows"
    needs: ClassVar[tuple[str, ...]] = ()

    def run(self, evidence: Evidence) -> Outcome:
        """Compare the rate of coinciding row pairs."""
        found = evidence.suspect_duplicates
        if found.rows < 2:
            reason = f"{found.rows} row cannot repeat: at least 2 rows are needed"
            return Outcome(self.code, self.title, Status.SKIPPED, reason)
        if evidence.duplicate_excess is not None:
            return self._against(evidence, found, evidence.duplicate_excess)
        return self._alone(evidence, found)

    def _against(self, evidence: Evidence, found: Duplicates, excess: Excess) -> Outcome:
        s = evidence.settings
        details = _details(found) | {"expected_pairs": excess.expected, "z": excess.z}
        clear = f"{repeats(found)}; the reference's rate explains that"
        if excess.z <= s.duplicate_z or excess.pairs < s.duplicate_share * found.rows:
            return answer(self, [], clear, details=details)
        message = (
            f"{found.pairs:,} pairs of identical rows where the reference's rate gives {excess.expected:,.0f} "
            f"(most frequent row: {found.most} times)"
        )
        effect = excess.pairs / found.rows
        finding = Finding(
            self.code, (), message, Severity.ALARM, statistic=excess.z, effect=effect, details=details
        )
        return answer(self, [finding], "", details=details)

    def _alone(self, evidence: Evidence, found: Duplicates) -> Outcome:
        counts = evidence.suspect_counts
        chance = tree_collision(counts) if found.pairs and isinstance(counts, PairCounts) else 0.0
        expected = chance * found.rows * (found.rows - 1) / 2
        details = _details(found) | {"expected_pairs": float(expected)}
        clear = f"{repeats(found)}; chance explains that"
        most = MODEL_FACTOR * expected
        floor = max(most + 4 * most**0.5 + 2, evidence.settings.duplicate_share * found.rows)
        if found.pairs <= floor:
            return answer(self, [], clear, details=details)
        message = (
            f"{found.pairs:,} pairs of identical rows where rows drawn independently would give about {expected:,.0f} "
            f"(most frequent row: {found.most} times)"
        )
        effect = float((found.pairs - expected) / found.rows)
        finding = Finding(self.code, (), message, Severity.NOTICE, effect=effect, details=details)
        return answer(self, [finding], "", details=details)


def repeats(d: Duplicates) -> str:
    """How many rows repeat another; "about" where that was estimated."""
    again = d.rows - d.distinct
    told = f"{again:,} of {d.rows:,} rows {'repeats' if again == 1 else 'repeat'} an earlier one"
    return told if d.share == 1.0 else f"about {told} (by {d.share:.1%} of the distinct rows)"


def _details(d: Duplicates) -> dict[str, object]:
    return {"rows": d.rows, "distinct": d.distinct, "pairs": d.pairs, "most": d.most, "share": d.share}
