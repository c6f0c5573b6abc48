"""Two plots as SVG: every model's association by condition, and association against the share of edits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

Record = dict[str, Any]
COLOURS = ("#1b6ca8", "#c2571a", "#2e7d4f", "#7a4fa3", "#a8324a", "#6b6b00", "#3a3a3a")
PAPER_MCC = (0.131, 0.483)
LEAST_WIDTH = 480  # of a panel, so that its title fits
STYLE = (
    "<style>text{font:12px sans-serif;fill:#333}.grid{stroke:#ddd}.zero{stroke:#999}"
    ".title{font-weight:600}.rect{fill:#fff}</style>"
)


class Frame:
    """Where values go on the canvas."""

    left, right, top, bottom = 56, 16, 34, 56

    def __init__(self, width: int, height: int, low: float, high: float) -> None:
        self.width, self.height = width, height
        room = max(high - low, 0.1) * 0.06
        self.low, self.high = low - room, high + room

    def y(self, value: float) -> float:
        """Of a measure."""
        inside = self.height - self.top - self.bottom
        return self.height - self.bottom - inside * (value - self.low) / (self.high - self.low)

    def x(self, place: float) -> float:
        """Of a share of the width, 0 to 1."""
        return self.left + (self.width - self.left - self.right) * place

    def opening(self, title: str) -> Iterator[str]:
        """The element, its title and the lines across."""
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" role="img"><title>{escape(title)}</title>{STYLE}'
        )
        yield f'<rect class="rect" width="{self.width}" height="{self.height}"/>'
        yield f'<text class="title" x="{self.left}" y="18">{escape(title)}</text>'
        step = 0.1 if self.high - self.low < 1 else 0.25
        k = int(self.low / step) - 1
        while k * step <= self.high:
            if k * step >= self.low:
                y = self.y(k * step)
                kind = "zero" if k == 0 else "grid"
                yield f'<path class="{kind}" d="M{self.left} {y:.1f}H{self.width - self.right}"/>'
                yield f'<text x="{self.left - 6}" y="{y + 4:.1f}" text-anchor="end">{_tick(k * step)}</text>'
            k += 1


def _tick(value: float) -> str:
    return f"{value:.2f}".replace("-", "−") if abs(value) > 1e-9 else "0"


def condition_plot(experiments: Sequence[Record]) -> str:
    """One dot a model: MCC of the targeted pair in what it generates, by generator and condition.

    Returns
    -------
    str
        One ``<svg>`` element, a panel for each generator, conditions side by side, a bar at each mean.
    """
    panels = [entry for entry in experiments if entry["conditions"]]
    widths = [max(LEAST_WIDTH, 90 + 46 * len(entry["conditions"])) for entry in panels]
    every = [value for entry in panels for item in entry["conditions"] for value in _mccs(item)]
    height = 330
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {max(widths)} {height * len(panels)}" '
        f'width="{max(widths)}" height="{height * len(panels)}" role="img">'
        "<title>Association of the targeted pair in generated samples</title>"
    ]
    for place, (entry, width) in enumerate(zip(panels, widths, strict=True)):
        frame = Frame(width, height, min(0.0, *every), max(every))
        parts += [f'<g transform="translate(0 {place * height})">', *_panel(entry, frame, place), "</g>"]
    return "".join([*parts, "</svg>"]) + "\n"


def _mccs(item: Record) -> list[float]:
    return list(item["measures"]["mcc"]["values"])


def _panel(entry: Record, frame: Frame, place: int) -> Iterator[str]:
    title = f"{entry['modality']}, {entry['generator']}: MCC of the pair in generated samples"
    yield from frame.opening(title)
    colour, count = COLOURS[place % len(COLOURS)], len(entry["conditions"])
    for k, item in enumerate(entry["conditions"]):
        x = frame.x((k + 0.5) / count)
        mean = frame.y(item["measures"]["mcc"]["mean"])
        yield f'<path stroke="{colour}" stroke-width="2" d="M{x - 11:.1f} {mean:.1f}h22"/>'
        for value in _mccs(item):
            yield f'<circle cx="{x:.1f}" cy="{frame.y(value):.1f}" r="3" fill="{colour}" fill-opacity=".55"/>'
        base = frame.height - frame.bottom + 14
        turned = f'transform="rotate(-30 {x:.1f} {base})"'
        yield f'<text x="{x:.1f}" y="{base}" text-anchor="end" {turned}>{escape(item["condition"])}</text>'
    yield "</svg>"


def ablation_plot(experiments: Sequence[Record]) -> str:
    """Mean MCC of generated samples against the share of edits, a line a generator; the paper's two figures dashed.

    Returns
    -------
    str
        One ``<svg>`` element. Filled dots differ significantly from clean; a ring marks shares whose training sets
        were all flagged with the pair named.
    """
    shown = [entry for entry in experiments if entry["ablation"]]
    every = [row["mcc"] for entry in shown for row in entry["ablation"]] + list(PAPER_MCC)
    frame = Frame(680, 400, min(0.0, *every), max(every))
    most = max(row["share"] for entry in shown for row in entry["ablation"])
    parts = list(frame.opening("MCC of the pair in generated samples by share of edits"))
    for value in PAPER_MCC:
        y = frame.y(value)
        parts.append(
            f'<path stroke="#888" stroke-dasharray="5 4" d="M{frame.left} {y:.1f}H{frame.width - frame.right}"/>'
            f'<text x="{frame.width - frame.right}" y="{y - 4:.1f}" text-anchor="end">paper, {_tick(value)}</text>'
        )
    for k in range(round(most / 0.05) + 1):
        x = frame.x(0.05 * k / most)
        base = frame.height - frame.bottom + 16
        parts.append(f'<text x="{x:.1f}" y="{base}" text-anchor="middle">{5 * k}%</text>')
    for place, entry in enumerate(shown):
        parts += _line(entry, frame, most, place)
    return "".join([*parts, "</svg>"]) + "\n"


def _line(entry: Record, frame: Frame, most: float, place: int) -> Iterator[str]:
    colour = COLOURS[place % len(COLOURS)]
    spots = [(frame.x(row["share"] / most), frame.y(row["mcc"]), row) for row in entry["ablation"]]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in spots)
    yield f'<path fill="none" stroke="{colour}" stroke-width="1.5" d="M{path}"/>'
    for x, y, row in spots:
        fill = colour if row["significant"] else "#fff"
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{fill}" stroke="{colour}"/>'
        if row["share"] and row["named"] == row["audits"]:
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="none" stroke="{colour}" stroke-opacity=".6"/>'
    x, y = frame.left + 8, frame.top + 14 + 15 * place
    name = escape(f"{entry['modality']}, {entry['generator']}")
    yield f'<path stroke="{colour}" stroke-width="3" d="M{x} {y - 4}h16"/><text x="{x + 22}" y="{y}">{name}</text>'
