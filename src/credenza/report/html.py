"""An audit as one self-contained HTML page, and as a card for notebooks."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from credenza.contracts import AuditResult, Culprit, FloatArray
from credenza.report import tables, text
from credenza.report.checkpoint_figure import figure
from credenza.report.json import plain
from credenza.report.overview import overview
from credenza.report.row_views import bound, standing_out
from credenza.report.trigger_figure import drawings

if TYPE_CHECKING:
    from jinja2 import Environment

_SHOWN_FINDINGS = 100
_SHOWN_CULPRITS = 20
_SHOWN_NAMES = 40
_SHOWN_COLUMNS = 100


def page(result: AuditResult) -> str:
    """Render an audit as a page that needs nothing else: no network, no fonts, no scripts to be read.

    Parameters
    ----------
    result : the audit.

    Returns
    -------
    str
        HTML. Every name is escaped, hidden characters are made visible, and a content-security policy forbids
        all but the inline styles and the one sorting script. Cost O(listed pairs).

    Notes
    -----
    The heatmap holds the 60 features with the largest shifts, the plot the listed pairs, their table the 50
    strongest, and each says of how many; so do the lists of findings and of columns left out, 100 long. Left out: rows.

    Examples
    --------
    >>> from credenza.contracts import AuditResult, Verdict
    >>> page(AuditResult(Verdict.INCONCLUSIVE, (), (), None, (), (), {}, {}, {}))[:15]
    '<!doctype html>'
    """
    return environment().get_template("audit.html.j2").render(**_context(result), **sorting())


def card(result: AuditResult) -> str:
    """Render the verdict and the culprits as a fragment for a notebook; its styles stay inside it."""
    return environment().get_template("card.html.j2").render(**_summary(result))


@cache
def environment() -> Environment:
    """The templates of this room with their filters: autoescape on, an undefined name is an error."""
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


def sorting() -> dict[str, str]:
    """The script that sorts tables, and its digest for the content-security policy."""
    script = environment().get_template("sort.js").render().strip()
    return {"script": script, "digest": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}


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
    if text.told_by_alarm(result):
        return text.sentence(text.clean(text.alarms(result)[0].message, 400))
    return text.sentence(text.clean(reason)) if reason else ""


def _context(result: AuditResult) -> dict[str, Any]:
    found = text.other_findings(result)
    left_out = [feature for feature in result.features if feature.skipped]
    return {
        **_summary(result),
        "inputs": result.inputs,
        "outcomes": result.outcomes,
        "ran": sum(text.was_run(outcome.status) for outcome in result.outcomes),
        "findings": found[:_SHOWN_FINDINGS],
        "more_findings": max(0, len(found) - _SHOWN_FINDINGS),
        "triggers": drawings(result),
        "rows": "" if result.rows is None else standing_out(result.rows),
        "bound": bound(result),
        "features": len(result.features),
        "left_out": left_out[:_SHOWN_COLUMNS],
        "left_out_count": len(left_out),
        "settings": flat(plain(result.settings, "settings")),
        "versions": flat(plain(result.versions, "versions")),
        "timing": [(name, f"{seconds:.2f} s") for name, seconds in result.timing.items()],
        **figure(result),
        **overview(result),
    }


def flat(values: dict[str, Any]) -> list[tuple[str, str]]:
    """Settings with their values in words."""
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
        "edited": text.sentence(text.edited(culprit)) if culprit.edited is not None else "",
        "ceiling": text.ceiling(culprit),
        "collateral": _named(culprit.collateral),
        "aliases": _named(culprit.aliases),
        "small": _panels(small) if small else [],
        "together": (small.reference[0, 0], small.suspect[0, 0]) if small else None,
        "full": _panels(full) if larger or small is None else [],
        "joint": full,
    }


def _named(pairs: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    return {"count": len(pairs), "shown": [text.pair(names, 40) for names in pairs[:_SHOWN_NAMES]]}


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
