"""The power curve of an exercise as SVG markup: runs with their intervals, the calculated curve, the fitted one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

import numpy as np

from credenza.drill.result import Exercise
from credenza.drill.text import name, strength
from credenza.report.text import percent

WIDTH, HEIGHT = 460, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 14, 40
FITTED_POINTS = 48


class Frame:
    """Where strengths and shares go on the canvas."""

    def __init__(self, most: float) -> None:
        self.most = most

    def x(self, value: float) -> float:
        """Of a strength."""
        return LEFT + (WIDTH - LEFT - RIGHT) * value / self.most

    def y(self, share: float) -> float:
        """Of a share of the runs."""
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    def path(self, xs: Sequence[float], ys: Sequence[float]) -> str:
        """A line through points."""
        spots = [f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in zip(xs, ys, strict=True)]
        return "M" + "L".join(spots)


def power_curve(exercise: Exercise) -> str:
    """Draw one exercise.

    Parameters
    ----------
    exercise : with its points and curves.

    Returns
    -------
    str
        One ``<svg>`` element: a dot and a 95% interval for each strength (filled: the pair named; small: anything
        named), the calculated curve dashed, the fitted one solid, and the strength named in 80% as an upright line.
    """
    xs, ys = (np.array([pair[k] for pair in exercise.curve] or [0.0]) for k in (0, 1))
    frame = Frame(1.08 * max(exercise.strongest, float(xs.max(initial=0.0))))
    title = f"How often {name(exercise)} was named, by strength"
    parts = [
        f'<svg class="power" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">'
        f"<title>{escape(title)}</title>",
        *_axes(frame),
        f'<path class="expected" d="{frame.path([0.0, *xs.tolist()], [0.0, *ys.tolist()])}"/>',
        *_fitted(exercise, frame),
        *_points(exercise, frame),
        "</svg>",
    ]
    return "".join(parts)


def _axes(frame: Frame) -> Iterator[str]:
    end, floor = WIDTH - RIGHT, HEIGHT - BOTTOM
    for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        y = frame.y(share)
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{end}"/>'
        yield f'<text x="{LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{share:.0%}</text>'
    step = _step(frame.most)
    for k in range(int(frame.most / step) + 1):
        yield f'<text x="{frame.x(k * step):.1f}" y="{floor + 17}" text-anchor="middle">{k * step:.4g}</text>'
    middle = (LEFT + end) / 2
    yield f'<text class="axis" x="{middle:g}" y="{HEIGHT - 5}" text-anchor="middle">strength of the attack</text>'


def _step(most: float) -> float:
    """A round step that gives four to eight ticks."""
    power = 10.0 ** np.floor(np.log10(most))
    return float(next(unit * power for unit in (0.1, 0.2, 0.5, 1.0, 2.0) if most / (unit * power) <= 7))


def _fitted(exercise: Exercise, frame: Frame) -> Iterator[str]:
    if exercise.fitted is None or exercise.caught is None:
        return
    xs = np.linspace(exercise.points[0].strength / 2, exercise.strongest, FITTED_POINTS)
    yield f'<path class="fitted" d="{frame.path(xs.tolist(), exercise.fitted.at(xs).tolist())}"/>'
    at = exercise.caught[0].strength
    if at <= exercise.strongest:
        x = frame.x(at)
        yield f'<path class="caught" d="M{x:.1f} {frame.y(0.8):.1f}V{HEIGHT - BOTTOM}"/>'
        anchor, side = ("end", -5) if x > WIDTH * 0.7 else ("start", 5)
        yield (
            f'<text class="caught-name" x="{x + side:.1f}" y="{HEIGHT - BOTTOM - 7}" text-anchor="{anchor}">'
            f"80% from {strength(at)}</text>"
        )


def _points(exercise: Exercise, frame: Frame) -> Iterator[str]:
    for point in exercise.points:
        x, share = frame.x(point.strength), point.named / point.runs
        low, high = point.named_interval
        told = (
            f"strength {strength(point.strength)}: named in {percent(share)} of {point.runs} runs, "
            f"expected {percent(point.expected_named)}; anything named in {percent(point.alarms / point.runs)}"
        )
        yield f'<circle class="alarm" cx="{x:.1f}" cy="{frame.y(point.alarms / point.runs):.1f}" r="2.5"/>'
        yield f'<path class="interval" d="M{x:.1f} {frame.y(low):.1f}V{frame.y(high):.1f}"/>'
        yield f'<circle class="named" cx="{x:.1f}" cy="{frame.y(share):.1f}" r="4.5"><title>{told}</title></circle>'
