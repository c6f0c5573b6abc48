"""What repair restores: culprits left, cells, marginals, all other pairs, rows touched. Run: make bench-repair.

Each run cuts real data into suspect, reference and trusted hold-outs, moves one pair or three, audits, repairs by every
method, and looks again. Printed are shares of runs and means, with 95% intervals (Wilson, or normal for means).
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from detection import summary
from tables import adult, celeba, feasible, poisoned, split

import credenza
from credenza.attacks import AssociativePoisoning, ContinuousPoisoning
from credenza.data import Schema, encode, fit_schema, sketch
from credenza.errors import InfeasibleError
from credenza.report.repairing import Repaired, repair

Record = dict[str, float]
Made = tuple[
    pa.Table, pa.Table, pa.Table, pa.Table
]  # clean suspect, poisoned suspect, reference, trusted rows
FACES = (4_000, 4_500, 3_000, 4_500)
PEOPLE = (14_000, 14_000, 8_000, 12_000)
MOVED = ("reweight", "resample", "reverse")
MORE = (*MOVED, "resample, thinned", "reweight to independence")
EDITED = ("relabel", "reweight")


def faces(seed: int, *, strength: float, pairs: int, edited: bool = False) -> Made | None:
    """CelebA's attributes, disjoint pairs moved one after the other; None where this split does not allow it."""
    clean, reference, donors, trusted = split(celeba(), seed, *FACES)
    pool, chosen = feasible(strength, FACES[0], FACES[0] if edited else FACES[2]), []
    for k in np.random.default_rng([seed, 5]).permutation(len(pool)):
        if not {*pool[k][:2]} & {x for pair in chosen for x in pair[:2]}:
            chosen.append(pool[k])
    bad = clean
    for a, b, sign in chosen[:pairs]:
        attack = AssociativePoisoning(
            (a, b), strength=sign * strength, mode="relabel" if edited else "replace"
        )
        try:
            bad = attack.apply(bad, holdout=None if edited else donors, seed=seed).data
        except InfeasibleError:
            return None
    return (clean, bad, reference, trusted) if len(chosen) >= pairs else None


def people(seed: int, *, kind: str) -> Made | None:
    """Adult census, a tenth of the rows edited; what is called older is the upper half of age, which is audited."""
    suspect, reference, donors, trusted = split(adult(), seed, *PEOPLE)
    if kind == "age x hours":
        bad = ContinuousPoisoning(("age", "hours_per_week"), edits=0.1).apply(suspect, seed=seed).data
    elif kind == "education x occupation":
        levels = ("HS-grad", "Prof-specialty")
        attack = AssociativePoisoning(("education", "occupation"), levels=levels, edits=0.1, mode="duplicate")
        bad = attack.apply(suspect, seed=seed).data
    else:
        older = [t.append_column("older", pa.compute.greater(t["age"], 37)) for t in (suspect, donors)]
        found = poisoned(*older, ("sex", "older"), 0.05, seed)
        if found is None:
            return None
        bad = found.drop_columns(["older"])
    return suspect, bad, reference, trusted


@dataclass(frozen=True)
class World:
    """A way to poison, and the methods that are tried on it."""

    name: str
    make: Callable[[int], Made | None]
    methods: tuple[str, ...] = MOVED


WORLDS = (
    World("faces, one pair, .05", partial(faces, strength=0.05, pairs=1), MORE),
    World("faces, one pair, .1", partial(faces, strength=0.1, pairs=1), MORE),
    World("faces, three pairs, .05", partial(faces, strength=0.05, pairs=3)),
    World("faces, three pairs, .1", partial(faces, strength=0.1, pairs=3)),
    World("faces, one pair relabelled, .05", partial(faces, strength=0.05, pairs=1, edited=True), EDITED),
    World("faces, one pair relabelled, .1", partial(faces, strength=0.1, pairs=1, edited=True), EDITED),
    World("faces, three pairs relabelled, .05", partial(faces, strength=0.05, pairs=3, edited=True), EDITED),
    World("faces, three pairs relabelled, .1", partial(faces, strength=0.1, pairs=3, edited=True), EDITED),
    World("census, education x occupation", partial(people, kind="education x occupation"), MORE),
    World("census, sex x age", partial(people, kind="sex x age")),
    World("census, age x hours re-paired", partial(people, kind="age x hours"), EDITED),
)


def run(seed: int, *, world: int) -> dict[str, Record]:
    """Records by method; empty where nothing was planted or named."""
    made = WORLDS[world].make(seed)
    if made is None:
        return {}
    clean, bad, reference, trusted = made
    audit = credenza.audit(bad, reference)
    if not audit.result.culprits:
        return {}
    truth = Truth.of(celeba() if "faces" in WORLDS[world].name else adult(), clean, reference)
    records = {"(clean suspect)": truth.clean(clean, reference)}
    for method in WORLDS[world].methods:
        name = method.split(",")[0].split(" ")[0]
        options: dict[str, Any] = {"thin": True} if "thinned" in method else {}
        if "independence" in method:
            options["target"] = "independence"
        spare = trusted if name == "reverse" else None
        try:
            done = repair(
                bad,
                audit,
                method=name,
                reference=reference,
                holdout=spare,
                partial=True,
                seed=seed,
                **options,
            )
        except InfeasibleError:
            records[method] = {"done": 0.0}
            continue
        records[method] = {"done": 1.0} | truth.measured(done, bad, reference)
    return records


@dataclass(frozen=True)
class Truth:
    """Correlations of all pairs of levels in the whole data, and how far the clean suspect is from them."""

    schema: Schema
    whole: np.ndarray
    error: float

    @classmethod
    def of(cls, table: pa.Table, clean: pa.Table, reference: pa.Table) -> Truth:
        schema = fit_schema(sketch(reference))
        whole = correlations(encode(table, schema), schema)
        return cls(schema, whole, apart(correlations(encode(clean, schema), schema), whole))

    def clean(self, clean: pa.Table, reference: pa.Table) -> Record:
        """The same measures of what was never poisoned, so that chance has a name."""
        culprits = credenza.audit(clean, reference).result.culprits
        return {"done": 1.0, "none left": float(not culprits), "others": 1.0, "effective": 1.0}

    def measured(self, done: Repaired, bad: pa.Table, reference: pa.Table) -> Record:
        """What the repaired rows look like."""
        left: Any = done.after.left if done.after else ()
        if done.weights is None:
            left = credenza.audit(done.data, reference).result.culprits
        now, before, trusted = (
            encode(t.select(self.schema.names), self.schema) for t in (done.data, bad, reference)
        )
        weights = (
            np.full(len(now), 1 / len(now)) if done.weights is None else done.weights / done.weights.sum()
        )
        size, pairs = 1 / float(weights @ weights), [self.places(c.features) for c in done.culprits]
        cells = [near(joint(now, pair, weights), joint(trusted, pair), size, len(trusted)) for pair in pairs]
        moved = [margin(now, f, weights) - margin(before, f) for pair in pairs for f in pair]
        edits, least = float(done.summary["edits"]), float(done.summary["minimum"])
        return {
            "none left": float(not left),
            "cells": float(np.mean(cells)),
            "margins": float(max(np.abs(m).max() for m in moved) * len(now)),
            "others": apart(correlations(now, self.schema, weights), self.whole) / self.error,
            "edits": edits / least if edits else float("nan"),
            "effective": float(done.summary["effective_rows"]) / bad.num_rows,
            "possible": possible(joint(before, pairs[0]), joint(now, pairs[0], weights)),
        }

    def places(self, names: tuple[str, ...]) -> tuple[int, ...]:
        return tuple(self.schema.index(name) for name in names)


def correlations(codes: np.ndarray, schema: Schema, weights: np.ndarray | None = None) -> np.ndarray:
    """Correlations of all pairs of levels of different features; of binary features their MCC, four times."""
    share = np.full(len(codes), 1 / len(codes)) if weights is None else weights
    planes = np.concatenate(
        [codes[:, [k]] == np.arange(f.size) for k, f in enumerate(schema.features)], axis=1
    )
    centred = planes - share @ planes
    cov = (centred * share[:, None]).T @ centred
    sd = np.sqrt(np.maximum(np.diag(cov), 1e-12))
    owner = np.repeat(np.arange(len(schema.features)), [f.size for f in schema.features])
    upper = owner[:, None] < owner[None, :]
    return np.asarray((cov / np.outer(sd, sd))[upper])


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """Mean absolute difference."""
    return float(np.abs(a - b).mean())


def joint(codes: np.ndarray, pair: tuple[int, ...], weights: np.ndarray | None = None) -> np.ndarray:
    """Shares of a pair's cells, flat; 64 levels at most."""
    share = np.full(len(codes), 1 / len(codes)) if weights is None else weights
    a, b = (codes[:, f].astype(int) for f in pair)
    return np.bincount(a * 64 + b, weights=share, minlength=64 * 64)


def margin(codes: np.ndarray, feature: int, weights: np.ndarray | None = None) -> np.ndarray:
    """Shares of a feature's levels."""
    share = np.full(len(codes), 1 / len(codes)) if weights is None else weights
    return np.bincount(codes[:, feature], weights=share, minlength=64)


def near(a: np.ndarray, b: np.ndarray, n: float, m: float) -> float:
    """Share of the cells that are within two standard errors of each other; by chance 95%."""
    pooled = (n * a + m * b) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    used = pooled > 0
    return float((np.abs(a - b) <= 2 * error)[used].mean())


def possible(found: np.ndarray, wanted: np.ndarray) -> float:
    """Largest effective sample size, as a share, of weights that turn one table into another."""
    used = found > 0
    return float(1 / (wanted[used] ** 2 / found[used]).sum())


COLUMNS = ("done", "none left", "cells", "margins", "others", "edits", "effective", "possible")
SHARES = {"done", "none left"}


def cell(records: list[Record], name: str) -> str:
    """A cell of the table printed."""
    values = [r[name] for r in records if name in r and not np.isnan(r[name])]
    return summary(values, name in SHARES) if values else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--only", default="", help="run worlds whose name has this text")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    started = time.perf_counter()
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    print(f"credenza {credenza.__version__}, {date.today()}, {machine}")
    print(f"\n| attack | method | {' | '.join(COLUMNS)} | runs |")
    print("|---" * (len(COLUMNS) + 3) + "|", flush=True)
    with ProcessPoolExecutor(args.jobs) as pool:
        for number, world in enumerate(WORLDS):
            if args.only not in world.name:
                continue
            found = list(pool.map(partial(run, world=number), range(args.runs), chunksize=2))
            for method in ("(clean suspect)", *world.methods):
                records = [by_method[method] for by_method in found if method in by_method]
                shown = " | ".join(cell(records, name) for name in COLUMNS)
                print(f"| {world.name} | {method} | {shown} | {len(records)} |", flush=True)
    print(f"\n{time.perf_counter() - started:.0f} s with {args.jobs} processes.")


if __name__ == "__main__":
    main()
