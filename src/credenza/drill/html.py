"""A drill as one self-contained HTML page."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from credenza.drill import text
from credenza.drill.figure import power_curve
from credenza.drill.result import Drill, Exercise, Point
from credenza.report.json import plain
from credenza.report.text import clean, count, percent

if TYPE_CHECKING:
    from jinja2 import Environment

SHOWN = 200  # characters of a value


def page(drill: Drill) -> str:
    """Render a drill as a page that needs nothing else: no network, no fonts, no scripts.

    Parameters
    ----------
    drill : the result.

    Returns
    -------
    str
        HTML. Every name is escaped and cleaned of hidden characters, and a content-security policy forbids all but the
        inline styles.
    """
    headline = text.headline(drill)
    return (
        _environment()
        .get_template("drill.html.j2")
        .render(
            headline=headline[:1].upper() + headline[1:],
            sizes=f"{count(drill.suspect_rows, 'row')} against {count(drill.reference_rows, 'reference row')}.",
            warning=text.warning(drill),
            notes=list(text.notes(drill)),
            left_out=[(clean(name, 60), clean(reason, SHOWN)) for name, reason in drill.left_out],
            rows=[_row(drill, exercise) for exercise in drill.exercises],
            target=text.strength(drill.target),
            weakest=[
                {
                    "name": " x ".join(clean(feature, 40) for feature in weak.features),
                    "kind": text.KIND_WORDS[weak.kind],
                    "strength": text.strength(weak.strength),
                }
                for weak in drill.weakest
            ],
            repeat=_repeat(drill),
        )
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("credenza.drill", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _row(drill: Drill, exercise: Exercise) -> dict[str, Any]:
    return {
        "name": text.name(exercise, 40),
        "moved": text.moved(exercise, 30),
        "caught80": text.caught_words(exercise, 0),
        "caught95": text.caught_words(exercise, 1),
        "expected": text.strength(exercise.expected[0]),
        "limit": text.strength(exercise.limit),
        "shortfall": text.shortfall(drill, exercise),
        "figure": power_curve(exercise),
        "points": [_point(point) for point in exercise.points],
    }


def _point(point: Point) -> dict[str, str]:
    low, high = point.named_interval
    return {
        "strength": text.strength(point.strength),
        "rows": f"{point.rows_edited:,}",
        "named": f"{percent(point.named / point.runs)} ({percent(low)} to {percent(high)})",
        "expected": percent(point.expected_named),
        "alarms": percent(point.alarms / point.runs),
        "extra": f"{point.extra:.2f}",
    }


def _repeat(drill: Drill) -> list[tuple[str, list[tuple[str, str]]]]:
    inputs = [
        (
            clean(given.role, 20),
            f"{clean(given.source, 60)}, {given.rows or 0:,} rows, sha256 {given.sha256 or ''}",
        )
        for given in drill.inputs
    ]
    return [
        ("Inputs", inputs),
        ("Settings", _flat(drill.settings)),
        ("Versions", _flat(drill.versions)),
        ("Time", [(name, f"{seconds:.1f} s") for name, seconds in drill.timing.items()]),
    ]


def _flat(values: Any) -> list[tuple[str, str]]:
    shown = {name: "none" if value in (None, [], {}) else value for name, value in plain(values).items()}
    return [(clean(name, 40), clean(_words(value), SHOWN)) for name, value in shown.items()]


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(
            _words(item) if not isinstance(item, list) else " x ".join(map(str, item)) for item in value
        )
    return str(value)
