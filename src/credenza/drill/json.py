"""A drill as a JSON document (schema ``credenza.drill/1``); ``drill.schema.json`` describes every key."""

from __future__ import annotations

import json
from importlib import resources
from math import isfinite
from typing import Any

from credenza.drill.curve import Caught
from credenza.drill.result import Drill, Exercise, Point
from credenza.drill.settings import CHANCES
from credenza.report.json import indented, plain

SCHEMA = "credenza.drill/1"


def to_dict(drill: Drill) -> dict[str, Any]:
    """Turn a drill into plain lists, dicts, strings and numbers; infinite strengths become None.

    Keys are in fixed order; ``caught`` and ``expected`` are by chance ("0.8", "0.95").
    """
    return {
        "schema": SCHEMA,
        "rows": {"suspect": drill.suspect_rows, "reference": drill.reference_rows},
        "undisturbed": None
        if drill.undisturbed is None
        else {
            "verdict": drill.undisturbed.verdict,
            "culprits": [list(pair) for pair in drill.undisturbed.culprits],
        },
        "false_alarms": {
            "runs": drill.null_runs,
            "alarms": drill.null_alarms,
            "interval": list(drill.null_interval),
        },
        "exercises": [_exercise(exercise) for exercise in drill.exercises],
        "pairs": {
            "attackable": drill.pairs,
            "blind": drill.blind,
            "weakest": [
                {"features": list(weak.features), "kind": weak.kind, "strength": _number(weak.strength)}
                for weak in drill.weakest
            ],
        },
        "left_out": [{"name": name, "reason": reason} for name, reason in drill.left_out],
        "target": drill.target,
        "inputs": [
            {
                "role": given.role,
                "source": given.source,
                "kind": given.kind,
                "rows": given.rows,
                "columns": given.columns,
                "sha256": given.sha256,
            }
            for given in drill.inputs
        ],
        "settings": plain(drill.settings, "settings"),
        "versions": plain(drill.versions, "versions"),
        "timing": plain(drill.timing, "timing"),
    }


def to_json(drill: Drill, *, indent: int = 2) -> str:
    """Write :func:`to_dict` as ASCII JSON, strict (no NaN), with a final newline."""
    return indented(to_dict(drill), indent) + "\n"


def load_schema() -> dict[str, Any]:
    """Read the published JSON Schema (draft 2020-12) of the document.

    >>> load_schema()["$id"]
    'credenza.drill/1'
    """
    text = resources.files("credenza.drill").joinpath("drill.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def _exercise(exercise: Exercise) -> dict[str, Any]:
    caught = exercise.caught
    return {
        "features": list(exercise.features),
        "levels": None if exercise.levels is None else list(exercise.levels),
        "kind": exercise.kind,
        "limit": exercise.limit,
        "points": [_point(point) for point in exercise.points],
        "caught": None
        if caught is None
        else {f"{c:g}": _caught(x) for c, x in zip(CHANCES, caught, strict=True)},
        "expected": {f"{c:g}": _number(x) for c, x in zip(CHANCES, exercise.expected, strict=True)},
        "curve": [list(point) for point in exercise.curve],
        "reference_rows": None if exercise.reference_rows is None else _number(exercise.reference_rows),
        "target_within_limit": exercise.reference_rows is not None,
    }


def _point(point: Point) -> dict[str, Any]:
    return {
        "strength": point.strength,
        "rows_edited": point.rows_edited,
        "runs": point.runs,
        "named": point.named,
        "named_interval": list(point.named_interval),
        "alarms": point.alarms,
        "alarm_interval": list(point.alarm_interval),
        "extra": point.extra,
        "expected_named": point.expected_named,
        "expected_alarm": point.expected_alarm,
    }


def _caught(caught: Caught) -> dict[str, float | None]:
    return {
        "strength": _number(caught.strength),
        "low": _number(caught.low),
        "high": _number(caught.high),
    }


def _number(value: float) -> float | None:
    return float(value) if isfinite(value) else None
