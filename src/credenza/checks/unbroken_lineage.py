"""CZ703: is it recorded how the data was made?"""

from __future__ import annotations

from typing import ClassVar

from credenza.checks.base import answer, counted
from credenza.checks.evidence import Evidence
from credenza.contracts import Finding, Outcome, Severity, Status
from credenza.errors import InputError


class UnbrokenLineage:
    """Do the records beside the manifest lead from the data, step by step, to data that no record made?

    Detects: records that were changed, left out or put in another order; data that was changed between two steps, or
    after the last one, without a record.

    Cannot see: whether a record tells the truth about what a command did; steps before the first record.
    """

    code: ClassVar[str] = "CZ703"
    title: ClassVar[str] = "Lineage"
    needs: ClassVar[tuple[str, ...]] = ("manifest",)

    def run(self, evidence: Evidence) -> Outcome:
        """Report the gaps."""
        custody = evidence.custody
        assert custody is not None
        found = [problem.message for problem in custody.problems("lineage")]
        try:
            chain = custody.chain
        except InputError as error:
            found, chain = found or [str(error)], None
        if chain is None and not found:
            reason = "no log of how the data was made lies beside the manifest (credenza sign --lineage)"
            return Outcome(self.code, self.title, Status.NOT_APPLICABLE, reason)
        gaps = [*found, *(chain.gaps if chain else ())]
        findings = [Finding(self.code, (), gap, Severity.ALARM) for gap in gaps]
        if chain is None:
            return answer(self, findings, "")
        roots = [list(root) for root in chain.roots]
        actions = [entry.record.action for entry in chain.steps]
        clear = f"{counted(len(actions), 'record')} to {counted(len(roots), 'root')}: {', '.join(actions)}"
        return answer(self, findings, clear, details={"steps": actions, "roots": roots})
