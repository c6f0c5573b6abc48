"""The table of the strongest pairs: names, numbers, and the part each pair played."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from credenza.association.counts import PairCounts
from credenza.association.estimate import strengths
from credenza.association.measures import mutual_information
from credenza.association.planes import PlaneStore
from credenza.association.probes import Layout
from credenza.association.shift import Sample, tables_at
from credenza.checks.describe import probe_name, table_mcc
from credenza.checks.inquiry import Counts, Inquiry
from credenza.contracts import FloatArray, IntArray, PairTable

Pair = tuple[int, int]


def pair_table(inquiry: Inquiry) -> PairTable:
    """Every pair that the ranking kept, smallest p first, each at its strongest 2x2 table.

    Cost: one 2x2 table and two mutual informations a listed pair; nothing grows with the pairs that are not listed.
    """
    ranking, schema, layout = inquiry.ranking, inquiry.schema, inquiry.layout
    names, explained = schema.names, _after(inquiry)
    pairs = [(int(a), int(b)) for a, b in zip(ranking.i, ranking.j, strict=True)]
    roles = _roles(inquiry)
    tables = np.concatenate([_two_by_two(c, inquiry) for c in (inquiry.reference, inquiry.suspect)], axis=1)
    mi_r, mi_s = (
        _information(c, inquiry, part)
        for c, part in ((inquiry.reference, tables[:, :4]), (inquiry.suspect, tables[:, 4:]))
    )
    mcc_r, mcc_s = table_mcc(tables)
    probes = {int(p): probe_name(schema, layout, int(p)) for p in {*ranking.probe_a, *ranking.probe_b}}
    p = np.exp(ranking.log_p)
    return PairTable(
        feature_a=tuple(names[a] for a, _ in pairs),
        feature_b=tuple(names[b] for _, b in pairs),
        level_a=tuple(probes[int(k)] for k in ranking.probe_a),
        level_b=tuple(probes[int(k)] for k in ranking.probe_b),
        statistic=ranking.z,
        p=p,
        q=ranking.q,
        p_after=np.array([explained.get(pair, float(p[k])) for k, pair in enumerate(pairs)]),
        strength=strengths(tables)[0],
        mi_reference=mi_r,
        mi_suspect=mi_s,
        mcc_reference=mcc_r,
        mcc_suspect=mcc_s,
        role=tuple(roles.get(pair, "") for pair in pairs),
        tested=ranking.tested,
        pairs=ranking.pairs,
    )


def _in_table(inquiry: Inquiry, positions: IntArray | list[int]) -> Iterator[Pair]:
    """Pairs of the ladder, by the positions of their features in the whole table."""
    i, j = inquiry.ladder.layout.pairs
    where = inquiry.in_play
    return ((where[int(i[k])], where[int(j[k])]) for k in positions)


def _after(inquiry: Inquiry) -> dict[Pair, float]:
    """p-values of the pairs in play once everything that was named is explained."""
    last = np.exp(inquiry.climb.last.log_p)
    return dict(zip(_in_table(inquiry, list(range(len(last)))), last.tolist(), strict=True))


def _roles(inquiry: Inquiry) -> dict[Pair, str]:
    """The part each pair played; what comes later in the list goes before what comes earlier."""
    climb, roles = inquiry.climb, {}
    steps = [step.pair for step in climb.steps]
    aliases = [k for found in inquiry.describer.aliases for k in found]
    explained = [int(k) for found in climb.explained for k in found]
    parts = (
        ("drift", list(climb.drifted)),
        ("collateral", explained),
        ("alias", aliases),
        ("culprit", steps),
    )
    for role, positions in parts:
        roles.update(dict.fromkeys(_in_table(inquiry, positions), role))
    return roles


def _two_by_two(counts: Counts, inquiry: Inquiry) -> FloatArray:
    """x, u, v, n of every listed pair's strongest 2x2 table (N, 4)."""
    ranking, layout = inquiry.ranking, inquiry.layout
    if isinstance(counts, PairCounts):
        sample = Sample.of(counts)
        return np.asarray(tables_at(sample, sample, layout, ranking.probe_a, ranking.probe_b)[:, :4])
    out = np.zeros((len(ranking.i), 4))
    probes = zip(ranking.probe_a.tolist(), ranking.probe_b.tolist(), strict=True)
    for k, (a, b) in enumerate(probes):
        table = counts.table(int(ranking.i[k]), int(ranking.j[k]))
        rows, columns = _levels(layout, a), _levels(layout, b)
        out[k] = table[rows, columns].sum(), table[rows].sum(), table[:, columns].sum(), counts.rows
    return out


def _information(counts: Counts, inquiry: Inquiry, tables: FloatArray) -> FloatArray:
    """Mutual information of every listed pair in nats (N,); that of two binary features from its 2x2 table."""
    ranking, sizes = inquiry.ranking, np.asarray(inquiry.layout.sizes)
    x, u, v, n = tables.T
    cells = np.maximum(np.stack([x, u - x, v - x, n - u - v + x]), 0.0) / np.maximum(n, 1.0)
    chance = np.stack([u * v, u * (n - v), (n - u) * v, (n - u) * (n - v)]) / np.maximum(n, 1.0) ** 2
    seen = (cells > 0) & (chance > 0)
    terms = np.where(seen, cells * np.log(np.where(seen, cells / np.where(seen, chance, 1.0), 1.0)), 0.0)
    out: FloatArray = np.maximum(terms.sum(axis=0), 0.0)
    for k in np.flatnonzero((sizes[ranking.i] > 2) | (sizes[ranking.j] > 2)):
        out[k] = mutual_information(_block(counts, inquiry.layout, int(ranking.i[k]), int(ranking.j[k])))
    return out


def _block(counts: Counts, layout: Layout, i: int, j: int) -> FloatArray:
    """The pair table of two features."""
    if isinstance(counts, PlaneStore):
        return counts.table(i, j).astype(float)
    rows, columns = (slice(layout.starts[f], layout.starts[f + 1]) for f in (i, j))
    return counts.joint[rows, columns].astype(float)


def _levels(layout: Layout, probe: int) -> slice:
    """The levels that a probe sums."""
    level = int(layout.probe_level[probe])
    last = layout.ordered[int(layout.probe_feature[probe])] if layout.is_cut(probe) else level + 1
    return slice(level, last)
