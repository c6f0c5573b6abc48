"""CZ003: are there rows whose content is nearly the same?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from credenza.checks.base import answer, counted
from credenza.checks.collision import coincidence_excess
from credenza.checks.evidence import Evidence
from credenza.checks.samples.alike import Alike, alike_images, alike_texts
from credenza.checks.samples.contents import Content, Fingerprints, read_fingerprints
from credenza.checks.samples.near import near_pairs, typical_distance
from credenza.contracts import Finding, Outcome, Severity, Status
from credenza.data import Source
from credenza.data.matrix import Matrix
from credenza.errors import InputError, MissingExtraError


@dataclass(frozen=True)
class Answer:
    """What one kind of evidence says: a finding, or in words why there is none; ``found`` is None if it is silent."""

    words: str
    found: Alike | None = None
    finding: Finding | None = None
    details: dict[str, Any] = field(default_factory=dict)


class NearDuplicates:
    """Do rows nearly repeat more often than they should?

    Detects: pairs of images whose perceptual hashes differ in 4 bits of 64 or fewer; of texts that have 70% of their
    runs of five words in common, as MinHash estimates; and, where embeddings are given, of rows within 5% of the root
    mean square distance of two. With a reference of the same content the share of such pairs is compared with the
    reference's by the U-statistic of CZ002: an alarm needs z > 4 and an excess of 0.1% of the rows. Without one, the
    pairs that are less alike by as much again bound those of chance; four standard errors more than that, and 0.1% of
    the rows, earn a notice.

    Cannot see: copies that were changed enough to look different: mirrored or cropped images, reworded texts.
    """

    code: ClassVar[str] = "CZ003"
    title: ClassVar[str] = "Near-duplicates"
    needs: ClassVar[tuple[str, ...]] = ("content",)

    def run(self, evidence: Evidence) -> Outcome:
        """Count pairs of near-duplicates by all the evidence there is, and score the rows by their closest one."""
        answers = dict(self._answers(evidence))
        said = [a for a in answers.values() if a.found is not None]
        details = {"evidence": {name: a.details for name, a in answers.items()}}
        if not said:
            reason = "; ".join(a.words for a in answers.values())
            return Outcome(self.code, self.title, Status.SKIPPED, reason, details=details)
        scores = np.full(evidence.suspect.rows, np.nan)
        for found in (a.found for a in said if a.found is not None):
            scores[found.rows] = np.fmax(scores[found.rows], found.scores)
        findings = [a.finding for a in said if a.finding is not None]
        clear = "; ".join(a.words for a in answers.values() if a.finding is None)
        also = f"; {clear}" if clear else ""
        return answer(self, findings, clear, details=details, also=also, scores=scores)

    def _answers(self, evidence: Evidence) -> Iterator[tuple[str, Answer]]:
        if (content := evidence.content) is not None:
            yield content.kind, self._by_content(evidence, content)
        if evidence.beside.general and (given := evidence.beside.embeddings) is not None:
            yield "embeddings", self._by_embeddings(evidence, given)

    def _by_content(self, evidence: Evidence, content: Content) -> Answer:
        s = evidence.settings
        try:
            prints = read_fingerprints(evidence.suspect, content, seed=s.seed)
        except MissingExtraError as error:
            return Answer(str(error))
        left = _left(prints, content)
        details = {"unreadable": len(prints.unreadable), "plain": prints.plain}
        if len(prints.rows) < 2:
            what = f"{content} of {counted(len(prints.rows), 'row')} can be compared: 2 are needed{left}"
            return Answer(what, details=details)
        known = _known(evidence, content)
        found, others = (p if p is None else _alike(p, content, evidence) for p in (prints, known))
        assert found is not None
        note = (
            left
            if known is not None or evidence.reference is None
            else f"; the reference has no such content{left}"
        )
        return self._judged(evidence, str(content), found, others, note, details)

    def _by_embeddings(self, evidence: Evidence, given: Matrix) -> Answer:
        s, known = evidence.settings, evidence.beside.reference_embeddings
        if known is not None:
            _require_width(given, known)
        base = given if known is None else known
        distance = typical_distance(base.values, seed=s.seed)
        if distance == 0.0:
            return Answer("all rows have the same embedding")
        pair = (given, known)
        found, others = (
            m if m is None else Alike.of_embeddings(near_pairs(m.values, s.near * distance, seed=s.seed))
            for m in pair
        )
        assert found is not None
        if (rows := evidence.beside.rows) is not None:  # some have no embedding
            examples = tuple((int(rows[a]), int(rows[b])) for a, b in found.examples)
            found = replace(found, rows=rows[found.rows], examples=examples)
        return self._judged(evidence, "embeddings", found, others, "", {})

    def _judged(
        self,
        evidence: Evidence,
        what: str,
        found: Alike,
        known: Alike | None,
        note: str,
        more: dict[str, Any],
    ) -> Answer:
        """Compare with the reference's rate, or with chance."""
        s = evidence.settings
        if known is None:
            expected, z = found.chance, None
            excess = found.pairs - expected
            beyond, by = (
                excess > s.duplicate_z * np.sqrt(expected),
                "rows drawn independently would give at most",
            )
            told, severity = "chance explains that", Severity.NOTICE
        else:
            against = coincidence_excess(found.duplicates, known.duplicates, 1.0)
            expected, z, excess = against.expected, against.z, against.pairs
            beyond, by = z > s.duplicate_z, "the reference's rate gives"
            told, severity = "the reference's rate explains that", Severity.ALARM
        details = _details(found) | {"expected_pairs": expected, "z": z} | more
        words = f"{_told(found, evidence)}, by {what}; {told}{note}"
        if not beyond or excess < s.duplicate_share * len(found.rows):
            return Answer(words, found, None, details)
        message = (
            f"{found.pairs:,} pairs of rows are nearly the same, by {what}, where {by} about {expected:,.0f} "
            f"({_shown(found)}){note}"
        )
        effect = float(excess / len(found.rows))
        return Answer(words, found, Finding(self.code, (), message, severity, z, effect=effect), details)


def _known(evidence: Evidence, content: Content) -> Fingerprints | None:
    """The same of the reference; None where it has no such rows."""
    source = evidence.reference
    if not isinstance(source, Source) or not set(content.columns) <= set(source.columns):
        return None
    prints = read_fingerprints(
        source, content, seed=evidence.settings.seed, label=f"reference {content.kind}"
    )
    return prints if len(prints.rows) > 1 else None


def _alike(prints: Fingerprints, content: Content, evidence: Evidence) -> Alike:
    s = evidence.settings
    if content.kind == "images":
        return alike_images(prints, s.near_bits, seed=s.seed)
    return alike_texts(prints, s.near_overlap, seed=s.seed)


def _left(prints: Fingerprints, content: Content) -> str:
    """What was not compared, in words."""
    noun, parts = content.kind.removesuffix("s"), ""
    if prints.plain:
        why = "of one colour" if noun == "image" else "without words"
        parts += f"; not compared: {counted(prints.plain, noun)} {why}"
    if bad := prints.unreadable:
        parts += f"; not read: {counted(len(bad), noun)}, the first in row {bad[0].row:,}: {bad[0].reason}"
    return parts


def _require_width(given: Matrix, known: Matrix) -> None:
    own, other = given.values.shape[1], known.values.shape[1]
    if own != other:
        raise InputError(
            f"the embeddings have {own:,} columns and the reference's have {other:,}; make both with one model"
        )


def _told(found: Alike, evidence: Evidence) -> str:
    rows, all_rows = len(found.rows), evidence.suspect.rows
    near = int((found.neighbours > 0).sum())
    drawn = "" if rows == all_rows else f", of {all_rows:,},"
    return f"{near:,} of {counted(rows, 'row')}{drawn} {'has' if near == 1 else 'have'} a near-duplicate"


def _shown(found: Alike) -> str:
    pairs = ", ".join(f"{a:,} and {b:,}" for a, b in found.examples[:3])
    return f"such as rows {pairs}"


def _details(found: Alike) -> dict[str, Any]:
    return {
        "rows": len(found.rows),
        "pairs": found.pairs,
        "copies": found.copies,
        "reach": found.reach,
        "most": int(found.neighbours.max(initial=0)) + 1,
        "examples": [list(pair) for pair in found.examples],
    }
