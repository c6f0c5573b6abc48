"""Replaced rows under every check of single rows. Run: python benchmarks/replacement_ceiling.py.

Faces drawn from rows of CelebA's attributes (16 pixels); two attributes are tied by putting genuine rows of a hold-out,
with their own faces, in place of others (mode replace). One of the two is the label; embeddings are principal
components of the pixels. Printed is how many of the replaced rows each check's scores catch when 5% of the others are
caught, beside what the best filter could: a replaced row is drawn from its cell as the genuine ones are, so no score
tells them apart there, and what is left is to pick a cell. With a share d' of the other rows in the smaller of the
two cells that are filled up, each of which takes half of the replaced rows, a filter that catches 5% of the others
catches .05 / (2 d').
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import partial

import numpy as np
import pyarrow as pa
from content_links import components
from tables import celeba, split

import credenza
from credenza.attacks import AssociativePoisoning
from credenza.checks.samples.combine import detection_ceiling
from credenza.studies.faces import from_rows, render

SIZE, PIXELS, RUNS, FALSE = 2_000, 16, 20, 0.05
PAIRS = (
    ("Mouth_Slightly_Open", "Wearing_Lipstick"),
    ("Smiling", "Wearing_Lipstick"),
    ("Wearing_Earrings", "Smiling"),
)
CODES = ("CZ003", "CZ401", "CZ402", "CZ403", "CZ404", "CZ405")
NAMES = ("near-duplicates", "labels", "losses", "spectral signature", "clusters", "robust outliers")
Record = dict[str, float]


def caught(scores: np.ndarray, bad: np.ndarray) -> float:
    """The share of the bad rows above the threshold that 5% of the others are above; ties count in part."""
    scores = np.where(np.isnan(scores), -np.inf, scores)
    levels = np.unique(scores)[::-1]
    place = np.searchsorted(-levels, -scores)
    true = np.cumsum(np.bincount(place[bad], minlength=len(levels))) / bad.sum()
    false = np.cumsum(np.bincount(place[~bad], minlength=len(levels))) / (~bad).sum()
    return float(np.interp(FALSE, np.concatenate([[0.0], false]), np.concatenate([[0.0], true])))


def ceiling(first: np.ndarray, second: np.ndarray, bad: np.ndarray) -> float:
    """What the best filter of single rows catches."""
    least = min((first & second & ~bad).mean(), (~first & ~second & ~bad).mean())
    return detection_ceiling(bad.mean() / 2, least, FALSE)


def run(seed: int, *, edits: float) -> Record:
    """Replace rows, audit, and look how the replaced ones rank."""
    pair = PAIRS[seed % len(PAIRS)]
    tables = split(celeba(), seed, SIZE, SIZE)
    tables = [
        from_rows(part).append_column("face", pa.array(np.arange(k * SIZE, (k + 1) * SIZE)))
        for k, part in enumerate(tables)
    ]
    made = AssociativePoisoning(pair, edits=edits).apply(tables[0], holdout=tables[1], seed=seed)
    rows, face = made.data.drop_columns(["face"]), made.data["face"].to_numpy()
    pixels = render(rows, size=PIXELS, seed=seed, index=face).reshape(SIZE, -1).astype(np.float32)
    bad = face >= SIZE
    result = credenza.audit(
        rows, labels=pair[1], embeddings=components(pixels / 255.0), checks=CODES, seed=seed
    ).result
    scores = {outcome.code: outcome.scores for outcome in result.outcomes if outcome.scores is not None}
    record = {code: caught(values, bad) for code, values in scores.items()}
    if result.rows is not None and result.rows.combined is not None:
        record["combined"] = caught(result.rows.combined, bad)
    first, second = (rows[name].to_numpy(zero_copy_only=False).astype(bool) for name in pair)
    return record | {"ceiling": ceiling(first, second, bad)}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    started = time.perf_counter()
    print(
        f"credenza {credenza.__version__}, {date.today()}, Python {platform.python_version()}, {os.cpu_count()} cores"
    )
    print(
        f"{SIZE:,} faces of {PIXELS} pixels, seeds 0, 1, ...; share of replaced rows caught at 5% false alarms"
    )
    print("\n| rows edited | " + " | ".join((*NAMES, "combined", "best filter", "runs")) + " |")
    print("|" + "---|" * (len(NAMES) + 4), flush=True)
    with ProcessPoolExecutor(args.jobs) as pool:
        for edits in (0.1, 0.2):
            records = list(pool.map(partial(run, edits=edits), range(args.runs)))
            cells = []
            for name in (*CODES, "combined", "ceiling"):
                found = [record[name] for record in records if name in record]
                cells.append(
                    f"{np.mean(found):.1%} ± {1.96 * np.std(found) / len(found) ** 0.5:.1%}" if found else "-"
                )
            print(f"| {edits:.0%} | {' | '.join(cells)} | {len(records)} |", flush=True)
    print(f"\n{time.perf_counter() - started:.0f} s with {args.jobs} processes.")


if __name__ == "__main__":
    main()
