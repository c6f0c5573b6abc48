"""From positions and codes to names: culprits, pair tables and the sentences about them."""

from __future__ import annotations

import math

import numpy as np

from credenza.association.estimate import strengths
from credenza.association.ladder import Climb, Ladder, Step
from credenza.association.measures import mutual_information, pairwise_mutual_information, rank_correlation
from credenza.association.shift import PairShift, cells, probe_tables
from credenza.association.tails import normal_isf
from credenza.contracts import Culprit, Finding, FloatArray, IntArray, PairTable, Severity
from credenza.data import Schema

ALIAS_CORRELATION = 0.95  # rank correlation in bins from which two ordered features are one
Correlations = tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]


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
    schema : of both sides.
    alias_share : see :class:`credenza.checks.settings.Settings`.
    where : the part of the suspect that the ladder looked at; "" for the whole.
    correlations : Pearson correlations of numeric pairs by name, reference and suspect.
    """

    def __init__(
        self,
        ladder: Ladder,
        climb: Climb,
        schema: Schema,
        *,
        alias_share: float,
        where: str = "",
        correlations: Correlations = ({}, {}),
    ) -> None:
        self.ladder, self.climb, self.schema = ladder, climb, schema
        self.layout, self.where, self.correlations = ladder.layout, where, correlations
        self.alias_share = alias_share
        self.information = pairwise_mutual_information(ladder.reference.joint, self.layout.starts)
        self.tables = probe_tables(ladder.reference, ladder.plain, self.layout)
        self.flagged = {int(k) for k in ladder.significant(climb.first, [])}
        self.aliases = [self._aliases(step) for step in climb.steps]

    def pair_names(self, pair: int) -> tuple[str, str]:
        """The two column names of a pair."""
        i, j = self.layout.pairs
        return self.schema.names[i[pair]], self.schema.names[j[pair]]

    def probe_name(self, probe: int) -> str:
        """What a probe asks: a level, or a cut."""
        feature = self.schema.features[self.layout.probe_feature[probe]]
        level = int(self.layout.probe_level[probe])
        return str(feature.cut(level - 1) if self.layout.is_cut(probe) else feature.levels[level])

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
        row = layout.rows_of(np.array([step.probe_a]), np.array([step.probe_b]))
        mcc_r, mcc_s = table_mcc(self.tables[row])
        before, after = (layout.block(s.joint, i, j) / s.size for s in (reference, plain))
        names, rows = self.pair_names(step.pair), len(self.ladder.codes)
        half = float(normal_isf(0.025)) * error
        aliases = self.aliases[k]
        collateral = [int(p) for p in self.climb.explained[k] if int(p) not in aliases]
        return Culprit(
            features=names,
            levels=(self.probe_name(step.probe_a), self.probe_name(step.probe_b)),
            strength=strength,
            interval=(strength - half, strength + half),
            rows_edited=round(2 * abs(strength) * rows),
            direction="positive" if strength >= 0 else "negative",
            mi=(mutual_information(before), mutual_information(after)),
            mcc=(float(mcc_r[0]), float(mcc_s[0])),
            correlation=self._ranks(i, j, before, after),
            p=float(np.exp(step.log_p)),
            log10_p=step.log_p / math.log(10.0),
            q=step.q,
            filter_ceiling=filter_ceiling(self.tables[row[0]], strength),
            collateral=tuple(self.pair_names(p) for p in collateral),
            aliases=tuple(self.pair_names(p) for p in sorted(aliases)),
            row_levels=self.schema.features[i].levels,
            column_levels=self.schema.features[j].levels,
            reference_table=before,
            suspect_table=after,
            where=self.where,
            pearson=self._pearson(names),
        )

    def two_by_two(self, k: int) -> tuple[FloatArray, FloatArray]:
        """Counts of culprit k's 2x2 table, [[00, 01], [10, 11]]: (reference, suspect)."""
        step = self.climb.steps[k]
        (row,) = self.layout.rows_of(np.array([step.probe_a]), np.array([step.probe_b]))
        both = cells(self.tables[[row]])[0]
        return both[0][[3, 2, 1, 0]].reshape(2, 2), both[1][[3, 2, 1, 0]].reshape(2, 2)

    def _ranks(self, i: int, j: int, before: FloatArray, after: FloatArray) -> tuple[float, float] | None:
        a, b = self.layout.ordered[i], self.layout.ordered[j]
        if a < 2 or b < 2:
            return None
        return rank_correlation(before[:a, :b]), rank_correlation(after[:a, :b])

    def _pearson(self, names: tuple[str, str]) -> tuple[float, float] | None:
        reference, suspect = self.correlations
        return (reference[names], suspect[names]) if names in reference and names in suspect else None

    def pairs(self) -> PairTable:
        """Every tested pair, smallest p first, each at its strongest 2x2 table."""
        first, last = self.climb.first, self.climb.last
        order = np.flatnonzero(first.tested)
        order = order[np.argsort(first.log_p[order], kind="stable")]
        rows = self.layout.rows_of(first.probe_a[order], first.probe_b[order])
        mcc_r, mcc_s = table_mcc(self.tables[rows])
        names = [self.pair_names(int(k)) for k in order]
        starts = self.layout.starts
        i, j = (x[order] for x in self.layout.pairs)
        return PairTable(
            feature_a=tuple(a for a, _ in names),
            feature_b=tuple(b for _, b in names),
            level_a=tuple(self.probe_name(int(p)) for p in first.probe_a[order]),
            level_b=tuple(self.probe_name(int(p)) for p in first.probe_b[order]),
            statistic=first.z[order],
            p=np.exp(first.log_p[order]),
            q=self._q(first)[order],
            p_after=np.exp(last.log_p[order]),
            strength=strengths(self.tables[rows])[0],
            mi_reference=pairwise_mutual_information(self.ladder.reference.joint, starts)[i, j],
            mi_suspect=pairwise_mutual_information(self.ladder.plain.joint, starts)[i, j],
            mcc_reference=mcc_r,
            mcc_suspect=mcc_s,
            role=self._roles(order),
        )

    def _q(self, shift: PairShift) -> FloatArray:
        return shift.q(self.ladder.correction)

    def _roles(self, order: IntArray) -> tuple[str, ...]:
        culprits = {step.pair for step in self.climb.steps}
        aliases = set().union(*self.aliases) if self.aliases else set()
        explained = {int(k) for e in self.climb.explained for k in e}
        drifted = {int(k) for k in self.climb.drifted}
        roles = (("culprit", culprits), ("alias", aliases), ("collateral", explained), ("drift", drifted))
        return tuple(next((role for role, members in roles if k in members), "") for k in map(int, order))


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
        details=about | ({"where": culprit.where} if culprit.where else {}) | details,
    )
