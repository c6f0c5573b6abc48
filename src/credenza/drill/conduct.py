"""Conduct a drill: plant attacks, audit, count."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from credenza._version import __version__
from credenza.attacks.columns import near_misses, spell
from credenza.checks import Settings
from credenza.contracts import InputSummary
from credenza.data import Source
from credenza.drill.crew import Crew, crew
from credenza.drill.forecast import Forecast, forecast
from credenza.drill.journal import Place
from credenza.drill.journal import journal as journal_of
from credenza.drill.pool import Pool, open_inputs
from credenza.drill.result import Drill, Exercise, Point, Undisturbed, Weak
from credenza.drill.settings import DrillSettings, as_pairs
from credenza.drill.target import Scout, Target, require_feasible
from credenza.drill.trial import Record, probed, trial
from credenza.errors import UsageError

LIBRARIES = ("numpy", "scipy", "numba", "pyarrow", "duckdb")
WEAKEST = 10
Progress = Callable[[int, int], None]
Run = tuple[Target | None, float, Settings, tuple[int, ...]]


def drill(
    clean: Any,
    reference: Any = None,
    *,
    holdout: Any = None,
    pairs: Sequence[Sequence[str]] | int | None = None,
    kinds: Sequence[str] = (),
    strengths: Sequence[float] = (),
    runs: int = 20,
    null_runs: int = 200,
    split: float = 0.5,
    target: float = 0.05,
    columns: Sequence[str] | None = None,
    fdr: float = 0.05,
    min_strength: float = 0.0,
    seed: int = 0,
    jobs: int | None = 1,
    journal: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Drill:
    """Find out what is the smallest attack that an audit of this data against this reference would catch.

    Parameters
    ----------
    clean : data as it is audited, but taken for clean: anything :func:`credenza.audit` takes.
    reference : trusted data with its rows (no profile). Without one, ``clean`` is split at random into a suspect and a
        reference in every run.
    holdout : further genuine rows for attacks to put in. Without it they are copied from the reference's side.
    pairs : pairs of columns to attack, or how many to choose (8); chosen pairs spread from the easiest to the hardest.
    kinds : of :data:`credenza.drill.KINDS`; by default the one that suits each pair: whole rows ("positive" or
        "negative", where there is more room), values ("relabel-...") where there are too few rows to put in, re-pairing
        ("continuous-...") of two columns of numbers.
    strengths : probability masses to move, in (0, 0.5] (of continuous kinds: half the share of rows drawn); by default
        0.5 to 2 times the strength that calculation expects to be caught with 80%.
    runs, null_runs : runs of each attack and strength, and runs without an attack, for false alarms.
    split : the suspect's share of the rows where there is no reference.
    target : strength that more reference rows should bring within reach.
    columns : use these columns only.
    fdr, min_strength, seed : as of :func:`credenza.audit`; the seed is of everything random.
    jobs : processes; None for as many as there are processors. The result does not depend on it. More than one needs
        an entry guarded by ``if __name__ == "__main__"``.
    journal : JSON Lines file of finished runs. A drill that was stopped and is asked again goes on from there.
    progress : called with (runs done, runs in all).

    Returns
    -------
    Drill

    Raises
    ------
    InputError : data that cannot be read, is too small, or has no pair that could be attacked visibly.
    UsageError : a bad argument; a pair that is not there; a journal of another drill.
    InfeasibleError : a strength beyond what a pair allows; the message has the range.

    Notes
    -----
    Each run deals the pooled rows out anew at the two sizes, plants one attack in the suspect, and climbs the ladder of
    CZ201 against the reference: a run counts as caught when the attacked pair is named. If clean and reference are one
    population, dealing anew is exact; whether they are, the audit of the data as they are says first.

    Cost: pairs x kinds x strengths x runs audits of one check (1,160 by default); held in memory are all rows, once.
    Left out: attacks on more than one pair, inside slices or strata, and attacks that no pair shows.

    Examples
    --------
    >>> import numpy as np, pyarrow as pa
    >>> rng = np.random.default_rng(0)
    >>> table = pa.table({name: rng.random(4_000) < 0.5 for name in ("hat", "smile", "young")})
    >>> found = drill(table, pairs=[("hat", "smile")], strengths=[0.01, 0.08], runs=4, null_runs=0)
    >>> [point.named for point in found.exercises[0].points]
    [0, 4]
    """
    started = time.perf_counter()
    chosen, choose = as_pairs(pairs, DrillSettings.choose)
    settings = DrillSettings(
        chosen, choose, tuple(kinds), tuple(map(float, strengths)),
        runs=runs, null_runs=null_runs, split=split, target=target,
        fdr=fdr, min_strength=min_strength, seed=seed,
    )  # fmt: skip
    workers = _jobs(jobs)
    sources = open_inputs(clean, reference, holdout)
    pool = Pool.of(*sources, columns, settings)
    scout = Scout(pool, settings)
    _require_features(scout, settings)
    every = scout.every()
    targets = _feasible([probed(pool, one, seed) for one in scout.chosen(every)], settings)
    inputs = _inputs(sources)
    undisturbed = None if sources[1] is None else _undisturbed(sources, columns, settings)
    with crew(pool, workers) as hands:
        forecasts = _forecasts(hands, targets, settings)
        order = sorted(range(len(targets)), key=lambda k: (forecasts[k].caught[0], targets[k].pair))
        targets, forecasts = [targets[k] for k in order], [forecasts[k] for k in order]
        done = _runs(hands, targets, forecasts, settings, _key(inputs, pool, settings), journal, progress)
    return Drill(
        exercises=tuple(
            _exercise(number, one, expected, done, settings, pool)
            for number, (one, expected) in enumerate(zip(targets, forecasts, strict=True))
        ),
        null_runs=settings.null_runs,
        null_alarms=sum(done[-1, 0, run].alarm for run in range(settings.null_runs)),
        undisturbed=undisturbed,
        suspect_rows=pool.suspect_rows,
        reference_rows=pool.reference_rows,
        pairs=len(every),
        blind=sum(not one.visible for one in every),
        weakest=tuple(Weak(one.pair, one.kind.name, one.guess) for one in every[::-1] if one.visible)[
            :WEAKEST
        ],
        left_out=pool.left_out,
        target=settings.target,
        inputs=inputs,
        settings=settings.to_dict() | {"columns": list(pool.schema.names), "jobs": workers},
        versions=_versions(),
        timing={"total": time.perf_counter() - started},
    )


def _jobs(jobs: int | None) -> int:
    if jobs is None:
        return os.cpu_count() or 1
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise UsageError(f"jobs is the number of processes, 1 or more; found {jobs!r}")
    return jobs


def _require_features(scout: Scout, settings: DrillSettings) -> None:
    """Raise UsageError for a pair whose columns are not there, or have no levels."""
    known = scout.pool.schema.names
    for name in (name for pair in settings.pairs for name in pair):
        if name not in known:
            reason = dict(scout.pool.schema.skipped).get(name)
            told = f"was left out: {reason}" if reason else f"is not there; {near_misses(name, known)}"
            raise UsageError(f"column {name!r} of a pair {told}")


def _feasible(targets: Sequence[Target], settings: DrillSettings) -> list[Target]:
    """The targets that can carry the strengths; of pairs that the user named all must, of chosen ones some."""
    kept = [one for one in targets if one.limit > 0 and max(settings.strengths, default=0.0) <= one.limit]
    if settings.pairs or not kept:
        for one in targets:
            require_feasible(one, settings.strengths)
    return kept


def _undisturbed(
    sources: tuple[Source, Source | None, Source | None],
    columns: Sequence[str] | None,
    settings: DrillSettings,
) -> Undisturbed:
    """The audit of the data as they are."""
    from credenza.report import audit

    result = audit(
        sources[0],
        sources[1],
        columns=columns,
        checks=("CZ201",),
        fdr=settings.fdr,
        min_strength=settings.min_strength,
        seed=settings.seed,
    ).result
    return Undisturbed(result.verdict.value, tuple(culprit.features for culprit in result.culprits))


def _forecasts(hands: Crew, targets: Sequence[Target], settings: DrillSettings) -> list[Forecast]:
    found = dict(hands.map(_forecast, [(one, settings) for one in targets]))
    return [found[k] for k in range(len(targets))]


def _forecast(pool: Pool, task: tuple[Target, DrillSettings]) -> Forecast:
    return forecast(pool, *task)


def _runs(
    hands: Crew,
    targets: Sequence[Target],
    forecasts: Sequence[Forecast],
    settings: DrillSettings,
    key: str,
    path: str | os.PathLike[str] | None,
    progress: Progress | None,
) -> Mapping[Place, Record]:
    """All runs, those of the journal and those that are left."""
    tasks: dict[Place, Run] = {
        (-1, 0, run): (None, 0.0, settings.audit, _seed(settings, -1, 0, run))
        for run in range(settings.null_runs)
    }
    for number, (one, expected) in enumerate(zip(targets, forecasts, strict=True)):
        for at, strength in enumerate(expected.strengths):
            for run in range(settings.runs):
                place = number, at, run
                tasks[place] = (one, strength, settings.audit, _seed(settings, *place))
    plan = [[str(one), list(expected.strengths)] for one, expected in zip(targets, forecasts, strict=True)]
    digest = hashlib.sha256(json.dumps([key, plan]).encode()).hexdigest()
    with journal_of(path, digest) as book:
        left = [place for place in tasks if place not in book.done]
        for k, (number, record) in enumerate(hands.map(_trial, [tasks[place] for place in left]), start=1):
            book.add(left[number], record)
            if progress is not None:
                progress(len(tasks) - len(left) + k, len(tasks))
        return book.done


def _trial(pool: Pool, task: Run) -> Record:
    return trial(pool, *task)


def _seed(settings: DrillSettings, target: int, strength: int, run: int) -> tuple[int, ...]:
    return settings.seed, 3, target + 1, strength, run


def _key(inputs: Sequence[InputSummary], pool: Pool, settings: DrillSettings) -> str:
    """Of everything that decides what a run comes to, but for the targets."""
    about = [[given.role, given.sha256, given.rows] for given in inputs]
    kept = {k: v for k, v in settings.to_dict().items() if k not in ("runs", "null_runs", "target")}
    return json.dumps([about, list(pool.schema.names), kept, __version__])


def _exercise(
    number: int,
    one: Target,
    expected: Forecast,
    done: Mapping[Place, Record],
    settings: DrillSettings,
    pool: Pool,
) -> Exercise:
    points = []
    for at, strength in enumerate(expected.strengths):
        records = [done[number, at, run] for run in range(settings.runs)]
        points.append(
            Point(
                strength,
                2 * round(strength * pool.suspect_rows),
                len(records),
                sum(record.named for record in records),
                sum(record.alarm for record in records),
                sum(record.extra for record in records) / len(records),
                expected.named[at],
                expected.alarm[at],
            )
        )
    levels = None if one.levels is None else (spell(one.levels[0]), spell(one.levels[1]))
    return Exercise(
        one.pair, levels, one.kind.name, one.limit, tuple(points), expected.curve, expected.caught,
        expected.reference_rows,
    )  # fmt: skip


def _inputs(sources: Sequence[Source | None]) -> tuple[InputSummary, ...]:
    roles = ("clean", "reference", "hold-out")
    return tuple(
        InputSummary(role, s.name, s.kind, s.rows, len(s.columns), s.fingerprint())
        for role, s in zip(roles, sources, strict=True)
        if s is not None
    )


def _versions() -> dict[str, str]:
    return {"credenza": __version__, "python": platform.python_version()} | {n: version(n) for n in LIBRARIES}
