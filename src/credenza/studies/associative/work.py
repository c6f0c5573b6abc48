"""One unit of work: make its data, fit its model, sample, read, measure, audit."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from credenza.studies.associative.conditions import CONDITIONS, require_features
from credenza.studies.associative.measure import FLOOR, looked_at, measured, told
from credenza.studies.associative.modality import Modality, generator
from credenza.studies.associative.population import Population, population, split
from credenza.studies.associative.settings import Experiment, Scale, scale_named
from credenza.studies.associative.tables import Tabular
from credenza.studies.associative.training import training_set
from credenza.studies.associative.units import Unit
from credenza.studies.common.notes import Stopwatch, versions
from credenza.studies.common.seeds import derived

WORK, SAMPLES = "work", "samples"


@dataclass(frozen=True)
class Task:
    """Everything that a unit needs to know; small enough to be sent to another process."""

    scale: Scale
    experiment: Experiment
    unit: Unit
    out: Path
    data: str | None
    seed: int
    device: str
    network: str | None = None


def made_population(scale: Scale, data: str | None, seed: int) -> Population:
    """The rows of the study."""
    return _population(scale.rows, scale.rows_most, data, seed)


@lru_cache(maxsize=4)
def _population(rows: int, most: int, data: str | None, seed: int) -> Population:
    return population(data, rows=rows, most=most, seed=seed)


def modality_named(task: Task, whole: Population) -> Modality:
    """The modality of a task, over the rows of the study."""
    name = task.unit.modality
    made: Modality
    if name == "images":
        from credenza.studies.associative.pictures import Pictures

        made = Pictures(whole, task.scale, task.out, seed=task.seed, device=task.device, network=task.network)
    elif name.startswith("text-"):
        from credenza.studies.associative.documents import Documents

        made = Documents(whole, name.removeprefix("text-"), seed=task.seed)
    else:
        made = Tabular(whole)
    return made


def prepare(tasks: Sequence[Task], whole: Population) -> None:
    """Find out before anything is trained whether all can be: features, libraries, devices; train what reads features.

    Raises
    ------
    UsageError : features that are moved are absent, or the device is. MissingExtraError : a library is absent.
    """
    for experiment in dict.fromkeys(task.experiment.name for task in tasks):
        own = [task for task in tasks if task.experiment.name == experiment]
        first = own[0]
        modality = modality_named(first, whole)
        conditions = list(dict.fromkeys(task.unit.condition for task in own))
        require_features(modality.features, conditions, whole.source)
        _model(first)
        modality.prepare()


def run_unit(task: Task) -> dict[str, Any]:
    """Do one unit.

    Returns
    -------
    dict
        The unit, its seeds, what is known of its training rows, what was measured of its samples, seconds, versions.
    """
    watch, unit, scale = Stopwatch(), task.unit, task.scale
    whole = made_population(scale, task.data, task.seed)
    modality = modality_named(task, whole)
    condition = CONDITIONS[unit.condition]
    reference = scale.rows_most - scale.train - scale.holdout
    seed = derived(task.seed, "split", unit.number)
    parts = split(whole, scale.train, scale.holdout, reference, seed=seed)
    training = training_set(condition, parts, modality.features, seed=task.seed, number=unit.number)
    watch.lap("data")
    seeds = {name: derived(task.seed, name, *asdict(unit).values()) for name in ("fit", "sample")}
    folder = task.out / WORK / unit.name
    folder.parent.mkdir(parents=True, exist_ok=True)
    model = _model(task)
    model.fit(modality.data(training.rows), seed=seeds["fit"], folder=folder)
    watch.lap("fit")
    samples = model.sample(task.experiment.sampled, seed=seeds["sample"])
    watch.lap("sample")
    generated = _generated(modality, samples, parts.reference, condition.pair, task.seed)
    watch.lap("read")
    if unit.number == 0:
        (task.out / SAMPLES).mkdir(exist_ok=True)
        modality.keep(samples, task.out / SAMPLES, unit.name)
    shutil.rmtree(folder, ignore_errors=True)
    return {
        "unit": asdict(unit),
        "seeds": seeds,
        "settings": dict(task.experiment.settings),
        "training": training.record,
        "generated": generated,
        "seconds": watch.seconds,
        "device": task.device,
        "versions": versions(),
    }


def _model(task: Task) -> Any:
    return generator(task.unit.generator, task.experiment.settings, size=task.scale.size, device=task.device)


def _generated(
    modality: Modality, samples: Any, rows: pa.Table, pair: tuple[str, str], seed: int
) -> dict[str, Any]:
    """What the samples show, and what an audit says of them against clean rows read in the same way."""
    read, reference = modality.read(samples), modality.reference(rows)
    result = looked_at(read, reference, modality.features, seed=seed, floor=FLOOR)
    return {
        "measures": measured(read) | modality.corrected(read),
        "quality": {
            "name": modality.quality_name,
            "value": modality.quality(samples, read, rows, reference),
        },
        "audit": told(result, pair),
    }


def scale_of(name: str | Scale) -> Scale:
    """A scale by name, or as given."""
    return name if isinstance(name, Scale) else scale_named(name)
