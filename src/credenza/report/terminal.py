"""A short summary of an audit for a terminal; plain text when it is piped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from credenza.contracts import AuditResult, Culprit, Finding, Outcome, Severity, Status, Verdict
from credenza.report import text
from credenza.report.row_views import bound, standing_out

_WIDEST = 100
_FULL_CULPRITS = 5
_LISTED = 8
_COLOURS = {
    Verdict.FLAGGED: "bold red",
    Verdict.CLEAR: "bold green",
    Verdict.INCONCLUSIVE: "bold yellow",
    Status.FLAGGED: "red",
    Status.CLEAR: "green",
    Status.NOT_APPLICABLE: "dim",
    Status.SKIPPED: "yellow",
    Status.FAILED: "bold yellow",
    Severity.ALARM: "red",
    Severity.NOTICE: "yellow",
}


@dataclass(frozen=True)
class _Pen:
    """Turns strings into rich text (never markup), in ASCII where the output holds no more."""

    ascii_only: bool
    width: int

    def __call__(self, words: str, style: str = "") -> Text:
        return Text(text.to_ascii(words) if self.ascii_only else words, style=style)

    def rows(self, lines: Iterable[tuple[str, str]], width: int) -> Table:
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=width, no_wrap=True)
        grid.add_column(overflow="fold")
        for name, words in lines:
            grid.add_row(self(name, "dim"), self(words))
        return grid


def render(result: AuditResult, console: Console) -> None:
    """Print the summary of an audit.

    Parameters
    ----------
    result : the audit.
    console : where to; its width (at most 100 is used), colour and encoding are respected.

    Notes
    -----
    Names are printed with hidden characters escaped and long ones elided; the JSON has them in full. Whatever
    is cut short says how much is left out. Row scores and all pairs are left out: see the JSON.
    """
    pen = _Pen(console.options.ascii_only, min(console.width, _WIDEST))
    if console.is_terminal or console.is_jupyter:
        _print(result, console, pen)
        return
    with console.capture() as captured:
        _print(result, console, pen)
    console.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def _print(result: AuditResult, console: Console, pen: _Pen) -> None:
    for index, block in enumerate(_blocks(result, pen)):
        if index:
            console.print()
        console.print(block, width=pen.width, highlight=False, markup=False, emoji=False)


def _blocks(result: AuditResult, pen: _Pen) -> Iterator[RenderableType]:
    yield _verdict(result, pen)
    if result.inputs:
        yield Padding(_inputs(result, pen), (0, 0, 0, 2))
    total = len(result.culprits)
    for number, culprit in enumerate(result.culprits[:_FULL_CULPRITS], start=1):
        yield _culprit(result, culprit, f"Culprit {number} of {total}", pen)
    if total > _FULL_CULPRITS:
        yield _section("More culprits", _more_culprits(result.culprits[_FULL_CULPRITS:], pen), pen)
    others = text.other_findings(result)
    if others:
        yield _section("Also found" if result.culprits else "Found", _findings(others, pen), pen)
    if result.rows is not None:
        yield _section("Rows", Group(pen(standing_out(result.rows)), pen(bound(result), "dim")), pen)
    ran = [outcome for outcome in result.outcomes if text.was_run(outcome.status)]
    rest = [outcome for outcome in result.outcomes if not text.was_run(outcome.status)]
    if ran:
        told = text.deciding(result) if result.verdict is Verdict.CLEAR else None
        yield _section("Checks", _outcomes(ran, pen, told), pen)
    if rest:
        yield _section("Not checked, which is not the same as clean", _outcomes(rest, pen), pen)
    skipped = list(_skipped(result))
    if skipped:
        yield _section(
            "Columns left out", pen.rows(skipped, max(8, *(len(name) for name, _ in skipped))), pen
        )


def _section(title: str, body: RenderableType, pen: _Pen) -> Group:
    return Group(pen(title, "bold"), Padding(body, (0, 0, 0, 2)))


def _verdict(result: AuditResult, pen: _Pen) -> Group:
    line = Table.grid(padding=(0, 2, 0, 0))
    line.add_row(
        pen(result.verdict.upper(), _COLOURS[result.verdict]), pen(text.headline(result, 30), "bold")
    )
    reason = text.pair_check(result)
    if result.verdict is Verdict.FLAGGED or not reason:
        return Group(line)
    return Group(line, Padding(pen(text.sentence(text.clean(reason))), (0, 0, 0, 2)))


def _inputs(result: AuditResult, pen: _Pen) -> Table:
    lines = []
    for given in result.inputs:
        size = [] if given.rows is None else [text.count(given.rows, "row")]
        size += [] if given.columns is None else [text.count(given.columns, "column")]
        size += [f"sha256 {text.clean(given.sha256)[:8]}"] if given.sha256 else []
        rest = "".join(f", {part}" for part in size)
        lines.append((text.clean(given.role, 14), given.source, rest))
    widest = max(len(role) for role, _, _ in lines)
    room = [max(12, pen.width - widest - 5 - len(rest)) for _, _, rest in lines]
    shown = [(r, text.clean(source, k) + rest) for (r, source, rest), k in zip(lines, room, strict=True)]
    return pen.rows(shown, widest)


def _culprit(result: AuditResult, culprit: Culprit, title: str, pen: _Pen) -> Group:
    head = pen(f"{title}: ", "bold")
    names = zip(culprit.features, culprit.levels, strict=True)
    head.append_text(pen(" × ".join(text.level(name, value, 26) for name, value in names), "bold red"))
    return Group(head, Padding(pen.rows(_facts(result, culprit), 16), (0, 0, 0, 2)))


def _facts(result: AuditResult, culprit: Culprit) -> Iterator[tuple[str, str]]:
    if culprit.where:
        yield "found in", text.clean(culprit.where, 60)
    low, high = (text.signed(bound) for bound in culprit.interval)
    often = "more" if culprit.direction == "positive" else "less"
    yield "strength", f"{text.signed(culprit.strength)} (95% interval {low} to {high})"
    yield (
        "direction",
        f"{text.clean(culprit.direction, 20)}: together {often} often than in the {text.baseline(result, culprit)}",
    )
    rows = None if culprit.where else text.suspect_rows(result)
    share = f" of {rows:,} ({text.percent(culprit.rows_edited / rows)})" if rows else ""
    yield "rows edited", f"about {culprit.rows_edited:,}{share}"
    if culprit.edited is not None:
        yield "how", text.edited(culprit)
    yield "MCC", _change(culprit.mcc)
    yield "MI (nats)", _change(culprit.mi)
    if culprit.correlation is not None:
        yield "rank correlation", _change(culprit.correlation)
    if culprit.pearson is not None:
        yield "Pearson", _change(culprit.pearson)
    adjusted = text.probability(culprit.q)
    yield "p", f"{text.probability(culprit.p, culprit.log10_p)} ({adjusted} after false-discovery control)"
    yield "explains", _pairs(culprit.collateral, "collateral pair") or "no other pair"
    if culprit.aliases:
        yield "aliases", _pairs(culprit.aliases, "alias")
    yield "filter ceiling", text.ceiling(culprit)


def _change(values: tuple[float, float]) -> str:
    return f"{text.measure(values[0])} → {text.measure(values[1])}"


def _pairs(pairs: tuple[tuple[str, str], ...], noun: str) -> str:
    lines = [text.pair(names, 28) for names in pairs[:3]]
    if len(pairs) > 3:
        plural = "aliases" if noun == "alias" else f"{noun}s"
        lines.append(f"and {len(pairs) - 3:,} more {noun if len(pairs) == 4 else plural}")
    return "\n".join(lines)


def _more_culprits(culprits: tuple[Culprit, ...], pen: _Pen) -> RenderableType:
    lines = [
        f"{text.signed(culprit.strength)}  {text.pair(culprit.features, 28)}"
        for culprit in culprits[:_LISTED]
    ]
    if len(culprits) > _LISTED:
        lines.append(f"and {len(culprits) - _LISTED:,} more: see the JSON")
    return Group(*(pen(line) for line in lines))


def _findings(found: list[Finding], pen: _Pen) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=6, no_wrap=True)
    grid.add_column(width=6, no_wrap=True)
    grid.add_column(overflow="fold")
    for one in found[:_LISTED]:
        severity = pen(str(one.severity), _COLOURS[one.severity])
        grid.add_row(severity, pen(text.clean(one.code, 6)), pen(text.clean(one.message, 300)))
    if len(found) <= _LISTED:
        return grid
    return Group(grid, pen(f"and {len(found) - _LISTED:,} more: see the JSON", "dim"))


def _outcomes(outcomes: list[Outcome], pen: _Pen, told: Outcome | None = None) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=6, no_wrap=True)
    grid.add_column(width=14, no_wrap=True)
    grid.add_column(overflow="fold")
    for outcome in outcomes:
        words = pen(text.clean(outcome.title, 60))
        if outcome.reason and outcome is not told:
            words.append_text(pen(f": {text.clean(outcome.reason, 400)}", "dim"))
        status = pen(str(outcome.status), _COLOURS[outcome.status])
        grid.add_row(pen(text.clean(outcome.code, 6)), status, words)
    return grid


def _skipped(result: AuditResult) -> Iterator[tuple[str, str]]:
    left_out = [feature for feature in result.features if feature.skipped]
    for feature in left_out[:_LISTED]:
        yield text.clean(feature.name, 28), text.clean(feature.skipped, 200)
    if len(left_out) > _LISTED:
        yield "...", f"and {text.count(len(left_out) - _LISTED, 'more column', 'more columns')}: see the JSON"
