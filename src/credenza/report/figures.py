"""Figures as SVG markup: arrays in, one string out; every label is cleaned and escaped.

Colours come from CSS classes of the page, so that light and dark themes need one drawing:
``p`` (moved together), ``n`` (moved apart), ``culprit``, ``collateral``, ``alias``, ``other``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape

import numpy as np

from credenza.contracts import FloatArray
from credenza.report.text import cells, clean, percent, signed

_TITLED = 400
_FINE = 5000
_DEPTHS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


def label(words: str, limit: int = 26) -> str:
    """Clean, shorten and escape a name for SVG."""
    return escape(clean(words, limit))


def heatmap(
    names: Sequence[str], strength: FloatArray, culprits: Sequence[tuple[int, int]], *, floor: float = 0.02
) -> str:
    """Draw shifts as a lower triangle of coloured cells, features named on the diagonal.

    Parameters
    ----------
    names : m feature names.
    strength : signed strengths, shape (m, m), symmetric; NaN where a pair was not tested or is not listed.
    culprits : index pairs to outline and number, strongest first.
    floor : the full colour stands for this strength at least, so that noise alone does not look like a finding.

    Returns
    -------
    str
        One ``<svg>`` element. The opacity of a cell is its share of the largest absolute strength (or
        of ``floor``); cells below 2% of it are left blank. Cost O(m^2).
    """
    m = len(names)
    size = max(12, min(24, 720 // max(m, 1)))
    font = min(12, size - 2)
    margin = max((7 * cells(clean(name, 26)) for name in names), default=0)
    width, height = max(m * size + margin + 12, 420), m * size + 8
    finite = np.abs(strength[np.isfinite(strength)])
    top = max(float(finite.max()) if finite.size else 0.0, floor)
    parts = [
        _open("heatmap", width, height, f"Shift of every pair among {m} features"),
        f'<path class="ground" d="{_staircase(m, size)}"/>',
        *_cells(names, strength, size, top),
        *_outlines(culprits, size),
        *_diagonal(names, culprits, size, font),
        _legend(width, top),
        "</svg>",
    ]
    return "".join(parts)


def _minus(value: float) -> str:
    """A strength with a true minus sign."""
    return signed(value).replace("-", "−")


def _open(kind: str, width: float, height: float, title: str) -> str:
    return (
        f'<svg class="{kind}" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'role="img"><title>{escape(title)}</title>'
    )


def _staircase(m: int, size: int) -> str:
    return "".join(f"M0 {i * size + 0.5:g}h{i * size - 1}v{size - 1}h-{i * size - 1}z" for i in range(1, m))


def _cells(names: Sequence[str], strength: FloatArray, size: int, top: float) -> Iterator[str]:
    shown = [label(name, 30) for name in names]
    for i in range(len(names)):
        for j in range(i):
            value = strength[i, j]
            share = abs(value) / top
            if not share >= 0.02:
                continue
            yield (
                f'<rect class="{"p" if value > 0 else "n"}" x="{j * size}" y="{i * size}" width="{size - 1}" '
                f'height="{size - 1}" opacity="{share:.2g}">'
                f"<title>{shown[j]} × {shown[i]}: {_minus(value)}</title></rect>"
            )


def _outlines(culprits: Sequence[tuple[int, int]], size: int) -> Iterator[str]:
    for number, (a, b) in enumerate(culprits, start=1):
        i, j = max(a, b), min(a, b)
        x, y = j * size, i * size
        across, up = f"M{x + size} {y + size / 2:g}H{i * size}", f"M{x + size / 2:g} {y}V{(j + 1) * size}"
        yield f'<path class="guide" d="{across}{up}"/>'
        place = f'x="{x - 1.5:g}" y="{y - 1.5:g}" width="{size + 2}" height="{size + 2}"'
        yield f'<rect class="outline" {place} rx="2"/>'
        if len(culprits) > 1:
            yield f'<text class="number" x="{x - 5}" y="{y + size / 2 + 4:g}">{number}</text>'


def _diagonal(
    names: Sequence[str], culprits: Sequence[tuple[int, int]], size: int, font: int
) -> Iterator[str]:
    strong = {index for both in culprits for index in both}
    for i, name in enumerate(names):
        kind = ' class="strong"' if i in strong else ""
        y = i * size + size / 2 + font / 3
        yield f'<text{kind} font-size="{font}" x="{i * size + 5}" y="{y:.1f}">{label(name)}</text>'


def _legend(width: float, top: float) -> str:
    left = width - 232
    ramp = "".join(
        f'<rect class="{"p" if k > 0 else "n"}" x="{left + (k + 10) * 11}" y="24" width="11" height="10" '
        f'opacity="{abs(k) / 10:g}"/>'
        for k in range(-10, 11)
    )
    ticks = "".join(
        f'<text x="{left + at}" y="48" text-anchor="{anchor}">{words}</text>'
        for at, anchor, words in (
            (0, "start", _minus(-top)),
            (115.5, "middle", "0"),
            (231, "end", _minus(top)),
        )
    )
    heads = (
        f'<text x="{left}" y="16">apart</text>'
        f'<text x="{left + 115.5}" y="16" text-anchor="middle">strength</text>'
        f'<text x="{left + 231}" y="16" text-anchor="end">together</text>'
    )
    return f'<g class="legend" font-size="11">{heads}{ramp}{ticks}</g>'


def volcano(
    strength: FloatArray,
    depth: FloatArray,
    role: Sequence[str],
    name: Callable[[int], str],
    *,
    line: float | None,
    fdr: float,
) -> str:
    """Draw strength against evidence, one mark a pair.

    Parameters
    ----------
    strength : signed strengths, shape (P,).
    depth : -log10 p, finite, shape (P,).
    role : "culprit", "collateral", "drift", "alias" or "", P of them.
    name : what to call the pair at a position; asked of those that have a mark of their own.
    line : depth of the false-discovery threshold; None leaves it out.
    fdr : the false-discovery rate it stands for.

    Returns
    -------
    str
        One ``<svg>`` element. Depth is on a square-root scale. Pairs without a role are dots without titles,
        one a pixel at most (a square of three beyond 5,000 pairs), so that the drawing stays small however large
        P; at most 400 pairs of the other roles have a mark of their own, deepest first.
    """
    frame = _Frame(strength, depth)
    parts = [
        _open("volcano", frame.width, frame.height, f"{len(depth):,} pairs by strength and p-value"),
        *_axes(frame),
        "" if line is None else _threshold(frame, line, fdr),
        _dots(frame, strength, depth, role),
        *_marks(frame, strength, depth, role, name),
        *_names(frame, strength, depth, role, name),
        "</svg>",
    ]
    return "".join(parts)


class _Frame:
    """Where data go on the canvas of a volcano plot."""

    width, height = 760, 400
    left, right, top, bottom = 72, 16, 18, 44

    def __init__(self, strength: FloatArray, depth: FloatArray) -> None:
        finite = np.abs(strength[np.isfinite(strength)])
        self.reach = 1.12 * max(float(finite.max()) if finite.size else 0.0, 1e-6)
        self.deepest = max(float(depth.max()) if depth.size else 0.0, 4.0) * 1.1

    def x(self, strength: float) -> float:
        half = (self.width - self.left - self.right) / 2
        return self.left + half * (1 + strength / self.reach)

    def y(self, depth: float) -> float:
        return (
            self.height
            - self.bottom
            - (self.height - self.top - self.bottom) * math.sqrt(depth / self.deepest)
        )


def _axes(frame: _Frame) -> Iterator[str]:
    floor, end = frame.height - frame.bottom, frame.width - frame.right
    last = math.inf
    for depth in _DEPTHS:
        y = frame.y(depth)
        if depth > frame.deepest or last - y < 20:
            continue
        last = y
        words = ("1", "0.1", "0.01")[depth] if depth < 3 else f"1e-{depth}"
        yield f'<path class="grid" d="M{frame.left} {y:.1f}H{end}"/>'
        yield f'<text x="{frame.left - 8}" y="{y + 4:.1f}" text-anchor="end">{words}</text>'
    step = _step(frame.reach)
    for k in range(-int(frame.reach / step), int(frame.reach / step) + 1):
        x = frame.x(k * step)
        words = "0" if k == 0 else f"{k * step:+.3g}".replace("-", "−")
        yield f'<path class="grid{" zero" if k == 0 else ""}" d="M{x:.1f} {frame.top}V{floor}"/>'
        yield f'<text x="{x:.1f}" y="{floor + 17}" text-anchor="middle">{words}</text>'
    middle = (frame.left + end) / 2
    centred = 'class="axis" text-anchor="middle"'
    yield f'<text {centred} x="{middle}" y="{frame.height - 6}">strength of the shift</text>'
    yield f'<text {centred} x="12" y="{floor / 2}" transform="rotate(-90 12 {floor / 2})">p-value</text>'


def _step(reach: float) -> float:
    """A round step that gives two to five ticks a side."""
    power = 10.0 ** math.floor(math.log10(reach))
    return next(unit * power for unit in (0.2, 0.5, 1.0, 2.0) if reach / (unit * power) <= 5)


def _threshold(frame: _Frame, line: float, fdr: float) -> str:
    y = frame.y(min(max(line, 0.0), frame.deepest))
    end = frame.width - frame.right
    return (
        f'<path class="threshold" d="M{frame.left} {y:.1f}H{end}"/>'
        f'<text class="threshold-name" x="{end - 4}" y="{y - 5:.1f}" text-anchor="end">'
        f"{percent(fdr)} false-discovery rate</text>"
    )


def _dots(frame: _Frame, strength: FloatArray, depth: FloatArray, role: Sequence[str]) -> str:
    plain = np.array([not kind for kind in role], dtype=bool) & np.isfinite(strength)
    half = (frame.width - frame.left - frame.right) / 2
    room = frame.height - frame.top - frame.bottom
    grain = 1 if plain.sum() <= _FINE else 3
    x = np.rint((frame.left + half * (1 + strength[plain] / frame.reach)) / grain).astype(int) * grain
    rise = frame.height - frame.bottom - room * np.sqrt(depth[plain] / frame.deepest)
    y = np.rint(rise / grain).astype(int) * grain
    spots = sorted(set(zip(x.tolist(), y.tolist(), strict=True)))
    return f'<path class="other" d="{"".join(f"M{a} {b}h0" for a, b in spots)}"/>' if spots else ""


def _told(depth: FloatArray, strength: FloatArray, role: Sequence[str]) -> list[int]:
    chosen = [i for i in range(len(role)) if role[i] and math.isfinite(strength[i])]
    chosen.sort(key=lambda i: (role[i] != "culprit", -depth[i]))
    return chosen[:_TITLED][::-1]


def _marks(
    frame: _Frame, strength: FloatArray, depth: FloatArray, role: Sequence[str], name: Callable[[int], str]
) -> Iterator[str]:
    for i in _told(depth, strength, role):
        x, y = frame.x(strength[i]), frame.y(depth[i])
        title = f"<title>{escape(name(i))}: {_minus(strength[i])}, p 1e-{depth[i]:.1f}</title>"
        if role[i] == "culprit":
            yield f'<path class="culprit" d="M{x:.1f} {y - 8:.1f}l8 8l-8 8l-8 -8z">{title}</path>'
        elif role[i] == "alias":
            yield f'<rect class="alias" x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8">{title}</rect>'
        else:
            kind = "drift" if role[i] == "drift" else "collateral"
            yield f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4">{title}</circle>'


def _names(
    frame: _Frame, strength: FloatArray, depth: FloatArray, role: Sequence[str], name: Callable[[int], str]
) -> Iterator[str]:
    taken: list[float] = []
    chosen = [i for i in reversed(_told(depth, strength, role)) if role[i] == "culprit"]
    for i in chosen[:6]:
        x, y = frame.x(strength[i]), frame.y(depth[i]) + 4
        while any(abs(y - other) < 14 for other in taken):
            y += 14
        taken.append(y)
        side, anchor = (13, "start") if x < (frame.left + frame.width) / 2 else (-13, "end")
        place = f'x="{x + side:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
        yield f'<text class="culprit-name" {place}>{escape(name(i))}</text>'
