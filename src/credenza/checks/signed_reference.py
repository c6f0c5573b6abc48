"""CZ704: is the reference vouched for, and do the rows that it was made of stand as they were?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from credenza.checks.base import answer, counted
from credenza.checks.evidence import Evidence
from credenza.contracts import Finding, Outcome, Severity, Status

if TYPE_CHECKING:
    from credenza.provenance.growth import Growth

NO_KEY = "the signature of the reference was not checked: give the public key that is trusted (--key)"


class SignedReference:
    """Did the holder of the key sign the reference, and are the rows that it was made of still as they were?

    Detects: with the added rows audited alone, rows that were signed and are now changed, missing, moved, or in another
    column. A manifest of another key is refused before anything is audited.

    Cannot see: that a newer manifest exists; a stolen key; what was wrong with the data when it was signed. Without the
    added rows audited alone it does not look at the old ones.
    """

    code: ClassVar[str] = "CZ704"
    title: ClassVar[str] = "Signed reference"
    needs: ClassVar[tuple[str, ...]] = ("signed reference",)

    def run(self, evidence: Evidence) -> Outcome:
        """Report who signed, and what of the signed rows is not there."""
        baseline = evidence.baseline
        assert baseline is not None
        signed, growth = baseline.signed, baseline.growth
        hint = signed.signer.hint if signed.signer else None
        details: dict[str, Any] = {"signer": hint, "signed_at": signed.manifest.signed_at}
        if growth is None and hint is None:
            return Outcome(self.code, self.title, Status.NOT_APPLICABLE, NO_KEY, details=details)
        at = f" on {signed.manifest.signed_at}" if signed.manifest.signed_at else ""
        said = [f"signed with the key {hint[:12]}{at}, by the signer's clock" if hint else NO_KEY]
        findings = []
        if growth is not None:
            said.insert(0, _in_words(growth))
            details |= {"kept": growth.kept, "added": growth.added, "spans": [list(s) for s in growth.spans]}
            findings = [Finding(self.code, (name,), told, Severity.ALARM) for name, told in growth.changes]
        return answer(self, findings, "; ".join(said), details=details)


def _in_words(growth: Growth) -> str:
    as_signed = f"{counted(growth.kept, 'row')} as signed"
    if not growth.added:
        return f"{as_signed}, none added"
    return f"{as_signed}; audited are the other {growth.added:,}, from row {growth.spans[0][0]:,} on"
