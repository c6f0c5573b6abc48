"""CZ004: could all contents be read?"""

from __future__ import annotations

from typing import ClassVar

from credenza.checks.base import answer, counted
from credenza.checks.evidence import Evidence
from credenza.contracts import Finding, Outcome, Severity, Status
from credenza.data.features import Unreadable
from credenza.models.embedding.base import told

NOUNS = {"images": "image", "text": "text", "table": "row"}
LISTED = 100


class UnreadableContent:
    """Could the content of every row be read, so that it has an embedding?

    Detects: images that are missing, damaged, cut short, of formats that are not read, or larger than 67 million pixels
    unpacked (decompression bombs), and missing texts, when embeddings are made here (--embed). Such rows have no
    embedding: the checks of single rows look at the others, and their scores are missing. That is not checked, and not
    checked is not clean: the check fails, unless --skip-unreadable makes it a notice.

    Cannot see: an image that can be read and is not what its row says.
    """

    code: ClassVar[str] = "CZ004"
    title: ClassVar[str] = "Unreadable content"
    needs: ClassVar[tuple[str, ...]] = ("embed",)

    def run(self, evidence: Evidence) -> Outcome:
        """Count and name what could not be read."""
        beside = evidence.beside
        assert beside.embedding is not None
        noun = NOUNS[beside.embedding.kind]
        own, others = beside.unreadable
        rows = evidence.suspect.rows
        if not own and not others:
            return answer(self, [], f"the {noun}s of all {counted(rows, 'row')} were read")
        details = {
            "rows": len(own),
            "reference_rows": len(others),
            "names": [item.name for item in own[:LISTED]],
        }
        known = evidence.beside.reference
        parts = [_said(own, rows, noun, "")] if own else []
        parts += (
            [_said(others, known.rows, noun, " of the reference")] if others and known is not None else []
        )
        message = "; ".join(parts)
        if not beside.inputs.skip_unreadable:
            reason = f"{message}; mend them, or leave them out with --skip-unreadable"
            return Outcome(self.code, self.title, Status.FAILED, reason, (), details)
        finding = Finding(self.code, (), message, Severity.NOTICE, effect=len(own) / rows, details=details)
        return answer(self, [finding], "", details=details)


def _said(found: tuple[Unreadable, ...], rows: int, noun: str, whose: str) -> str:
    return f"{len(found):,} of {rows:,} {noun}s{whose} could not be read and were not checked ({told(found)})"
