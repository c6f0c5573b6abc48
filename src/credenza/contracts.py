"""Frozen results shared by all rooms.

Letters used for shapes throughout the project:

===  ==========================================================
n    rows
m    features (columns that are audited)
L    levels of one feature (categories, bins, "(other)", "(missing)")
K    planes: the sum of L over all features
P    pairs of features, m (m - 1) / 2
===  ==========================================================

High scores are suspicious, everywhere. Mutual information is in nats. "Not checked" is never "clean".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

SCHEMA_VERSION = "credenza.audit/1"


class Status(StrEnum):
    """What a check says."""

    FLAGGED = "flagged"
    CLEAR = "clear"
    NOT_APPLICABLE = "not applicable"
    SKIPPED = "skipped"
    FAILED = "failed"


class Severity(StrEnum):
    """An alarm is what an attack would leave; a notice is what ordinary life leaves too."""

    ALARM = "alarm"
    NOTICE = "notice"


class Verdict(StrEnum):
    """The audit as a whole: flagged on any alarm, clear when the pair check ran, else inconclusive.

    Of images with classes that have no two columns to compare, the check of class means stands in for it.
    """

    FLAGGED = "flagged"
    CLEAR = "clear"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Finding:
    """One thing flagged.

    ``details`` holds whatever else the check measured, JSON-able.
    """

    code: str
    subject: tuple[str, ...]
    message: str
    severity: Severity
    statistic: float | None = None
    p: float | None = None
    q: float | None = None
    effect: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Culprit:
    """A pair of features whose association was moved, and what that explains.

    Attributes
    ----------
    features : the two column names.
    levels : the level of each that the strength refers to (for ordered features a cut, such as "> 40").
    strength : epsilon, the probability mass moved onto each on-diagonal cell of the 2x2 table of ``levels``.
    interval : 95% interval of ``strength``.
    rows_edited : 2 |strength| n, the rows that had to be edited.
    direction : "positive" or "negative".
    mi, mcc : (reference, suspect). MI in nats over the full table; MCC of the 2x2 table of ``levels``.
    correlation : (reference, suspect) rank correlation when both features are ordered, else None.
    p, q : p-value on the rung where it was named, and its Benjamini-Hochberg adjustment.
    log10_p : log10 of p, finite where p underflows.
    collateral : pairs that were significant before and not after this culprit was explained.
    aliases : pairs made of features that determine a culprit's features.
    filter_ceiling : upper bound on the precision of any sample filter in the over-filled cell, eps / (d + eps); 1 where
        values were edited, which leave a trace in their rows.
    reference_table, suspect_table : joint probabilities, L_a x L_b, rows are ``row_levels``.
    where : the part of the suspect that it was found in ("contributor = c7"), "" for the whole.
    pearson : (reference, suspect) Pearson correlation when both features are numeric, else None.
    edited : the one of the two features whose values were edited inside rows; None where whole rows were exchanged, or
        nothing tells the two apart.
    """

    features: tuple[str, str]
    levels: tuple[str, str]
    strength: float
    interval: tuple[float, float]
    rows_edited: int
    direction: str
    mi: tuple[float, float]
    mcc: tuple[float, float]
    correlation: tuple[float, float] | None
    p: float
    log10_p: float
    q: float
    filter_ceiling: float
    collateral: tuple[tuple[str, str], ...]
    aliases: tuple[tuple[str, str], ...]
    row_levels: tuple[str, ...]
    column_levels: tuple[str, ...]
    reference_table: FloatArray
    suspect_table: FloatArray
    where: str = ""
    pearson: tuple[float, float] | None = None
    edited: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What one check says.

    ``reason`` explains every status (for "clear": what could have been missed); ``culprits`` are those that the check
    named, also listed in :class:`AuditResult`. ``scores`` has a number for each row of the suspect, high is
    suspicious, NaN where the row was not looked at; None of a check that scores no rows. It is written by ``--rows``,
    not as JSON. ``picked`` are the rows that its alarms are about, bool of the length of ``scores``; None of a check
    whose alarms are not about single rows.
    """

    code: str
    title: str
    status: Status
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    culprits: tuple[Culprit, ...] = ()
    scores: FloatArray | None = field(default=None, repr=False, compare=False)
    picked: BoolArray | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class RowGroup:
    """Rows of one class that stand out: of how many, and the codes of the checks that pick some of them."""

    label: str
    rows: int
    picked: int
    checks: tuple[str, ...]


@dataclass(frozen=True)
class RowSummary:
    """What the checks that score single rows say together.

    Attributes
    ----------
    rows : rows that a check scored.
    picked : rows that stand out: a check that raised an alarm picks them. agreed : of these, rows that two checks pick.
    checks : (code, rows that it picks) of every check that scored rows.
    groups : the classes of the picked rows, most picked first.
    combined : a score of each row, shape (n,), in [0, 1], high is suspicious, NaN where no check looked; None where an
        audit was read from JSON.
    agreement : how many checks have the row among their top rows, shape (n,); None as well.
    """

    rows: int
    picked: int
    agreed: int
    checks: tuple[tuple[str, int], ...]
    groups: tuple[RowGroup, ...]
    combined: FloatArray | None = field(default=None, repr=False, compare=False)
    agreement: IntArray | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class PairTable:
    """The strongest of the tested pairs, column by column, smallest p first; all columns are of one length.

    ``tested`` of the table's ``pairs`` were tested; both default to as many as are listed. All that were tested are
    listed, but for very wide tables, where the list ends after the strongest.
    ``role`` is "culprit", "alias", "collateral" (explained by a culprit), "drift" (explained by marginal shifts) or "";
    ``p_after`` is the p-value once everything that was named is explained. ``statistic`` is the signed normal
    score of the strongest 2x2 table (positive: the association rose).
    """

    feature_a: tuple[str, ...]
    feature_b: tuple[str, ...]
    level_a: tuple[str, ...]
    level_b: tuple[str, ...]
    statistic: FloatArray
    p: FloatArray
    q: FloatArray
    p_after: FloatArray
    strength: FloatArray
    mi_reference: FloatArray
    mi_suspect: FloatArray
    mcc_reference: FloatArray
    mcc_suspect: FloatArray
    role: tuple[str, ...]
    tested: int = 0
    pairs: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "tested", self.tested or len(self.p))
        object.__setattr__(self, "pairs", self.pairs or self.tested)


@dataclass(frozen=True)
class FeatureSummary:
    """One column as the audit saw it: its kind, its levels, and why it was left out (if it was)."""

    name: str
    kind: str
    levels: int
    skipped: str = ""


@dataclass(frozen=True)
class InputSummary:
    """One input, as found: role ("suspect", "reference", "policy", ...), description, size, SHA-256."""

    role: str
    source: str
    kind: str
    rows: int | None
    columns: int | None
    sha256: str | None


@dataclass(frozen=True)
class AuditResult:
    """Plain data behind :class:`credenza.Audit`; text, JSON and HTML are views of it.

    ``rows`` is what the checks of single rows say together; None where none of them picks rows.
    """

    verdict: Verdict
    outcomes: tuple[Outcome, ...]
    culprits: tuple[Culprit, ...]
    pairs: PairTable | None
    features: tuple[FeatureSummary, ...]
    inputs: tuple[InputSummary, ...]
    settings: Mapping[str, Any]
    versions: Mapping[str, str]
    timing: Mapping[str, float]
    rows: RowSummary | None = None
