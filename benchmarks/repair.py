"""What repair restores: culprits left, cells, marginals, all other pairs, rows touched. Run: make bench-detection.

Each run cuts CelebA's attributes into suspect, reference and hold-outs, poisons one pair or three, audits, repairs by a
method, and looks again. Printed are shares of runs and means, with 95% intervals (Wilson, or normal for means).
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from detection import summary
from tables import celeba, feasible, split

import credenza
from credenza.attacks import AssociativePoisoning
from credenza.errors import InfeasibleError
from credenza.report.repairing import Repaired, repair

Record = dict[str, float]
METHODS = ("reweight", "resample, thinned", "reverse", "relabel")
ATTACKS = ((0.05, 1), (0.10, 1), (0.05, 3))


def bits(table: pa.Table) -> np.ndarray:
    """Rows x attributes, 0 or 1."""
    names = [name for name in table.column_names if name != "weight"]
    return np.stack([table[name].to_numpy() for name in names], axis=1).astype(float)


def correlations(values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """MCC of all pairs, weighted."""
    share = np.full(len(values), 1 / len(values)) if weights is None else weights / weights.sum()
    centred = values - share @ values
    cov = (centred * share[:, None]).T @ centred
    sd = np.sqrt(np.diag(cov))
    return np.asarray((cov / np.outer(sd, sd))[np.triu_indices(len(cov), 1)])


def attacked(seed: int, strength: float, pairs: int, method: str) -> tuple[pa.Table, ...] | None:
    """Clean suspect, poisoned suspect, reference, trusted hold-out; None where this split does not allow it."""
    suspect, reference, donors, trusted = split(celeba(), seed, 5_000, 5_000, 3_000, 3_000)
    pool, chosen = feasible(strength, 5_000, 3_000), []
    for k in np.random.default_rng([seed, 5]).permutation(len(pool)):
        a, b, sign = pool[k]
        if sign > 0 and not {a, b} & {x for pair in chosen for x in pair}:
            chosen.append((a, b))
    if len(chosen) < pairs:
        return None
    mode = "relabel" if method == "relabel" else "replace" if pairs == 1 else "duplicate"
    attack = AssociativePoisoning(chosen[:pairs], strength=strength, mode=mode)
    try:
        bad = attack.apply(suspect, holdout=donors if mode == "replace" else None, seed=seed).data
    except InfeasibleError:
        return None
    return suspect, bad, reference, trusted


def run(seed: int, *, strength: float, pairs: int, method: str, target: str = "reference") -> Record | None:
    made = attacked(seed, strength, pairs, method)
    if made is None:
        return None
    clean, bad, reference, trusted = made
    audit = credenza.audit(bad, reference)
    if not audit.result.culprits:
        return None
    name, options = method.split(",")[0], {}
    if "thinned" in method:
        options = {"thin": True}
    holdout = trusted if name == "reverse" else None
    try:
        done = repair(
            bad, audit, method=name, reference=reference, target=target, holdout=holdout, partial=True, seed=seed,
            **options,
        )  # fmt: skip
    except InfeasibleError:
        return {"done": 0.0}
    return {"done": 1.0} | measured(done, clean, bad, reference)


def measured(done: Repaired, clean: pa.Table, bad: pa.Table, reference: pa.Table) -> Record:
    truth = correlations(bits(celeba()))
    now, before = bits(done.data), bits(bad)
    margin = now.mean(axis=0) if done.weights is None else np.average(now, axis=0, weights=done.weights)
    left = set(map(frozenset, done.after.left)) if done.after else set()
    if done.method != "reweight":
        left = {frozenset(c.features) for c in credenza.audit(done.data, reference).result.culprits}
    columns = [k for k, name in enumerate(bad.column_names) if any(name in p.features for p in done.culprits)]
    error = np.abs(correlations(now, done.weights) - truth).mean()
    return {
        "none left": float(not left),
        "cells": float(all(pair.rows[1] <= 3 for pair in done.culprits)),
        "margins": float(np.abs(margin - before.mean(axis=0))[columns].max() * len(now)),
        "others": float(error / np.abs(correlations(bits(clean)) - truth).mean()),
        "edits": float(done.summary["edits"] / done.summary["minimum"])
        if done.summary["edits"]
        else float("nan"),
        "effective": float(done.summary["effective_rows"]) / bad.num_rows,
    }


COLUMNS = ("done", "none left", "cells", "margins", "others", "edits", "effective")
SHARES = {"done", "none left", "cells"}


def cell(records: list[Record], name: str) -> str:
    values = [r[name] for r in records if name in r and not np.isnan(r[name])]
    return summary(values, name in SHARES) if values else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--only", default="", help="run methods whose name has this text")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    started = time.perf_counter()
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    print(f"credenza {credenza.__version__}, {date.today()}, {machine}")
    print(f"\n| strength | pairs | method | target | {' | '.join(COLUMNS)} | runs |")
    print("|---" * (len(COLUMNS) + 5) + "|", flush=True)
    jobs: list[tuple[float, int, str, str]] = [(*a, m, "reference") for a in ATTACKS for m in METHODS]
    jobs.append((0.05, 1, "reweight", "independence"))
    with ProcessPoolExecutor(args.jobs) as pool:
        for strength, pairs, method, target in (job for job in jobs if args.only in job[2]):
            work: Any = partial(run, strength=strength, pairs=pairs, method=method, target=target)
            records = [r for r in pool.map(work, range(args.runs), chunksize=2) if r is not None]
            shown = " | ".join(cell(records, name) for name in COLUMNS)
            print(f"| {strength} | {pairs} | {method} | {target} | {shown} | {len(records)} |", flush=True)
    print(f"\n{time.perf_counter() - started:.0f} s with {args.jobs} processes.")


if __name__ == "__main__":
    main()
