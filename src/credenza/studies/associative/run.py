"""The study as a whole: which units there are, which are left, and what they come to."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from credenza.data.progress import announce
from credenza.data.write import write_text
from credenza.studies.associative.settings import Scale
from credenza.studies.associative.summary import PAPER, summarised
from credenza.studies.associative.units import Unit, deciding, units_of
from credenza.studies.associative.work import WORK, Task, made_population, prepare, run_unit, scale_of
from credenza.studies.associative.write import write_page, write_plots
from credenza.studies.common.optional import imported
from credenza.studies.common.results import SCHEMA, Results
from credenza.studies.common.study import PAGE, SUMMARY, Study
from credenza.studies.common.workers import each, minutes_left, require_jobs


def associative(
    out: str | os.PathLike[str],
    *,
    scale: str | Scale = "small",
    data: str | os.PathLike[str] | None = None,
    seed: int = 0,
    jobs: int = 1,
    only: Sequence[str] = (),
    device: str = "auto",
    network: str | os.PathLike[str] | None = None,
) -> Study:
    """Poison training rows, train generators on them, read what they make; audit and repair before any training.

    Parameters
    ----------
    out : folder for results.jsonl (one line a model), summary.json, summary.md, plots and samples; made if need be.
        A study that was stopped goes on there: models that are done are not made again, and one that was being trained
        goes on from its last checkpoint.
    scale : "tiny" (seconds), "small" (hours of two cores), "paper" (a GPU), or a :class:`Scale` of your own.
    data : table of binary attributes (such as CelebA's); None draws the procedural one.
    seed : of every random draw. jobs : models trained at a time, each in a process of its own.
    only : filters MODALITY/GENERATOR/CONDITION; parts left out or ``*`` let everything pass.
    device : "auto", "cpu" or "cuda", of generators that run on one.
    network : file of a network (TorchScript, ONNX) in whose features the Fréchet distance of images is taken, such as
        Inception; see :class:`credenza.studies.associative.network.FeatureNetwork`. None takes the classifier's.

    Returns
    -------
    Study

    Raises
    ------
    UsageError : an unknown scale, a filter that lets nothing pass, a folder with results of other settings, no GPU.
    InputError : rows without the features that are moved, or too few. MissingExtraError : torch is not installed.

    Notes
    -----
    Every model has a split of its own into training rows, hold-out and reference, the same for all conditions and
    generators of its number; so the spread among models holds the chance of the data too. Tests are Mann and
    Whitney's, of the models of a condition against clean ones, as in arXiv 2511.05177.
    """
    require_jobs(jobs)
    chosen = scale_of(scale)
    path = Path(out)
    source = None if data is None else os.fspath(data)
    units = units_of(chosen, only)
    whole = made_population(chosen, source, seed)
    settings = {"scale": chosen.to_dict(), "seed": seed, "data": whole.digest}
    if network is not None:
        settings["network"] = imported("credenza.studies.associative.network", "FeatureNetwork")(
            network
        ).digest
    results = Results(path, settings, study="associative", unit=Unit, deciding=deciding)
    tasks = [
        Task(chosen, experiment, unit, path, source, seed, device, None if network is None else str(network))
        for experiment, unit in units
        if unit.name not in results.done
    ]
    prepare(tasks, whole)
    _work(tasks, results, jobs)
    with suppress(OSError):  # it holds checkpoints of models that were not asked for this time
        (path / WORK).rmdir()
    return finished(path, chosen, results, settings)


def _work(tasks: Sequence[Task], results: Results, jobs: int) -> None:
    """Do what is left, note it at once, and say how long the rest will take."""
    kinds = {task.unit.name: task.experiment.name for task in tasks}
    times: list[tuple[str, float]] = []
    for record in each(run_unit, tasks, jobs):
        results.add(record)
        unit = record["unit"]
        seconds = sum(record["seconds"].values())
        name = "-".join(str(part) for part in unit.values())
        times.append((kinds.pop(name), seconds))
        left = minutes_left(times, list(kinds.values()), jobs)
        announce(
            f"{len(times)} of {len(tasks)}: {'/'.join(str(part) for part in unit.values())}, "
            f"MCC {record['generated']['measures']['mcc']:+.3f}, {seconds:.0f} s; about {left or 0:.0f} min left"
        )


def finished(path: Path, scale: Scale, results: Results, settings: dict[str, Any]) -> Study:
    """Write the tables and plots of what is done."""
    wanted = len(units_of(scale))
    summary = {
        "schema": SCHEMA,
        "study": "associative",
        **settings,
        "units": {"done": len(results.done), "wanted": wanted},
        "paper": {name: list(pair) for name, pair in PAPER.items()},
        "experiments": summarised(scale, results.records),
    }
    write_text(json.dumps(summary, indent=2, allow_nan=False) + "\n", path / SUMMARY)
    write_page(summary, path / PAGE)
    write_plots(summary, path / "plots")
    return Study(path, tuple(results.records), summary, wanted)
