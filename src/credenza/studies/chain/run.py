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
from credenza.studies.chain.page import write_page
from credenza.studies.chain.plots import write_plots
from credenza.studies.chain.settings import Scale, Unit, deciding, scale_of, units_of
from credenza.studies.chain.summary import summarised
from credenza.studies.chain.work import WORK, Task, prepare, run_unit
from credenza.studies.chain.world import world
from credenza.studies.common.results import SCHEMA, Results
from credenza.studies.common.study import PAGE, SUMMARY, Study
from credenza.studies.common.workers import each, minutes_left, require_jobs


def chain(
    out: str | os.PathLike[str],
    *,
    scale: str | Scale = "small",
    data: str | os.PathLike[str] | None = None,
    seed: int = 0,
    jobs: int = 1,
    only: Sequence[str] = (),
    device: str = "auto",
) -> Study:
    """Follow a trigger from a poisoned set through a diffusion model into a classifier, and try to stop it.

    For each attack: plant it; train a class-conditional diffusion model (DDPM-IP) on the rows, from scratch or tuned
    from one of clean rows; generate as many images; train classifiers on them alone, beside all or a few of the user's
    own rows, and on the poisoned rows directly; measure accuracy, attack success, Fréchet distance and the trigger's
    share; audit model, generations and training rows (CZ501-503); drop, weigh or dilute, and retrain.

    Parameters
    ----------
    out : folder for results.jsonl (one line a model), summary.json, summary.md, plots and samples; made if need be.
        A study that was stopped goes on there.
    scale : "tiny" (seconds), "small" (an hour or two of two cores), "paper" (a GPU), or a :class:`Scale` of your own.
    data : folder of class folders, or table with a column of images and a column ``label``; None draws faces.
    seed : of every random draw. jobs : models trained at a time, each in a process of its own.
    only : filters ATTACK/ATTACKER, such as "patch-10/scratch"; parts left out or ``*`` let everything pass.
    device : "auto", "cpu" or "cuda".

    Returns
    -------
    Study

    Raises
    ------
    UsageError : an unknown scale, a filter that lets nothing pass, a folder with results of other settings, no GPU.
    InputError : data without images or classes, or too few. MissingExtraError : torch or Pillow is not installed.

    Notes
    -----
    The target is the first class. Source: arXiv 2512.15769, whose grid of triggers and rates it follows on images that
    are small enough for a laptop. Left out: text-to-image models, and detectors and segmenters downstream.
    """
    require_jobs(jobs)
    chosen, path = scale_of(scale), Path(out)
    units = units_of(chosen, only)
    source = None if data is None else os.fspath(data)
    whole = world(chosen, source, seed)
    settings = {"scale": chosen.to_dict(), "seed": seed, "data": whole.digest}
    results = Results(path, settings, study="chain", unit=Unit, deciding=deciding)
    tasks = [
        Task(chosen, unit, path, source, seed, device) for unit in units if unit.name not in results.done
    ]
    prepare(tasks, whole)
    _work(tasks, results, jobs)
    with suppress(OSError):  # it holds checkpoints of models that were not asked for this time
        (path / WORK).rmdir()
    return _finished(
        path, chosen, results, settings | {"source": whole.source, "classes": list(whole.classes)}
    )


def _work(tasks: Sequence[Task], results: Results, jobs: int) -> None:
    """Do what is left, note it at once, and say how long the rest will take."""
    left = {task.unit.name: task.unit.attacker for task in tasks}
    times: list[tuple[str, float]] = []
    for record in each(run_unit, tasks, jobs):
        results.add(record)
        name, seconds = Unit(**record["unit"]).name, sum(record["seconds"].values())
        times.append((left.pop(name), seconds))
        success = max(record["classifiers"]["synthetic"]["success"].values(), default=0.0)
        announce(
            f"{len(times)} of {len(tasks)}: {name}, success after generation {success:.0%}, {seconds:.0f} s; "
            f"about {minutes_left(times, list(left.values()), jobs) or 0:.0f} min left"
        )


def _finished(path: Path, scale: Scale, results: Results, settings: dict[str, Any]) -> Study:
    """Write the tables and plots of what is done."""
    wanted = len(units_of(scale))
    summary = {
        "schema": SCHEMA,
        "study": "chain",
        **settings,
        "units": {"done": len(results.done), "wanted": wanted},
        "groups": summarised(results.records),
    }
    write_text(json.dumps(summary, indent=2, allow_nan=False) + "\n", path / SUMMARY)
    write_page(summary, path / PAGE)
    write_plots(summary, path / "plots")
    return Study(path, tuple(results.records), summary, wanted)
