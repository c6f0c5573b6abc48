"""Jumps of checkpoints found, and poisoners named. Run: python benchmarks/differential.py

Simulated checkpoints (a share of all rows turns in each step, by chance), models that are trained anew, and
contributors who flip labels. Printed are shares of runs with 95% Wilson intervals.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from datetime import date
from functools import cache

import numpy as np
import pyarrow as pa
from detection import summary
from tables import adult

import credenza
from credenza.checks.batches.doubt import class_chances
from credenza.checks.checkpoint_jumps import SURE
from credenza.checks.checkpoints.jumps import Jump, find_jumps
from credenza.checks.checkpoints.predictions import FEW, Predictions
from credenza.checks.checkpoints.units import families
from credenza.data import open_source
from credenza.models.embedding.table import TableMaker
from credenza.report.blaming import leave_one_out

ROWS, CLASSES, JUMPER = 4_000, 10, 3  # test rows of the simulation
WINDOW, NEW, TEST = 3_000, 300, 4_000  # rows of a checkpoint of adult_census, of them new, and test rows
CONTRIBUTORS, EACH = 10, 300
FIRST = 1_000  # seed; thresholds were chosen on lower ones
LABEL, VICTIM, TARGET = "relationship", "Own-child", "Not-in-family"


def jumps_of(predicted: list[np.ndarray], truth: np.ndarray, classes: int) -> tuple[Jump, ...]:
    names = tuple(f"checkpoint {t}" for t in range(len(predicted)))
    given = Predictions(names, tuple(map(str, range(classes))), truth, np.array(predicted))
    return find_jumps(families(given), given.options)[0]


def simulated(
    seed: int, *, checkpoints: int, churn: float, jump: float, target: bool = False
) -> tuple[bool, bool]:
    """(the class was named in its step, anything was raised in another step)."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(CLASSES), ROWS // CLASSES)
    now = np.where(rng.random(ROWS) < 0.9, truth, (truth + rng.integers(1, CLASSES, ROWS)) % CLASSES)
    out, when = [now], (checkpoints - 1) // 2
    for step in range(checkpoints - 1):
        now, right = now.copy(), now == truth
        other = (truth + rng.integers(1, CLASSES, ROWS)) % CLASSES
        turned = rng.random(ROWS) < np.where(right, churn / 1.8, churn / 0.2)
        now[turned] = np.where(right, other, truth)[turned]
        if step == when and jump:
            own = rng.permutation(np.flatnonzero((truth == JUMPER) & (now == truth)))
            own = own[: round(jump * ROWS / CLASSES)]
            now[own] = (JUMPER + 1) % CLASSES if target else other[own]
        out.append(now)
    found = jumps_of(out, truth, CLASSES)
    found = tuple(j for j in found if checkpoints >= FEW or j.kind in SURE)
    named = any(j.kind == "class" and j.subject == (str(JUMPER),) and j.step == when for j in found)
    return named, any(j.step != when for j in found) if jump else bool(found)


@cache
def encoded(label: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Encoded columns of adult_census without the label, codes of the label, and its classes."""
    names, codes = np.unique(np.array(adult()[label].to_pylist()), return_inverse=True)
    rows = TableMaker(open_source(adult()), without=(label, "fnlwgt")).first().values
    return rows.astype(np.float64), codes, tuple(map(str, names))


@cache
def window(seed: int, t: int, flips: float) -> tuple[np.ndarray, np.ndarray]:
    """Predictions for the test rows by a logistic regression on the t-th window, and the test rows' classes."""
    rows, codes, names = encoded(LABEL)
    order = np.random.default_rng([seed, 8]).permutation(len(codes))
    test, rest = order[:TEST], order[TEST:]
    learnt = rest[t * NEW : t * NEW + WINDOW]
    labels = codes[learnt].copy()
    own, to = names.index(VICTIM), names.index(TARGET)
    picked = np.random.default_rng([seed, 9]).permutation(np.flatnonzero(labels == own))
    labels[picked[: round(flips * len(picked))]] = to
    return class_chances(rows[learnt], labels, rows[test], len(names), 1.0).argmax(axis=1), codes[test]


def retrained(seed: int, *, checkpoints: int, flips: float) -> tuple[bool, bool, float]:
    """A window that moves over the rows; in the last one, labels of one class are flipped.

    (the class was named in the last step, anything was raised in another step or without flips, points it fell by).
    """
    names, last = encoded(LABEL)[2], checkpoints - 1
    own = names.index(VICTIM)
    made = [window(seed, t, flips if t == last else 0.0) for t in range(checkpoints)]
    predicted, truth = [one for one, _ in made], made[0][1]
    found = jumps_of(predicted, truth, len(names))
    found = tuple(j for j in found if checkpoints >= FEW or j.kind in SURE)
    recall = [float((p[truth == own] == own).mean()) for p in predicted[-2:]]
    named = any(j.kind == "class" and j.subject == (str(own),) and j.step == last - 1 for j in found)
    others = any(j.step != last - 1 for j in found) if flips else bool(found)
    return named, others, 100 * (recall[1] - recall[0])


def gaussian(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of eight columns in three classes whose means lie in a triangle."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 3, n)
    means = np.zeros((3, 8))
    means[np.arange(3), np.arange(3)] = 2.0
    return means[codes] + rng.normal(size=(n, 8)), codes


def blamed(seed: int, *, data: str, share: float | None, model: str, parts: int) -> tuple[bool, bool]:
    """(only the poisoner was named, somebody else was named); a share of None draws one from 20 to 50%."""
    rng = np.random.default_rng([seed, 9])
    n = CONTRIBUTORS * EACH
    if data == "adult":
        order = rng.permutation(adult().num_rows)[: n + 2_000]
        table = adult().drop_columns(["fnlwgt"]).take(order)
        label = "income"
    else:
        x, y = gaussian(seed, n + 2_000)
        table = pa.table({**{f"x{k}": x[:, k] for k in range(8)}, "kind": y})
        label = "kind"
    labels = np.array(table[label].to_pylist())
    names = np.unique(labels)
    codes = np.searchsorted(names, labels)
    owners = np.repeat([f"c{j}" for j in range(CONTRIBUTORS)], EACH)
    culprit = f"c{seed % CONTRIBUTORS}"
    share = float(rng.uniform(0.2, 0.5)) if share is None else share
    own = rng.permutation(np.flatnonzero(owners == culprit))[: round(share * EACH)]
    codes[own] = (codes[own] + rng.integers(1, len(names), len(own))) % len(names)
    place = table.column_names.index(label)
    train = table.set_column(place, label, pa.array(names[codes].tolist()))[:n].append_column(
        "who", pa.array(owners)
    )
    test = table.set_column(place, label, pa.array(labels.tolist()))[n:]
    found = leave_one_out(train, slices="who", labels=label, test=test, model=model, parts=parts, seed=seed)
    who = {finding.subject[0] for finding in found.outcomes[0].findings}
    return who == {culprit}, bool(who - {culprit} if share else who)


def told(values: list[bool]) -> str:
    return summary([float(v) for v in values], share=True)


def simulations(share: float) -> None:
    print("\n### Simulated checkpoints: 4,000 test rows, 10 classes, 90% right\n\n"
          "| checkpoints | rows that turn in a step | jump of 5 points named | of them to one class | alarms in other "
          "steps | no change: false alarms | runs |\n|---|---|---|---|---|---|---|")  # fmt: skip
    runs = range(FIRST, FIRST + max(4, round(200 * share)))
    for checkpoints in (2, 6):
        for churn in (0.005, 0.01, 0.02):

            def run(
                jump: float, target: bool = False, c: int = checkpoints, h: float = churn
            ) -> list[tuple[bool, bool]]:
                return [simulated(s, checkpoints=c, churn=h, jump=jump, target=target) for s in runs]

            any_class, one, none = run(0.05), run(0.05, True), run(0.0)
            print(f"| {checkpoints} | {churn:.1%} | {told([a for a, _ in any_class])} | {told([a for a, _ in one])} | "
                  f"{told([b for _, b in any_class + one])} | {told([b for _, b in none])} | {len(runs)} |",
                  flush=True)  # fmt: skip


def retrainings(share: float) -> None:
    print("\n### Models trained anew: adult_census, relationship (6 classes), logistic regression\n\n"
          "| checkpoints | labels of Own-child flipped in the last | its recall falls by, points | named | "
          "other alarms | runs |\n|---|---|---|---|---|---|")  # fmt: skip
    runs = range(FIRST, FIRST + max(2, round(30 * share)))
    for checkpoints in (2, 6):
        for flips in (0.0, 0.3, 0.4):
            found = [retrained(s, checkpoints=checkpoints, flips=flips) for s in runs]
            fall = -np.mean([f for _, _, f in found])
            named = told([a for a, _, _ in found]) if flips else ""
            others = told([b for _, b, _ in found])
            print(
                f"| {checkpoints} | {flips:.0%} | {fall:.1f} | {named} | {others} | {len(runs)} |", flush=True
            )


def contributors(share: float) -> None:
    print("\n### Leave one contributor out: 10 contributors of 300 rows, 2,000 test rows\n\n"
          "| data | model | labels flipped by one | he alone is named | somebody else is named | runs |\n"
          "|---|---|---|---|---|---|")  # fmt: skip
    plan: tuple[tuple[str, str, int, float | None, int], ...] = (
        ("gaussian", "logistic", 20, None, 60),
        ("gaussian", "logistic", 20, 0.2, 60),
        ("gaussian", "logistic", 20, 0.0, 100),
        ("adult", "logistic", 12, None, 30),
        ("adult", "logistic", 12, 0.2, 20),
        ("adult", "logistic", 12, 0.0, 30),
        ("adult", "boosting", 10, None, 30),
        ("adult", "boosting", 10, 0.0, 20),
    )
    for data, model, parts, flips, many in plan:
        runs = range(FIRST, FIRST + max(2, round(many * share)))
        found = [blamed(s, data=data, share=flips, model=model, parts=parts) for s in runs]
        named = told([a for a, _ in found]) if flips != 0 else ""
        what = "20-50%" if flips is None else f"{flips:.0%}"
        print(
            f"| {data} | {model} | {what} | {named} | {told([b for _, b in found])} | {len(runs)} |",
            flush=True,
        )


PARTS: dict[str, Callable[[float], None]] = {
    "simulations": simulations,
    "retrainings": retrainings,
    "contributors": contributors,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, help="run one part")
    parser.add_argument("--share", type=float, default=1.0, help="share of the runs, for a quick look")
    args = parser.parse_args()
    started = time.process_time()
    print(f"credenza {credenza.__version__}, {date.today()}, Python {platform.python_version()}, numpy "
          f"{np.__version__}, {os.cpu_count()} cores; seeds from {FIRST:,}")  # fmt: skip
    for name, part in PARTS.items():
        if args.only in (None, name):
            part(args.share)
    print(f"\n{time.process_time() - started:.0f} s of processor time.")


if __name__ == "__main__":
    main()
