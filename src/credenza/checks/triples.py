"""CZ301: did a three-way interaction move, pairs unchanged? Rung 3 of the ladder, on features that were asked for."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from credenza.association.calibrate import Targets
from credenza.association.profile import layout_of
from credenza.association.samples import Sample
from credenza.association.tails import normal_isf
from credenza.association.triple_counts import TripleCensus, TripleCounts
from credenza.association.triple_explain import Given
from credenza.association.triple_ladder import TripleClimb, TripleLadder
from credenza.association.triple_power import TriplePower, detectable_triples
from credenza.association.triple_shift import contrast
from credenza.checks.base import answer, counted
from credenza.checks.describe import probe_name
from credenza.checks.evidence import Evidence
from credenza.checks.inquiry import DRAW_ROWS, DRAW_VALUES
from credenza.contracts import Finding, Outcome, Severity, Status
from credenza.data import Schema, Source
from credenza.errors import UsageError

MAX_FEATURES = 60  # that are looked at in threes: 34,220 triples
MAX_PROBES = 420  # levels and cuts of theirs: 12 million 2x2x2 tables, 100 MB of counts a side
LOST_SHARE = 0.01  # of the reference in a pair's cells without a row in the suspect


class InteractionShift:
    """Do three features hang together as in the reference, beyond what their pairs do?

    Detects: mass P(abc) + eps (-1)^(a + b + c), which keeps every marginal and every pair. Each 2x2x2 table of three
    features is tested for equal three-way odds ratios given all its pair tables (exact conditional test), under the
    weights that CZ201 ends with, so that moved pairs and drift do not show again; false discovery control over the
    triples. The strongest triple is named, its table explained too, and the test made again, until nothing is left.

    Only features that are asked for are looked at. Cannot see: shifts below the stated strength, triples with fewer
    than 5 rows in a cell of their pair tables on either side, and shifts that leave every triple alone.
    """

    code: ClassVar[str] = "CZ301"
    title: ClassVar[str] = "Three-way interaction shift"
    needs: ClassVar[tuple[str, ...]] = ("reference rows", "triples")

    def run(self, evidence: Evidence) -> Outcome:
        """Report the culprits, or the smallest strength that would have been seen."""
        threes = _Threes(evidence)
        if left := threes.unexplained():
            return Outcome(self.code, self.title, Status.SKIPPED, left)
        climb, power = threes.climb, threes.power
        triples, tested = len(climb.first.log_p), int(climb.first.tested.sum())
        judged = tested - int((climb.first.tested & threes.barred).sum())
        details: dict[str, Any] = {
            "features": list(threes.schema.names),
            "triples": triples,
            "triples_tested": tested,
            "triples_not_judged": tested - judged,
            "tables_tested": int(climb.first.tables.sum()),
            "flagged_at_first": len(climb.flagged),
            "effective_rows": climb.effective_size,
            "detectable_typical": _finite(power.typical()),
            "detectable_weakest": _finite(power.weakest()),
            "blind_triples": int(np.isinf(power.strength).sum()),
            "power": power.power,
        }
        findings = [threes.finding(self.code, k) for k in range(len(climb.steps))]
        if climb.exhausted:
            findings.append(_exhausted(self.code, len(climb.steps)))
        if not findings and not np.isfinite(power.strength).any():
            return Outcome(self.code, self.title, Status.SKIPPED, threes.too_small(), (), details)
        lost = threes.not_judged(tested - judged)
        also = f"; {counted(len(climb.flagged), 'triple')} flagged before any was explained{lost}"
        clear = could_have_missed(power, judged, triples) + lost
        return answer(self, findings, clear, details=details, also=also)


class _Threes:
    """One suspect against one reference on the features that were asked for."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence, self.inquiry = evidence, evidence.inquiry
        self.schema = chosen_features(evidence.schema, evidence.triples or ())
        self.layout = layout_of(self.schema)

    def unexplained(self) -> str:
        """Why triples cannot be judged: pairs that still differ; "" where none do."""
        if not self.inquiry.climb.exhausted and not self.inquiry.beyond:
            return ""
        return (
            "pairs are still significant after all that CZ201 could explain, and what they bring about in triples "
            "cannot be told from a three-way shift: look at CZ201 first"
        )

    @cached_property
    def barred(self) -> NDArray[np.bool_]:
        """Triples (N,) with a feature of a pair that no weights restore."""
        lost: dict[tuple[int, ...], float] = {}
        for features, _, share in self.inquiry.climb.calibration.empty:
            lost[features] = lost.get(features, 0.0) + (share if len(features) == 2 else 0.0)
        names = {
            self.inquiry.part.names[f] for pair, share in lost.items() if share >= LOST_SHARE for f in pair
        }
        hit = np.array([name in names for name in self.schema.names])
        return np.asarray(hit[self.reference.threes.features].any(axis=1))

    def _counts(self, source: Source, role: str) -> TripleCounts:
        state = TripleCensus.empty(self.schema)
        return self.evidence.fold(source, self.schema.names, state, f"counting triples of the {role}").counts

    @cached_property
    def reference(self) -> TripleCounts:
        """Triple counts of the reference."""
        assert isinstance(self.evidence.reference, Source)
        return self._counts(self.evidence.reference, "reference")

    @cached_property
    def suspect(self) -> TripleCounts:
        """Triple counts of the suspect."""
        return self._counts(self.evidence.suspect, "suspect")

    @cached_property
    def weighed(self) -> Schema:
        """The features of the rows that are weighed: those in threes, then others that CZ201's weights depend on."""
        part = self.inquiry.part
        extra = [part.features[f] for f in self.inquiry.climb.explaining]
        return Schema((*self.schema.features, *(f for f in extra if f.name not in self.schema.names)))

    def _rows(self) -> NDArray[np.uint8]:
        size = max(1_000, min(DRAW_ROWS, DRAW_VALUES // self.weighed.planes))
        return self.evidence.rows_of(self.evidence.suspect, self.weighed, size)

    def _given(self) -> Given:
        """What CZ201 explained, by the columns of :meth:`_rows`."""
        climb, ladder = self.inquiry.climb, self.inquiry.ladder
        place = {f: self.weighed.index(self.inquiry.part.names[f]) for f in climb.explaining}
        sizes = tuple(int(s) for s in self.weighed.sizes)

        def targets(sample: Sample | None) -> Targets:
            layout, wanted = ladder.layout, climb.targets
            if sample is None:
                singles, pairs = dict(wanted.marginals), dict(wanted.pairs)
            else:
                singles = {
                    f: np.diag(layout.block(sample.joint, f, f)) / sample.size for f in wanted.marginals
                }
                pairs = {p: layout.block(sample.joint, *p) / sample.size for p in wanted.pairs}
            return Targets(
                sizes,
                {place[f]: shares for f, shares in singles.items() if f in place},
                {(place[i], place[j]): table for (i, j), table in pairs.items()},
            )

        return Given(targets(None), targets(ladder.plain))

    @cached_property
    def climb(self) -> TripleClimb:
        """What rung 3 found."""
        return TripleLadder(
            self.reference,
            self.suspect,
            self._rows,
            given=self._given(),
            fdr=self.inquiry.fdr,
            correction=self.inquiry.correction,
            min_strength=self.inquiry.settings.min_strength,
            design_effect=self.inquiry.design_effect,
            barred=self.barred,
        ).climb()

    @cached_property
    def power(self) -> TriplePower:
        """The smallest strengths that would have been seen."""
        effective = self.inquiry.climb.calibration.effective_size / self.inquiry.design_effect
        settings = self.inquiry.settings
        return detectable_triples(self.reference, effective, alpha=self.inquiry.fdr, power=settings.power)

    def finding(self, code: str, k: int) -> Finding:
        """One culprit."""
        step, (strength, error) = self.climb.steps[k], self.climb.strengths[k]
        half = float(normal_isf(0.025)) * error
        names = self._names(step.triple)
        levels = [probe_name(self.schema, self.layout, p) for p in step.probes]
        edited = round(4 * abs(strength) * self.suspect.rows)
        probes = np.array([step.probes])
        before, after = (float(contrast(side.table(probes))[0]) for side in (self.reference, self.suspect))
        told = ", ".join(f"{name} ({level})" for name, level in zip(names, levels, strict=True))
        message = (
            f"{told}: how two go together hangs on the third otherwise than in the reference; all three go together "
            f"{'less' if strength >= 0 else 'more'} often than their pairs explain: three-way strength "
            f"{strength:+.4f} [{strength - half:+.4f}, {strength + half:+.4f}], about {edited:,} rows edited"
        )
        details = {
            "levels": levels,
            "interval": [strength - half, strength + half],
            "direction": "positive" if strength >= 0 else "negative",
            "rows_edited": edited,
            "contrast": {"reference": before, "suspect": after},
            "log10_p": step.log_p / float(np.log(10.0)),
            "collateral": [list(self._names(int(t))) for t in self.climb.explained[k]],
        }
        return Finding(
            code,
            names,
            message,
            Severity.ALARM,
            statistic=step.z,
            p=float(np.exp(step.log_p)),
            q=step.q,
            effect=strength,
            details=details,
        )

    def _names(self, triple: int) -> tuple[str, ...]:
        return tuple(self.schema.names[f] for f in self.reference.threes.features[triple])

    def too_small(self) -> str:
        """Why nothing could be tested."""
        triples = len(self.reference.threes.features)
        return (
            f"none of {counted(triples, 'triple')} could show a shift of any size with "
            f"{counted(self.evidence.suspect.rows, 'row')} against {self.reference.rows:,}: give more rows"
        )

    def not_judged(self, triples: int) -> str:
        """A warning where culprits of CZ201 emptied cells, so that no weights restore what hangs on them."""
        if not triples:
            return ""
        return (
            f"; {counted(triples, 'triple')} of features in cells that the suspect lacks and CZ201 named "
            "could not be judged"
        )


def chosen_features(schema: Schema, wanted: tuple[str, ...] | str) -> Schema:
    """The schema of the features that are looked at in threes.

    Parameters
    ----------
    schema : all features. wanted : their names, or "all".

    Raises
    ------
    UsageError : a name that is not a feature, or more features or levels than are looked at in threes.
    """
    names = schema.names if isinstance(wanted, str) else wanted
    found = Schema(tuple(schema.features[schema.index(name)] for name in names))
    if len(names) > MAX_FEATURES:
        raise UsageError(
            f"--triples: {len(names)} features; up to {MAX_FEATURES} are looked at in threes, name fewer"
        )
    if len(names) < 3:
        raise UsageError(f"--triples: {counted(len(names), 'feature')} to look at in threes; it takes three")
    probes = layout_of(found).probes
    if probes > MAX_PROBES:
        raise UsageError(
            f"--triples: {len(names)} features with {probes:,} levels and cuts; up to {MAX_PROBES} are looked at "
            "in threes, name fewer"
        )
    return found


def could_have_missed(power: TriplePower, tested: int, triples: int) -> str:
    """What a clear outcome would not have shown; ``tested`` of the triples could be judged.

    Examples
    --------
    >>> could_have_missed(TriplePower(np.array([0.01, 0.02, np.inf]), 0.8), 3, 4)
    '3 of 4 triples tested, none significant. A three-way shift of strength 0.015 on a typical triple, 0.020 on the \
hardest, would have shown with 80% power; 1 triple is too rare to show any'
    """
    told = counted(tested, "triple") if tested == triples else f"{tested:,} of {counted(triples, 'triple')}"
    if np.isinf(power.weakest()):
        return f"{told} tested, none significant; the tables are too small to show any shift reliably"
    blind = int(np.isinf(power.strength).sum())
    rare = (
        f"; {counted(blind, 'triple')} {'is' if blind == 1 else 'are'} too rare to show any" if blind else ""
    )
    return (
        f"{told} tested, none significant. A three-way shift of strength {power.typical():.3f} on a typical triple, "
        f"{power.weakest():.3f} on the hardest, would have shown with {power.power:.0%} power{rare}"
    )


def _exhausted(code: str, named: int) -> Finding:
    message = (
        f"triples are still significant after {named} culprits: "
        "the two tables differ throughout, not in a few triples"
    )
    return Finding(code, (), message, Severity.ALARM)


def _finite(x: float) -> float | None:
    return float(x) if np.isfinite(x) else None
