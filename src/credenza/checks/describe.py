"""From positions and codes to names: culprits, pair tables and the sentences about them."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

from credenza.association.ladder import Climb, Ladder, Step
from credenza.association.measures import mutual_information, pairwise_mutual_information, rank_correlation
from credenza.association.moments import Moments
from credenza.association.probes import Layout
from credenza.association.shift import cells, tables_at
from credenza.association.tails import normal_isf
from credenza.contracts import Culprit, Finding, FloatArray, Severity
from credenza.data import Schema

ALIAS_CORRELATION = 0.95  # rank correlation in bins from which two ordered features are one


def table_mcc(tables: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Matthews correlation of each 2x2 comparison (T, 8): (reference, suspect); 0 where a margin is empty."""
    out = []
    for k in (0, 4):
        x, u, v = (tables[:, k + i] / np.maximum(tables[:, k + 3], 1.0) for i in range(3))
        spread = np.sqrt(np.maximum(u * (1 - u) * v * (1 - v), 0.0))
        out.append(np.where(spread > 0, np.clip((x - u * v) / np.where(spread > 0, spread, 1.0), -1, 1), 0.0))
    return out[0], out[1]


class Describer:
    """Puts names to what a ladder found.

    Parameters
    ----------
    ladder, climb : as run.
    schema : the features that the ladder worked on.
    rows : of the suspect.
    alias_share : see :class:`credenza.checks.settings.Settings`.
    where : the part of the suspect that the ladder looked at; "" for the whole.
    moments : of the numeric columns, reference and suspect.
    """

    def __init__(
        self,
        ladder: Ladder,
        climb: Climb,
        schema: Schema,
        *,
        rows: int,
        alias_share: float,
        where: str = "",
        moments: tuple[Moments, ...] = (),
    ) -> None:
        self.ladder, self.climb, self.schema = ladder, climb, schema
        self.layout, self.where, self.moments = ladder.layout, where, moments
        self.rows, self.alias_share = rows, alias_share
        self.flagged = {int(k) for k in ladder.significant(climb.first, [])}
        self.aliases = [self._aliases(step) for step in climb.steps]

    @cached_property
    def information(self) -> FloatArray:
        """Mutual information of every two features in the reference, entropies on the diagonal."""
        return pairwise_mutual_information(self.ladder.reference.joint, self.layout.starts)

    def _tables(self, step: Step) -> FloatArray:
        """The 2x2 table of a step, before and after: (1, 8)."""
        probes = np.array([step.probe_a]), np.array([step.probe_b])
        return tables_at(self.ladder.reference, self.ladder.plain, self.layout, *probes)

    def pair_names(self, pair: int) -> tuple[str, str]:
        """The two column names of a pair."""
        i, j = self.layout.pairs
        return self.schema.names[i[pair]], self.schema.names[j[pair]]

    def probe_name(self, probe: int) -> str:
        """What a probe asks: a level, or a cut."""
        return probe_name(self.schema, self.layout, probe)

    def _same(self, f: int) -> np.ndarray:
        """Which features determine f or are determined by it (m,): full mutual information or rank correlation."""
        entropy = np.diag(self.information)
        smaller = np.minimum(entropy[f], entropy)
        same = (smaller > 0) & (self.information[f] >= self.alias_share * smaller)
        for g in range(self.layout.features):
            a, b = self.layout.ordered[f], self.layout.ordered[g]
            if min(a, b) >= 2 and not same[g]:
                table = self.layout.block(self.ladder.reference.joint, f, g)[:a, :b]
                same[g] = abs(rank_correlation(table)) >= ALIAS_CORRELATION
        same[f] = True
        return np.asarray(same)

    def _aliases(self, step: Step) -> frozenset[int]:
        """Flagged pairs whose features determine, or are determined by, those of a culprit."""
        i, j = self.layout.pairs
        like_a, like_b = self._same(int(i[step.pair])), self._same(int(j[step.pair]))
        same = (like_a[i] & like_b[j]) | (like_a[j] & like_b[i])
        return frozenset(int(k) for k in np.flatnonzero(same)) & (self.flagged - {step.pair})

    def culprits(self) -> tuple[Culprit, ...]:
        """All culprits, strongest evidence first."""
        return tuple(self._culprit(k) for k in range(len(self.climb.steps)))

    def _culprit(self, k: int) -> Culprit:
        step, (strength, error) = self.climb.steps[k], self.climb.strengths[k]
        layout, plain, reference = self.layout, self.ladder.plain, self.ladder.reference
        i, j = (int(x[step.pair]) for x in layout.pairs)
        table = self._tables(step)
        mcc_r, mcc_s = table_mcc(table)
        before, after = (layout.block(s.joint, i, j) / s.size for s in (reference, plain))
        names = self.pair_names(step.pair)
        half = float(normal_isf(0.025)) * error
        aliases = self.aliases[k]
        collateral = [int(p) for p in self.climb.explained[k] if int(p) not in aliases]
        edited = self._edited(k)
        return Culprit(
            features=names,
            levels=(self.probe_name(step.probe_a), self.probe_name(step.probe_b)),
            strength=strength,
            interval=(strength - half, strength + half),
            rows_edited=round(2 * abs(strength) * self.rows),
            direction="positive" if strength >= 0 else "negative",
            mi=(mutual_information(before), mutual_information(after)),
            mcc=(float(mcc_r[0]), float(mcc_s[0])),
            correlation=self._ranks(i, j, before, after),
            p=float(np.exp(step.log_p)),
            log10_p=step.log_p / math.log(10.0),
            q=step.q,
            filter_ceiling=filter_ceiling(table[0], strength) if edited is None else 1.0,
            collateral=tuple(self.pair_names(p) for p in collateral),
            aliases=tuple(self.pair_names(p) for p in sorted(aliases)),
            row_levels=self.schema.features[i].levels,
            column_levels=self.schema.features[j].levels,
            reference_table=before,
            suspect_table=after,
            where=self.where,
            pearson=self._pearson(names),
            edited=edited,
        )

    def _edited(self, k: int) -> str | None:
        """The feature of culprit k whose values were edited in place."""
        feature = self.climb.edited[k] if self.climb.edited else -1
        return None if feature < 0 else self.schema.names[feature]

    def two_by_two(self, k: int) -> tuple[FloatArray, FloatArray]:
        """Counts of culprit k's 2x2 table, [[00, 01], [10, 11]]: (reference, suspect)."""
        both = cells(self._tables(self.climb.steps[k]))[0]
        return both[0][[3, 2, 1, 0]].reshape(2, 2), both[1][[3, 2, 1, 0]].reshape(2, 2)

    def _ranks(self, i: int, j: int, before: FloatArray, after: FloatArray) -> tuple[float, float] | None:
        a, b = self.layout.ordered[i], self.layout.ordered[j]
        if a < 2 or b < 2:
            return None
        return rank_correlation(before[:a, :b]), rank_correlation(after[:a, :b])

    def _pearson(self, names: tuple[str, str]) -> tuple[float, float] | None:
        found = [m.pearson(*names) for m in self.moments]
        return (found[0], found[1]) if len(found) == 2 and np.isfinite(found).all() else None


def probe_name(schema: Schema, layout: Layout, probe: int) -> str:
    """What a probe asks: a level, or a cut."""
    feature = schema.features[layout.probe_feature[probe]]
    level = int(layout.probe_level[probe])
    return str(feature.cut(level - 1) if layout.is_cut(probe) else feature.levels[level])


def filter_ceiling(table: FloatArray, strength: float) -> float:
    """Upper bound on the precision of any filter of single rows: |eps| / share of the emptier over-filled cell.

    Rows that were swapped in are genuine; given the cell they carry no trace, so nobody can pick them out better than
    by chance within the cell, of which |eps| is the foreign part.
    """
    x, u, v, n = table[4:8]
    over = (x, n - u - v + x) if strength >= 0 else (u - x, v - x)
    least = min(over) / n
    return float(min(1.0, abs(strength) / least)) if least > 0 else 1.0


def sentence(culprit: Culprit) -> str:
    """One sentence that says what moved, by how much and how many rows that takes."""
    (a, b), (la, lb), (low, high) = culprit.features, culprit.levels, culprit.interval
    where = f" in {culprit.where}" if culprit.where else ""
    return (
        f"{a} ({la}) and {b} ({lb}) go together {'more' if culprit.strength >= 0 else 'less'} often{where}: "
        f"strength {culprit.strength:+.4f} [{low:+.4f}, {high:+.4f}], about {culprit.rows_edited:,} rows edited, "
        f"MCC {culprit.mcc[0]:.3f} -> {culprit.mcc[1]:.3f}"
        + (f"; values of {culprit.edited} edited in place" if culprit.edited is not None else "")
    )


def finding_of(code: str, culprit: Culprit, *, note: str = "", **details: object) -> Finding:
    """A culprit as an alarm of a check, on its two features and on the part of the suspect, if it is in a part."""
    about: dict[str, object] = {
        "levels": list(culprit.levels),
        "interval": list(culprit.interval),
        "log10_p": culprit.log10_p,
    }
    return Finding(
        code,
        (*culprit.features, culprit.where) if culprit.where else culprit.features,
        sentence(culprit) + note,
        Severity.ALARM,
        p=culprit.p,
        q=culprit.q,
        effect=culprit.strength,
        details=about
        | ({"where": culprit.where} if culprit.where else {})
        | ({"edited": culprit.edited} if culprit.edited is not None else {})
        | details,
    )
