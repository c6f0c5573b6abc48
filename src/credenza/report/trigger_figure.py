"""Where and when a class mean deviates, as SVG: a heat map of the image, and a curve over the reverse process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import numpy as np

from credenza.contracts import AuditResult, FloatArray, Status
from credenza.report.figures import label
from credenza.report.text import clean, percent, probability

CODES = ("CZ501", "CZ502", "CZ503")
SIDE = 256  # pixels of a heat map
WIDTH, HEIGHT = 520, 256
LEFT, RIGHT, TOP, BOTTOM = 48, 110, 14, 42
FAINT = 0.03  # of the strongest: below, a pixel stays blank


def drawings(result: AuditResult) -> list[dict[str, str]]:
    """What to draw of the checks of triggers that ran: code, caption, heat map, and curve ("" without times)."""
    found = []
    for outcome in result.outcomes:
        details: Any = outcome.details
        ran = outcome.status in (Status.FLAGGED, Status.CLEAR)
        if outcome.code in CODES and ran and details.get("class") is not None:
            flagged = outcome.status is Status.FLAGGED
            curve = time_curve(details) if len(details.get("times", ())) > 1 else ""
            heat = heat_map(np.array(details["heat"], float), details["box"] if flagged else None, details)
            found.append(
                {"code": outcome.code, "caption": _caption(details, flagged), "heat": heat, "curve": curve}
            )
    return found


def _caption(details: Mapping[str, Any], flagged: bool) -> str:
    kind = "at one place" if details["kind"] == "place" else "by a pattern of waves"
    words = (
        f"{'Class' if flagged else 'Not flagged; largest in class'} {clean(details['class'], 40)!r}, {kind}"
    )
    words += f", p {probability(details['p'])}"
    if details.get("shares"):
        before, after = (percent(share) for share in details["shares"])
        words += f"; share {before} of its training images, {after} of its generated ones"
    return words


def heat_map(heat: FloatArray, box: list[int] | None, details: Mapping[str, Any]) -> str:
    """Draw energies (H, W) as squares of growing colour, the box that was found outlined.

    Boxes are in pixels of the images, of which a pixel of the heat map may cover several.

    Examples
    --------
    >>> heat_map(np.eye(2), None, {"class": "a"}).count("<rect")
    3
    """
    height, width = heat.shape
    size = SIDE / max(height, width)
    top = max(float(np.sqrt(heat.max())), 1e-12)
    title = f"Where the mean of {clean(str(details['class']), 40)} deviates"
    parts = [
        f'<svg class="places" viewBox="0 0 {width * size:g} {height * size:g}" width="{width * size:g}" '
        f'height="{height * size:g}" role="img"><title>{escape(title)}</title>',
        f'<rect class="ground" width="{width * size:g}" height="{height * size:g}"/>',
    ]
    for row, column in zip(*np.nonzero(np.sqrt(heat) >= FAINT * top), strict=True):
        parts.append(
            f'<rect class="heat" x="{column * size:g}" y="{row * size:g}" width="{size:g}" height="{size:g}" '
            f'opacity="{np.sqrt(heat[row, column]) / top:.2f}"/>'
        )
    if box is not None and details.get("kind") == "place":
        scale = max(1, -(-max(box[0] + box[2], box[1] + box[3]) // max(height, width)))
        y, x, down, across = (side / scale * size for side in box)
        place = f'x="{x - 2:g}" y="{y - 2:g}" width="{across + 4:g}" height="{down + 4:g}"'
        parts.append(f'<rect class="box" {place} rx="2"/>')
    return "".join([*parts, "</svg>"])


def time_curve(details: Mapping[str, Any]) -> str:
    """Draw the strongest deviation of each class over the reverse process, from noise (left) to image (right)."""
    curve = np.array(details["curve"], float)
    times = list(details["times"])
    high = max(float(curve.max()), 5.0) * 1.08
    target = list(details["classes"]).index(details["class"])
    title = "Strongest deviation of each class by time"
    parts = [
        f'<svg class="times" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">'
        f"<title>{title}</title>",
        *_grid(times, high),
    ]
    order = [place for place in range(curve.shape[1]) if place != target] + [target]
    for place in order:
        points = "L".join(
            f"{_x(k, len(times)):.1f} {_y(curve[k, place], high):.1f}" for k in range(len(times))
        )
        parts.append(f'<path class="{"target" if place == target else "class"}" d="M{points}"/>')
    end = f'x="{WIDTH - RIGHT + 8}" y="{_y(curve[-1, target], high) + 4:.1f}"'
    parts.append(f'<text class="target-name" {end}>{label(details["class"], 14)}</text>')
    return "".join([*parts, "</svg>"])


def _grid(times: list[int], high: float) -> Iterator[str]:
    floor, end = HEIGHT - BOTTOM, WIDTH - RIGHT
    step = 2 if high < 12 else 5 if high < 30 else 20
    for value in range(0, int(high) + 1, step):
        y = _y(value, high)
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{end}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value}</text>'
    for place, time in enumerate(times):
        yield f'<text x="{_x(place, len(times)):.1f}" y="{floor + 17}" text-anchor="middle">{time}</text>'
    middle = (LEFT + end) / 2
    centred = 'class="axis" text-anchor="middle"'
    yield f'<text {centred} x="{middle}" y="{HEIGHT - 6}">time: from noise to image</text>'
    turned = f'transform="rotate(-90 12 {floor / 2})"'
    yield f'<text {centred} x="12" y="{floor / 2}" {turned}>normal units</text>'


def _x(place: int, count: int) -> float:
    return LEFT + 8 + (WIDTH - LEFT - RIGHT - 16) * place / max(count - 1, 1)


def _y(value: float, high: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * max(value, 0.0) / high
