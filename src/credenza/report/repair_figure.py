"""One pair's association before and after a repair, as SVG: a dumbbell with a mark where it was to go.

Colours come from CSS classes of the page: ``was``, ``now``, ``aim``, ``way``.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from credenza.report.text import measure

WIDTH, HEIGHT, EDGE = 180, 26, 9


def span(values: Iterable[float]) -> tuple[float, float]:
    """The range that a column of dumbbells is drawn over: all values and zero.

    >>> span([0.1, 0.4]), span([])
    ((0.0, 0.4), (0.0, 1.0))
    """
    known = [*values, 0.0]
    low, high = min(known), max(known)
    return (low, high) if high > low else (low, low + 1.0)


def dumbbell(values: tuple[float, float, float], over: tuple[float, float], name: str) -> str:
    """Draw (aimed at, before, after) over a range.

    Parameters
    ----------
    values : aimed at, before, after. over : what :func:`span` gave for all rows of the column. name : for the title.

    Returns
    -------
    str
        One ``<svg>`` element of 180 x 26: a line from a hollow dot (before) to a full one (after), an upright where it
        was to go, a thin one at zero. The title has the numbers; ``name`` is escaped.
    """
    aim, was, now = (_place(value, over) for value in values)
    zero, middle = _place(0.0, over), HEIGHT / 2
    words = f"{name}: {measure(values[1])} before, {measure(values[2])} after, {measure(values[0])} aimed at"
    return (
        f'<svg class="dumbbell" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">'
        f"<title>{escape(words)}</title>"
        f'<path class="nil" d="M{zero:.1f} 1V{HEIGHT - 1}"/>'
        f'<path class="way" d="M{was:.1f} {middle:g}H{now:.1f}"/>'
        f'<path class="aim" d="M{aim:.1f} 3V{HEIGHT - 3}"/>'
        f'<circle class="was" cx="{was:.1f}" cy="{middle:g}" r="5"/>'
        f'<circle class="now" cx="{now:.1f}" cy="{middle:g}" r="5"/></svg>'
    )


def _place(value: float, over: tuple[float, float]) -> float:
    low, high = over
    return EDGE + (WIDTH - 2 * EDGE) * (value - low) / (high - low)
