"""An audit as one self-contained HTML page, and as a card for notebooks."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from credenza.contracts import AuditResult, Culprit, FloatArray, PairTable
from credenza.report import figures, tables, text
from credenza.report.json import plain

if TYPE_CHECKING:
    from jinja2 import Environment

_SHOWN_FEATURES = 60
_SHOWN_PAIRS = 50
_SHOWN_FINDINGS = 100
_SHOWN_CULPRITS = 20


def page(result: AuditResult) -> str:
    """Render an audit as a page that needs nothing else: no network, no fonts, no scripts to be read.

    Parameters
    ----------
    result : the audit.

    Returns
    -------
    str
        HTML. Every name is escaped, hidden characters are made visible, and a content-security policy forbids
        all but the inline styles and the one sorting script. Cost O(P).

    Notes
    -----
    The heatmap holds the 60 features with the largest shifts, the table of pairs the 50 strongest, and both
    say so; the JSON has everything. Left out: rows.

    Examples
    --------
    >>> from credenza.contracts import AuditResult, Verdict
    >>> page(AuditResult(Verdict.INCONCLUSIVE, (), (), None, (), (), {}, {}, {}))[:15]
    '<!doctype html>'
    """
    environment = _environment()
    script = environment.get_template("sort.js").render().strip()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("audit.html.j2").render(**_context(result), script=script, digest=digest)


def card(result: AuditResult) -> str:
    """Render the verdict and the culprits as a fragment for a notebook; its styles stay inside it."""
    return _environment().get_template("card.html.j2").render(**_summary(result))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("credenza.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        clean=text.clean,
        measure=_minus(text.measure),
        percent=text.percent,
        probability=text.probability,
        sentence=text.sentence,
        signed=_minus(text.signed),
    )
    return made


def _minus(form: Any) -> Any:
    """Print a true minus sign."""
    return lambda value: form(value).replace("-", "−")


def _summary(result: AuditResult) -> dict[str, Any]:
    reason = text.pair_check(result)
    return {
        "verdict": str(result.verdict),
        "headline": text.headline(result, 60),
        "lead": _lead(result, reason),
        "culprits": [_culprit(result, culprit) for culprit in result.culprits[:_SHOWN_CULPRITS]],
        "more_culprits": max(0, len(result.culprits) - _SHOWN_CULPRITS),
    }


def _lead(result: AuditResult, reason: str) -> str:
    if result.culprits:
        first = result.culprits[0]
        place = f"In {text.clean(first.where, 60)}, " if first.where else ""
        often = "more" if first.direction == "positive" else "less"
        names = " and ".join(
            text.level(*named, 40) for named in zip(first.features, first.levels, strict=True)
        )
        rows = None if first.where else text.suspect_rows(result)
        share = f", {text.percent(first.rows_edited / rows)} of all" if rows else ""
        return (
            f"{place}{names} go together {often} often than in the {text.baseline(result, first)}, "
            f"by {text.percent(abs(first.strength))} of the rows. "
            f"Moving that much takes about {first.rows_edited:,} edited rows{share}."
        )
    return text.sentence(text.clean(reason)) if reason else ""


def _context(result: AuditResult) -> dict[str, Any]:
    found = text.other_findings(result)
    return {
        **_summary(result),
        "inputs": result.inputs,
        "outcomes": result.outcomes,
        "ran": sum(text.was_run(outcome.status) for outcome in result.outcomes),
        "findings": found[:_SHOWN_FINDINGS],
        "more_findings": max(0, len(found) - _SHOWN_FINDINGS),
        "features": len(result.features),
        "left_out": [feature for feature in result.features if feature.skipped],
        "settings": _flat(plain(result.settings, "settings")),
        "versions": _flat(plain(result.versions, "versions")),
        "timing": [(name, f"{seconds:.2f} s") for name, seconds in result.timing.items()],
        **_figures(result),
    }


def _flat(values: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, "none" if value in (None, [], {}) else _shown(value)) for name, value in values.items()]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)


def _culprit(result: AuditResult, culprit: Culprit) -> dict[str, Any]:
    rows = None if culprit.where else text.suspect_rows(result)
    small, full = tables.collapse(culprit), tables.whole(culprit)
    larger = culprit.reference_table.size > 4
    return {
        "raw": culprit,
        "title": [text.level(*named, 40) for named in zip(culprit.features, culprit.levels, strict=True)],
        "share": text.percent(culprit.rows_edited / rows) if rows else "",
        "often": "more" if culprit.direction == "positive" else "less",
        "baseline": text.baseline(result, culprit),
        "where": text.clean(culprit.where, 60) if culprit.where else "",
        "p": text.probability(culprit.p, culprit.log10_p),
        "ceiling": text.ceiling(culprit),
        "collateral": [text.pair(names, 40) for names in culprit.collateral],
        "aliases": [text.pair(names, 40) for names in culprit.aliases],
        "small": _panels(small) if small else [],
        "together": (small.reference[0, 0], small.suspect[0, 0]) if small else None,
        "full": _panels(full) if larger or small is None else [],
        "joint": full,
    }


def _panels(joint: tables.Joint) -> list[dict[str, Any]]:
    """Reference, suspect and change, each a table of shaded cells."""
    change = joint.suspect - joint.reference
    top = max(float(np.nanmax(joint.reference, initial=0)), float(np.nanmax(joint.suspect, initial=0)), 1e-12)
    most = max(float(np.nanmax(np.abs(change), initial=0)), 1e-12)
    return [
        _panel("reference", joint, joint.reference, top, signs=False),
        _panel("suspect", joint, joint.suspect, top, signs=False),
        _panel("change", joint, change, most, signs=True),
    ]


def _panel(name: str, joint: tables.Joint, values: FloatArray, top: float, *, signs: bool) -> dict[str, Any]:
    lines = []
    for row, line in zip(joint.rows, values, strict=True):
        shown = [f"{100 * value:+.1f}".replace("-", "−") if signs else f"{100 * value:.1f}" for value in line]
        tone = [("p" if value > 0 else "n") if signs else "q" for value in line]
        shade = [f"{0.5 * min(1.0, abs(value) / top):.2f}" for value in np.nan_to_num(line)]
        lines.append({"name": row, "cells": list(zip(shown, tone, shade, strict=True))})
    unit = "percentage points" if signs else "% of rows"
    return {"name": name, "unit": unit, "columns": joint.columns, "lines": lines}


def _figures(result: AuditResult) -> dict[str, Any]:
    pairs = result.pairs
    if pairs is None or not len(pairs.p):
        return {"heatmap": "", "volcano": "", "pairs": [], "pair_count": 0, "drawn": 0, "of": 0, "roles": {}}
    order, matrix = _matrix(pairs)
    shown = order[:_SHOWN_FEATURES]
    keep = {name: i for i, name in enumerate(shown)}
    named = [culprit.features for culprit in result.culprits if not culprit.where]
    marked = [(keep[a], keep[b]) for a, b in named if a in keep and b in keep]
    depth = depths(result, pairs)
    fdr = result.settings.get("fdr", 0.05)
    names = [text.pair(both, 26) for both in zip(pairs.feature_a, pairs.feature_b, strict=True)]
    return {
        "heatmap": figures.heatmap(shown, matrix[: len(shown), : len(shown)], marked),
        "volcano": figures.volcano(
            pairs.strength, depth, pairs.role, names, line=_line(pairs, depth, fdr), fdr=fdr
        ),
        "pairs": [_pair(pairs, i) for i in range(min(_SHOWN_PAIRS, len(pairs.p)))],
        "pair_count": len(pairs.p),
        "drawn": len(shown),
        "of": len(order),
        "roles": {kind: pairs.role.count(kind) for kind in ("culprit", "alias", "collateral", "drift", "")},
    }


def _matrix(pairs: PairTable) -> tuple[list[str], FloatArray]:
    """Features by their largest shift, and the symmetric matrix of signed strengths in that order."""
    names = sorted({*pairs.feature_a, *pairs.feature_b})
    at = {name: i for i, name in enumerate(names)}
    a, b = (
        np.array([at[name] for name in side], dtype=np.int64) for side in (pairs.feature_a, pairs.feature_b)
    )
    matrix = np.full((len(names), len(names)), np.nan)
    matrix[a, b] = matrix[b, a] = pairs.strength
    order = np.argsort(-np.nan_to_num(np.abs(matrix)).max(axis=1), kind="stable")
    return [names[i] for i in order], matrix[np.ix_(order, order)]


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


def _line(pairs: PairTable, depth: FloatArray, fdr: float) -> float:
    """Depth of the false-discovery threshold: of the last pair flagged, or of the first step when none is."""
    below = depth[pairs.q <= fdr]
    return float(below.min()) if below.size else float(-np.log10(fdr / len(pairs.p)))


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
