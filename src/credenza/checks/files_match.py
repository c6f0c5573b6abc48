"""CZ701: are the files those that were signed?"""

from __future__ import annotations

from typing import ClassVar

from credenza.checks.base import answer, counted
from credenza.checks.custody import SIGNATURES
from credenza.checks.evidence import Evidence
from credenza.contracts import Finding, Outcome, Severity

NOT_FILES = (*SIGNATURES, "lineage")


class FilesMatch:
    """Are the suspect's files, bit for bit, those of the manifest?

    Detects: changed, missing, added and renamed files, links, names that look alike; of a changed table it says which
    rows changed.

    Cannot see: what was wrong before the data was signed; and a manifest that was exchanged with the data, which is for
    CZ702 to find.
    """

    code: ClassVar[str] = "CZ701"
    title: ClassVar[str] = "Files as signed"
    needs: ClassVar[tuple[str, ...]] = ("manifest",)

    def run(self, evidence: Evidence) -> Outcome:
        """Report what differs."""
        custody = evidence.custody
        assert custody is not None
        found = custody.verification
        findings = [
            Finding(
                self.code, (problem.name,), problem.message, Severity.ALARM, details={"kind": problem.kind}
            )
            for problem in found.problems
            if problem.kind not in NOT_FILES
        ]
        clear = f"{counted(found.checked, 'file')} of {len(found.manifest.files):,} in the manifest as signed"
        return answer(self, findings, clear, details={"checked": found.checked, "notes": list(found.notes)})
