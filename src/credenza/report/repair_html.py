"""A repair as one self-contained HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from credenza._version import __version__
from credenza.contracts import AuditResult, Outcome
from credenza.report import text
from credenza.report.aftercare import Restored
from credenza.report.html import environment, flat, sorting
from credenza.report.json import plain
from credenza.report.pair_groups import PairGroup
from credenza.report.repair_figure import dumbbell, span
from credenza.report.repair_text import facts, headline, measured, notes, state

if TYPE_CHECKING:
    from credenza.report.repaired import Repaired

_SHOWN_PAIRS = 100
_SHOWN_LEFT = 20
_SHOWN_CULPRITS = 6
_SHOWN_SKIPPED = 50
_GROUP_WORDS = {
    "culprits": "what the repair was to put right",
    "collateral": "explained by the culprits, according to the audit",
    "untouched": "all others",
}


def page(done: Repaired) -> str:
    """Render a repair as a page that needs nothing else: no network, no fonts, no scripts to be read.

    Parameters
    ----------
    done : the repair.

    Returns
    -------
    str
        HTML, in the style of an audit's page: the pairs that were put right, all pairs by group, the audits of before
        and after side by side, what the method did, the first entries of the ledger, what was skipped, hashes and
        settings. Every name and value is escaped, hidden characters are made visible, and a content-security policy
        forbids all but the inline styles and the one sorting script.

    Notes
    -----
    At most 100 pairs, 20 pairs that are left and 20 entries of the ledger are shown, each with how many there are. The
    entries hold values of the data: give the page to those only who may see them.

    Examples
    --------
    >>> import pyarrow as pa
    >>> import credenza
    >>> from credenza.report.repairing import repair
    >>> clean = pa.table({"hat": [0, 0, 1, 1] * 500, "smile": [0, 1, 0, 1] * 500})
    >>> moved = pa.table({"hat": [0, 0, 1, 1] * 500, "smile": [0, 0, 1, 1, 0, 1, 0, 1] * 250})
    >>> found = credenza.audit(moved, clean)
    >>> page(repair(moved, found, method="relabel", reference=clean))[:15]
    '<!doctype html>'
    """
    return environment().get_template("repair.html.j2").render(**_context(done), **sorting())


def _context(done: Repaired) -> dict[str, Any]:
    left = () if done.after is None else done.after.left
    return {
        "state": state(done),
        "restored": done.restored,
        "headline": headline(done),
        "lead": _lead(done),
        "inputs": done.inputs,
        "pairs": _pairs(done.culprits[:_SHOWN_PAIRS]),
        "more_pairs": max(0, len(done.culprits) - _SHOWN_PAIRS),
        "groups": [_group(group) for group in done.groups],
        "after": done.after,
        "left": [text.pair(names, 40) for names in left[:_SHOWN_LEFT]],
        "more_left": max(0, len(left) - _SHOWN_LEFT),
        "audits": _audits(done),
        "note": text.sentence(text.clean(done.note, 400)) if done.note else "",
        "facts": facts(done),
        "method": done.method,
        "notes": [text.sentence(text.clean(words, 400)) for words in notes(done)],
        "entries": done.entries,
        "extract": done.extract,
        "skipped": done.skipped[:_SHOWN_SKIPPED],
        "more_skipped": max(0, len(done.skipped) - _SHOWN_SKIPPED),
        "settings": flat(plain(done.settings, "settings")),
        "versions": [("credenza", __version__)],
    }


def _lead(done: Repaired) -> str:
    """The first pair in a sentence, and how many rows it took."""
    if not done.culprits:
        return ""
    first = done.culprits[0]
    kind, values = measured(first)
    aim, was, now = (text.measure(value).replace("-", "−") for value in values)
    names = text.pair(first.features, 40)
    place = f" in {text.clean(first.where, 60)}" if first.where else ""
    return (
        f"{names}{place}: {kind} was {was}, is {now}, should be {aim}. "
        f"{text.count(round(first.rows[0]), 'row')} stood in a wrong cell of the pair's table, "
        f"now {first.rows[1]:,.0f}."
    )


def _pairs(culprits: tuple[Restored, ...]) -> list[dict[str, Any]]:
    """Rows of the table of pairs, each with a figure on the scale of its measure."""
    shown = [measured(pair) for pair in culprits]
    over = {kind: span(v for other, values in shown if other == kind for v in values) for kind, _ in shown}
    return [
        {
            "names": [text.clean(name, 40) for name in pair.features],
            "where": text.clean(pair.where, 60) if pair.where else "",
            "kind": kind,
            "values": values,
            "rows": pair.rows,
            "figure": dumbbell(values, over[kind], text.pair(pair.features, 40)),
        }
        for pair, (kind, values) in zip(culprits, shown, strict=True)
    ]


def _group(group: PairGroup) -> dict[str, Any]:
    return {
        "name": group.name,
        "what": _GROUP_WORDS[group.name],
        "pairs": group.pairs,
        "difference": group.difference,
        "significant": group.significant,
    }


def _audits(done: Repaired) -> dict[str, Any]:
    """Both audits, check by check."""
    sides = [done.before, *([] if done.audit is None else [done.audit.result])]
    told = [{outcome.code: outcome for outcome in side.outcomes} for side in sides]
    codes = list(dict.fromkeys(code for outcomes in told for code in outcomes))
    return {
        "sides": [_side(side) for side in sides],
        "checks": [
            {
                "code": code,
                "title": next(outcomes[code].title for outcomes in told if code in outcomes),
                "sides": [_outcome(outcomes.get(code)) for outcomes in told],
            }
            for code in codes
        ],
    }


def _side(result: AuditResult) -> dict[str, Any]:
    named = [
        text.pair(one.features, 40) + (f" in {text.clean(one.where, 60)}" if one.where else "")
        for one in result.culprits
    ]
    return {
        "verdict": str(result.verdict),
        "culprits": named[:_SHOWN_CULPRITS],
        "more": max(0, len(named) - _SHOWN_CULPRITS),
    }


def _outcome(outcome: Outcome | None) -> dict[str, Any] | None:
    if outcome is None:
        return None
    found = len(outcome.findings)
    return {
        "status": str(outcome.status),
        "words": text.count(found, "finding") if found else "",
        "reason": text.clean(outcome.reason, 400) if outcome.reason else "",
    }
