"""CZ001: is the table built like the reference?"""

from __future__ import annotations

from typing import ClassVar

from credenza.association.profile import Profile
from credenza.checks.base import answer, counted
from credenza.checks.evidence import Evidence
from credenza.contracts import Finding, Outcome, Severity

NOTICES = {"new levels"}


class Structure:
    """Are the columns, their kinds and their levels those of the reference?

    Detects: columns that one side lacks and columns of another kind (number against text) are alarms, since what is
    not in both cannot be compared; new levels are notices. The row counts of both sides are reported.

    Cannot see: anything about the values themselves. An attacker keeps the structure.
    """

    code: ClassVar[str] = "CZ001"
    title: ClassVar[str] = "Structure"
    needs: ClassVar[tuple[str, ...]] = ("reference",)

    def run(self, evidence: Evidence) -> Outcome:
        """Report what differs."""
        findings = []
        for issue in evidence.issues:
            extra = issue.problem == "absent in reference"
            severity = Severity.NOTICE if issue.problem in NOTICES or extra else Severity.ALARM
            details = {"problem": issue.problem}
            findings.append(
                Finding(
                    self.code, (issue.column,), issue.message, severity, effect=issue.share, details=details
                )
            )
        reference = evidence.reference
        if self._same_data(evidence):
            message = "the suspect and the reference are the same data: a table audited against itself shows nothing"
            findings.append(Finding(self.code, (), message, Severity.NOTICE))
        rows = reference.rows if reference is not None else 0
        kind = "profile" if isinstance(reference, Profile) else "reference"
        clear = (
            f"{counted(len(evidence.schema.features), 'audited column')} agree; "
            f"{counted(evidence.suspect.rows, 'row')} against {rows:,} in the {kind}"
        )
        return answer(
            self, findings, clear, details={"suspect_rows": evidence.suspect.rows, "reference_rows": rows}
        )

    def _same_data(self, evidence: Evidence) -> bool:
        reference = evidence.reference
        known = (
            reference.sha256
            if isinstance(reference, Profile)
            else reference.fingerprint()
            if reference
            else ""
        )
        return known == evidence.suspect.fingerprint()
