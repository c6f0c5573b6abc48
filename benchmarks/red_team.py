"""The audit against every associative attack, at 5, 10 and 20% of the rows edited. Run: make bench-detection.

Every attack is a function of (seed, share of rows edited) that poisons one freshly cut table, audits it, and says what
was named. Printed is the share of runs with an alarm, the share that names all that was moved, the share that names it
first, and how many other pairs are named, with 95% intervals (Wilson, or normal for means).
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
from functools import cache, partial

import numpy as np
import pyarrow as pa
from detection import summary
from tables import adult, celeba, feasible, split

import credenza
from credenza.attacks import (
    AssociativePoisoning,
    Attack,
    Backdoor,
    Combined,
    ContinuousPoisoning,
    TriplePoisoning,
)
from credenza.attacks.theory import erasing_strength
from credenza.attacks.triggers import parse_trigger
from credenza.contracts import Culprit
from credenza.errors import InfeasibleError

Record = dict[str, float]
SHARES = (0.05, 0.10, 0.20)
ROWS = 6_000, 6_000, 4_000  # suspect, reference, hold-out


def look(
    suspect: pa.Table, reference: pa.Table | None, true: list[tuple[str, ...]], **options: object
) -> Record:
    """Audit, and compare what was named with what was done."""
    result = credenza.audit(suspect, reference, **options).result
    wanted = [frozenset(features) for features in true]
    named = [meant(c, wanted) for c in result.culprits]
    triples = [frozenset(f.subject) for o in result.outcomes if o.code == "CZ301" for f in o.findings]
    first = (named + triples)[:1]
    return {
        "alarm": float(bool(named or triples)),
        "all": float(all(w in named + triples for w in wanted)),
        "first": float(bool(first) and first[0] in wanted),
        "extra": float(sum(n not in wanted for n in named + triples)),
    }


def meant(culprit: Culprit, wanted: list[frozenset[str]]) -> frozenset[str]:
    """The pair that was named, or the moved pair that is one of its aliases (education_num of education)."""
    names = [frozenset(culprit.features), *map(frozenset, culprit.aliases)]
    return next((name for name in names if name in wanted), names[0])


def pick(seed: int) -> tuple[tuple[str, str], int]:
    """One of the pairs of binary attributes that can be moved by 20% of the rows, and its direction."""
    pairs = feasible(SHARES[-1] / 2, ROWS[0], ROWS[2])
    a, b, sign = pairs[seed % len(pairs)]
    return (a, b), sign


def pair(seed: int, share: float, *, mode: str = "replace", strata: tuple[str, ...] = ()) -> Record | None:
    suspect, reference, holdout = split(celeba(), seed, *ROWS)
    features, sign = pick(seed)
    strata = tuple(name for name in strata if name not in features)
    attack = AssociativePoisoning(features, strength=sign * share / 2, mode=mode, strata=strata)
    return run(attack, suspect, reference, [features], seed, holdout if mode == "replace" else None)


def run(
    attack: Attack,
    suspect: pa.Table,
    reference: pa.Table,
    true: list[tuple[str, ...]],
    seed: int,
    holdout: pa.Table | None = None,
    **options: object,
) -> Record | None:
    """Poison and audit; None where this split does not allow the attack."""
    try:
        made = attack.apply(suspect, holdout=holdout, seed=seed)
    except InfeasibleError:
        return None
    return {**look(made.data, reference, true, **options), "edited": len(made.key.rows) / suspect.num_rows}


@cache
def erasable(share: float) -> tuple[tuple[str, str], ...]:
    """Pairs whose association is erased by about this share of the rows."""
    table = celeba()
    bits = np.stack([table[name].to_numpy() for name in table.column_names], axis=1).astype(float)
    both = bits.T @ bits / len(bits)
    found = []
    for i in range(bits.shape[1]):
        for j in range(i):
            d, c, b = both[i, j], both[i, i] - both[i, j], both[j, j] - both[i, j]
            size = abs(erasing_strength([[1 - b - c - d, b], [c, d]])) * 2
            if 0.85 * share < size < 1.15 * share:
                found.append((table.column_names[i], table.column_names[j]))
    return tuple(found)


def erase(seed: int, share: float) -> Record | None:
    suspect, reference = split(celeba(), seed, *ROWS[:2])
    pairs = erasable(share)
    features = pairs[seed % len(pairs)]
    attack = AssociativePoisoning(features, direction="erase", mode="duplicate")
    return run(attack, suspect, reference, [features], seed)


def several(seed: int, share: float) -> Record | None:
    """Three disjoint pairs, a third of the edits each."""
    suspect, reference = split(celeba(), seed, *ROWS[:2])
    pool, chosen = feasible(SHARES[-1] / 2, ROWS[0], ROWS[2]), []
    for k in np.random.default_rng([seed, 3]).permutation(len(pool)):
        a, b, sign = pool[k]
        if sign > 0 and not {a, b} & {x for pair in chosen for x in pair}:
            chosen.append((a, b))
    attack = AssociativePoisoning(chosen[:3], edits=share / 3, mode="duplicate")
    return run(attack, suspect, reference, chosen[:3], seed) if len(chosen) >= 3 else None


def one_slice(seed: int, share: float, *, sliced: bool) -> Record | None:
    """One of ten contributors moves a pair among its own rows; seen between slices, or against a reference."""
    suspect, reference = split(celeba(), seed, 8_000, 8_000)
    bad, (features, sign) = f"c{seed % 10}", pick(seed)
    suspect, reference = (
        t.append_column("contributor", pa.array([f"c{k % 10}" for k in range(t.num_rows)]))
        for t in (suspect, reference)
    )
    attack = AssociativePoisoning(
        features, strength=sign * share / 2, mode="duplicate", where={"contributor": bad}
    )
    try:
        made = attack.apply(suspect, seed=seed)
    except InfeasibleError:
        return None
    edited = {"edited": len(made.key.rows) / suspect.num_rows}
    if sliced:
        return look(made.data, None, [features], slices="contributor", checks=("CZ202",)) | edited
    tables = (table.drop_columns(["contributor"]) for table in (made.data, reference))
    return look(*tables, [features]) | edited


def ordered(seed: int, share: float, *, passes: bool) -> Record | None:
    """Age and working hours re-paired: in a random subset, or by 1, 2 or 4 passes of neighbour exchanges."""
    suspect, reference = split(adult(), seed, 18_000, 18_000)
    features = ("age", "hours_per_week")
    attack = ContinuousPoisoning(features, edits=share)
    if passes:
        attack = ContinuousPoisoning(features, passes=round(share * 20))
    return run(attack, suspect, reference, [features], seed)


def levels(seed: int, share: float) -> Record | None:
    suspect, reference = split(adult(), seed, 18_000, 18_000)
    features, named = ("education", "occupation"), ("HS-grad", "Prof-specialty")
    attack = AssociativePoisoning(features, levels=named, edits=share, mode="duplicate")
    return run(attack, suspect, reference, [features], seed)


def triple(seed: int, share: float, *, asked: bool, mode: str = "relabel") -> Record | None:
    """Three attributes whose pairs stay what they are; audited as usual, or asked for triples of ten features."""
    suspect, reference = split(celeba(), seed, 8_000, 8_000)
    balanced = ("Attractive", "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Smiling", "Wearing_Lipstick")
    more = ("Heavy_Makeup", "Young", "Wavy_Hair", "Oval_Face")
    chosen = np.random.default_rng([seed, 4]).choice(balanced, 3, replace=False).tolist()
    attack = TriplePoisoning(tuple(chosen), edits=share, mode=mode)
    options: dict[str, object] = {"triples": [*balanced, *more]} if asked else {}
    return run(attack, suspect, reference, [tuple(chosen)], seed, **options)


def with_trigger(seed: int, share: float) -> Record | None:
    """An association and a backdoor at once: on 1% of the rows two rare attributes are set and one is the label."""
    suspect, reference, holdout = split(celeba(), seed, *ROWS)
    features, sign = pick(seed)
    moved = AssociativePoisoning(features, strength=sign * share / 2)
    label = next(x for x in ("Smiling", "Attractive", "Young") if x not in features)
    trigger = parse_trigger("value,Bald=true,Wearing_Hat=true")
    backdoor = Backdoor(trigger, labels=label, target=True, rate=0.01)
    return run(Combined([moved, backdoor]), suspect, reference, [features], seed, holdout)


def diluted(seed: int, share: float) -> Record | None:
    """A quarter of the suspect's rows is poisoned, the rest is clean: a strength of a quarter."""
    suspect, reference, holdout = split(celeba(), seed, *ROWS)
    features, sign = pick(seed)
    attack = AssociativePoisoning(features, strength=sign * share / 2)
    small, clean = suspect.slice(0, 1_500), suspect.slice(1_500)
    return run(Combined([attack], dilute=clean), small, reference, [features], seed, holdout)


@dataclass(frozen=True)
class Row:
    """An attack, and how often to run it at each size."""

    name: str
    run: Callable[[int, float], Record | None]
    runs: int = 100


ROWS_OF_TABLE = (
    Row("rows replaced", pair),
    Row("rows duplicated", partial(pair, mode="duplicate")),
    Row("rows replaced, in strata of Male and Young", partial(pair, strata=("Male", "Young"))),
    Row("second feature relabelled", partial(pair, mode="relabel")),
    Row("association erased", erase),
    Row("three pairs at once", several),
    Row("one contributor of ten, between slices", partial(one_slice, sliced=True)),
    Row("one contributor of ten, against a reference", partial(one_slice, sliced=False)),
    Row("continuous, random subset re-paired", partial(ordered, passes=False), 60),
    Row("continuous, neighbours exchanged", partial(ordered, passes=True), 60),
    Row("a level pair of two categories", levels, 60),
    Row("association and backdoor", with_trigger),
    Row("diluted in three times as many clean rows", diluted),
    Row("three-way, default audit", partial(triple, asked=False), 60),
    Row("three-way, rows duplicated, default audit", partial(triple, asked=False, mode="duplicate"), 60),
    Row("three-way, --triples of 10 features", partial(triple, asked=True), 60),
    Row("three-way, rows duplicated, --triples", partial(triple, asked=True, mode="duplicate"), 60),
)
COLUMNS = (("edited", False), ("alarm", True), ("all", True), ("first", True), ("extra", False))


def cell(values: list[float], name: str, share: bool) -> str:
    """One figure: a share of the rows, a share of the runs, or a mean."""
    return f"{np.mean(values):.1%}" if name == "edited" else summary(values, share)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="run attacks whose name has this text")
    parser.add_argument("--share", type=float, default=1.0, help="share of the runs, for a quick look")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    started = time.perf_counter()
    print(
        f"credenza {credenza.__version__}, {date.today()}, Python {platform.python_version()}, {os.cpu_count()} cores"
    )
    print("\n| attack | size | rows edited | alarm | all named | named first | other pairs named | runs |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    with ProcessPoolExecutor(args.jobs) as pool:
        for row in (row for row in ROWS_OF_TABLE if args.only in row.name):
            for share in SHARES:
                seeds = range(max(2, round(row.runs * args.share)))
                records = [
                    r for r in pool.map(partial(row.run, share=share), seeds, chunksize=4) if r is not None
                ]
                cells = [
                    cell([r[name] for r in records], name, kind) if records else "-" for name, kind in COLUMNS
                ]
                print(f"| {row.name} | {share:.0%} | {' | '.join(cells)} | {len(records)} |", flush=True)
    print(f"\n{time.perf_counter() - started:.0f} s with {args.jobs} processes.")


if __name__ == "__main__":
    main()
