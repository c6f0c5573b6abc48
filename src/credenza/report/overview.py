"""What a page shows of all pairs at once: a heatmap, a plot and a table, each bounded, and of how many they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from credenza.contracts import AuditResult, FloatArray, PairTable
from credenza.report import figures, text

SHOWN_FEATURES = 60
SHOWN_PAIRS = 50


def overview(result: AuditResult) -> dict[str, Any]:
    """Figures and strongest pairs of an audit, as the page's template wants them.

    Returns
    -------
    dict
        ``heatmap`` and ``volcano`` (SVG, "" when no pair was tested), ``pairs`` (at most 50), ``listed`` and ``tested``
        (numbers of pairs), ``drawn`` and ``of`` (numbers of features), ``roles`` (number of listed pairs by role).
        Cost O(listed pairs) and 60 x 60 cells, however many features.
    """
    pairs = result.pairs
    if pairs is None or not len(pairs.p):
        numbers = dict.fromkeys(("listed", "tested", "drawn", "of"), 0)
        return {"heatmap": "", "volcano": "", "pairs": [], "roles": {}} | numbers
    shown, matrix, named = strongest_features(pairs, SHOWN_FEATURES)
    audited = sum(not feature.skipped for feature in result.features)
    return {
        "heatmap": figures.heatmap(shown, matrix, _outlined(result, shown)),
        "volcano": _volcano(result, pairs),
        "pairs": [_pair(pairs, i) for i in range(min(SHOWN_PAIRS, len(pairs.p)))],
        "listed": len(pairs.p),
        "tested": pairs.tested,
        "drawn": len(shown),
        "of": max(named, audited),
        "roles": {kind: pairs.role.count(kind) for kind in ("culprit", "alias", "collateral", "drift", "")},
    }


def strongest_features(pairs: PairTable, most: int) -> tuple[list[str], FloatArray, int]:
    """The features with the largest listed shifts.

    Returns
    -------
    (names, strengths, named) : at most ``most`` names, largest shift first; their signed strengths, square and
        symmetric, NaN where a pair is not listed; how many features the listed pairs have.
    """
    names = sorted({*pairs.feature_a, *pairs.feature_b})
    at = {name: i for i, name in enumerate(names)}
    a, b = (_positions(at, side) for side in (pairs.feature_a, pairs.feature_b))
    size, largest = np.nan_to_num(np.abs(pairs.strength)), np.zeros(len(names))
    np.maximum.at(largest, a, size)
    np.maximum.at(largest, b, size)
    order = np.argsort(-largest, kind="stable")[:most]
    place = np.full(len(names), -1)
    place[order] = np.arange(len(order))
    both = (place[a] >= 0) & (place[b] >= 0)
    matrix = np.full((len(order), len(order)), np.nan)
    x, y = place[a[both]], place[b[both]]
    matrix[x, y] = matrix[y, x] = pairs.strength[both]
    return [names[i] for i in order], matrix, len(names)


def _positions(at: dict[str, int], names: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.fromiter((at[name] for name in names), np.int64, len(names))


def _outlined(result: AuditResult, shown: list[str]) -> list[tuple[int, int]]:
    """Positions of the culprits of the whole among the features shown."""
    at = {name: i for i, name in enumerate(shown)}
    named = [culprit.features for culprit in result.culprits if not culprit.where]
    return [(at[a], at[b]) for a, b in named if a in at and b in at]


def _volcano(result: AuditResult, pairs: PairTable) -> str:
    depth, fdr = depths(result, pairs), result.settings.get("fdr", 0.05)

    def name(i: int) -> str:
        return text.pair((pairs.feature_a[i], pairs.feature_b[i]), 26)

    return figures.volcano(
        pairs.strength, depth, pairs.role, name, line=threshold(pairs, depth, fdr), fdr=fdr
    )


def depths(result: AuditResult, pairs: PairTable) -> FloatArray:
    """-log10 p of every pair; where p underflows, from the statistic or, for culprits, from log10_p."""
    from scipy.special import log_ndtr

    with np.errstate(divide="ignore"):
        depth = -np.log10(pairs.p)
    tail = -(log_ndtr(-np.abs(np.nan_to_num(pairs.statistic))) + np.log(2)) / np.log(10)
    depth = np.where(pairs.p < 1e-300, np.maximum(tail, 300.0), np.nan_to_num(depth, nan=0.0))
    exact = {frozenset(c.features): -c.log10_p for c in result.culprits if np.isfinite(c.log10_p)}
    for i, role in enumerate(pairs.role):
        key = frozenset((pairs.feature_a[i], pairs.feature_b[i]))
        if role == "culprit" and pairs.p[i] < 1e-300 and key in exact:
            depth[i] = exact[key]
    return np.maximum(depth, 0.0)


def threshold(pairs: PairTable, depth: FloatArray, fdr: float) -> float | None:
    """Depth of the false-discovery threshold.

    That of the last pair flagged, or of the first step when none is; None when the list ends before the threshold.
    """
    below = depth[pairs.q <= fdr]
    if len(below) == len(depth) < pairs.tested:
        return None
    return float(below.min()) if below.size else float(-np.log10(fdr / pairs.tested))


def _pair(pairs: PairTable, i: int) -> dict[str, Any]:
    return {
        "a": text.level(pairs.feature_a[i], pairs.level_a[i], 40),
        "b": text.level(pairs.feature_b[i], pairs.level_b[i], 40),
        "role": pairs.role[i],
        "strength": float(pairs.strength[i]),
        "p": float(pairs.p[i]),
        "q": float(pairs.q[i]),
        "p_after": float(pairs.p_after[i]),
        "mcc": (float(pairs.mcc_reference[i]), float(pairs.mcc_suspect[i])),
    }
