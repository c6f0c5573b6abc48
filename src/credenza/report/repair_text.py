"""A repair in words: its headline, what the method did, and the lines that a terminal shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from credenza.contracts import AuditResult, Status
from credenza.report import text
from credenza.report.aftercare import Restored
from credenza.report.pair_groups import PairGroup

if TYPE_CHECKING:
    from credenza.report.repaired import Repaired

DONE = {
    "reweight": "by weights",
    "resample": "by drawing rows",
    "relabel": "by exchanging values",
    "reverse": "by exchanging rows",
    "drop": "by leaving rows out",
}
WORDS = {
    "minimum": "least edits needed",
    "margin_residual": "largest error of a margin",
    "cure_residual": "largest error of a cured cell",
    "passes": "passes over the rows",
}
NOTES = ("warnings", "notes")  # of a summary: lists of sentences
LISTED = 5


def state(done: Repaired) -> str:
    """One word: "restored", or "not all restored"."""
    return "restored" if done.restored else "not all restored"


def headline(done: Repaired) -> str:
    """What was done and what is left, in one sentence without a full stop."""
    right, total = sum(pair.met for pair in done.culprits), len(done.culprits)
    pairs = len({frozenset(pair.features) for pair in done.culprits})
    share = f"{total:,}" if right == total else f"{right:,} of {total:,}"
    what = f"{share} {'pair' if total == 1 else 'pairs'} put right"
    if pairs < total:
        what = f"{text.count(pairs, 'pair')} put right in {share} parts"
    return f"{what} {DONE.get(done.method, f'by {text.clean(done.method, 30)}')}{_left(done)}"


def _left(done: Repaired) -> str:
    if done.target == "policy" and done.audit is not None:
        what = text.count(done.broken, "expectation") if done.broken else "no expectation"
        return f"; an audit now finds {what} broken"
    if done.target != "reference":
        return ""
    if done.audit is not None:
        left = len(done.audit.result.culprits)
        return f"; an audit now names {text.count(left, 'culprit') if left else 'no culprit'}"
    if done.after is None:
        return ""
    left = done.after.after
    differs = "differ" if left > 1 else "differs"
    return f"; {text.count(left, 'pair') if left else 'no pair'} {differs} from the {done.after.against} now"


def measured(pair: Restored) -> tuple[str, tuple[float, float, float]]:
    """The association of a pair: what it is measured by, and (aimed at, before, after)."""
    return ("MI", pair.mi) if pair.mcc is None else ("MCC", pair.mcc)


def audited(result: AuditResult) -> str:
    """An audit in a few words: its verdict, how many culprits, and the other checks that flagged something."""
    codes = [
        o.code for o in result.outcomes if o.status is Status.FLAGGED and o.code not in ("CZ201", "CZ202")
    ]
    named = [" x ".join(text.clean(name, 30) for name in culprit.features) for culprit in result.culprits]
    which = f" ({text.some(named, 2)})" if named else ""
    other = f"; {'also ' if named else ''}flagged: {text.some(codes, 6)}" if codes else ""
    return f"{result.verdict}, {text.count(len(named), 'culprit') if named else 'no culprit'}{which}{other}"


def facts(done: Repaired) -> list[tuple[str, str]]:
    """What the method's summary tells, name and value: numbers, words and lists of words; the rest is in the JSON."""
    out = []
    for name, value in done.summary.items():
        known = "rows edited" if (done.method, name) == ("relabel", "rows") else WORDS.get(name)
        if name not in NOTES and (words := _words(value)):
            out.append((known or name.replace("_", " "), words))
    return out


def notes(done: Repaired) -> list[str]:
    """Sentences that the method has to say, from ``NOTES`` of its summary."""
    said = [done.summary[name] for name in NOTES if name in done.summary]
    return [str(line) for one in said for line in ([one] if isinstance(one, str) else one)]


def group_words(group: PairGroup) -> tuple[str, str, str]:
    """Number of pairs, mean difference, and number significant, each before and after, in words."""
    gap = "-" if group.difference is None else " -> ".join(f"{value:.4f}" for value in group.difference)
    was, now = group.significant
    return f"{group.pairs:,}", gap, f"{was:,} -> {now:,}"


def lines(done: Repaired) -> Iterator[str]:
    """What was done, in lines for a person; names are cleaned of hidden characters."""
    yield f"{state(done).upper()}: {headline(done)}"
    yield f"{'pair':44}{'aimed at':>10}{'before':>10}{'after':>10}   rows misplaced"
    for pair in done.culprits:
        measure, values = measured(pair)
        name = " x ".join(text.clean(feature, 18) for feature in pair.features)
        name += f" ({text.clean(pair.where, 20)})" if pair.where else ""
        shown = "".join(f"{round(value, 3) + 0.0:10.3f}" for value in values)  # no -0.000
        yield f"{name:40}{measure:>4}{shown}   {pair.rows[0]:,.0f} -> {pair.rows[1]:,.0f}"
    yield from _group_lines(done)
    for name, words in facts(done):
        yield f"{text.clean(name, 40):44}{words:>10}"
    yield from (f"note: {text.clean(words, 400)}" for words in notes(done))
    yield from _audit_lines(done)
    yield from (f"not restored: {text.clean(cell)}" for cell in done.skipped)


def _group_lines(done: Repaired) -> Iterator[str]:
    if not done.groups or done.after is None:
        return
    yield f"{'against the ' + done.after.against:24}{'pairs':>10}{'mean difference':>24}{'significant':>18}"
    for group in done.groups:
        number, gap, significant = group_words(group)
        yield f"{group.name:24}{number:>10}{gap:>24}{significant:>18}"


def _audit_lines(done: Repaired) -> Iterator[str]:
    if done.after is not None:
        told = f"{done.after.before:,} of {done.after.tested:,} before, {done.after.after:,} after"
        yield f"pairs that differ from the {done.after.against}: {told}"
        yield from (
            f"  {' x '.join(text.clean(name, 40) for name in pair)}" for pair in done.after.left[:LISTED]
        )
        if (more := len(done.after.left) - LISTED) > 0:
            yield f"  and {more:,} more"
    yield f"audit before: {audited(done.before)}"
    if done.audit is not None:
        yield f"audit after:  {audited(done.audit.result)}"
    if done.note:
        yield f"note: {text.clean(done.note, 400)}"


def _words(value: Any) -> str:
    """A value of a summary in words; "" of what has no short form."""
    if isinstance(value, str):
        return text.clean(value, 60)
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return text.some([text.clean(item, 30) for item in value], 4)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float) or value != value:
        return ""
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.4g}"
