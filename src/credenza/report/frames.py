"""Arrow tables of an audit: culprits, pairs, and the shifts of one feature."""

from __future__ import annotations

import difflib
from dataclasses import fields
from typing import Any

import numpy as np
import pyarrow as pa

from credenza.contracts import AuditResult, Culprit, PairTable
from credenza.errors import UsageError
from credenza.report.text import clean, pair_check, some

_TEXT = ("feature_a", "feature_b", "level_a", "level_b")
_COUNTS = ("tested", "pairs")
_PAIRS = pa.schema(
    [
        (c.name, pa.string() if c.name in (*_TEXT, "role") else pa.float64())
        for c in fields(PairTable)
        if c.name not in _COUNTS
    ]
)
_CULPRITS = pa.schema(
    [(name, pa.string()) for name in _TEXT]
    + [(name, pa.float64()) for name in ("strength", "strength_low", "strength_high")]
    + [("rows_edited", pa.int64()), ("direction", pa.string())]
    + [
        (f"{name}_{side}", pa.float64())
        for name in ("mi", "mcc", "correlation", "pearson")
        for side in ("reference", "suspect")
    ]
    + [(name, pa.float64()) for name in ("p", "log10_p", "q", "filter_ceiling")]
    + [("collateral", pa.int64()), ("aliases", pa.int64()), ("where", pa.string()), ("edited", pa.string())]
)


def _unlisted(pairs: PairTable, shown: str) -> str:
    if pairs.tested <= len(pairs.p):
        return f"no pair of '{shown}' was tested: too few rows on one of the sides have its levels"
    return (
        f"no pair of '{shown}' is among the {len(pairs.p):,} strongest of {pairs.tested:,} tested, and only those are "
        "listed; audit fewer columns to list them all"
    )


def culprit_table(result: AuditResult) -> Any:
    """One row a culprit, strongest first; ``collateral`` and ``aliases`` are numbers of pairs."""
    return pa.Table.from_pylist([_culprit(culprit) for culprit in result.culprits], schema=_CULPRITS)


def _culprit(culprit: Culprit) -> dict[str, Any]:
    correlation = culprit.correlation or (None, None)
    pearson = culprit.pearson or (None, None)
    return {
        "feature_a": culprit.features[0],
        "feature_b": culprit.features[1],
        "level_a": culprit.levels[0],
        "level_b": culprit.levels[1],
        "strength": culprit.strength,
        "strength_low": culprit.interval[0],
        "strength_high": culprit.interval[1],
        "rows_edited": culprit.rows_edited,
        "direction": culprit.direction,
        "mi_reference": culprit.mi[0],
        "mi_suspect": culprit.mi[1],
        "mcc_reference": culprit.mcc[0],
        "mcc_suspect": culprit.mcc[1],
        "correlation_reference": correlation[0],
        "correlation_suspect": correlation[1],
        "pearson_reference": pearson[0],
        "pearson_suspect": pearson[1],
        "p": culprit.p,
        "log10_p": culprit.log10_p,
        "q": culprit.q,
        "filter_ceiling": culprit.filter_ceiling,
        "collateral": len(culprit.collateral),
        "aliases": len(culprit.aliases),
        "where": culprit.where,
        "edited": culprit.edited,
    }


def pair_table(result: AuditResult) -> Any:
    """The listed pairs in the order of the result; no rows, but all columns, when no pair was tested."""
    if result.pairs is None:
        return _PAIRS.empty_table()
    return pa.table([pa.array(getattr(result.pairs, name)) for name in _PAIRS.names], names=_PAIRS.names)


def shift_table(result: AuditResult, feature: str) -> Any:
    """One feature's listed shifts, largest first; ``feature_a`` is always the one asked for.

    Raises
    ------
    UsageError
        If no pair was tested, or the feature is unknown (near misses are named) or was skipped (with why), or none of
        its pairs was tested or is among the listed ones.
    """
    pairs = result.pairs
    if pairs is None:
        raise UsageError(
            f"no pair was tested, so there are no shifts to show: {pair_check(result) or 'CZ201 did not run'}"
        )
    first, second = np.array(pairs.feature_a, dtype=object), np.array(pairs.feature_b, dtype=object)
    if feature not in pairs.feature_a and feature not in pairs.feature_b:
        raise _unknown(result, pairs, feature)
    chosen = np.flatnonzero((first == feature) | (second == feature))
    size = -np.nan_to_num(np.abs(pairs.strength[chosen]), nan=-1.0)
    chosen = chosen[np.argsort(size, kind="stable")]
    table = pair_table(result).take(pa.array(chosen))
    swapped = second[chosen] == feature
    for kind in ("feature", "level"):
        one, two = (np.array(getattr(pairs, f"{kind}_{side}"), dtype=object)[chosen] for side in "ab")
        for side, values in (("a", np.where(swapped, two, one)), ("b", np.where(swapped, one, two))):
            name = f"{kind}_{side}"
            table = table.set_column(table.schema.get_field_index(name), name, pa.array(values, pa.string()))
    return table


def _unknown(result: AuditResult, pairs: PairTable, feature: str) -> UsageError:
    """Why there is nothing to show of a feature."""
    shown = clean(feature, 60)
    known = [summary.name for summary in result.features if not summary.skipped]
    if feature in known:
        return UsageError(_unlisted(pairs, shown))
    skipped = next(
        (summary.skipped for summary in result.features if summary.name == feature and summary.skipped), ""
    )
    if skipped:
        return UsageError(f"column '{shown}' was not audited: {skipped}")
    near = [clean(name, 40) for name in difflib.get_close_matches(feature, known, n=3, cutoff=0.6)]
    if near:
        return UsageError(
            f"no feature '{shown}' in this audit; did you mean {' or '.join(repr(name) for name in near)}?"
        )
    return UsageError(
        f"no feature '{shown}' in this audit; it has {some([clean(name, 30) for name in known], 5)}"
    )
