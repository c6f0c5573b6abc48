"""Drills made by hand, for the views."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from credenza.contracts import InputSummary
from credenza.drill.result import Drill, Exercise, Point, Undisturbed, Weak

HOSTILE = "<script>x</script>\u202e\n"


def exercise(named: tuple[int, ...] = (1, 9, 20), **changes: object) -> Exercise:
    points = tuple(
        Point(0.01 * (k + 1), 200 * (k + 1), 20, hits, min(hits + 1, 20), 0.05, hits / 20, hits / 20)
        for k, hits in enumerate(named)
    )
    made = Exercise(
        ("smoker", "region"), ("true", "north"), "positive", 0.2, points,
        ((0.01, 0.1), (0.02, 0.5), (0.03, 0.95)), (0.025, 0.028), 12_345.0,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def result(**changes: object) -> Drill:
    made = Drill(
        exercises=(exercise(),),
        null_runs=50,
        null_alarms=2,
        undisturbed=Undisturbed("clear", ()),
        suspect_rows=10_000,
        reference_rows=5_000,
        pairs=15,
        blind=2,
        weakest=(Weak(("smoker", "age"), "positive", 0.04),),
        left_out=(("id", "all values differ"),),
        target=0.02,
        inputs=(InputSummary("clean", "clean.parquet", "parquet", 10_000, 6, "ab" * 32),),
        settings={"runs": 20, "kinds": [], "pairs": [["a", "b"]]},
        versions={"credenza": "1"},
        timing={"total": 3.21},
    )
    return replace(made, **changes)  # type: ignore[arg-type]


ERASED = exercise((7,), kind="erase", expected=(inf, inf), curve=(), reference_rows=None, levels=None)
FLAT = exercise((0, 0, 0), expected=(inf, inf), reference_rows=inf, limit=0.0301)
