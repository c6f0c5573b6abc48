"""CZ702: does the holder of the key vouch for the manifest?"""

from __future__ import annotations

from typing import ClassVar

from credenza.checks.base import answer
from credenza.checks.custody import SIGNATURES
from credenza.checks.evidence import Evidence
from credenza.contracts import Finding, Outcome, Severity


class ManifestSignature:
    """Is the signature on the manifest, and on every claim beside it, one of the trusted key?

    Detects: a manifest or a claim that was changed, exchanged, left unsigned or signed by somebody else; claims in
    another order or left out between others.

    Cannot see: that the key was stolen, or that its holder signed what is false; that the latest claim was taken away;
    that an older manifest of the same key was put back together with the older data.
    """

    code: ClassVar[str] = "CZ702"
    title: ClassVar[str] = "Signature"
    needs: ClassVar[tuple[str, ...]] = ("manifest", "key")

    def run(self, evidence: Evidence) -> Outcome:
        """Report what is not vouched for."""
        custody = evidence.custody
        assert custody is not None
        findings = [
            Finding(
                self.code, (problem.name,), problem.message, Severity.ALARM, details={"kind": problem.kind}
            )
            for problem in custody.problems(*SIGNATURES)
        ]
        found = custody.verification
        signer = found.signer.hint if found.signer else None
        claims = [claim.summary for claim in found.claims]
        at = f" on {found.manifest.signed_at}" if found.manifest.signed_at else ""
        clear = f"signed with the key {(signer or '')[:12]}{at}, by the signer's clock"
        return answer(self, findings, clear, details={"signer": signer, "claims": claims})
