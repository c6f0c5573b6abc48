"""The words of a drill, which all views share."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from credenza.drill.curve import Caught
from credenza.drill.result import Drill, Exercise
from credenza.drill.settings import CHANCES
from credenza.report.text import clean, count, percent

KIND_WORDS = {
    "positive": "rows put in, together",
    "negative": "rows put in, apart",
    "erase": "rows put in, independent",
    "relabel-positive": "values exchanged, together",
    "relabel-negative": "values exchanged, apart",
    "duplicate-positive": "rows copied, together",
    "duplicate-negative": "rows copied, apart",
    "continuous-positive": "values re-paired, together",
    "continuous-negative": "values re-paired, apart",
}


def headline(drill: Drill) -> str:
    """The answer in one line."""
    hardest = drill.hardest
    pair = name(hardest, 24)
    if hardest.caught is None:
        point = hardest.points[0]
        return f"erasing {pair} is named in {percent(point.named / point.runs)} of the runs"
    caught = hardest.caught[0]
    if caught.strength > hardest.strongest:
        return f"{pair} is not named with {CHANCES[0]:.0%} up to strength {strength(hardest.strongest)}"
    rows = 2 * round(caught.strength * drill.suspect_rows)
    return (
        f"attacks from strength {strength(caught.strength)} on ({count(rows, 'edited row')}) are named "
        f"in {CHANCES[0]:.0%} of the cases, on every pair that was tried"
    )


def name(exercise: Exercise, limit: int = 30) -> str:
    """The pair."""
    return " x ".join(clean(feature, limit) for feature in exercise.features)


def moved(exercise: Exercise, limit: int = 20) -> str:
    """What is done to it, with the levels where they need to be said."""
    words = KIND_WORDS[exercise.kind]
    if exercise.levels is None or set(exercise.levels) <= {"true", "1"}:
        return words
    return f"{words}: {' x '.join(clean(level, limit) for level in exercise.levels)}"


def strength(value: float) -> str:
    """A strength with three digits, or that there is none.

    >>> strength(0.01234), strength(float("inf"))
    ('0.0123', 'none')
    """
    return f"{value:.3g}" if isfinite(value) else "none"


def caught_words(exercise: Exercise, place: int) -> str:
    """The strength caught with one of ``CHANCES``, with its interval; said so where that lies beyond what was tried."""
    if exercise.caught is None:
        return "-"
    caught: Caught = exercise.caught[place]
    if caught.strength > exercise.strongest:
        edge = "as far as the pair goes" if exercise.strongest >= 0.95 * exercise.limit else "beyond the grid"
        return f"> {strength(exercise.strongest)} ({edge})"
    upto = f" to {strength(caught.high)}" if isfinite(caught.high) else " or more"
    return f"{strength(caught.strength)} ({strength(caught.low)}{upto})"


def shortfall(drill: Drill, exercise: Exercise) -> str:
    """How many more reference rows the target would take."""
    needed = exercise.reference_rows
    if needed is None:
        return "beyond what the pair can carry"
    if not isfinite(needed):
        return "no number is enough: the suspect's size binds"
    missing = round(needed) - drill.reference_rows
    return "none" if missing <= 0 else f"{missing:,}"


def warning(drill: Drill) -> str:
    """That clean data and reference are not one population, where the audit of them says so; else ""."""
    if drill.undisturbed is None or drill.undisturbed.verdict == "clear":
        return ""
    named = ", ".join(" x ".join(clean(f, 24) for f in pair) for pair in drill.undisturbed.culprits[:3])
    told = f", named {named}" if named else ""
    return (
        f"The audit of the data as they are is {drill.undisturbed.verdict}{told}: clean data and reference are not one "
        "population, and a real audit will have these differences beside those of an attack."
    )


def notes(drill: Drill) -> Iterator[str]:
    """What a reader must know beside the numbers."""
    if drill.undisturbed is None:
        yield "No reference was given: in every run the rows were split at random into a suspect and a reference."
    low, high = drill.null_interval
    if drill.null_runs:
        yield (
            f"Without an attack, {drill.null_alarms} of {count(drill.null_runs, 'run')} named anything: "
            f"{percent(drill.null_alarms / drill.null_runs)} false alarms ({percent(low)} to {percent(high)})."
        )
    if drill.weakest:
        weak = drill.weakest[0]
        pair = " x ".join(clean(feature, 24) for feature in weak.features)
        yield (
            f"Of {count(drill.pairs, 'pair')} that can be attacked, the hardest to see is {pair}: by the audit's own "
            f"statement from strength {strength(weak.strength)} on."
        )
    if drill.blind:
        yield f"{count(drill.blind, 'pair')} cannot be moved far enough to be seen at all."
    out = [e for e in drill.exercises if e.reference_rows is not None and isfinite(e.reference_rows)]
    most = max((round(e.reference_rows or 0) - drill.reference_rows for e in out), default=0)
    if out and most <= 0:
        yield f"Strength {strength(drill.target)} is within reach with this reference, by calculation."
    elif out:
        yield f"For strength {strength(drill.target)} on all these pairs, {most:,} more reference rows are needed."
