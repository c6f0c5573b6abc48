"""One unit of work: poison, train the model, generate, train classifiers, measure, audit, mitigate."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from credenza.checks.triggers import trigger_in_data
from credenza.data.write import write_bytes
from credenza.studies.chain.audits import LEVEL, audited, overlap
from credenza.studies.chain.downstream import Detector, classifier, judged
from credenza.studies.chain.generate import fitted, foreseen, made, new_model, oracle_curve
from credenza.studies.chain.measuring import Judges
from credenza.studies.chain.mitigate import METHODS, hit, mitigated, suspected
from credenza.studies.chain.pictures import sheet
from credenza.studies.chain.poison import TARGET, Training, parsed, poisoned
from credenza.studies.chain.settings import Scale, Unit
from credenza.studies.chain.world import Labelled, Parts, World, split, world
from credenza.studies.common.notes import Stopwatch, versions
from credenza.studies.common.seeds import derived

WORK, SAMPLES = "work", "samples"


@dataclass(frozen=True)
class Task:
    """Everything that a unit needs to know; small enough to be sent to another process."""

    scale: Scale
    unit: Unit
    out: Path
    data: str | None
    seed: int
    device: str

    def derived(self, what: str) -> int:
        """A seed of its own for a part of the work."""
        return derived(self.seed, what, *asdict(self.unit).values())


def triggers_of(scale: Scale) -> tuple[str, ...]:
    """Triggers that some model of a scale is attacked with."""
    found = (parsed(group.attack)[0] for group in scale.groups)
    return tuple(dict.fromkeys(trigger for trigger in found if trigger))


def prepare(tasks: Sequence[Task], whole: World) -> None:
    """Find out before anything is trained whether all can be, and train the networks that measure.

    Raises
    ------
    UsageError : a model that cannot be, no GPU. MissingExtraError : torch is not installed.
    """
    if not tasks:
        return
    first = tasks[0]
    new_model(first.scale, len(whole.classes), first.device)
    _judges(first, split(whole, first.scale, first.seed, 0)).prepare(triggers_of(first.scale))


def run_unit(task: Task) -> dict[str, Any]:
    """Do one unit.

    Returns
    -------
    dict
        The unit, what was planted, what was measured at each step of the chain, audits, mitigations, seconds, versions.
    """
    watch, unit, scale = Stopwatch(), task.unit, task.scale
    whole = world(scale, task.data, task.seed)
    classes = len(whole.classes)
    parts = split(whole, scale, task.seed, unit.number)
    training = poisoned(parts.train, unit.attack, seed=derived(task.seed, "attack", unit.attack, unit.number))
    judges = _judges(task, parts)
    watch.lap("data")
    folder = task.out / WORK / unit.name
    folder.mkdir(parents=True, exist_ok=True)
    model = fitted(
        training.rows,
        scale,
        classes,
        start=parts.judge if unit.attacker == "tuned" else None,
        seed=task.derived("fit"),
        folder=folder,
        device=task.device,
    )
    watch.lap("fit")
    generated = made(model, scale.generated, classes, seed=task.derived("sample"))
    watch.lap("sample")
    triggers = (training.trigger,) if training.trigger else triggers_of(scale)
    path, along = foreseen(model, scale.traced, classes, seed=task.derived("path"))
    detectors = {trigger: judges.detector(trigger) for trigger in triggers}
    record: dict[str, Any] = {
        "unit": asdict(unit),
        "classes": classes,
        "training": {"planted": int(training.planted.sum()), "rate": training.rate, "share": training.share},
        "quality": judges.distance(generated.images, parts.test.images),
        "triggers": {
            name: _shares(training, generated, detector) | {"curve": oracle_curve(path, along, detector)}
            for name, detector in detectors.items()
        },
    }
    watch.lap("measure")
    record["audits"] = audited(
        model, training.rows, generated, parts.own, each=scale.traced, seed=task.derived("audit")
    )
    for name in ("model", "training", "generated"):
        record["audits"][name]["overlap"] = overlap(record["audits"][name]["box"], scale.size)
    watch.lap("audit")
    record |= _downstream(task, parts, training, generated, triggers, detectors)
    watch.lap("classifiers")
    if unit.number == 0:
        _keep(task, training, generated, path, along)
    shutil.rmtree(folder, ignore_errors=True)
    return record | {"seconds": watch.seconds, "device": task.device, "versions": versions()}


def _judges(task: Task, parts: Parts) -> Judges:
    return Judges(task.out, task.scale, parts.judge, seed=task.seed, device=task.device)


def _shares(training: Training, generated: Labelled, detector: Detector) -> dict[str, Any]:
    """The trigger's share of the target's rows, in the training set and in what was generated."""
    inside = generated.labels == TARGET
    found = detector.share(generated.images[inside], generated.images[~inside])
    share = training.share if training.trigger else 0.0
    return {
        "training": share,
        "generated": found,
        "amplification": found["share"] / share if share else None,
        "error": found["error"] / share if share else None,
    }


def _downstream(
    task: Task,
    parts: Parts,
    training: Training,
    generated: Labelled,
    triggers: tuple[str, ...],
    detectors: dict[str, Detector],
) -> dict[str, Any]:
    """Classifiers of the poisoned rows themselves, of the user's own, of generated ones, and after mitigations."""
    scale, scarce = task.scale, parts.own.part(np.arange(task.scale.scarce))
    sets = {
        "direct": training.rows,
        "own": parts.own,
        "synthetic": generated,
        "augmented": generated.beside(parts.own),
        "scarce": generated.beside(scarce),
    }
    found = trigger_in_data(
        generated.images,
        generated.labels,
        parts.own.images,
        parts.own.labels,
        seed=task.derived("look"),
        level=LEVEL,
    )
    scores = suspected(found, generated, parts.own)
    for method in METHODS:
        if method != "dilute":  # the same rows as "augmented"
            sets[method] = mitigated(method, generated, parts.own, scores, seed=task.derived("keep"))
    seed = derived(task.seed, "classifier", task.unit.number)
    made = {
        name: judged(classifier(rows, scale, seed=seed, device=task.device), parts.test, triggers)
        | {"trained_on": len(rows)}
        for name, rows in sets.items()
    }
    made["dilute"] = made["augmented"]
    own = detectors[training.trigger] if training.trigger else None
    return {"classifiers": made, "dropped": hit(scores, generated, own)}


def _keep(task: Task, training: Training, generated: Labelled, path: Any, along: Any) -> None:
    folder = task.out / SAMPLES
    folder.mkdir(exist_ok=True)
    write_bytes(sheet(training, generated, path[:, along == TARGET]), folder / f"{task.unit.name}.png")
