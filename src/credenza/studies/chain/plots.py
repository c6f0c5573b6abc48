"""Curves over the noise levels as SVG: how far each class is from the reference, and where the trigger shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from credenza.data.write import write_text
from credenza.studies.chain.poison import TARGET

Record = dict[str, Any]
WIDTH, HEIGHT = 460, 250
LEFT, RIGHT, TOP, BOTTOM = 48, 16, 34, 40
TARGET_COLOUR, OTHER_COLOUR = "#c2571a", "#8aa4b8"
STYLE = "<style>text{font:12px sans-serif;fill:#333}.grid{stroke:#ddd}.title{font-weight:600}</style>"


def write_plots(summary: Record, folder: Path) -> None:
    """Write ``curves.svg``: a panel a group, two in a line."""
    folder.mkdir(exist_ok=True)
    if summary["groups"]:
        write_text(curves(summary["groups"]), folder / "curves.svg")


def curves(groups: Sequence[Record]) -> str:
    """Panels of the largest local deviation of each class in units of its error, from noise (left) to image.

    Returns
    -------
    str
        One ``<svg>`` element.
    """
    lines = -(-len(groups) // 2)
    width, height = 2 * WIDTH, HEIGHT * lines
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img"><title>Deviation from the reference over the noise levels</title>{STYLE}',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    top = max(float(np.max(one)) for group in groups for one in group["deviation"])
    for place, group in enumerate(groups):
        move = f"translate({WIDTH * (place % 2)} {HEIGHT * (place // 2)})"
        parts += [f'<g transform="{move}">', *_panel(group, top), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(group: Record, top: float) -> Iterator[str]:
    times = group["times"]
    title = f"{group['attack']}, {group['attacker']}: {group['models']} model{'s' * (group['models'] != 1)}"
    yield f'<text class="title" x="{LEFT}" y="18">{escape(title)}</text>'
    for step in _steps(top):
        y = _y(step, top)
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{step:g}</text>'
    for place, time in enumerate(times):
        if place % 2 == 0 or place == len(times) - 1:
            yield f'<text x="{_x(place, times):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{time}</text>'
    yield f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">noise level t</text>'
    for one in group["deviation"]:
        values = np.asarray(one, float)
        for label in range(values.shape[1]):
            if label != TARGET:
                yield _line(values[:, label], times, top, OTHER_COLOUR, 1.0)
        yield _line(values[:, TARGET], times, top, TARGET_COLOUR, 2.0)
    legend = (
        f'<tspan fill="{TARGET_COLOUR}">target</tspan> <tspan fill="{OTHER_COLOUR}">other classes</tspan>'
    )
    yield f'<text x="{WIDTH - RIGHT}" y="18" text-anchor="end">{legend}</text>'


def _line(values: Any, times: Sequence[int], top: float, colour: str, wide: float) -> str:
    points = " ".join(f"{_x(k, times):.1f},{_y(float(v), top):.1f}" for k, v in enumerate(values))
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{wide}"/>'


def _x(place: int, times: Sequence[int]) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * place / max(1, len(times) - 1)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / max(top, 1e-9)


def _steps(top: float) -> list[float]:
    """Round numbers from 0 to the top, at most five of them above 0.

    >>> _steps(23.0)
    [0.0, 5.0, 10.0, 15.0, 20.0]
    """
    power = 10.0 ** np.floor(np.log10(max(top, 1e-9)))
    step = next(float(unit * power) for unit in (0.2, 0.5, 1.0, 2.0) if top / (unit * power) <= 5)
    return [step * k for k in range(int(top / step) + 1)]
