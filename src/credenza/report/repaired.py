"""What a repair hands back: one object, many views."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from credenza.contracts import AuditResult, FloatArray, InputSummary
from credenza.report.aftercare import After, Restored
from credenza.report.ledger_extract import Entry
from credenza.report.pair_groups import PairGroup
from credenza.report.result import Audit


@dataclass(frozen=True)
class Repaired:
    """A repaired table, and what was done.

    Attributes
    ----------
    data : the repaired data, in the kind of the suspect (a path: an Arrow table), or the path it was written to.
    weights : weights of its rows, mean 1, shape (n,); None where the method gives none.
    ledger : every change, an Arrow table, or the path it was written to.
    culprits : the pairs that were put right, before and after.
    after : what all pairs say against the reference now (of slices without one: against the others); None without.
    groups : culprits, collateral and untouched pairs, before and after; empty where ``after`` is None.
    summary : what the method did, in numbers. skipped : cells that could not be restored, in words.
    before : the audit that was repaired. audit : that of the repaired data; None where it was not audited again.
    note : why it was not, or what that audit left out; "" where there is nothing to say.
    settings : of the repair. inputs : what went in and came out. entries : on the ledger; ``extract`` has the first.
    """

    data: Any
    weights: FloatArray | None
    ledger: Any
    method: str
    target: str
    culprits: tuple[Restored, ...]
    after: After | None
    summary: Mapping[str, Any]
    skipped: tuple[str, ...]
    hashes: Mapping[str, str | None]
    before: AuditResult
    groups: tuple[PairGroup, ...] = ()
    audit: Audit | None = None
    note: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[InputSummary, ...] = ()
    entries: int = 0
    extract: tuple[Entry, ...] = ()

    @property
    def restored(self) -> bool:
        """Whether all that was to be put right is, and, by what was aimed at, nothing is left beside it.

        Of the reference: no culprit in the audit of the repaired data or, where it was not audited again, no
        significant pair. Of a policy: no pair that breaks it (CZ206) in that audit. Of independence: nothing is asked.
        """
        if self.skipped or not all(pair.met for pair in self.culprits):
            return False
        if self.target == "policy":
            return self.audit is None or not self.broken
        if self.target != "reference":
            return True
        if self.audit is not None:
            return not self.audit.result.culprits
        return self.after is None or not self.after.left

    @property
    def broken(self) -> int:
        """How many declared expectations the repaired data breaks, by its audit (CZ206); 0 without one."""
        outcomes = () if self.audit is None else self.audit.result.outcomes
        return sum(len(outcome.findings) for outcome in outcomes if outcome.code == "CZ206")

    def to_dict(self) -> dict[str, Any]:
        """Plain data of what was done; the data, the weights and the ledger are not part of it."""
        from credenza.report.repair_json import to_dict

        return to_dict(self)

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """What was done as JSON text, schema ``credenza.repair/1``; also written to ``path`` if given."""
        from credenza.report.repair_json import to_json

        return _written(to_json(self), path)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """What was done as one self-contained HTML page; also written to ``path`` if given."""
        from credenza.report.repair_html import page

        return _written(page(self), path)

    def to_text(self) -> str:
        """What was done in lines for a terminal."""
        from credenza.report.repair_text import lines

        return "".join(f"{line}\n" for line in lines(self))


def _written(content: str, path: str | os.PathLike[str] | None) -> str:
    if path is not None:
        from credenza.data.write import write_text

        write_text(content, path)
    return content
