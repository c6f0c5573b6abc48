"""What the three checks of triggers say: details for the report, and words."""

from __future__ import annotations

from typing import Any

import numpy as np

from credenza.checks.triggers.search import TriggerSearch
from credenza.checks.triggers.sets import ImageSet
from credenza.contracts import Finding, FloatArray, IntArray, Severity

SHARED = "a pattern that all classes share, or one that differs from image to image, leaves none"


def enough(classes: int, least: int, *sides: ImageSet) -> IntArray:
    """Codes of the classes that have so many images on every side."""
    return np.flatnonzero(np.min([side.counts(classes) for side in sides], axis=0) >= least)


def details_of(found: TriggerSearch, names: tuple[str, ...]) -> dict[str, Any]:
    """All that was measured, JSON-able: with the heat map and the curve over time."""
    return {
        "p": found.p,
        "class": names[found.target],
        "kind": found.kind,
        "box": list(found.box),
        "statistic": found.statistic,
        "amplitude": found.amplitude,
        "frequency": None if found.frequency is None else list(found.frequency),
        "images": found.rows,
        "heat": rounded(found.heat),
        "classes": list(names),
        "times": list(found.times),
        "curve": rounded(found.curve),
    }


def rounded(values: FloatArray) -> list[list[float]]:
    """A table of numbers, short enough to be written.

    >>> rounded(np.array([[1.23456, 2.0]]))
    [[1.235, 2.0]]
    """
    return [[float(f"{value:.4g}") for value in row] for row in np.asarray(values).tolist()]


def place_of(found: TriggerSearch) -> str:
    """Where a deviation is, in words."""
    if found.kind == "frequency":
        down, across = found.frequency or (0, 0)
        waves = f"{abs(across)} waves across and {abs(down)} down"
        return (
            f"as a pattern over the whole image (strongest: {waves}, about {found.amplitude:.0f} grey levels)"
        )
    top, left, height, width = found.box
    return f"in {height} x {width} pixels at row {top}, column {left} (by up to {found.amplitude:.0f} grey levels)"


def finding_of(code: str, found: TriggerSearch, names: tuple[str, ...], what: str, more: str = "") -> Finding:
    """The alarm of a search that found a class."""
    name = names[found.target]
    message = f"{what} of {name!r} deviate from the other classes' {place_of(found)}{more}"
    return Finding(
        code,
        (name,),
        message,
        Severity.ALARM,
        statistic=found.statistic,
        p=found.p,
        effect=found.amplitude,
        details={"kind": found.kind, "box": list(found.box)},
    )
