"""Pairs by the part they had in an audit, before a repair and after it: culprits, collateral, untouched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from credenza.association.probes import Layout
from credenza.association.samples import Sample
from credenza.contracts import AuditResult, FloatArray
from credenza.report.aftercare import Comparison

GROUPS = ("culprits", "collateral", "untouched")


@dataclass(frozen=True)
class PairGroup:
    """Pairs of one kind.

    Attributes
    ----------
    name : "culprits": the pairs that were put right; "collateral": those that the audit explained by them, aliases too;
        "untouched": all others. pairs : how many.
    difference : mean absolute difference of the association to the reference, (before, after); None of no pairs.
        MCC of two features with two levels each, bias-corrected Cramer's V of all others.
    significant : how many differ significantly from the reference, (before, after).
    """

    name: str
    pairs: int
    difference: tuple[float, float] | None
    significant: tuple[int, int]


def pair_groups(
    found: Comparison, audit: AuditResult, cured: Iterable[tuple[str, str]]
) -> tuple[PairGroup, ...]:
    """Compare the associations of all pairs with the reference's, before and after.

    Parameters
    ----------
    found : all pairs, before and after. audit : which pairs were collateral of which culprit.
    cured : the pairs that were put right; a culprit that was not is among the untouched, and so is its collateral.

    Returns
    -------
    The groups of ``GROUPS``, in that order.

    Notes
    -----
    Cost O(K^2) for K levels in all. Differences that chance leaves are part of the mean: of the untouched it is about
    what two samples of these sizes differ by, and no repair should raise it by much. Cramer's V has no sign, so a
    reversed association of more than two levels counts as unchanged here; the tests see it.

    Examples
    --------
    >>> import pyarrow as pa
    >>> import credenza
    >>> from credenza.report.repairing import repair
    >>> clean = pa.table({"hat": [0, 0, 1, 1] * 500, "smile": [0, 1, 0, 1] * 500})
    >>> moved = pa.table({"hat": [0, 0, 1, 1] * 500, "smile": [0, 0, 1, 1, 0, 1, 0, 1] * 250})
    >>> found = credenza.audit(moved, clean)
    >>> repair(moved, found, method="relabel", reference=clean).groups[0]
    PairGroup(name='culprits', pairs=1, difference=(0.5, 0.0), significant=(1, 0))
    """
    roles = _roles(audit, cured)
    names = [roles.get(frozenset(found.names(k)), GROUPS[2]) for k in range(len(found.layout.pairs[0]))]
    role = np.array(names, dtype=object)
    sides = [associations(side, found.layout) for side in (found.reference, found.before, found.after)]
    gaps = [np.abs(side - sides[0]) for side in sides[1:]]
    out = []
    for name in GROUPS:
        own = role == name
        before, after = (float(gap[own].mean()) if own.any() else 0.0 for gap in gaps)
        was, now = (int(flags[own].sum()) for flags in found.significant)
        out.append(PairGroup(name, int(own.sum()), (before, after) if own.any() else None, (was, now)))
    return tuple(out)


def associations(sample: Sample, layout: Layout) -> FloatArray:
    """MCC of every pair of two-level features, bias-corrected Cramer's V of all others, shape (P,).

    Formula: see :func:`credenza.association.measures.mcc` and :func:`credenza.association.measures.cramers_v`, whose
    numbers these are, of all pairs at once; 0 where a feature has one level only. Cost O(K^2).

    Examples
    --------
    >>> joint = np.array([[40, 0, 30, 10], [0, 40, 10, 30], [30, 10, 40, 0], [10, 30, 0, 40]], float)
    >>> associations(Sample(joint, 80.0), Layout((2, 2), (0, 0))).tolist()
    [0.5]
    """
    i, j = layout.pairs
    sizes, margin = np.asarray(layout.sizes), np.diag(sample.joint).astype(float)
    if sample.size <= 1 or not len(i):
        return np.zeros(len(i))
    binary = (sizes[i] == 2) & (sizes[j] == 2)
    out = np.zeros(len(i))
    out[~binary] = _cramers(sample, layout)[i[~binary], j[~binary]]
    last = layout.starts[1:] - 1  # the second level of a binary feature
    both = sample.joint[np.ix_(last, last)][i, j] / sample.size
    u, v = margin[last[i]] / sample.size, margin[last[j]] / sample.size
    spread = u * (1 - u) * v * (1 - v)
    seen = binary & (spread > 0)
    out[seen] = np.clip((both - u * v)[seen] / np.sqrt(spread[seen]), -1.0, 1.0)
    return out


def _cramers(sample: Sample, layout: Layout) -> FloatArray:
    """Bias-corrected V of all features with each other, (m, m)."""
    margin, starts, n = np.diag(sample.joint).astype(float), layout.starts[:-1], sample.size
    expected = np.outer(margin, margin) / n
    terms = np.divide(
        (sample.joint - expected) ** 2, expected, out=np.zeros_like(expected), where=expected > 0
    )
    phi2 = np.add.reduceat(np.add.reduceat(terms, starts, axis=0), starts, axis=1) / n
    levels = np.add.reduceat((margin > 0).astype(float), starts)
    less = np.maximum(levels - 1, 0.0)
    phi2 = np.maximum(0.0, phi2 - np.outer(less, less) / (n - 1))
    room = levels - less**2 / (n - 1) - 1
    room = np.minimum(room[:, None], room[None, :])
    return np.asarray(
        np.sqrt(np.minimum(1.0, np.divide(phi2, room, out=np.zeros_like(phi2), where=room > 0)))
    )


def _roles(audit: AuditResult, cured: Iterable[tuple[str, str]]) -> dict[frozenset[str], str]:
    """The group of each pair that is no untouched one."""
    mended = {frozenset(pair) for pair in cured}
    roles: dict[frozenset[str], str] = {}
    for culprit in audit.culprits:
        if frozenset(culprit.features) in mended:
            dragged = (*culprit.collateral, *culprit.aliases)
            roles.update(dict.fromkeys(map(frozenset, dragged), GROUPS[1]))
    return roles | dict.fromkeys(mended, GROUPS[0])
