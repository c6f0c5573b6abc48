"""Units of work: one model each, named by modality, generator, condition and the number of its seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from credenza.errors import UsageError
from credenza.studies.associative.settings import Experiment, Scale


@dataclass(frozen=True, order=True)
class Unit:
    """One model: the ``number``-th of its condition, from 0."""

    modality: str
    generator: str
    condition: str
    number: int

    @property
    def name(self) -> str:
        """The name that folders and messages use.

        >>> Unit("tabular", "chow-liu", "clean", 0).name
        'tabular-chow-liu-clean-0'
        """
        return f"{self.modality}-{self.generator}-{self.condition}-{self.number}"

    @property
    def path(self) -> tuple[str, str, str]:
        """What filters look at."""
        return self.modality, self.generator, self.condition


def units_of(scale: Scale, only: Sequence[str] = ()) -> list[tuple[Experiment, Unit]]:
    """All units of a scale that pass the filters: each experiment's first models of every condition, then the second.

    Parameters
    ----------
    only : filters MODALITY/GENERATOR/CONDITION; parts that are left out or ``*`` let everything pass. A unit is wanted
        when it passes any of them; all are where there is none.

    Raises
    ------
    UsageError : a filter lets nothing pass.

    Examples
    --------
    >>> from credenza.studies.associative.settings import TINY
    >>> [unit.name for _, unit in units_of(TINY, ["tabular/chow-liu/clean"])][:2]
    ['tabular-chow-liu-clean-0', 'tabular-chow-liu-clean-1']
    """
    every = [
        (experiment, Unit(experiment.modality, experiment.generator, condition, number))
        for experiment in scale.experiments
        for number in range(experiment.models)
        for condition in experiment.conditions
    ]
    wanted = [_parts(text) for text in only]
    for text, parts in zip(only, wanted, strict=True):
        if not any(passes(unit, parts) for _, unit in every):
            raise UsageError(_nothing_passes(text, parts, [unit for _, unit in every], scale))
    return [item for item in every if not wanted or any(passes(item[1], parts) for parts in wanted)]


def passes(unit: Unit, parts: Sequence[str]) -> bool:
    """Whether a unit is what a filter asks for."""
    return all(part in ("", "*", own) for part, own in zip(parts, unit.path, strict=False))


def _parts(text: str) -> list[str]:
    parts = [part.strip() for part in text.split("/")]
    if len(parts) > 3:
        raise UsageError(
            f"--only takes MODALITY/GENERATOR/CONDITION: found {text!r}; give three parts at most"
        )
    return parts


def _nothing_passes(text: str, parts: Sequence[str], every: Sequence[Unit], scale: Scale) -> str:
    """The first part of a filter that nothing has, and what there is in its place."""
    for number, part in enumerate(parts):
        inside = [unit for unit in every if passes(unit, parts[:number])]
        known = list(dict.fromkeys(unit.path[number] for unit in inside))
        if part not in ("", "*", *known):
            what = ("modality", "generator", "condition")[number]
            before = f" of {'/'.join(parts[:number])}" if number else ""
            return f"no {what} {part!r}{before} at scale {scale.name}; choose from {', '.join(known)}"
    return f"{text!r} lets nothing pass at scale {scale.name}"


def deciding(settings: Any, records: Sequence[Mapping[str, Any]]) -> Any:
    """What decided the results that are there: of the experiments, those of the generators that were trained.

    How many conditions and models there are may change.
    """
    scale = settings.get("scale") if isinstance(settings, dict) else None
    if not isinstance(scale, dict) or not isinstance(scale.get("experiments"), list):
        return settings
    made = {(record["unit"]["modality"], record["unit"]["generator"]) for record in records}
    own = [
        {key: value for key, value in item.items() if key not in ("conditions", "models")}
        for item in scale["experiments"]
        if (item.get("modality"), item.get("generator")) in made
    ]
    return {**settings, "scale": {**scale, "experiments": own}}
