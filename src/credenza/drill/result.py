"""What a drill hands back: one object, many views."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any

from credenza.contracts import InputSummary
from credenza.drill.curve import Caught, Curve, wilson
from credenza.drill.settings import CHANCES


@dataclass(frozen=True)
class Point:
    """The runs of one strength.

    Attributes
    ----------
    strength : probability mass moved; rows_edited : in each run, twice that share of the suspect.
    runs, named, alarms : how many there were, named the attacked pair, named anything.
    extra : other pairs named, mean a run.
    expected_named, expected_alarm : chances by calculation (without false alarms).
    """

    strength: float
    rows_edited: int
    runs: int
    named: int
    alarms: int
    extra: float
    expected_named: float
    expected_alarm: float

    @property
    def named_interval(self) -> tuple[float, float]:
        """95% Wilson interval of the share of runs that named the pair."""
        return wilson(self.named, self.runs)

    @property
    def alarm_interval(self) -> tuple[float, float]:
        """The same of the runs that named anything."""
        return wilson(self.alarms, self.runs)


@dataclass(frozen=True)
class Exercise:
    """One kind of attack on one pair.

    Attributes
    ----------
    features, levels : names, and the level of each that was moved (None for ordered features), as text.
    kind : one of :data:`credenza.drill.KINDS`.
    limit : the largest strength that could be planted.
    points : by ascending strength.
    curve : analytic (strength, chance of being named).
    expected : strength caught with each of ``CHANCES`` by calculation; infinite where none within the limit is.
    reference_rows : rows that the reference would need for the target strength to be caught with 80%, by calculation;
        infinite where no number is enough, None where the target is beyond the limit.
    """

    features: tuple[str, str]
    levels: tuple[str, str] | None
    kind: str
    limit: float
    points: tuple[Point, ...]
    curve: tuple[tuple[float, float], ...]
    expected: tuple[float, ...]
    reference_rows: float | None

    @cached_property
    def fitted(self) -> Curve | None:
        """The curve fitted to the runs; None where only one strength was planted."""
        if len(self.points) < 2:
            return None
        columns = ([getattr(p, name) for p in self.points] for name in ("strength", "named", "runs"))
        return Curve(*columns)

    @cached_property
    def caught(self) -> tuple[Caught, ...] | None:
        """The strength caught with each of ``CHANCES`` by the runs; None as for ``fitted``."""
        return None if self.fitted is None else tuple(self.fitted.caught(chance) for chance in CHANCES)

    @property
    def strongest(self) -> float:
        """The largest strength that was planted."""
        return self.points[-1].strength


@dataclass(frozen=True)
class Undisturbed:
    """The audit of the clean data against the reference as they are: its verdict, and the pairs it named."""

    verdict: str
    culprits: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Weak:
    """A pair that was not drilled, and the strength that its audit would state (Bonferroni, 80%)."""

    features: tuple[str, str]
    kind: str
    strength: float


@dataclass(frozen=True)
class Drill:
    """The result of :func:`credenza.drill.drill`.

    Attributes
    ----------
    exercises : one for each pair and kind, easiest first by calculation.
    null_runs, null_alarms : runs without an attack, and those of them that named anything.
    undisturbed : of the data as they are; None without a reference.
    suspect_rows, reference_rows : sizes of the two sides in every run.
    pairs : pairs that can be attacked. blind : those of them that cannot be moved far enough to be seen.
    weakest : the pairs that take the most to be seen, hardest first.
    left_out : columns that were not used, each with the reason.
    target : the strength that ``reference_rows`` of the exercises are about.
    inputs, settings, versions, timing : for repeating it.
    """

    exercises: tuple[Exercise, ...]
    null_runs: int
    null_alarms: int
    undisturbed: Undisturbed | None
    suspect_rows: int
    reference_rows: int
    pairs: int
    blind: int
    weakest: tuple[Weak, ...]
    left_out: tuple[tuple[str, str], ...]
    target: float
    inputs: tuple[InputSummary, ...]
    settings: Mapping[str, Any]
    versions: Mapping[str, str]
    timing: Mapping[str, float]

    @property
    def null_interval(self) -> tuple[float, float]:
        """95% Wilson interval of the share of runs without an attack that named anything."""
        return wilson(self.null_alarms, self.null_runs)

    @property
    def hardest(self) -> Exercise:
        """The exercise that took the largest strength."""

        def taken(exercise: Exercise) -> float:
            return exercise.expected[0] if exercise.caught is None else exercise.caught[0].strength

        return max(self.exercises, key=taken)

    def to_dict(self) -> dict[str, Any]:
        """The drill as plain data, schema ``credenza.drill/1``."""
        from credenza.drill.json import to_dict

        return to_dict(self)

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """The drill as JSON text; also written to ``path`` if given (by way of a temporary file)."""
        from credenza.drill.json import to_json

        return _written(to_json(self), path)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """The drill as one self-contained HTML page; also written to ``path`` if given."""
        from credenza.drill.html import page

        return _written(page(self), path)

    def show(self, file: IO[str] | None = None) -> None:
        """Print a summary, on standard output or to a file."""
        from credenza.drill.terminal import render

        render(self, file)

    def _repr_html_(self) -> str:
        return self.to_html()

    def __repr__(self) -> str:
        from credenza.drill.text import headline

        return f"<Drill: {headline(self)}>"


def _written(content: str, path: str | os.PathLike[str] | None) -> str:
    if path is not None:
        from credenza.data.write import write_text

        write_text(content, path)
    return content
