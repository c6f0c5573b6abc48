"""Recall of each class over the checkpoints as SVG: jumps in colour and named, the other classes as a background.

Colours come from CSS classes of the page: ``course``, ``jumper``, ``fall``, ``whole``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from credenza.contracts import AuditResult
from credenza.report.figures import label
from credenza.report.text import cells, clean, percent

WIDTH, HEIGHT = 760, 340
LEFT, TOP, BOTTOM = 52, 14, 44
NAMED = 8  # jumps with a name; the others have titles
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True)
class Courses:
    """What is drawn: names of T checkpoints and k classes, recall k x T (None without rows), accuracy T, jumps.

    A jump is (class, step); step 1 leads to the second checkpoint.
    """

    checkpoints: Sequence[str]
    classes: Sequence[str]
    recall: Sequence[Sequence[float | None]]
    accuracy: Sequence[float]
    jumps: Sequence[tuple[int, int]]


def courses_of(result: AuditResult) -> Courses | None:
    """What a comparison has to draw; None of other results."""
    details: Any = next((o.details for o in result.outcomes if o.code == "CZ801" and o.details), None)
    if details is None:
        return None
    classes = list(details["classes"])
    jumps = [(classes.index(name), int(step)) for name, step in details["jumps"]]
    return Courses(details["checkpoints"], classes, details["recall"], details["accuracy"], jumps)


def figure(result: AuditResult) -> dict[str, Any]:
    """The drawing, "" where there is none, and what its caption says."""
    drawn = courses_of(result)
    if drawn is None:
        return {"courses": "", "course_count": 0, "course_jumps": 0}
    jumped = len({place for place, _ in drawn.jumps})
    return {"courses": courses(drawn), "course_count": len(drawn.classes), "course_jumps": jumped}


def courses(given: Courses) -> str:
    """Draw the recall of every class over the checkpoints.

    Returns
    -------
    str
        One ``<svg>`` element of 760 x 340: a line a class, those that jumped in colour with a ring after the jump and a
        name at the end of the line (eight at most; each line has a title), the accuracy of all rows dashed. Names are
        cleaned and escaped. The axis of recall does not begin at 0. Cost O(k T).

    Examples
    --------
    >>> drawn = courses(Courses(["a", "b"], ["cat", "dog"], [[0.9, 0.8], [0.9, 0.9]], [0.9, 0.85], [(0, 1)]))
    >>> drawn.count("<path class=\\"course"), drawn.count("<circle")
    (2, 1)
    """
    frame = _Frame(given)
    jumped = {place for place, _ in given.jumps}
    order = sorted(range(len(given.classes)), key=lambda place: place in jumped)
    title = f"Recall of {len(given.classes):,} classes at {len(given.checkpoints):,} checkpoints"
    return "".join(
        [
            f'<svg class="courses" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">'
            f"<title>{escape(title)}</title>",
            *_axes(frame, given),
            *(_line(frame, given, place, place in jumped) for place in order),
            f'<path class="whole" d="{_path(frame, given.accuracy)}"><title>all rows</title></path>',
            *_falls(frame, given),
            *_names(frame, given),
            "</svg>",
        ]
    )


class _Frame:
    """Where data go on the canvas."""

    def __init__(self, given: Courses) -> None:
        known = [
            v for line in (*given.recall, given.accuracy) for v in line if v is not None and math.isfinite(v)
        ]
        low, high = min(known, default=0.0), max(known, default=1.0)
        self.step = next((s for s in STEPS if (high - low) / s <= 5), STEPS[-1])
        self.low = max(0.0, math.floor(low / self.step - 1e-9) * self.step)
        self.high = min(1.0, math.ceil(high / self.step + 1e-9) * self.step)
        self.high = max(self.high, self.low + self.step)
        named = [given.classes[place] for place, _ in given.jumps[:NAMED]] + ["all rows"]
        self.right = 18 + 8 * max(cells(clean(name, 20)) for name in named)
        self.last = max(len(given.checkpoints) - 1, 1)

    def x(self, checkpoint: float) -> float:
        return LEFT + 8 + (WIDTH - LEFT - 8 - self.right) * checkpoint / self.last

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value - self.low) / (self.high - self.low)


def _axes(frame: _Frame, given: Courses) -> Iterator[str]:
    end = WIDTH - frame.right
    for k in range(round((frame.high - frame.low) / frame.step) + 1):
        value = frame.low + k * frame.step
        y = frame.y(value)
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{end}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{percent(value)}</text>'
    widest = max(cells(clean(name, 18)) for name in given.checkpoints)
    every = max(1, math.ceil((7.5 * widest + 10) * frame.last / (end - LEFT)))
    for k in range(0, len(given.checkpoints), every):
        place = f'x="{frame.x(k):.1f}" y="{HEIGHT - 22}" text-anchor="middle"'
        yield f"<text {place}>{label(given.checkpoints[k], 18)}</text>"
    middle = (HEIGHT - BOTTOM + TOP) / 2
    place = f'x="12" y="{middle}" text-anchor="middle" transform="rotate(-90 12 {middle})"'
    yield f'<text class="axis" {place}>recall</text>'


def _path(frame: _Frame, values: Sequence[float | None]) -> str:
    """Moves and lines, broken where there is no value."""
    out, begun = [], False
    for k, value in enumerate(values):
        if value is None or not math.isfinite(value):
            begun = False
            continue
        out.append(f"{'L' if begun else 'M'}{frame.x(k):.1f} {frame.y(value):.1f}")
        begun = True
    return "".join(out)


def _line(frame: _Frame, given: Courses, place: int, jumped: bool) -> str:
    kind = "course jumper" if jumped else "course"
    name = label(given.classes[place], 40)
    return f'<path class="{kind}" d="{_path(frame, given.recall[place])}"><title>{name}</title></path>'


def _falls(frame: _Frame, given: Courses) -> Iterator[str]:
    for place, step in given.jumps:
        before, after = given.recall[place][step - 1], given.recall[place][step]
        if before is None or after is None:
            continue
        points = f"{100 * (after - before):+.1f}".replace("-", "−")
        words = f"{clean(given.classes[place], 40)} at {clean(given.checkpoints[step], 40)}: {points} points"
        yield (
            f'<circle class="fall" cx="{frame.x(step):.1f}" cy="{frame.y(after):.1f}" r="6">'
            f"<title>{escape(words)}</title></circle>"
        )


def _names(frame: _Frame, given: Courses) -> Iterator[str]:
    """Names at the ends of the lines, moved apart where they would meet."""
    ends = {place: given.recall[place][-1] for place, _ in given.jumps}
    wanted = [
        (frame.y(v), label(given.classes[k], 20), "jumper-name") for k, v in ends.items() if v is not None
    ]
    wanted = [*wanted[:NAMED], (frame.y(given.accuracy[-1]), "all rows", "whole-name")]
    taken = -math.inf
    for y, name, kind in sorted(wanted):
        at = max(y + 4, taken + 15)
        taken = at
        yield f'<text class="{kind}" x="{WIDTH - frame.right + 10}" y="{at:.1f}">{name}</text>'
