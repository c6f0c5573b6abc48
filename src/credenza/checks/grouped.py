"""Inquiries into groups of rows: their sizes, their counts, and one ladder each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from credenza.association.counts import PairCounts
from credenza.association.planes import DENSE_PLANES
from credenza.checks.evidence import Evidence
from credenza.checks.groups import GroupCounts, Grouping, GroupSizes, InGroup, RowFilter
from credenza.checks.inquiry import Inquiry
from credenza.data import Source
from credenza.errors import UsageError

COUNT_BYTES = 2**29  # of the counts of all groups that are held at once


def group_sizes(evidence: Evidence, source: Source, grouping: Grouping) -> dict[str, int]:
    """Rows of each group of a source, in order of first appearance; one pass over the grouping's columns."""
    return evidence.fold(source, grouping.columns, GroupSizes(grouping), "sizing the groups").sizes


class HeldCounts:
    """Exact pair counts of chosen groups of a source: read once where they fit into memory, else again when asked.

    Raises
    ------
    UsageError : the table has more levels than one matrix of counts holds.
    """

    def __init__(self, evidence: Evidence, source: Source, grouping: Grouping, labels: Sequence[str]) -> None:
        planes = evidence.schema.planes
        if planes > DENSE_PLANES:
            raise UsageError(
                f"groups of a table of {planes:,} levels: up to {DENSE_PLANES:,} can be compared; choose fewer columns"
            )
        self._evidence, self._source, self._grouping = evidence, source, grouping
        inner = planes - len(evidence.schema.features)
        self._step = max(1, COUNT_BYTES // max(8 * inner**2, 1))
        self._held = self._read(labels) if len(labels) <= self._step else {}

    def of(self, labels: Sequence[str]) -> Iterator[tuple[str, PairCounts]]:
        """The counts of some of the groups, in their order."""
        for start in range(0, len(labels), self._step):
            part = labels[start : start + self._step]
            counts = self._held or self._read(part)
            yield from ((label, counts[label]) for label in part)

    def _read(self, labels: Sequence[str]) -> dict[str, PairCounts]:
        names, grouping = self._evidence.schema.names, self._grouping
        columns = [*names, *(c for c in grouping.columns if c not in names)]
        state = GroupCounts.empty(grouping, self._evidence.schema, labels)
        return self._evidence.fold(self._source, columns, state, "counting the groups").counts


def inquire(
    evidence: Evidence,
    grouping: Grouping,
    label: str,
    reference: PairCounts,
    suspect: PairCounts,
    parts: int,
    design_effect: float | None = None,
    *,
    known: tuple[Source, RowFilter],
) -> Inquiry:
    """Compare the rows of one group of the suspect with a reference, at the rate divided by the number of groups.

    ``known`` are the rows behind the reference's counts: a source, and what picks them.
    """
    where = InGroup(grouping, label)
    return Inquiry(
        reference,
        suspect,
        evidence.schema,
        lambda schema, size: evidence.rows_of(evidence.suspect, schema, size, where),
        evidence.settings,
        parts=parts,
        design_effect=evidence.design_effect if design_effect is None else design_effect,
        where=label,
        given=lambda schema, pairs: evidence.given_pairs_of(known[0], schema, pairs, known[1]),
    )
